"""Whatever is sold, returned, exchanged, amended and undone at a counter with its own rounding, dollars and fees:
each ticket is paid as its goods came to, less what went back, and cash leaves the drawer by an event alone.

An *event* is a fact that says why cash left: a payment of kind `refund` or `correction`, or a money move.
"""

from __future__ import annotations

import pytest

from tests.domain.stories import assert_lively, hold
from tests.domain.story_shops import kampala
from tests.domain.story_tickets import TICKET_PLANS, Counter, stock_up
from tests.domain.test_account_properties import check_tenders, check_tickets, expected_cash

NOTE, DOLLAR, FEE_BP = 500, 3_700, 1_000


def tickets_world() -> Counter:
    choices = [("cash_rounding_minor", NOTE), ("usd_rate_minor", DOLLAR), ("open_box_fee_bp", FEE_BP)]
    world = Counter(kampala(choices), smallest_note=NOTE, dollar=DOLLAR, fee_bp=FEE_BP)
    stock_up(world)
    for pieces, pay in ((3, 15_000), (4, 25_000)):
        item = {"product_id": world.things.glass, "quantity": pieces}
        ways = [{"method": "cash", "amount": pay}]
        done = world.act("sales.sell", items=[item], payments=ways)
        assert done is not None
        world.book(done["sale_id"], [(item, pieces * 5_000)], None)
        world.paid_in(ways, pieces * 5_000)
    world.begin_with(world.told)
    world.counts.accepted.clear()
    return world


def check_counter(w: Counter) -> None:
    check_tickets(w)
    check_tenders(w)
    check_goods_back(w)
    check_cash(w)


def check_goods_back(w: Counter) -> None:
    """No more of a line comes back than was sold of it, and exchanged goods are equal and opposite."""
    ask = w.books[0].ask
    back = dict(ask("SELECT sale_line_id, sum(quantity) FROM sale_return_line GROUP BY 1"))
    told = {key: line.back for ticket in w.told.tickets.values() for key, line in ticket.lines.items() if line.back}
    assert back == told
    other_unit = (
        "SELECT 1 FROM sale_return_line r JOIN sale_line l ON l.id = r.sale_line_id WHERE r.unit_id IS NOT l.unit_id"
    )
    assert ask(other_unit) == []
    odd = "SELECT reference FROM payment WHERE method = 'exchange' GROUP BY 1 HAVING sum(amount_minor) <> 0"
    assert ask(odd) == []


def check_cash(w: Counter) -> None:
    ask = w.books[0].ask
    assert expected_cash(w) == w.told.cash
    without_event = """SELECT id FROM payment WHERE method = 'cash' AND drawer_session_id IS NOT NULL
        AND amount_minor < 0 AND kind NOT IN ('refund', 'correction')"""
    assert ask(without_event) == []


@pytest.mark.timeout(1800)
def test_each_ticket_is_paid_as_its_total_less_what_went_back_whatever_is_done() -> None:
    world = tickets_world()
    hold(world, TICKET_PLANS, check_counter)
    assert_lively(world.counts)
