"""Days, Z reports and cash slips on the office's screens: what each shows, and what each person may decide there."""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import load_workbook

from shopnode.domain.cash.models import DrawerSession, MoneyMove
from shopnode.domain.closures.models import BankConfirmation, DayClosure, ZReport
from shopnode.domain.closures.queries import closure_view
from shopnode.domain.commissions.models import StaffEntry
from shopnode.domain.jobs.running import JobRunner
from shopnode.domain.permissions import Role
from shopnode.domain.printing.models import PrintJob
from tests.api.test_counter_calls import statements
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, words
from tests.web.goods import stock_up

DAY = "2026-09-21"


@pytest.fixture
def drawer(shop: Shop) -> str:
    """A sale of 8,000 in the open drawer of 50,000, paid half by MTN."""
    goods = stock_up(shop)
    pay = [{"method": "cash", "amount": 5_000}, {"method": "mtn_momo", "amount": 3_000, "reference": "27183141592"}]
    shop.do("sales.sell", items=[{"product_id": goods.cable}], payments=pay, role=Role.STAFF)
    (row,) = shop.rows(DrawerSession)
    return row.id


def close(shop: Shop, counted: int = 55_000, mtn: int = 3_000) -> ZReport:
    wallets = [{"tender": "mtn_momo", "amount": mtn}]
    shop.do("cash.close_drawer", counted=counted, wallets=wallets, role=Role.STAFF)
    return shop.rows(ZReport)[-1]


def submit(shop: Shop, role: Role = Role.STAFF) -> str:
    made: str = shop.do("closures.submit", business_on=DAY, notes="quiet", role=role)["closure_id"]
    return made


def status(shop: Shop, closure: str) -> str:
    with shop.reading() as ctx:
        return closure_view(ctx, closure).status.value


def test_a_day_is_submitted_looked_through_approved_and_locked(
    aisha: Browser, brian: Browser, sarah: Browser, shop: Shop, drawer: str
) -> None:
    assert "No days here" in words(brian.get("/closures"))
    close(shop, 54_000)
    assert "was not submitted yet" in words(aisha.get("/closures"))
    answer = aisha.post("/closures", business_on=DAY)
    page = answer.headers["Location"]
    told = words(aisha.get(page))
    assert "Missing UGX 1,000" in told and "To decide" in told and "KLA1-Z000001" in told
    assert "Cash expected 5,000 counted 4,000 −1,000" in told
    assert f"{page}/approve" not in aisha.get(page).get_data(as_text=True)  # staff decide nothing
    assert aisha.post(f"{page}/approve").status_code == 403

    assert brian.post(f"{page}/review", reason="all slips there").status_code == 303
    told = words(sarah.get(page))
    assert "Looked through" in told and "Brian looked it through" in told and "all slips there" in told
    assert sarah.post(f"{page}/approve").status_code == 303
    assert sarah.post(f"{page}/lock").status_code == 303
    told = words(sarah.get("/closures?state=locked"))
    assert "Locked" in told and "−1,000" in told
    assert "None of this choice" in words(sarah.get("/closures?state=waiting"))
    again = sarah.post(f"{page}/approve")
    assert again.status_code == 409 and "this cannot follow" in words(again)


def test_rule_89_another_decides_ones_own_day_and_the_page_says_so(brian: Browser, shop: Shop, drawer: str) -> None:
    close(shop)
    page = f"/closures/{submit(shop, Role.SUPERVISOR)}"
    answer = brian.get(page)
    assert "You submitted this day. Another person decides" in words(answer)
    assert f"{page}/approve" not in answer.get_data(as_text=True)
    for verb in ("review", "approve", "reject", "lock"):
        refused = brian.post(f"{page}/{verb}", reason="my own day")
        assert refused.status_code in (403, 409) and "Not done" in words(refused)


