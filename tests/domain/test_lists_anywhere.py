"""Lists are read by statements that are built once, of columns, for two engines: each of them answers at both homes.

What they answer is held where the rooms are tested; here, that either database takes them, with ids and without.
"""

from __future__ import annotations

from shopnode.domain.accounts.queries import due_soon, today_of, who_owes
from shopnode.domain.buying.owed import ages_by_supplier, debts
from shopnode.domain.buying.queries import OrderFilter, list_orders, list_receipts
from shopnode.domain.customers.owned import owned_devices
from shopnode.domain.financiers.queries import list_financiers
from shopnode.domain.handsets.transit import BOTH, items_of, lines_of, list_transfers, transfer_sums
from shopnode.domain.notices.queries import count_unread
from shopnode.domain.paging import encode_cursor
from shopnode.domain.people.queries import actor_for
from shopnode.domain.usedphones.queries import PurchaseFilter, list_purchases
from shopnode.domain.usedphones.valuations import list_valuations
from tests.shop import Shop

NOBODY = "01890000-0000-7000-8000-000000000000"


def test_every_list_that_is_built_once_is_read_at_either_home(anywhere: Shop) -> None:
    supplier = anywhere.do("suppliers.create", name="Kampala Mobile", terms_days=0)["id"]
    at = encode_cursor(0, NOBODY)
    with anywhere.reading() as ctx:
        assert debts(ctx) == []
        assert ages_by_supplier(ctx, [supplier])[supplier] == (0,) * 5
        for overdue in (False, True):
            assert who_owes(ctx, overdue_only=overdue).rows == []
            assert who_owes(ctx, overdue_only=overdue, cursor=at).rows == []
        assert due_soon(ctx).rows == due_soon(ctx, cursor=encode_cursor("2026-01-01", 0, NOBODY)).rows == []
        for after in (None, encode_cursor(0, 0, NOBODY), encode_cursor(1, 0, NOBODY)):
            assert list_transfers(ctx, cursor=after).rows == transfer_sums(ctx, BOTH, cursor=after).rows == []
        assert lines_of(ctx.session, NOBODY) == [] and items_of(ctx.session, NOBODY) == []
        assert list_orders(ctx, OrderFilter(text="kampala"), cursor=at).rows == []
        assert list_receipts(ctx, supplier_id=supplier, text="kampala", cursor=at).rows == []
        assert list_purchases(ctx, PurchaseFilter(), cursor=at).rows == []
        assert list_valuations(ctx).rows == []
        assert owned_devices(ctx.session, NOBODY) == [] and list_financiers(ctx) == []
        assert count_unread(ctx) == 0 and today_of(ctx) == ctx.now.date()


def test_who_may_work_is_the_same_at_either_home(anywhere: Shop) -> None:
    with anywhere.reading() as ctx:
        assert actor_for(ctx.session, ctx.actor.id, ctx.shop_id) == ctx.actor
        assert actor_for(ctx.session, NOBODY, ctx.shop_id) is None
        assert actor_for(ctx.session, None, ctx.shop_id) is None
