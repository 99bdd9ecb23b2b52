"""The office's products, their import from a spreadsheet, and the shop's printers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from shopnode.domain.catalogue.models import Product
from shopnode.domain.printing.models import Printer, PrintJob
from shopnode.domain.sales.models import SaleLine
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
    return browser.client.post("/imports/products", data=data, headers=headers, buffered=True)


def form_of(product: Product, **changes: str) -> dict[str, str]:
    """What the product's screen posts, with some fields typed anew."""
    names = ("name", "category", "brand", "barcode", "sku", "description", "price_minor", "cost_minor", "floor_minor",
             "min_stock_level", "warranty_days")  # fmt: skip
    form = {name: str(getattr(product, name) or "") for name in names}
    form |= {name: "true" for name in ("is_serialised", "is_preloaded") if getattr(product, name)}
    return {**form, **changes}


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

    assert answer.status_code == 422 and "Nothing was imported" in words(answer)


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


def test_a_duplicate_is_merged_by_the_code_of_the_one_to_keep(sarah: Browser, shop: Shop, goods: Goods) -> None:
    twin = shop.do("products.create", name="USB C lead", category="Cables", price_minor=9_000, sku="CB1")["id"]
    shop.do("products.update", product_id=goods.cable, sku="CAB-1")

    for code in ("", "NOPE", "CB1"):
        wrong = sarah.post(f"/products/{twin}/merge", code=code)
        assert wrong.status_code == 422 and "no other product on sale" in words(wrong)
    assert sarah.post(f"/products/{twin}/merge", code="cab-1").headers["Location"] == f"/products/{goods.cable}"

    text = words(sarah.get(f"/products/{twin}"))
    assert "Merged into" in text and "This is a duplicate" not in text
    assert "USB C lead" not in words(sarah.get("/products"))
    assert shop.row(Product, twin).merged_into == goods.cable