def test_an_owner_takes_their_own_day_back_with_a_reason(sarah: Browser, shop: Shop, drawer: str) -> None:
    close(shop)
    closure = submit(shop, Role.OWNER)
    told = words(sarah.get(f"/closures/{closure}"))
    assert "Take it back" in told and "Reject" not in told
    refused = sarah.post(f"/closures/{closure}/withdraw", reason="")
    assert refused.status_code == 422 and status(shop, closure) == "Submitted"
    assert sarah.post(f"/closures/{closure}/withdraw", reason="another shop's drawer").status_code == 303
    told = words(sarah.get(f"/closures/{closure}"))
    assert "Rejected" in told and "another shop&#39;s drawer" in told and "Submit the day again" in told


def test_a_rejection_needs_its_reason_and_keeps_what_was_typed(sarah: Browser, shop: Shop, drawer: str) -> None:
    close(shop)
    closure = submit(shop)
    refused = sarah.post(f"/closures/{closure}/reject", reason="no")
    assert refused.status_code == 422 and ">no</textarea>" in refused.get_data(as_text=True)
    sarah.post(f"/closures/{closure}/reject", reason="the card slips are missing")
    told = words(sarah.get(f"/closures/{closure}"))
    assert "Sarah rejected the day" in told and "the card slips are missing" in told
    assert sarah.post("/closures", business_on=DAY).status_code == 303
    second = next(row for row in shop.rows(DayClosure) if row.nth == 2)
    assert "Another closure of this day took its place" in words(sarah.get(f"/closures/{closure}"))
    assert f"/closures/{second.id}" in sarah.get(f"/closures/{closure}").get_data(as_text=True)
    assert "Closure 1 Rejected" in words(sarah.get(f"/closures/{second.id}"))


def test_rule_83_a_large_difference_is_explained_on_its_z_before_the_day_is_approved(
    aisha: Browser, sarah: Browser, shop: Shop, drawer: str
) -> None:
    z_report = close(shop, 15_000)
    closure = submit(shop)
    told = words(sarah.get(f"/closures/{closure}"))
    assert "The drawer of KLA1-Z000001 is off by more than the limit" in told and "To explain" in told
    text = sarah.get(f"/closures/{closure}").get_data(as_text=True)
    assert f"{closure}/approve" not in text and f"{closure}/reject" in text
    page = f"/z-reports/{z_report.id}"
    form = {"explanation": "A note of 50,000 was given", "charge_to": shop.cashier.id or "", "charge": "10,000"}
    asked = aisha.post(f"{page}/accept", **form)
    assert asked.status_code == 403 and "Somebody else must say yes" in words(asked)
    assert 'value="A note of 50,000 was given"' in asked.get_data(as_text=True)
    said = {**form, "approver_id": shop.supervisor.id or "", "approver_pin": PINS["Brian"]}
    assert aisha.post(f"{page}/accept", **said).status_code == 303
    assert [(row.staff_id, row.amount_minor) for row in shop.rows(StaffEntry)] == [(shop.cashier.id, 10_000)]
    told = words(sarah.get(page))
    assert "Accepted by Brian" in told and "Explain the difference" not in told
    assert "accepted by Brian" in words(sarah.get(f"/closures/{closure}"))
    assert sarah.post(f"/closures/{closure}/approve").status_code == 303


def test_rule_83_a_supervisor_asks_the_owner_for_a_day_that_is_far_off(brian: Browser, shop: Shop, drawer: str) -> None:
    close(shop, 255_001)
    form = {"drawer_session_id": drawer, "explanation": "The float was put in twice"}
    shop.do("cash.accept_difference", form)
    closure = submit(shop)
    asked = brian.post(f"/closures/{closure}/approve")
    assert (
        asked.status_code == 403 and "off by 200,001" in words(asked) and "Somebody else must say yes" in words(asked)
    )
    said = {"approver_id": shop.owner.id or "", "approver_pin": PINS["Sarah"]}
    assert brian.post(f"/closures/{closure}/approve", **said).status_code == 303
    assert status(shop, closure) == "Approved"


