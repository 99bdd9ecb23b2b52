"""The office: lists with their sums, one sale, and what may be done about it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from shopnode.domain.sales.models import Payment, SaleAmendment, SaleSummary
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, words
from tests.web.goods import Goods, sell_cable, stock_up

CATALOGUE = Path(__file__).parents[2] / "shopnode/domain/demo_data/catalogue.csv"


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


def test_staff_see_their_own_sales_and_supervisors_all(
    aisha: Browser, brian: Browser, shop: Shop, goods: Goods
) -> None:
    mine, theirs = sell_cable(aisha, goods), sell_cable(brian, goods)

    assert "8,000 in 1 sale" in words(aisha.get("/sales"))
    assert "16,000 in 2 sales" in words(brian.get("/sales"))
    assert aisha.get(f"/sales/{mine}").status_code == 200
    for path in (f"/sales/{theirs}", f"/sales/{theirs}/receipt.png", f"/sales/{theirs}/receipt.pdf"):
        assert aisha.get(path).status_code == 404
    assert aisha.tap(f"/sales/{theirs}/print").status_code == 404


def test_the_list_pages_without_losing_or_repeating_a_sale(aisha: Browser, shop: Shop, goods: Goods) -> None:
    import re

    for _ in range(3):
        sell_cable(aisha, goods)
    form = {"items": [{"product_id": goods.cable}], "payments": [{"method": "cash", "amount": 8_000}]}
    for _ in range(40):
        shop.clock.advance(1_000)
        shop.do("sales.sell", form)
    sarah = Browser(aisha.client.application)
    sarah.sign_in("Sarah")
    text, seen = sarah.get("/sales").get_data(as_text=True), []
    while True:
        seen += re.findall(r"KLA1-\d{6}", re.sub(r"<[^>]*>", " ", text))
        more = re.search(r'hx-get="(/sales\?[^"]*cursor=[^"]*)"', text)
        if not more:
            break
        text = sarah.get(more.group(1).replace("&amp;", "&"), htmx=True).get_data(as_text=True)

    assert seen[:40] == [f"KLA1-{n:06d}" for n in range(43, 3, -1)]
    assert sorted(seen[40:]) == ["KLA1-000001", "KLA1-000002", "KLA1-000003"]  # sold in one moment


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("period=today", 1), ("period=yesterday", 0), ("period=all", 1), ("method=cash", 1), ("method=card", 0),
        ("status=Submitted", 1), ("status=Locked", 0), ("q=usb", 1), ("q=KLA1-000001", 1), ("q=nothing", 0),
        ("status=nonsense&method=nonsense&period=nonsense", 1),
    ],
)  # fmt: skip
def test_filters_narrow_list_and_sums_together(aisha: Browser, goods: Goods, query: str, found: int) -> None:
    sell_cable(aisha, goods)

    text = words(aisha.get(f"/sales?{query}", htmx=True))

    assert ("8,000 in 1 sale" in text) is bool(found)
    assert ("KLA1-000001" in text) is bool(found)


def test_a_cursor_of_another_list_is_refused_in_words(aisha: Browser) -> None:
    answer = aisha.get("/sales?cursor=abc")

    assert answer.status_code == 422 and "is not a place in this list" in words(answer).lower()


def test_a_sale_tells_its_history_in_words_with_before_and_after(sarah: Browser, shop: Shop, goods: Goods) -> None:
    sale_id = sell_cable(sarah, goods)
    for act, reason in (("approve", ""), ("lock", ""), ("unlock", ""), ("reject", "price was wrong")):
        answer = sarah.post(f"/sales/{sale_id}/{act}", reason=reason)
        assert answer.status_code == 303, act

    text = words(sarah.get(f"/sales/{sale_id}"))

    for said in ("Sarah sold it", "Sarah approved the sale", "Sarah locked the sale", "Sarah unlocked the sale",
                 "Sarah rejected the sale", "“price was wrong”"):  # fmt: skip
        assert said in text
    assert text.index("rejected") < text.index("sold it")


def test_pressing_twice_decides_once(sarah: Browser, shop: Shop, goods: Goods) -> None:
    sale_id = sell_cable(sarah, goods)
    entries = len(shop.entries())
    made = action_id(sarah.get(f"/sales/{sale_id}"))

    for _ in range(2):
        assert sarah.post(f"/sales/{sale_id}/approve", action_id=made).status_code == 303

    assert len(shop.entries()) == entries + 1


def test_undoing_needs_a_reason_and_keeps_what_was_chosen(sarah: Browser, shop: Shop, goods: Goods) -> None:
    sale_id = sell_cable(sarah, goods)

    refused = sarah.post(f"/sales/{sale_id}/reverse", reason="", restock="scrap")
    done = sarah.post(f"/sales/{sale_id}/reverse", reason="wrong model", restock="resell")

    assert refused.status_code == 422 and "Say why" in words(refused)
    assert 'value="scrap" selected' in refused.get_data(as_text=True)
    assert done.status_code == 303
    text = words(sarah.get(f"/sales/{sale_id}"))
    assert "Reversed" in text and "Restocked as new." in text and "“wrong model”" in text
    assert sarah.post(f"/sales/{sale_id}/void", reason="once more").status_code == 409


def test_a_void_brings_the_goods_back_on_the_shelf(sarah: Browser, shop: Shop, goods: Goods) -> None:
    sale_id = sell_cable(sarah, goods)

    sarah.post(f"/sales/{sale_id}/void", reason="never happened")

    assert "In stock 20" in words(sarah.get(f"/products/{goods.cable}"))
    assert [row.status for row in shop.rows(SaleSummary)] == ["Voided"]


def test_a_correction_changes_lines_and_gives_the_difference_back(brian: Browser, shop: Shop, goods: Goods) -> None:
    sale_id = sell_cable(brian, goods)
    sheet = brian.get(f"/sales/{sale_id}/amend", htmx=True)
    assert "Correct KLA1-000001" in words(sheet)

    lower = {"items.0.quantity": "1", "items.0.unit_price_minor": "7,500", "reason": "agreed price", "notes": ""}
    asked = brian.tap(f"/sales/{sale_id}/amend", **lower)
    assert "larger discount on a finished sale needs a second person" in words(asked)
    assert shop.rows(SaleAmendment) == []
    said = {"approver_id": shop.owner.id or "", "approver_pin": PINS["Sarah"]}
    done = brian.tap(f"/sales/{sale_id}/amend", **lower, **said)

    assert done.headers["HX-Redirect"] == f"/sales/{sale_id}"
    assert sum(row.amount_minor for row in shop.rows(Payment)) == 7_500
    text = words(brian.get(f"/sales/{sale_id}"))
    assert "USB-C cable 8,000 → USB-C cable 7,500" in text
    assert "Brian corrected the sale" in text and "“agreed price”" in text and "UGX 7,500" in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": "x"}, "nothing was changed"),
        ({"items.0.quantity": "2", "reason": "two"}, "is due"),
        ({"items.0.quantity": "0", "reason": "none of it"}, "must be at least 1"),
        ({"items.0.unit_price_minor": "7000", "reason": ""}, "is needed"),
        ({"items.0.unit_price_minor": "cheap", "reason": "agreed"}, "must be an amount"),
    ],
)
def test_a_wrong_correction_is_explained_in_the_sheet(
    brian: Browser, goods: Goods, fields: dict[str, str], said: str
) -> None:
    sale_id = sell_cable(brian, goods)

    answer = brian.tap(f"/sales/{sale_id}/amend", **fields)

    assert answer.status_code == 422 and answer.headers["HX-Retarget"] == "#sheet"
    assert said in words(answer).lower()


def test_a_correction_may_take_more_money(brian: Browser, shop: Shop, goods: Goods) -> None:
    sale_id = sell_cable(brian, goods)

    done = brian.tap(
        f"/sales/{sale_id}/amend",
        **{"items.0.quantity": "2", "reason": "took two", "more_minor": "8000", "more_method": "mtn_momo",
           "more_reference": "AB12"},
    )  # fmt: skip

    assert done.headers["HX-Redirect"]
    (summary,) = shop.rows(SaleSummary)
    assert (summary.total_minor, summary.paid_minor) == (16_000, 16_000)


def test_a_receipt_is_shown_as_paper_and_as_a_page(aisha: Browser, goods: Goods) -> None:
    sale_id = sell_cable(aisha, goods)

    picture, page = aisha.get(f"/sales/{sale_id}/receipt.png"), aisha.get(f"/sales/{sale_id}/receipt.pdf")

    assert picture.data.startswith(b"\x89PNG") and picture.mimetype == "image/png"
    assert page.data.startswith(b"%PDF") and 'filename="KLA1-000001.pdf"' in page.headers["Content-Disposition"]


def test_the_spreadsheet_holds_what_the_list_shows(sarah: Browser, brian: Browser, goods: Goods) -> None:
    import csv

    sell_cable(brian, goods)
    text = sarah.get("/sales.csv?period=all").get_data(as_text=True).lstrip("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))

    assert (row["Receipt"], row["Total"], row["What"], row["Paid by"]) == ("KLA1-000001", "8000", "USB-C cable", "Cash")
    assert row["Margin"] == "5000"
    assert "Margin" not in brian.get("/sales.csv").get_data(as_text=True)
