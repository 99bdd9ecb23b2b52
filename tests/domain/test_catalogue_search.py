"""Finding things at the counter: as it is typed, in any spelling, the exact ones first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopnode.domain.catalogue.finding import Kind, find_anything
from shopnode.domain.catalogue.imports import import_products
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import search_products
from shopnode.domain.context import Actor
from shopnode.domain.demo_data import CATALOGUE
from shopnode.domain.errors import Invalid
from shopnode.domain.permissions import Role
from tests.shop import Shop, open_copy, portal_shop

Template = tuple[Path, dict[str, Actor]]


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    """These rules hold at a node and at the hub."""
    return anywhere


IMEI, SECOND = "004401231000130", "004401241000260"


def fill(shop: Shop) -> Shop:
    with CATALOGUE.open("rb") as file:
        list(import_products(shop.ctx(), file))
    shop.do("products.create", name="Étui Samsung A06", category="Cases", price_minor=15_000)
    return shop


@pytest.fixture(scope="module")
def shelves(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A node's file with the catalogue in it, to be copied."""
    folder = tmp_path_factory.mktemp("shelves")
    filled, database = open_copy(template[0], folder, template[1])
    fill(filled)
    database.checkpoint()
    database.close()
    return folder, template[1]


@pytest.fixture
def till(shelves: Template, tmp_path: Path) -> Iterator[Shop]:
    made, database = open_copy(shelves[0], tmp_path, shelves[1])
    yield made
    database.close()