def test_rule_84_what_came_late_is_said_and_the_day_is_submitted_again(sarah: Browser, shop: Shop, drawer: str) -> None:
    close(shop)
    closure = submit(shop)
    shop.do("closures.approve", closure_id=closure)
    shop.do("closures.lock", closure_id=closure)
    shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    shop.do("cash.close_drawer", counted=0, role=Role.STAFF)
    assert "KLA1-Z000002 came later" in words(sarah.get("/closures"))
    told = words(sarah.get(f"/closures/{closure}"))
    assert "Submit the day again" in told and "Correct what was counted wrong" not in told
    sarah.post("/closures", business_on=DAY)
    assert sorted(row.nth for row in shop.rows(DayClosure)) == [1, 2] and status(shop, closure) == "Locked"


def test_a_supervisor_corrects_what_was_counted_wrong(brian: Browser, shop: Shop, drawer: str) -> None:
    close(shop, mtn=0)
    closure = submit(shop)
    page = f"/closures/{closure}/correct"
    wrong = brian.post(page, cash_amount="5,000", mtn_amount="a lot", reason="the phone was off")
    assert wrong.status_code == 422 and "a lot" in wrong.get_data(as_text=True)
    answer = brian.post(page, cash_amount="5,000", mtn_amount="3,000", reason="the phone was off")
    assert answer.status_code == 303
    told = words(brian.get(answer.headers["Location"]))
    assert "corrected by hand" in told and "Brian corrected the day" in told and "the phone was off" in told
    second = next(row for row in shop.rows(DayClosure) if row.nth == 2)
    assert (second.variance_minor, second.mtn_minor, second.cash_minor) == (0, 3_000, 5_000)
    assert '"restated":{"mtn_minor":3000}' in second.body


def test_days_z_reports_and_slips_are_taken_as_files(sarah: Browser, shop: Shop, drawer: str) -> None:
    shop.do("cash.pay_in", amount=2_000, reason="coins", role=Role.STAFF)
    close(shop, 57_000)
    submit(shop)
    sheets = {
        name: list(load_workbook(io.BytesIO(sarah.get(f"/{name}?format=xlsx").data)).active.values)
        for name in ("closures", "z-reports", "cash-slips")
    }
    heads = {name: dict(zip(rows[0], rows[1], strict=True)) for name, rows in sheets.items()}
    assert (heads["closures"]["State"], heads["closures"]["Counted"], heads["closures"]["MTN MoMo"]) == (
        "Submitted", 10_000, 3_000,
    )  # fmt: skip
    assert (heads["z-reports"]["Z report"], heads["z-reports"]["Cash counted"]) == ("KLA1-Z000001", 57_000)
    assert (heads["cash-slips"]["Kind"], heads["cash-slips"]["Amount"]) == ("Paid in", 2_000)
    assert b"KLA1-Z000001" in sarah.get("/z-reports?format=csv").data


def test_rule_79_an_x_is_blind_for_everybody_until_the_count(sarah: Browser, shop: Shop, drawer: str) -> None:
    assert f"/x-reports/{drawer}" in sarah.get("/z-reports").get_data(as_text=True)
    told = words(sarah.get(f"/x-reports/{drawer}"))
    assert "No sums before the count" in told and "5,000" not in told and "Sales 1" in told
    before = len(shop.entries())
    shop.do("cash.count_drawer", counted=55_000, role=Role.STAFF)
    told = words(sarah.get(f"/x-reports/{drawer}"))
    assert "Cash, float included 55,000" in told and "No sums" not in told
    assert sarah.get(f"/x-reports/{drawer}/paper.pdf").content_type == "application/pdf"
    assert len(shop.entries()) == before + 1  # the count alone


