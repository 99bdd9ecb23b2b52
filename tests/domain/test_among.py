"""Finding rows by thousands of ids, and what stands on it: at either home."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import ProductFilter, list_products
from shopnode.domain.queries import among
from shopnode.domain.stock.reorder import suggestions
from tests.shop import Shop


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    return anywhere


def product(shop: Shop, name: str, least: int) -> str:
    form = {
        "name": name,
        "category": "Accessories",
        "price_minor": 8_000,
        "cost_minor": 3_000,
        "min_stock_level": least,
    }
    made: str = shop.do("products.create", form)["id"]
    return made


def test_rows_are_found_by_thousands_of_ids_and_by_none(shop: Shop) -> None:
    wanted = [product(shop, f"Cable {number}", 0) for number in range(3)]
    others = [shop.home.new_id() for _ in range(3_000)]
    with shop.reading() as ctx:
        found = ctx.session.scalars(select(Product.id).where(among(Product.id, [*others, *wanted[:2]])))
        assert set(found) == set(wanted[:2])
        assert ctx.session.scalars(select(Product.id).where(among(Product.id, []))).all() == []


def test_what_never_came_is_low_and_worth_ordering(shop: Shop) -> None:
    wanted = product(shop, "Cable", 4)
    with shop.reading() as ctx:
        assert [row.id for row in list_products(ctx, ProductFilter(low_stock=True)).rows] == [wanted]
        assert [(row.product_id, row.quantity) for row in suggestions(ctx)] == [(wanted, 4)]