@pytest.fixture(scope="module", params=["node", "hub"])
def stocked(
    request: pytest.FixtureRequest, shelves: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The catalogue at either home, filled once: its tests only read."""
    if request.param == "hub":
        yield fill(portal_shop(request.getfixturevalue("hub_world")))
        return
    made, database = open_copy(shelves[0], tmp_path_factory.mktemp("stocked"), shelves[1])
    yield made
    database.close()


def names(shop: Shop, text: str, limit: int = 30) -> list[str]:
    with shop.reading(Role.STAFF) as ctx:
        return [view.name for view in search_products(ctx, text, limit=limit).rows]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("tecno pop", "Tecno Pop 9 3/64"),
        ("TECNO   POP", "Tecno Pop 9 3/64"),
        ("pop tec", "Tecno Pop 9 3/64"),
        ("etui", "Étui Samsung A06"),
        ("ÉTUI", "Étui Samsung A06"),
        ("6160000010998", "USB-C cable"),
        ("ac-usb-c-cable", "USB-C cable"),
        ("ac-usb", "USB-C cable"),
        ("ｕｓｂ", "USB-C cable"),  # typed with a full-width keyboard
        ("10,000 mah", "Power bank 10,000 mAh"),
        ("4/128 spark", "Tecno Spark 30C 4/128"),
    ],
)
def test_a_product_is_found_by_its_words_and_codes(stocked: Shop, typed: str, first: str) -> None:
    assert names(stocked, typed)[0] == first


def test_names_that_begin_with_the_text_come_before_names_that_hold_it(stocked: Shop) -> None:
    found = names(stocked, "samsung")
    begins = [name.startswith("Samsung") for name in found]
    assert begins == sorted(begins, reverse=True)
    assert {"Battery Samsung A", "Étui Samsung A06"} <= set(found)


def test_an_exact_code_comes_first_whatever_else_holds_it(shop: Shop) -> None:
    shop.do("products.create", name="A06 case", category="Cases", price_minor=1)
    shop.do("products.create", name="Zebra case", category="Cases", price_minor=1, sku="A06")
    assert names(shop, "a06")[:2] == ["Zebra case", "A06 case"]


@pytest.mark.parametrize("typed", ["%", "_", "\\", "'", '"; DROP TABLE product', "nothing like it", "%%%"])
def test_signs_of_the_database_mean_nothing(stocked: Shop, typed: str) -> None:
    assert names(stocked, typed) == []


def test_a_sign_nobody_types_is_a_blank(stocked: Shop) -> None:
    assert names(stocked, "usb\x00cable") == names(stocked, "usb cable")
    assert names(stocked, "\ud800usb cable\x1b") == names(stocked, "usb cable")


def test_an_archived_product_is_not_found_at_the_counter(shop: Shop) -> None:
    new = {"name": "USB-C cable", "category": "Cables", "price_minor": 8_000, "barcode": "6160000010998"}
    cable = shop.do("products.create", new)
    assert names(shop, "6160000010998") == ["USB-C cable"]
    shop.do("products.archive", product_id=cable["id"])
    assert names(shop, "6160000010998") == []
    with shop.reading() as ctx:
        assert find_anything(ctx, "6160000010998") == []


def test_pages_of_a_search_show_each_product_once(stocked: Shop) -> None:
    seen: list[str] = []
    cursor = None
    with stocked.reading(Role.STAFF) as ctx:
        while True:
            page = search_products(ctx, "iphone", limit=7, cursor=cursor)
            seen += [view.id for view in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) == len(names(stocked, "iphone", limit=200))


def test_a_cursor_of_another_list_is_refused(stocked: Shop) -> None:
    with stocked.reading() as ctx, pytest.raises(Invalid):
        search_products(ctx, "cable", cursor="WyJhIiwiYiJd")


def test_stock_on_hand_comes_along_and_cost_does_not(till: Shop) -> None:
    (cable,) = till.rows(Product, sku="AC-USB-C-CABLE")
    till.do("stock.adjust", product_id=cable.id, quantity=12, reason="opening count")
    with till.reading(Role.STAFF) as ctx:
        (view,) = search_products(ctx, "6160000010998").rows
    assert (view.on_hand, view.cost_minor, view.margin_minor) == (12, None, None)


def test_one_field_finds_whatever_was_scanned(till: Shop) -> None:
    (pop,) = till.rows(Product, sku="PH-TECNO-POP-9-3-64")
    till.do("handsets.receive", product_id=pop.id, imei1=IMEI, imei2=SECOND)
    till.do("customers.create", name="Nakato", phone="0798 123 456")

    def found(text: str) -> list[tuple[Kind, str]]:
        with till.reading(Role.STAFF) as ctx:
            return [(line.kind, line.title) for line in find_anything(ctx, text)]

    assert found(IMEI) == found(SECOND) == found("004401-231000-130") == [(Kind.UNIT, "Tecno Pop 9 3/64")]
    assert found("6160000010998") == [(Kind.PRODUCT, "USB-C cable")]
    assert found("0798123456") == found("798 123") == [(Kind.CUSTOMER, "Nakato")]
    assert found("lightning cable") == [(Kind.PRODUCT, "Lightning cable")]
    assert found("") == found("   ") == found("\x00") == []


def test_a_phone_that_was_sold_says_on_which_receipt_it_left(till: Shop) -> None:
    (pop,) = till.rows(Product, sku="PH-TECNO-POP-9-3-64")
    unit_id = till.do("handsets.receive", product_id=pop.id, imei1=IMEI)["unit_id"]
    buyer = till.do("customers.create", name="Nakato", phone="0798 123 456")["id"]
    till.do("cash.open_drawer", opening_float=0)
    sale = till.do(
        "sales.sell",
        items=[{"device_id": unit_id}],
        payments=[{"method": "cash", "amount": 350_000}],
        customer_id=buyer,
        role=Role.STAFF,
    )
    with till.reading(Role.STAFF) as ctx:
        (gone,) = find_anything(ctx, IMEI)
        (receipt,) = find_anything(ctx, sale["number"].lower())
    assert (gone.kind, gone.detail) == (Kind.GONE, f"{IMEI} was sold to Nakato on receipt {sale['number']}")
    assert gone.unit is not None
    assert gone.unit.sold is not None
    assert gone.unit.sold.sale_id == sale["sale_id"]
    assert (receipt.kind, receipt.id) == (Kind.SALE, sale["sale_id"])
