"""The office: lists with their sums, one sale and what may be done about it, products, import, printers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from shopnode.domain.catalogue.models import Product
from shopnode.domain.printing.models import Printer, PrintJob
from shopnode.domain.sales.models import Payment, SaleLine, SaleSummary
from tests.shop import PINS, Shop
from tests.web.conftest import OURS, Browser, action_id, words
from tests.web.goods import Goods, sell_cable, stock_up

CATALOGUE = Path(__file__).parents[2] / "shopnode/domain/demo_data/catalogue.csv"


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


def upload(browser: Browser, content: bytes, *, check: bool = False, htmx: bool = False):  # type: ignore[no-untyped-def]
    data: dict[str, object] = {"file": (io.BytesIO(content), "prices.csv")}
    if check:
        data["check"] = "true"
    headers = {**OURS, "HX-Request": "true"} if htmx else OURS
    return browser.client.post("/products/import", data=data, headers=headers)


def form_of(product: Product, **changes: str) -> dict[str, str]:
    """What the product's screen posts, with some fields typed anew."""
    names = ("name", "category", "brand", "barcode", "sku", "description", "price_minor", "cost_minor", "floor_minor",
             "min_stock_level", "warranty_days")  # fmt: skip
    form = {name: str(getattr(product, name) or "") for name in names}
    form |= {name: "true" for name in ("is_serialised", "is_preloaded") if getattr(product, name)}
    return {**form, **changes}


# --- sales


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

    done = brian.tap(
        f"/sales/{sale_id}/amend",
        **{"items.0.quantity": "1", "items.0.unit_price_minor": "7,500", "reason": "agreed price", "notes": ""},
    )

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


# --- products


def test_cost_and_margin_are_for_owners(sarah: Browser, brian: Browser, aisha: Browser, goods: Goods) -> None:
    for path in ("/products", f"/products/{goods.cable}", "/products.csv"):
        assert "3000" in sarah.get(path).get_data(as_text=True).replace(",", ""), path
        for other in (brian, aisha):
            text = other.get(path).get_data(as_text=True)
            assert "3000" not in text.replace(",", "") and "Margin" not in text and "5000" not in text, path


def test_only_what_differs_is_written(sarah: Browser, shop: Shop, goods: Goods) -> None:
    product = shop.row(Product, goods.cable)

    answer = sarah.post(f"/products/{goods.cable}", **form_of(product, price_minor="9,000"))

    assert answer.status_code == 303
    assert shop.changes("product")[-1].fields == {"price_minor": 9_000}
    assert "Price 8,000 → 9,000" in words(sarah.get(answer.headers["Location"]))


def test_saving_without_a_change_writes_nothing(sarah: Browser, shop: Shop, goods: Goods) -> None:
    entries = len(shop.entries())

    sarah.post(f"/products/{goods.cable}", **form_of(shop.row(Product, goods.cable)))

    assert len(shop.entries()) == entries


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "is needed"),
        ({"name": "x" * 10_000}, "too long"),
        ({"name": "bad\x00name"}, "cannot be printed"),
        ({"price_minor": "a lot"}, "whole number"),
        ({"price_minor": "-1"}, "at least 0"),
        ({"price_minor": "99999999999999"}, "at most"),
        ({"floor_minor": "9000"}, "above the price"),
        ({"min_stock_level": "many"}, "whole number"),
        ({"sku": "SPARK40"}, "already used by"),
        ({"surprise": "x"}, "is not a field"),
    ],
)
def test_a_failed_save_names_the_field_and_keeps_everything_typed(
    sarah: Browser, shop: Shop, goods: Goods, changes: dict[str, str], said: str
) -> None:
    before = len(shop.entries())
    typed = form_of(shop.row(Product, goods.cable), description="typed with care", **changes)

    answer = sarah.post("/products/new" if "sku" not in changes else f"/products/{goods.cable}", **typed)

    assert answer.status_code == 422 and "Not saved" in words(answer)
    assert said in words(answer) or said in words(answer).lower()
    assert "typed with care" in words(answer)
    assert len(shop.entries()) == before


def test_a_new_product_is_written_once(sarah: Browser, shop: Shop) -> None:
    made = action_id(sarah.get("/products/new"))
    form = {"name": "OTG adapter", "category": "Cables", "price_minor": "5,000", "action_id": made}

    answers = [sarah.post("/products/new", **form) for _ in range(2)]

    assert {answer.headers["Location"] for answer in answers} == {answers[0].headers["Location"]}
    assert [row.name for row in shop.rows(Product)] == ["OTG adapter"]


def test_archived_products_leave_the_counter_and_come_back(sarah: Browser, goods: Goods) -> None:
    sarah.post(f"/products/{goods.cable}/archive")
    assert "USB-C cable" not in words(sarah.get("/sell"))
    assert "USB-C cable" in words(sarah.get("/products?state=archived"))

    sarah.post(f"/products/{goods.cable}/archive")

    assert "USB-C cable" in words(sarah.get("/sell"))


