"""Nobody reaches another business's records, whatever ids they know: not to read, not to change, not to point at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shopnode.domain.catalogue.finding import find_anything
from shopnode.domain.catalogue.queries import ProductFilter, categories, list_products, search_products
from shopnode.domain.customers.queries import search_customers
from shopnode.domain.errors import NotFound
from shopnode.domain.people.queries import all_shops, people_by_login, staff_list
from tests.shop import PHONES, Shop, portal_shop

if TYPE_CHECKING:
    from tests.hub.world import World


@pytest.fixture
def kisura(hub_world: World) -> Shop:
    shop = portal_shop(hub_world)
    shop.do("products.create", name="USB-C cable", category="Accessories", price_minor=8_000, barcode="6160000010998")
    shop.do("customers.create", name="Nakato Prossy", phone="0798 123 456")
    return shop


@pytest.fixture
def mallory(hub_world: World) -> Shop:
    return portal_shop(hub_world)


def test_another_business_finds_nothing_of_ours(kisura: Shop, mallory: Shop) -> None:
    with mallory.reading() as ctx:
        assert search_products(ctx, "cable").rows == []
        assert list_products(ctx, ProductFilter()).rows == []
        assert categories(ctx.session) == []
        assert search_customers(ctx.session, "").rows == []
        assert find_anything(ctx, "6160000010998") == find_anything(ctx, "0798123456") == []
        assert [place.code for place in all_shops(ctx.session)] == ["KLA"]
        assert {person.id for person in staff_list(ctx.session)} == {actor.id for actor in mallory.people.values()}
        assert [who.id for who in people_by_login(ctx.session, PHONES["Aisha"])] == [mallory.cashier.id]


def test_our_ids_are_worth_nothing_to_another_business(kisura: Shop, mallory: Shop) -> None:
    with kisura.reading() as ctx:
        product = search_products(ctx, "cable").rows[0]
        customer = search_customers(ctx.session, "").rows[0]
        place = all_shops(ctx.session)[0]
    for name, form in (
        ("products.update", {"product_id": product.id, "price_minor": 1}),
        ("products.archive", {"product_id": product.id}),
        ("customers.update", {"customer_id": customer.id, "name": "Stolen"}),
        ("customers.archive", {"customer_id": customer.id}),
        ("shops.update", {"shop_id": place.id, "name": "Stolen"}),
        ("staff.suspend", {"staff_id": kisura.cashier.id}),
        ("staff.set_password", {"staff_id": kisura.owner.id, "new_password": "taken over now"}),
        ("staff.add", {"name": "X", "role": "Staff", "phone": "0798 777 777", "shop_ids": [place.id]}),
    ):
        with pytest.raises(NotFound):
            mallory.do(name, form)


def test_two_businesses_may_use_the_same_codes_and_numbers(kisura: Shop, mallory: Shop) -> None:
    mallory.do("products.create", name="Cable", category="Other", price_minor=1, barcode="6160000010998")
    mallory.do("customers.create", name="Nakato", phone="0798 123 456")