def test_rule_80_a_z_is_shown_and_printed_whole_from_its_page_and_the_drawers(
    sarah: Browser, aisha: Browser, shop: Shop, drawer: str
) -> None:
    shop.do("printing.save_printer", name="Till", transport="tcp", address="192.168.1.50")
    shop.do("cash.open_without_sale", reason="change for the neighbour", role=Role.STAFF)
    z_report = close(shop, 54_000)
    told = words(sarah.get(f"/z-reports/{z_report.id}"))
    for fact in (
        "Cash, float included 54,000 expected 55,000 , off by −1,000", "MTN MoMo 3,000 expected 3,000 , agrees",
        "change for the neighbour", "Since the first Z 8,000", "Float 50,000", "First count Cash", "Difference in all",
    ):  # fmt: skip
        assert fact in told, fact
    assert sarah.get(f"/z-reports/{z_report.id}/paper.pdf").data.startswith(b"%PDF")
    at_the_drawer = aisha.get("/drawer").get_data(as_text=True)
    assert f"/slips/z_report/{z_report.id}" in at_the_drawer
    aisha.tap(f"/slips/z_report/{z_report.id}")
    assert len(shop.rows(PrintJob, subject_id=z_report.id)) == 1


def test_rule_82_a_deposit_is_confirmed_from_the_banks_statement(
    aisha: Browser, brian: Browser, shop: Shop, drawer: str
) -> None:
    shop.do("cash.drop_to_safe", amount=20_000, role=Role.STAFF)
    shop.do("cash.deposit_at_bank", amount=10_000, reference="STB-7781", role=Role.STAFF)
    move = next(row for row in shop.rows(MoneyMove) if row.kind == "bank_deposit")
    told = words(brian.get("/cash-slips"))
    assert "In the safe UGX 20,000" in told and "To confirm" in told and "Into the safe" in told
    assert "In the safe" not in words(aisha.get("/cash-slips"))
    page = f"/cash-slips/{move.id}"
    assert "A supervisor or the owner confirms it" in words(aisha.get(page))
    assert aisha.post(f"{page}/confirm", amount="10,000", confirmed_on=DAY).status_code == 403
    wrong = brian.post(f"{page}/confirm", amount="9,500", confirmed_on="2027-01-01", reference="R-1")
    assert (
        wrong.status_code == 422 and "in the future" in words(wrong) and 'value="R-1"' in wrong.get_data(as_text=True)
    )
    assert brian.post(f"{page}/confirm", amount="9,500", confirmed_on=DAY, reference="R-1").status_code == 303
    assert [row.amount_minor for row in shop.rows(BankConfirmation)] == [9_500]
    assert "500 less than was brought" in words(brian.get(page))
    assert "No slips here" in words(brian.get("/cash-slips?kind=to_confirm"))
    assert "Bank says 9,500" in words(brian.get("/cash-slips?kind=bank_deposit"))


@pytest.mark.parametrize("path", ["/closures", "/z-reports", "/cash-slips"])
def test_a_list_asks_the_books_as_often_however_long_it_is(sarah: Browser, shop: Shop, drawer: str, path: str) -> None:
    asked = []
    for day in ("2026-09-21", "2026-09-22", "2026-09-23"):
        if day != DAY:
            shop.do("cash.open_drawer", opening_float=55_000, role=Role.STAFF)
        shop.do("cash.pay_in", amount=1_000, reason="coins", role=Role.STAFF)
        shop.do("cash.close_drawer", counted=56_000, role=Role.STAFF)
        closure = shop.do("closures.submit", business_on=day, role=Role.STAFF)["closure_id"]
        shop.do("closures.approve", closure_id=closure)
        shop.clock.advance(86_400_000)
        sarah.sign_in("Sarah")
        with statements() as seen:
            assert sarah.get(path).status_code == 200
        asked.append(len(seen))
    assert asked[1] == asked[2]


def test_a_notice_of_a_day_leads_to_it(sarah: Browser, shop: Shop, drawer: str) -> None:
    close(shop, 15_000)
    closure = submit(shop)
    JobRunner(shop.home).run_due()
    found = re.findall(r'href="(/notices/[0-9a-f-]{36})"', sarah.get("/notices").get_data(as_text=True))
    places = {sarah.get(address).headers["Location"] for address in found}
    assert f"/closures/{closure}" in places and any(place.startswith("/z-reports/") for place in places)
