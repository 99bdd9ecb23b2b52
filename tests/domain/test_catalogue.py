"""Products: written by owners, read by all, never deleted; cost is the owner's to see."""

from __future__ import annotations

import pytest

from shopnode.domain.catalogue.models import Product, ProductSearch
from shopnode.domain.catalogue.queries import (
    ProductFilter,
    Sort,
    categories,
    list_products,
    product_view,
    quick_tiles,
)
from shopnode.domain.errors import Invalid, NotFound, NotPermitted
from shopnode.domain.permissions import Role
from tests.shop import Shop


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    """These rules hold at a node and at the hub."""
    return anywhere


CABLE = {
    "name": "USB-C cable", "category": "Accessories", "sku": "ac-usb-c", "barcode": "6160000010998",
    "price_minor": 8_000, "cost_minor": 3_000, "floor_minor": 6_500, "min_stock_level": 10,
}  # fmt: skip


def test_a_product_is_added_with_every_field(shop: Shop) -> None:
    product = shop.row(Product, shop.do("products.create", CABLE)["id"])
    assert (product.name, product.sku, product.price_minor, product.floor_minor) == (
        "USB-C cable", "AC-USB-C", 8_000, 6_500,
    )  # fmt: skip
    assert (product.created_by, product.archived_at, product.is_serialised) == (shop.owner.id, None, False)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_only_owners_write_the_catalogue(shop: Shop, role: Role) -> None:
    product_id = shop.do("products.create", CABLE)["id"]
    for name, form in (
        ("products.create", CABLE | {"sku": "X", "barcode": "Y"}),
        ("products.update", {"product_id": product_id, "price_minor": 1}),
        ("products.archive", {"product_id": product_id}),
    ):
        with pytest.raises(NotPermitted):
            shop.do(name, form, role=role)