def test_the_catalogue_imports_whole_and_twice_changes_nothing(sarah: Browser, shop: Shop) -> None:
    content = CATALOGUE.read_bytes()
    lines = content.count(b"\n") - 1

    check = upload(sarah, content, check=True, htmx=True)
    assert "Nothing was changed yet" in words(check) and shop.rows(Product) == []
    first, entries = upload(sarah, content), len(shop.entries())
    again = upload(sarah, content)

    assert f"New {lines}" in words(first) and "Every line was taken" in words(first)
    assert f"As before {lines}" in words(again)
    assert len(shop.entries()) == entries


def test_wrong_lines_are_explained_and_right_ones_taken(sarah: Browser, shop: Shop) -> None:
    content = b"name,selling_price,category\nGood one,5000,Cables\nBad one,five,Cables\n,100,Cables\n"

    text = words(upload(sarah, content))

    assert "2 lines were not taken" in text and "Bad one" in text
    assert [row.name for row in shop.rows(Product)] == ["Good one"]


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\xff", b"nothing,useful\n1,2\n", b"PK\x03\x04" * 50])
def test_a_file_that_is_no_price_list_is_refused_in_words(sarah: Browser, content: bytes) -> None:
    answer = upload(sarah, content)

    assert answer.status_code == 422 and "Not imported" in words(answer)


# --- printers


def test_a_printer_is_added_changed_and_tested(brian: Browser, shop: Shop) -> None:
    form = {"name": "Counter", "transport": "tcp", "address": "192.168.1.50", "columns": "32", "has_drawer": "true",
            "is_default": "true"}  # fmt: skip
    assert brian.post("/printers/new", **form).status_code == 303
    (printer,) = shop.rows(Printer)
    assert (printer.address, printer.columns, printer.paper_mm, printer.kicks_drawer) == (
        "192.168.1.50:9100", 32, 58, True,
    )  # fmt: skip

    brian.post(f"/printers/{printer.id}", **{**form, "name": "Back room"})
    tested = brian.tap(f"/printers/{printer.id}/test")

    assert "Back room" in words(brian.get("/printers")) and "Test page" in words(tested)
    assert [job.kind for job in shop.rows(PrintJob)] == ["test"]


@pytest.mark.parametrize(
    "address", ["", "not an address", "192.168.1.50:99999", "http://x", "224.0.0.1", "/etc/passwd"]
)
def test_a_wrong_printer_address_is_explained_and_kept(brian: Browser, shop: Shop, address: str) -> None:
    form = {"name": "Counter", "transport": "tcp", "address": address, "columns": "48"}

    answer = brian.post("/printers/new", **form)

    assert answer.status_code == 422 and f'value="{address}"' in answer.get_data(as_text=True)
    assert shop.rows(Printer) == []


def test_a_printer_is_shown_and_taken_out_of_use(brian: Browser, shop: Shop) -> None:
    brian.post("/printers/new", name="Counter", transport="tcp", address="192.168.1.50", columns="32")
    (printer,) = shop.rows(Printer)

    assert brian.get(f"/printers/{printer.id}/preview.png").data.startswith(b"\x89PNG")
    assert brian.post(f"/printers/{printer.id}/remove").status_code == 303
    assert "No printer yet" in words(brian.get("/printers"))


@pytest.mark.parametrize("text", ["Grace", "0772 123", "8,000", "8000", "000001", "usb-c"])
def test_a_sale_is_found_by_whatever_is_known_of_it(aisha: Browser, shop: Shop, goods: Goods, text: str) -> None:
    aisha.tap("/sell/customer", name="Grace Akello", phone="0772123456")
    sell_cable(aisha, goods)

    assert "KLA1-000001" in words(aisha.get("/sales", htmx=True, query_string={"q": text}))
    assert "KLA1-000001" not in words(aisha.get("/sales", htmx=True, query_string={"q": "no" + text}))


def test_a_reprint_waits_in_line_and_says_so(aisha: Browser, brian: Browser, shop: Shop, goods: Goods) -> None:
    brian.post(
        "/printers/new", name="Counter", transport="tcp", address="192.168.1.50", columns="48", is_default="true"
    )
    sale_id = sell_cable(aisha, goods)

    text = words(aisha.tap(f"/sales/{sale_id}/print"))

    assert "Printing the receipt" in text
    assert len([job for job in shop.rows(PrintJob) if job.kind == "receipt"]) == 1


def test_what_was_sold_stays_as_it_was_sold(sarah: Browser, shop: Shop, goods: Goods) -> None:
    sale_id = sell_cable(sarah, goods)
    sarah.post(f"/products/{goods.cable}", **form_of(shop.row(Product, goods.cable), name="Renamed", price_minor="1"))

    assert "USB-C cable" in words(sarah.get(f"/sales/{sale_id}"))
    assert [row.unit_price_minor for row in shop.rows(SaleLine)] == [8_000]


def test_a_pin_is_never_shown_again(aisha: Browser) -> None:
    answer = aisha.post("/profile/pin", pin=PINS["Aisha"], pin_password="wrong")

    assert PINS["Aisha"] not in answer.get_data(as_text=True)
