"""What never moved is remembered between questions, and found anew when a product or a first movement was added."""

from __future__ import annotations

from shopnode.domain.catalogue.unmoved import never_moved
from shopnode.domain.context import Context
from tests.shop import Shop


def unmoved(shop: Shop, limit: int = 100) -> set[str]:
    with shop.home.reading() as session:
        ctx = Context(shop.home, shop.owner, shop.home.shop_id).inside(session)
        return set(never_moved(ctx, limit))


def test_a_product_is_among_them_until_it_first_moves(shop: Shop) -> None:
    before = unmoved(shop)
    new = shop.do("products.create", name="Nokia 105", category="Phones", price_minor=65_000)["id"]
    assert unmoved(shop) == before | {new}
    assert unmoved(shop) == before | {new}

    shop.do("stock.adjust", product_id=new, quantity=3, reason="counted", kind="opening")
    assert unmoved(shop) == before


def test_no_more_are_looked_up_than_are_asked_for(shop: Shop) -> None:
    for number in range(3):
        shop.do("products.create", name=f"Phone {number}", category="Phones", price_minor=65_000)
    assert len(unmoved(shop, 2)) == 2
    assert len(unmoved(shop, 100)) >= 3
