"""Whatever is received, sold, undone, counted, sent and bundled, in any order: stock is the sum of its movements, and
what was told outside the shop; pieces sent = received + taken back + under way."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from shopnode.domain.errors import ShopError
from shopnode.domain.handsets.transit import transfer_view
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.stock.models import StockMovement
from shopnode.domain.stock.queries import on_hand, stock_differences
from shopnode.domain.stock.rules import Moved, moving_average
from tests.domain.test_shop_properties import template
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import open_till
from tests.domain.trade import average, receive
from tests.shop import open_copy

STEP = st.tuples(
    st.sampled_from(["receive", "sell", "bundle", "undo", "count", "send", "take back"]), st.integers(1, 6)
)


@given(st.lists(STEP, max_size=14))
@settings(max_examples=25, deadline=None)
def test_stock_equals_its_movements_after_any_sequence(steps: list[tuple[str, int]]) -> None:
    folder, people = template()
    with tempfile.TemporaryDirectory() as place:
        shop, database = open_copy(folder, Path(place), people)
        hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
        till = open_till(shop)
        kit = shop.do("products.create", name="Kit", category="Kits", price_minor=9_000)["id"]
        shop.do("products.set_bundle", product_id=kit, parts=[{"product_id": till.glass, "quantity": 2}])
        level, sales, sent = 10, [], []
        for what, n in steps:
            shop.clock.advance(1_000)
            try:
                if what == "receive":
                    line = {"product_id": till.glass, "quantity": n, "unit_cost_minor": 500 * n}
                    receive(till, line, extra_cost_minor=7 * n)
                    level += n
                elif what in ("sell", "bundle"):
                    product, price, each = (till.glass, 5_000, 1) if what == "sell" else (kit, 9_000, 2)
                    pay = [{"method": "cash", "amount": n * price}]
                    done = till.sell({"product_id": product, "quantity": n}, pay=pay)
                    sales.append((done.result["sale_id"], n * each))
                    level -= n * each
                elif what == "undo" and sales:
                    sale_id, pieces = sales.pop(n % len(sales))
                    shop.do("sales.void", sale_id=sale_id, reason="came back", restock="resell")
                    level += pieces
                elif what == "count":
                    count = shop.do("stocktakes.start", category="Accessories")["stocktake_id"]
                    shop.do("stocktakes.count", stocktake_id=count, product_id=till.glass, counted=n)
                    shop.do("stocktakes.submit", stocktake_id=count)
                    shop.do("stocktakes.approve", stocktake_id=count)
                    level = n
                elif what == "send":
                    form = {"to_shop_id": ELSEWHERE, "items": [{"product_id": till.glass, "quantity": n}]}
                    sent.append([shop.do("transfers.send", form)["transfer_id"], n, 0])
                    level -= n
                elif what == "take back" and sent:
                    way = sent[n % len(sent)]
                    with shop.reading() as ctx:
                        item = transfer_view(ctx, way[0]).items[0].item_id
                    back = [{"item_id": item, "quantity": n}]
                    shop.do("transfers.take_back", transfer_id=way[0], items=back, reason="came back")
                    way[2] += n
                    level += n
            except ShopError:
                assert what in ("send", "take back")  # more than there is
        with shop.reading() as ctx:
            assert stock_differences(ctx.session) == []
            assert on_hand(ctx.session, ctx.shop_id or "", [till.glass])[till.glass] == level
            for transfer_id, quantity, back in sent:
                (view,) = transfer_view(ctx, transfer_id).items
                assert (view.quantity, view.taken_back) == (quantity, back)
                assert view.quantity == view.received + view.taken_back + view.under_way
            moves = select(StockMovement).where(StockMovement.product_id == till.glass)
            rows = ctx.session.scalars(moves.order_by(StockMovement.at, StockMovement.id))
            told = moving_average([Moved(row.kind, row.quantity, row.unit_cost_minor) for row in rows])
        assert average(till, till.glass) == told
        database.close()
