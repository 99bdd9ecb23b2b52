"""Whatever a member of staff calls at the till, in earnest and in odd forms: nothing lowers the cash that is expected
in the drawer without an event, and nothing is lost, doubled or told out of order.

An event is a payment of kind `refund` or `correction`, or a money move, by whoever did it, out of the open drawer.
"""

from __future__ import annotations

import orjson
import pytest

from shopnode.domain.cash.queries import drawer_figures, open_session_or_none
from sync_protocol import chain
from tests.domain.stories import assert_lively, hold
from tests.domain.story_staff import STAFF_PLANS, StaffCounter
from tests.domain.test_account_properties import check_accounts


class Watched(StaffCounter):
    """The cash rows of the books, as they were after the act before."""

    def begin(self) -> None:
        super().begin()
        self.seen = cash_rows(self)


def cash_rows(w: StaffCounter) -> dict[str, tuple[object, ...]]:
    query = """SELECT id, amount_minor, drawer_session_id, kind, by_id FROM payment WHERE method = 'cash'
        UNION ALL SELECT id, amount_minor, drawer_session_id, 'event', by_id FROM money_move WHERE method = 'cash'"""
    return {row[0]: row[1:] for row in w.books[0].ask(query)}


def check_drawer(w: Watched) -> None:
    """What the books expect is what was told; and cash left by events of hers alone, written now and never changed."""
    with w.shops[0].reading() as ctx:
        drawer = open_session_or_none(ctx.session, ctx.shop_id or "")
        expected = drawer_figures(ctx.session, drawer).expected_minor if drawer else None
    assert expected == w.expected
    rows = cash_rows(w)
    assert {key: rows.get(key) for key in w.seen} == w.seen
    for key in rows.keys() - w.seen.keys():
        amount, session_id, kind, by_id = rows[key]
        assert by_id == w.shops[0].cashier.id
        assert session_id is not None
        assert int(str(amount)) >= 0 or kind in ("refund", "correction", "event")
    w.seen = rows


def check_books(w: Watched) -> None:
    """Every sale is there once, each number after the other, and the journal is one chain."""
    ask = w.books[0].ask
    numbers = [row[0] for row in ask("SELECT number FROM sale ORDER BY number")]
    assert numbers == [f"KLA1-{n:06d}" for n in range(1, len(numbers) + 1)]
    odd = """SELECT s.sale_id FROM sale_summary s LEFT JOIN sale_return r ON r.sale_id = s.sale_id
        GROUP BY s.sale_id HAVING s.paid_minor <> s.total_minor - coalesce(sum(r.refund_minor), 0)"""
    assert ask(odd) == []
    check_accounts(w)
    link = None
    for n, body, kept in ask("SELECT n, body, hash FROM journal_entry ORDER BY n DESC LIMIT 12")[::-1]:
        link = chain.link(link, body.encode()) if link else kept
        assert (orjson.loads(body)["n"], kept) == (n, link)


@pytest.mark.timeout(1800)
def test_no_calls_by_staff_lower_expected_cash_without_an_event() -> None:
    world = Watched()
    hold(world, STAFF_PLANS, check_drawer, check_books)
    assert_lively(world.counts, share=0.5, rare=NEVER_ALONE)
    assert sum(world.odd.refused.values()) > world.counts.stories / 4
    assert sum(world.odd.accepted.values()) > world.counts.stories / 20


# What staff never do without a second person, or not at all.
NEVER_ALONE = dict.fromkeys(
    ["accounts.allocate_money", "accounts.pay_out_store_credit", "accounts.send_back_money",
     "accounts.use_store_credit", "plans.cancel", "plans.forfeit", "sales.void", "sales.reverse",
     "usedphones.reverse"], 0,
)  # fmt: skip
