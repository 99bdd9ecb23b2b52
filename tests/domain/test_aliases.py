"""Two records of one thing become one to everybody who reads, and no fact is rewritten."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.aliases.actions import AlreadyMerged
from shopnode.domain.aliases.models import Alias
from shopnode.domain.aliases.rules import fold_aliases
from shopnode.domain.catalogue.finding import find_anything
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import (
    ProductFilter,
    list_products,
    product_view,
    products_by_code,
    search_products,
    sum_products,
)
from shopnode.domain.customers.actions import AlreadyCustomer
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import search_customers
from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted
from shopnode.domain.handsets.queries import units_in_stock
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Sale, SaleLine
from shopnode.domain.sales.queries import SaleFilter, list_sales
from shopnode.domain.stock.queries import stock_differences
from tests.domain.till import IMEIS, open_till
from tests.shop import Shop

CABLE = {"name": "Cable USB-C", "category": "Accessories", "price_minor": 8_000, "sku": "CAB-1", "barcode": "600123"}
TWIN = {"name": "USB C lead", "category": "Cables", "price_minor": 9_000, "sku": "CB1", "barcode": "600999"}


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    return anywhere


def add(shop: Shop, action: str, **form: object) -> str:
    made: str = shop.do(action, form)["id"]
    return made


@pytest.fixture
def cables(shop: Shop) -> tuple[str, str]:
    """The one that is kept, and its duplicate, merged."""
    kept, twin = add(shop, "products.create", **CABLE), add(shop, "products.create", **TWIN)
    shop.do("products.merge", duplicate_id=twin, into_id=kept, reason="typed twice")
    return kept, twin


@pytest.fixture
def people(shop: Shop) -> tuple[str, str]:
    kept = add(shop, "customers.create", name="Grace Nakato", phone="+256772000001")
    twin = add(shop, "customers.create", name="Nakato G.", phone="+256782000002")
    shop.do("customers.merge", duplicate_id=twin, into_id=kept)
    return kept, twin


def test_a_duplicates_codes_and_name_find_the_product_that_is_kept(shop: Shop, cables: tuple[str, str]) -> None:
    kept, _ = cables
    with shop.reading() as ctx:
        for text in ("600123", "600999", "cab-1", "cb1"):
            assert [view.id for view in products_by_code(ctx, text)] == [kept]
            assert [found.id for found in find_anything(ctx, text)] == [kept]
        for text in ("cable", "lead", "usb"):
            assert [view.id for view in search_products(ctx, text).rows] == [kept]


def test_a_duplicate_is_on_no_list(shop: Shop, cables: tuple[str, str]) -> None:
    with shop.reading() as ctx:
        assert [view.id for view in list_products(ctx, ProductFilter()).rows] == [cables[0]]
        assert sum_products(ctx, ProductFilter()).count == 1
        assert product_view(ctx, cables[1]).merged_into == cables[0]


def test_nothing_of_the_duplicate_is_rewritten(shop: Shop, cables: tuple[str, str]) -> None:
    kept, twin = cables
    assert [(change.action, change.op) for change in shop.changes("product")] == [("products.create", "i")] * 2
    (alias,) = shop.rows(Alias)
    assert (alias.duplicate_id, alias.into_id, alias.reason, alias.by_id) == (twin, kept, "typed twice", shop.owner.id)
    assert shop.row(Product, twin).archived_at is None


def test_merging_twice_or_in_a_circle_is_refused_in_words(shop: Shop, cables: tuple[str, str]) -> None:
    kept, twin = cables
    third = add(shop, "products.create", name="Third", category="Cables", price_minor=1)
    for form in (
        {"duplicate_id": twin, "into_id": kept},  # again
        {"duplicate_id": twin, "into_id": third},  # elsewhere
        {"duplicate_id": kept, "into_id": twin},  # back
        {"duplicate_id": third, "into_id": twin},  # into what is no more
    ):
        with pytest.raises(AlreadyMerged, match="“USB C lead” was merged into “Cable USB-C” already"):
            shop.do("products.merge", form)
    with pytest.raises(Invalid, match="same one"):
        shop.do("products.merge", duplicate_id=kept, into_id=kept)
    with pytest.raises(Conflict, match="was merged into"):
        shop.do("products.restore", product_id=twin)
    shop.do("products.merge", duplicate_id=kept, into_id=third)
    with shop.reading() as ctx:
        assert [view.id for view in products_by_code(ctx, "CB1")] == [third]


def test_only_an_owner_merges_and_only_what_is_counted_alike(shop: Shop) -> None:
    cable = add(shop, "products.create", **CABLE)
    phone = add(shop, "products.create", name="Spark", category="Phones", price_minor=1, is_serialised=True)
    form = {"duplicate_id": cable, "into_id": phone}
    with pytest.raises(Invalid, match="sold by IMEI"):
        shop.do("products.merge", form)
    with pytest.raises(NotFound):
        shop.do("customers.merge", form)
    for role in (Role.SUPERVISOR, Role.STAFF):
        with pytest.raises(NotPermitted):
            shop.do("products.merge", form, role=role)


def test_the_code_of_a_duplicate_is_free_again(shop: Shop, cables: tuple[str, str]) -> None:
    shop.do("products.update", product_id=cables[0], sku="CB1")
    assert shop.row(Product, cables[0]).sku == "CB1"


def test_a_customer_is_found_by_what_their_duplicate_was_called(shop: Shop, people: tuple[str, str]) -> None:
    with shop.reading() as ctx:
        for text in ("", "Grace", "Nakato G.", "0782000002", "0772000001"):
            assert [row.id for row in search_customers(ctx.session, text).rows] == [people[0]]
    with pytest.raises(AlreadyCustomer) as known:
        shop.do("customers.create", name="Again", phone="+256782000002")
    assert known.value.customer_id == people[0]


def test_two_owners_who_merge_in_opposite_directions_end_alike() -> None:
    assert fold_aliases([("a", "b"), ("b", "a")]) == {"a": "b"}
    assert fold_aliases([("b", "a"), ("a", "b")]) == {"b": "a"}


@pytest.mark.parametrize(
    ("pairs", "kept"),
    [
        ([], {}),
        ([("a", "b")], {"a": "b"}),
        ([("a", "b"), ("b", "c")], {"a": "c", "b": "c"}),
        ([("b", "c"), ("a", "b")], {"a": "c", "b": "c"}),
        ([("a", "b"), ("b", "c"), ("c", "a")], {"a": "c", "b": "c"}),
        ([("a", "b"), ("a", "c")], {"a": "b"}),
        ([("a", "a")], {}),
    ],
)
def test_the_fold_over_aliases(pairs: list[tuple[str, str]], kept: dict[str, str]) -> None:
    assert fold_aliases(pairs) == kept


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=12))
def test_no_order_of_merges_makes_a_circle(pairs: list[tuple[str, str]]) -> None:
    kept = fold_aliases(pairs)
    assert not set(kept.values()) & kept.keys()
    assert {duplicate for duplicate, into in pairs if duplicate != into} >= kept.keys()


def test_every_order_keeps_one_of_the_group() -> None:
    for pairs in permutations([("a", "b"), ("b", "c"), ("c", "a")]):
        kept = fold_aliases(pairs)
        assert len(kept) == 2 and len(set(kept.values())) == 1


# --- what only a shop does


def test_a_customers_purchases_include_those_of_their_duplicates(counter: Shop) -> None:
    till = open_till(counter)
    kept = add(counter, "customers.create", name="Grace", phone="+256772000001")
    twin = add(counter, "customers.create", name="Nakato", phone="+256782000002")
    sales = [till.sell(customer_id=who).result["sale_id"] for who in (kept, twin)]
    counter.do("customers.merge", duplicate_id=twin, into_id=kept)

    with counter.reading() as ctx:
        assert {row.sale_id for row in list_sales(ctx, SaleFilter(customer_id=kept)).rows} == set(sales)
        assert {row.sale_id for row in list_sales(ctx, SaleFilter(q="Grace")).rows} == set(sales)
    assert {row.customer_id for row in counter.rows(Sale)} == {kept, twin}  # the facts are as they were
    assert counter.row(Customer, twin).merged_into == kept


def test_the_pieces_of_a_duplicate_are_counted_and_sold_as_the_product_that_is_kept(counter: Shop) -> None:
    till = open_till(counter)
    kept = add(
        counter, "products.create", name="Tecno Spark 40 8/256", category="Phones", price_minor=700_000,
        is_serialised=True,
    )  # fmt: skip
    counter.do("products.merge", duplicate_id=till.phone, into_id=kept)

    with counter.reading() as ctx:
        assert product_view(ctx, kept).on_hand == 2
        assert [view.on_hand for view in list_products(ctx, ProductFilter(q="spark")).rows] == [2]
        assert sum_products(ctx, ProductFilter(q="spark")).on_hand == 2
        assert {(view.number, view.price_minor) for view in units_in_stock(ctx, kept)} == {
            (imei, 700_000) for imei in IMEIS
        }
    cash = [{"method": "cash", "amount": 1_400_000}]
    till.sell({"product_id": kept, "imeis": [IMEIS[0]]}, {"device_id": till.units[1]}, pay=cash)
    assert {(row.item_name, row.unit_price_minor, row.product_id) for row in counter.rows(SaleLine)} == {
        ("Tecno Spark 40 8/256", 700_000, till.phone)
    }
    with counter.reading() as ctx:
        assert product_view(ctx, kept).on_hand == 0
        assert stock_differences(ctx.session) == []
