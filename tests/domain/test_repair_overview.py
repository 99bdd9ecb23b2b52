"""Open repairs at a glance: how many stand where, how many are late, and which came first."""

from __future__ import annotations

import pytest

from shopnode.domain.errors import Invalid
from shopnode.domain.repairs.models import RepairStatus
from shopnode.domain.repairs.views import TicketFilter, count_open, list_longest_here
from tests.domain.bench import Bench, open_bench
from tests.shop import Shop


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def test_open_repairs_are_counted_by_state_and_only_work_is_late(shop: Shop, bench: Bench) -> None:
    promise = "2026-09-21T18:30:00+03:00"
    bench.take_in(estimated_completion=promise)
    bench.mended(customer_phone="0701 555 777", customer_name="Musa", estimated_completion=promise)
    bench.deliver(bench.mended(customer_phone="0701 555 778", customer_name="Ssali"), 150_000)
    bench.later(days=3)
    with shop.home.reading() as session:
        counts = count_open(shop.ctx().inside(session))
    assert [(one.status, one.count, one.late) for one in counts] == [
        (RepairStatus.PENDING, 1, 1), (RepairStatus.COMPLETED, 1, 0),
    ]  # fmt: skip


def test_those_that_came_first_are_listed_first_a_page_at_a_time(shop: Shop, bench: Bench) -> None:
    people = [("0701 555 771", "Ann"), ("0701 555 772", "Ben"), ("0701 555 773", "Cos")]
    ids = [bench.take_in(customer_phone=phone, customer_name=name) for phone, name in people]
    with shop.home.reading() as session:
        ctx = shop.ctx().inside(session)
        first = list_longest_here(ctx, TicketFilter(is_open=True), limit=2)
        second = list_longest_here(ctx, TicketFilter(is_open=True), limit=2, cursor=first.next_cursor)
        assert [row.ticket.id for row in (*first.rows, *second.rows)] == ids and second.next_cursor is None
        with pytest.raises(Invalid):
            list_longest_here(ctx, TicketFilter(), cursor="nonsense")