def test_an_update_changes_only_what_was_sent(shop: Shop) -> None:
    product_id = shop.do("products.create", CABLE)["id"]
    shop.do("products.update", product_id=product_id, price_minor=9_000, brand="")
    assert shop.changes("product")[-1].fields == {"price_minor": 9_000}
    assert shop.row(Product, product_id).barcode == "6160000010998"


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"floor_minor": 9_000}, "floor_minor", "is above the price of UGX 8,000"),
        ({"price_minor": -1}, "price_minor", "must be at least 0"),
        ({"price_minor": 10**12 + 1}, "price_minor", "must be at most"),
        ({"price_minor": 10**30}, "price_minor", "must be at most"),
        ({"price_minor": 1.5}, "price_minor", "must be a whole number"),
        ({"price_minor": "many"}, "price_minor", "must be a whole number"),
        ({"name": ""}, "name", "is needed"),
        ({"name": "x" * 10_000}, "name", "is too long, at most 200 characters"),
        ({"category": None}, "category", "must be text"),
        ({"warranty_days": 99_999}, "warranty_days", "must be at most 3650"),
        ({"is_serialised": "perhaps"}, "is_serialised", "must be yes or no"),
        ({"stock_quantity": 5}, "stock_quantity", "is not a field of this form"),
    ],
)
def test_a_wrong_field_is_named_in_words(shop: Shop, form: dict, field: str, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.do("products.create", CABLE | form)
    assert list(refusal.value.fields) == [field]
    assert refusal.value.fields[field].startswith(words)


def test_a_field_that_must_have_a_value_cannot_be_emptied(shop: Shop) -> None:
    product_id = shop.do("products.create", CABLE)["id"]
    with pytest.raises(Invalid) as refusal:
        shop.do("products.update", product_id=product_id, name=None, price_minor=None)
    assert refusal.value.fields == {"name": "is needed", "price_minor": "is needed"}


def test_codes_are_unique_where_they_are_typed(shop: Shop) -> None:
    shop.do("products.create", CABLE)
    with pytest.raises(Invalid) as refusal:
        shop.do("products.create", CABLE | {"name": "Other cable"})
    assert refusal.value.fields == {
        "sku": "is already used by “USB-C cable”", "barcode": "is already used by “USB-C cable”",
    }  # fmt: skip


def test_an_archived_products_code_is_free_until_it_comes_back(shop: Shop) -> None:
    old = shop.do("products.create", CABLE)["id"]
    shop.do("products.archive", product_id=old, reason="no longer made")
    shop.do("products.create", CABLE | {"name": "New cable"})
    with pytest.raises(Invalid):
        shop.do("products.restore", product_id=old)


def test_a_price_below_cost_is_allowed_and_told(shop: Shop) -> None:
    assert shop.do("products.create", CABLE | {"cost_minor": 9_000})["warning"] == "The price is below the cost."


def test_how_a_product_is_counted_cannot_change_once_it_moved(counter: Shop) -> None:
    product_id = counter.do("products.create", CABLE)["id"]
    counter.do("products.update", product_id=product_id, is_serialised=True)
    counter.do("products.update", product_id=product_id, is_serialised=False)
    counter.do("stock.adjust", product_id=product_id, quantity=3, reason="counted the shelf")
    with pytest.raises(Invalid):
        counter.do("products.update", product_id=product_id, is_serialised=True)


def test_an_unknown_product_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.do("products.update", product_id="0190a000-0000-7000-8000-000000000bad", price_minor=1)


def test_cost_and_margin_are_the_owners_to_see(shop: Shop) -> None:
    product_id = shop.do("products.create", CABLE)["id"]
    seen = {}
    for role in Role:
        with shop.reading(role) as ctx:
            view = product_view(ctx, product_id)
            seen[role] = (view.cost_minor, view.margin_minor)
    assert seen == {Role.OWNER: (3_000, 5_000), Role.SUPERVISOR: (None, None), Role.STAFF: (None, None)}


def test_a_list_shows_what_is_on_sale_by_category_and_level(counter: Shop) -> None:
    for name, category, price_minor in (
        ("Cable", "Accessories", 8_000),
        ("Case", "Accessories", 10_000),
        ("LCD", "Spare parts", 85_000),
    ):
        counter.do("products.create", name=name, category=category, price_minor=price_minor, min_stock_level=2)
    case = counter.rows(Product, name="Case")[0].id
    counter.do("stock.adjust", product_id=case, quantity=3, reason="opening count", kind="opening")
    counter.do("products.archive", product_id=counter.rows(Product, name="Cable")[0].id)

    def names(wanted: ProductFilter) -> list[str]:
        with counter.reading() as ctx:
            return [view.name for view in list_products(ctx, wanted).rows]

    assert names(ProductFilter()) == ["Case", "LCD"]
    assert names(ProductFilter(archived=True)) == ["Cable"]
    assert names(ProductFilter(category="Spare parts")) == ["LCD"]
    assert names(ProductFilter(low_stock=True)) == ["LCD"]
    assert names(ProductFilter(sort=Sort.PRICE)) == ["LCD", "Case"]
    assert names(ProductFilter(q="ca")) == ["Case"]
    with counter.reading() as ctx:
        assert categories(ctx.session) == ["Accessories", "Spare parts"]
        assert list_products(ctx, ProductFilter(q="case")).rows[0].on_hand == 3
    counter.do("products.archive", product_id=counter.rows(Product, name="LCD")[0].id)
    with counter.reading() as ctx:
        assert categories(ctx.session) == ["Accessories"]


@pytest.mark.parametrize("sort", Sort)
def test_pages_show_each_product_once(shop: Shop, sort: Sort) -> None:
    for number in range(7):
        shop.clock.advance(number % 3)
        shop.do("products.create", name=f"Case {number % 4}", category="Cases", price_minor=1_000 * (number % 3))
    seen: list[str] = []
    cursor = None
    with shop.reading() as ctx:
        while True:
            page = list_products(ctx, ProductFilter(sort=sort), limit=2, cursor=cursor)
            seen += [view.id for view in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize("cursor", ["x", "bm90IGpzb24", "W10", "WyJhIiwxXQ", "é" * 10])
def test_a_cursor_of_another_list_is_refused(shop: Shop, cursor: str) -> None:
    with shop.reading() as ctx, pytest.raises(Invalid) as refusal:
        list_products(ctx, ProductFilter(), cursor=cursor)
    assert set(refusal.value.fields) == {"cursor"}


def test_tiles_are_those_the_owner_chose(shop: Shop) -> None:
    shop.do("products.create", name="Plain glass", category="Glass", price_minor=5_000, is_preloaded=True)
    shop.do("products.create", name="Privacy glass", category="Glass", price_minor=15_000)
    with shop.reading(Role.STAFF) as ctx:
        assert [view.name for view in quick_tiles(ctx)] == ["Plain glass"]


def test_the_searched_words_follow_every_change(shop: Shop) -> None:
    product_id = shop.do("products.create", CABLE)["id"]
    shop.do("products.update", product_id=product_id, name="Ladekabel Größe XL", sku=None)
    (words,) = shop.rows(ProductSearch)
    assert (words.text, words.on_sale) == (" ladekabel grosse xl accessories 6160000010998", True)
    shop.do("products.archive", product_id=product_id)
    (words,) = shop.rows(ProductSearch)
    assert not words.on_sale
