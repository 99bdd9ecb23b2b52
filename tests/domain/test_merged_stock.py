"""Two products that turned out to be one: their pieces are counted, sent and bundled together."""

from __future__ import annotations

import pytest

from shopnode.domain.errors import Conflict
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.pricing.bundles import bundles_on_hand
from shopnode.domain.stock.models import StockLevel
from shopnode.domain.stock.queries import on_hand, stock_differences
from shopnode.domain.stock.transfers import NotSoMany
from shopnode.domain.stocktakes.queries import count_review
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


@pytest.fixture
def covers(till: Till) -> tuple[str, str]:
    """Three of one and five of the other; the first was merged into the second."""
    made = []
    for name, cost, pieces in (("Cover black", 2_000, 3), ("Black cover", 3_000, 5)):
        form = {"name": name, "category": "Covers", "price_minor": 5_000, "cost_minor": cost}
        made.append(till.shop.do("products.create", form)["id"])
        adjust = {"product_id": made[-1], "quantity": pieces, "reason": "opening", "kind": "opening"}
        till.shop.do("stock.adjust", adjust)
    till.shop.do("products.merge", duplicate_id=made[0], into_id=made[1])
    return made[0], made[1]


def whole(till: Till, covers: tuple[str, str]) -> int:
    """All pieces of both, which is what is said of the one that is kept."""
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        said = on_hand(ctx.session, till.shop.home.shop_id or "", [covers[1]])[covers[1]]
    assert said == sum(row.on_hand for row in till.shop.rows(StockLevel) if row.product_id in covers)
    return said


def counting(till: Till, **tally: int) -> str:
    count: str = till.shop.do("stocktakes.start", category="Covers")["stocktake_id"]
    for product_id, pieces in tally.items():
        till.shop.do("stocktakes.count", stocktake_id=count, product_id=product_id, counted=pieces)
    till.shop.do("stocktakes.submit", stocktake_id=count)
    return count


@pytest.mark.parametrize("named", [0, 1])
def test_a_merged_product_is_counted_whole_by_either_name(till: Till, covers: tuple[str, str], named: int) -> None:
    count = counting(till, **{covers[named]: 8})
    done = till.shop.do("stocktakes.approve", stocktake_id=count, uncounted="zero")
    assert (done["difference"], whole(till, covers)) == (0, 8)


def test_a_merged_product_that_nobody_counted_is_listed_once(till: Till, covers: tuple[str, str]) -> None:
    count = counting(till)
    with till.shop.reading() as ctx:
        assert count_review(ctx, count).uncounted == ((covers[1], "Black cover", 8),)
    till.shop.do("stocktakes.approve", stocktake_id=count, uncounted="zero")
    assert whole(till, covers) == 0


def test_a_merged_product_is_sent_whole(till: Till, covers: tuple[str, str]) -> None:
    form = {"to_shop_id": ELSEWHERE, "items": [{"product_id": covers[1], "quantity": 9}]}
    with pytest.raises(NotSoMany, match="only 8"):
        till.shop.do("transfers.send", form)
    till.shop.do("transfers.send", to_shop_id=ELSEWHERE, items=[{"product_id": covers[1], "quantity": 8}])
    assert whole(till, covers) == 0


@pytest.mark.parametrize("named", [0, 1])
def test_a_bundle_of_a_merged_part_is_made_of_all_of_it(till: Till, covers: tuple[str, str], named: int) -> None:
    kit = till.shop.do("products.create", name="Four covers", category="Kits", price_minor=18_000)["id"]
    till.shop.do("products.set_bundle", product_id=kit, parts=[{"product_id": covers[named], "quantity": 4}])
    with till.shop.reading() as ctx:
        assert bundles_on_hand(ctx.session, ctx.shop_id, [kit]) == {kit: 2}


def test_a_bundle_takes_no_stock_of_its_own_by_hand(till: Till) -> None:
    kit = till.shop.do("products.create", name="Kit", category="Kits", price_minor=9_000)["id"]
    till.shop.do("products.set_bundle", product_id=kit, parts=[{"product_id": till.glass, "quantity": 2}])
    with pytest.raises(Conflict, match="has no stock of its own"):
        till.shop.do("stock.adjust", product_id=kit, quantity=5, reason="opening", kind="opening")
    assert till.shop.rows(StockLevel, product_id=kit) == []
