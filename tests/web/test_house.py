"""Expenses, notices, settings and jobs on the office's screens."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest
from PIL import Image

from shopnode.domain.expenses.models import Expense, ExpenseBudget, RecurringExpense
from shopnode.domain.jobs.running import JobRunner
from shopnode.domain.numbers import Document
from shopnode.domain.series import NAMES
from shopnode.domain.settings.groups import GROUPS
from shopnode.domain.settings.models import Setting
from shopnode.domain.settings.queries import number_setting, text_setting
from tests.domain.test_expenses import ask, open_drawer
from tests.shop import Shop
from tests.web.conftest import Browser, words

FORM = {
    "category": "Meals", "description": "Water for the shop", "amount": "12,000", "payment_method": "cash",
    "expense_date": "2026-09-21",
}  # fmt: skip


def test_staff_ask_an_owner_decides_and_it_is_paid(sarah: Browser, aisha: Browser, shop: Shop) -> None:
    open_drawer(shop)
    answer = aisha.post("/expenses", **FORM)
    page = answer.headers["Location"].partition("?")[0]
    told = words(aisha.get(answer.headers["Location"]))
    assert "An owner is told and decides" in told and "Approve" not in told
    assert "Meals Water for the shop KLA1-E000001" in words(aisha.get("/expenses"))

    refused = sarah.post(f"{page}/reject", reason="")
    assert refused.status_code == 422 and "is needed" in words(refused).lower()
    assert sarah.post(f"{page}/approve").status_code == 303
    assert "To pay" in words(sarah.get(page))
    assert aisha.post(f"{page}/pay", method="cash").status_code == 303
    assert shop.rows(Expense)[0].paid_by == shop.cashier.id
    assert "Paid" in words(sarah.get("/expenses?state=Paid"))


def test_nothing_typed_is_lost_when_an_expense_is_refused(aisha: Browser) -> None:
    answer = aisha.post("/expenses", **{**FORM, "amount": "a lot"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Water for the shop" in text and "a lot" in text
    assert "must be an amount" in text.lower()


def test_a_receipt_is_chosen_and_shown(aisha: Browser, shop: Shop) -> None:
    file = io.BytesIO()
    Image.new("RGB", (30, 30), "white").save(file, "PNG")
    file.seek(0)
    answer = aisha.post("/expenses", **FORM, receipt=(file, "receipt.png"))
    page = answer.headers["Location"].partition("?")[0]
    name = shop.rows(Expense)[0].photo
    assert f"{page}/receipt/{name}" in aisha.get(page).get_data(as_text=True)
    assert aisha.get(f"{page}/receipt/{name}").content_type == "image/webp"
    assert aisha.get(f"{page}/receipt/{'0' * 64}").status_code == 404


def test_an_owner_plans_budgets_and_what_comes_again(sarah: Browser, brian: Browser, shop: Shop) -> None:
    sarah.post("/expenses/budgets", category="Meals", month_amount="20,000")
    assert shop.rows(ExpenseBudget)[0].month_minor == 20_000
    form = {"category": "Rent", "description": "Kampala Road", "amount": "900,000", "day_of_month": "25"}
    wrong = sarah.post("/expenses/recurring", **{**form, "day_of_month": "31"})
    assert wrong.status_code == 422 and "Kampala Road" in wrong.get_data(as_text=True)
    sarah.post("/expenses/recurring", **form)
    told = words(brian.get("/expenses/plan"))
    assert "On day 25" in told and "20,000" in told and "Set a budget" not in told
    assert brian.post("/expenses/budgets", category="Meals", month_amount="1").status_code == 403
    (rent,) = shop.rows(RecurringExpense)
    sarah.post(f"/expenses/recurring/{rent.id}/end")
    assert "Nothing comes again" in words(sarah.get("/expenses/plan"))


def test_the_badge_counts_and_a_notice_leads_to_what_it_is_about(sarah: Browser, aisha: Browser, shop: Shop) -> None:
    expense_id = ask(shop)
    assert "No new notices" in words(sarah.get("/notices/badge"))
    JobRunner(shop.home).run_due()
    assert "1 new notice" in words(sarah.get("/notices/badge"))
    assert "1 new notice" in words(sarah.get("/expenses"))
    page = sarah.get("/notices").get_data(as_text=True)
    assert "Aisha asks for 12,000: Meals" in page
    address = page.partition('href="/notices/')[2].partition('"')[0]
    answer = sarah.get(f"/notices/{address}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/expenses/{expense_id}")
    assert "No new notices" in words(sarah.get("/notices/badge"))
    assert aisha.get(f"/notices/{address}").status_code == 404
    assert sarah.post("/notices/read").status_code == 303


def test_every_group_of_settings_is_saved_as_it_is_shown(sarah: Browser, shop: Shop) -> None:
    """Saving what is shown changes nothing: every field reads what it writes."""
    for group in GROUPS:
        text = sarah.get(f"/settings?group={group.key}").get_data(as_text=True)
        fields = form_of(text)
        assert sarah.post(f"/settings/{group.key}", **fields).status_code == 303
    assert [row.key for row in shop.rows(Setting)] == []


def test_settings_are_typed_as_people_say_them(sarah: Browser, shop: Shop) -> None:
    fields = form_of(sarah.get("/settings?group=selling").get_data(as_text=True))
    sarah.post("/settings/selling", **{**fields, "discount_limit_staff_bp": "7.5"})
    sarah.post("/settings/receipts", receipt_header="Best phones", receipt_thanks="Webale", receipt_copies_staff="2")
    with shop.home.reading() as session:
        assert number_setting(session, "discount_limit_staff_bp") == 750
        assert text_setting(session, "receipt_thanks") == "Webale"
    wrong = sarah.post("/settings/selling", **{**fields, "discount_limit_staff_bp": "many"})
    assert wrong.status_code == 422 and 'value="many"' in wrong.get_data(as_text=True)
    assert "must be a whole number" in words(wrong).lower()
    sarah.post("/settings/notices", notice_low_stock_roles=["Staff"], notice_low_stock_channels=[])
    with shop.home.reading() as session:
        assert text_setting(session, "notice_low_stock_roles") == "Staff"
        assert text_setting(session, "notice_low_stock_channels") == ""


def test_shop_and_business_are_changed_on_the_first_page(sarah: Browser, shop: Shop) -> None:
    place = shop.home.shop_id
    sarah.post("/settings/business", name="Kisura Phones Ltd", phone="", tax_id="1000123456")
    sarah.post(f"/settings/shops/{place}", name="Kampala Road", timezone="Africa/Kampala", vat_rate_bp="18")
    text = sarah.get("/settings").get_data(as_text=True)
    assert 'value="Kisura Phones Ltd"' in text and 'value="18"' in text
    wrong = sarah.post(f"/settings/shops/{place}", name="", timezone="Mars", vat_rate_bp="x")
    assert wrong.status_code == 422 and 'value="Mars"' in wrong.get_data(as_text=True)


def test_jobs_say_how_they_went(sarah: Browser, shop: Shop) -> None:
    assert "Not yet" in words(sarah.get("/jobs"))
    JobRunner(shop.home).run_due()
    told = words(sarah.get("/jobs"))
    assert "Compares stock with its movements Every night" in told and "Done" in told


@pytest.mark.parametrize("page", ["/settings", "/jobs", "/expenses/plan"])
def test_what_is_the_owners_is_shut_to_staff(aisha: Browser, page: str) -> None:
    assert aisha.get(page).status_code == 403


def form_of(text: str) -> dict[str, object]:
    """What a browser would post of the settings' form as it stands."""
    main = text.partition('<div class="narrow')[2].partition("</form>")[0]
    fields: dict[str, object] = {}
    for tag in re.findall(r"<input[^>]*>", main):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or name[1] == "action_id":
            continue
        if 'type="checkbox"' in tag:
            if "checked" in tag:
                held = fields.setdefault(name[1], [])
                assert isinstance(held, list) and value is not None
                held.append(value[1])
            continue
        fields[name[1]] = unescape(value[1]) if value else ""
    for name_text, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', main, re.S):
        fields[name_text] = unescape(body)
    for name_text, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', main, re.S):
        chosen = re.search(r'value="([^"]*)" selected', body)
        fields[name_text] = chosen[1] if chosen else ""
    return fields


def test_the_numbers_of_this_computer_are_shown_and_none_is_given_by_looking(sarah: Browser, shop: Shop) -> None:
    ask(shop)
    text = words(sarah.get("/settings?group=numbers"))
    assert "Receipts None yet KLA1-000001" in text and "Expenses KLA1-E000001 KLA1-E000002" in text
    assert words(sarah.get("/settings?group=numbers")) == text


def test_every_kind_of_document_has_its_series() -> None:
    assert set(NAMES) == set(Document)
