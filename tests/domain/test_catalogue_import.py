"""A catalogue from a spreadsheet, in the dialects spreadsheets write; twice changes nothing, nothing is half done."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from shopnode.domain import failpoints
from shopnode.domain.catalogue.imports import import_products
from shopnode.domain.catalogue.models import Product
from shopnode.domain.demo_data import CATALOGUE
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.importing import tally
from shopnode.domain.permissions import Role
from shopnode.domain.sheets import LineResult, Verdict
from tests.shop import Shop


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    """These rules hold at a node and at the hub."""
    return anywhere


def load(shop: Shop, text: str | bytes, *, dry_run: bool = False) -> list[LineResult]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(import_products(shop.ctx(), io.BytesIO(content), dry_run=dry_run))


def test_the_whole_catalogue_is_taken(shop: Shop) -> None:
    assert len(CATALOGUE.read_text().splitlines()) == 154  # the header and 153 products
    assert tally(load(shop, CATALOGUE.read_bytes())) == {Verdict.NEW: 153}
    (first,) = shop.rows(Product, sku="PH-ITEL-IT2163")
    assert (first.name, first.barcode, first.category, first.brand) == (
        "itel it2163",
        "6160000010004",
        "New phones",
        "itel",
    )
    assert (first.cost_minor, first.price_minor, first.floor_minor) == (36_000, 48_000, 43_000)
    assert (first.min_stock_level, first.warranty_days, first.is_serialised) == (2, 365, True)
    assert first.barcode == "6160000010004"
    assert shop.rows(Product, sku="AC-POWER-BANK-10-000-MAH")[0].name == "Power bank 10,000 mAh"


def test_importing_it_twice_changes_nothing(shop: Shop) -> None:
    load(shop, CATALOGUE.read_bytes())
    entries = len(shop.entries())
    again = load(shop, CATALOGUE.read_bytes())
    assert tally(again) == {Verdict.UNCHANGED: 153}
    assert {line.says for line in again} == {("Already there, unchanged.",)}
    assert len(shop.entries()) == entries


def test_a_dry_run_changes_nothing(shop: Shop) -> None:
    assert tally(load(shop, CATALOGUE.read_bytes(), dry_run=True)) == {Verdict.NEW: 153}
    assert shop.rows(Product) == []


def test_a_changed_line_updates_only_what_differs(shop: Shop) -> None:
    load(shop, CATALOGUE.read_bytes())
    changed = CATALOGUE.read_text().replace(
        "itel it5626,New phones,itel,yes,55000,70000", "itel it5626,New phones,itel,yes,56000,72000"
    )
    results = load(shop, changed)
    assert tally(results) == {Verdict.UNCHANGED: 152, Verdict.CHANGED: 1}
    (line,) = [line for line in results if line.verdict is Verdict.CHANGED]
    assert line.says == ("selling_price: 70,000 → 72,000.", "cost_price: 55,000 → 56,000.")
    assert shop.changes("product")[-1].fields == {"cost_minor": 56_000, "price_minor": 72_000}


HEADER = "name,sku,price,cost,serialised\n"
CHANGED = "was changed by a spreadsheet: format the column as text and type it again."


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("name,price\nCafé cable,1000\n".encode(), "Café cable"),
        ("\ufeffname,price\nCafé cable,1000\n".encode(), "Café cable"),
        ("name,price\r\nCafé cable,1000\r\n".encode("cp1252"), "Café cable"),
        ("name,price\nCafé cable,1000\n".encode("utf-16"), "Café cable"),
        (b'\r\n\r\nname;price\r\n"Caf\xc3\xa9 cable";1000\r\n;\r\n', "Café cable"),
        ("Item\tSelling price (UGX)\nCafé  cable \t1,000\n".encode(), "Café cable"),
        ('Product Name;Price\r"Café cable";UGX 1,000\r'.encode(), "Café cable"),
    ],
    ids=["utf-8", "bom", "windows", "utf-16", "semicolons", "tabs", "old mac"],
)
def test_every_dialect_of_spreadsheets_is_read(shop: Shop, content: bytes, name: str) -> None:
    assert tally(load(shop, content))[Verdict.NEW] == 1
    (product,) = shop.rows(Product)
    assert (product.name, product.price_minor, product.category) == (name, 1_000, "Other")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (",A,1000,,", "name is missing."),
        ("Cable,A,,,", "price is missing: a new product needs a price."),
        ("Cable,A,abc,,", "price “abc” is not an amount."),
        ("Cable,A,-5,,", "price must not be below zero."),
        ("Cable,A,1000.50,,", "price “1000.50” has a fraction, UGX has no decimal places."),
        ("Cable,A,99999999999999,,", "price “99999999999999” is too large."),
        ("Cable,A,1000,,maybe", "serialised “maybe” is neither yes nor no."),
        ("Cable,6.16E+12,1000,,", f"sku “6.16E+12” {CHANGED}"),
        ("x" * 300 + ",A,1000,,", "name is too long, at most 200 characters."),
        ("Ca\x07ble,A,1000,,", "name contains a character that cannot be printed."),
    ],
)  # fmt: skip
def test_each_wrong_line_is_explained_in_a_shopkeepers_words(shop: Shop, line: str, words: str) -> None:
    for dry_run in (True, False):
        (result,) = load(shop, HEADER + line, dry_run=dry_run)
        assert (result.line_no, result.verdict, result.says) == (2, Verdict.WRONG, (words,))
    assert shop.rows(Product) == []


def test_wrong_lines_do_not_hold_up_right_ones(shop: Shop) -> None:
    results = load(shop, HEADER + "Cable,A,1000,,\nCase,B,oops,,\nGlass,C,5000,,\n\nCable again,A,2000,,\n")
    assert [line.verdict.value for line in results] == ["new", "wrong", "new", "skipped", "wrong"]
    assert results[-1].says == ("sku “A” stands on line 2 already.",)
    assert {product.name for product in shop.rows(Product)} == {"Cable", "Glass"}


def test_a_line_refused_at_the_door_does_not_take_its_neighbours_along(shop: Shop) -> None:
    """Two lines that agree with the catalogue as it was, not with each other: the second is refused when performed."""
    text = "name,sku,barcode,price\nCable,A,111,1000\nCase,B,111,2000\nGlass,C,333,3000\n"
    results = load(shop, text)
    assert [line.verdict.value for line in results] == ["new", "wrong", "new"]
    assert {product.name for product in shop.rows(Product)} == {"Cable", "Glass"}


def test_a_product_is_known_by_its_name_when_it_has_no_code(shop: Shop) -> None:
    load(shop, "name,price\nCafé Cable,1000\n")
    results = load(shop, "name,price\ncafe  CABLE,1500\n")
    assert [line.verdict.value for line in results] == ["changed"]
    (product,) = shop.rows(Product)
    assert (product.name, product.price_minor) == ("cafe CABLE", 1_500)


def test_an_archived_product_is_not_changed_behind_the_owners_back(shop: Shop) -> None:
    load(shop, "name,sku,price\nCable,A,1000\n")
    shop.do("products.archive", product_id=shop.rows(Product)[0].id)
    (result,) = load(shop, "name,sku,price\nCable,A,2000\n")
    assert result.says == ("“Cable” is archived. Restore it first, then import again.",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"sku,colour\nA,red\n", "has no column for: name, selling price. Its first line must name the columns"),
        (b"PK\x03\x04" + bytes(range(256)) * 200, "is not a table of text. Save it as CSV and try again"),
    ],
)
def test_what_is_no_such_table_is_refused_whole(shop: Shop, content: bytes, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        load(shop, content)
    assert refusal.value.fields == {"file": words}


def test_a_missing_quotation_mark_costs_the_line_where_it_is(shop: Shop) -> None:
    results = load(shop, HEADER + 'Cable,A,1000,,\n"Case,B,2000,,\n' + "Glass,C,1,,\n" * 200)
    assert [(line.line_no, line.verdict.value) for line in results[:4]] == [
        (2, "new"),
        (3, "wrong"),
        (4, "new"),
        (5, "wrong"),
    ]
    assert len(results) == 202 and {row.name for row in shop.rows(Product)} == {"Cable", "Glass"}


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_only_owners_import_products(shop: Shop, role: Role) -> None:
    with pytest.raises(NotPermitted):
        import_products(shop.ctx(role), io.BytesIO(b"name,price\nCable,1\n"))


def test_a_crash_between_chunks_leaves_whole_lines_and_the_rest_can_be_imported_again(shop: Shop) -> None:
    failpoints.arm("perform.before_commit=raise,perform.journalled=raise@130")
    try:
        with pytest.raises(failpoints.Injected):
            load(shop, CATALOGUE.read_bytes())
    finally:
        failpoints.arm("")
    assert len(shop.rows(Product)) == 100
    assert tally(load(shop, CATALOGUE.read_bytes())) == {Verdict.UNCHANGED: 100, Verdict.NEW: 53}


def test_a_long_file_is_read_in_bounded_memory(shop: Shop) -> None:
    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.lines = self._lines()
            self.rest = b"name,sku,price\n"

        def _lines(self) -> Iterator[bytes]:
            for number in range(6_000):
                yield b"Cable %d,SKU%d,not a price, and some words to make the line longer\n" % (number, number)

        def read(self, size: int = -1) -> bytes:
            while len(self.rest) < size and (line := next(self.lines, b"")):
                self.rest += line
            piece, self.rest = self.rest[:size], self.rest[size:]
            return piece

    tracemalloc.start()
    count = sum(1 for line in import_products(shop.ctx(), Endless(), dry_run=True) if line.verdict is Verdict.WRONG)  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 6_000
    assert peak < 3_000_000
