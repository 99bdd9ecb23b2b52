"""Whatever is sold, paid, given back and agreed on in any order: money in = money out + what is owed.

Per ticket: what was paid for it, by every tender, is what its goods came to, less what went back.
Per customer, after every act, with tenders of their sales and money that names them:

    money in − money out  +  debt  +  what others pay or owe for them (financier, points, used phones, goods exchanged)
        =  goods they keep  +  store credit  +  money of open plans  +  what plans forfeited  −  corrections

What goods came to is told by the test (`story_tickets.Ticket`), and so is the cash that must lie in the drawer.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

from shopnode.domain.plans.rules import forfeited
from shopnode.domain.sales.models import MONEY
from tests.domain.stories import assert_lively, hold
from tests.domain.story_accounts import ACCOUNT_PLANS, things_going_on
from tests.domain.story_shops import kampala
from tests.domain.story_tickets import UNDONE, Counter
from tests.domain.till import FLOAT

# Others pay these for the customer; `rounding` is the shop's own. Debt, store credit and plans have their own books.
BY_OTHERS = frozenset({*MONEY, "rounding", "financed", "points", "trade_in", "exchange"})
GOES_BACK_AS = {"rounding": "cash", "trade_in": "cash", "plan": "store_credit"}
AS_MONEY = frozenset({*MONEY, "rounding", "trade_in", "plan", "store_credit"})
SIGNS = {"credit": 1, "store_credit": -1, "points": 0}  # what an account adds to the left side


def accounts_world() -> Counter:
    world = Counter(kampala([("points_per_1000_minor", 20), ("point_worth_minor", 50), ("used_hold_days", 0)]))
    things_going_on(world)
    world.begin_with(world.told)
    world.counts.accepted.clear()
    return world


def check_money(w: Counter) -> None:
    check_tickets(w)
    check_tenders(w)
    check_customers(w)
    check_accounts(w)
    owed = w.books[0].ask("SELECT coalesce(sum(amount_minor), 0) FROM financier_entry")[0][0]
    assert owed == sum(w.told.receivable.values()) - w.told.settled
    assert expected_cash(w) == w.told.cash


def check_tickets(w: Counter) -> None:
    """Each ticket is paid as its goods came to, less what went back of it."""
    ask = w.books[0].ask
    rows = ask("SELECT sale_id, status, total_minor, paid_minor FROM sale_summary")
    paid = dict(ask("SELECT sale_id, sum(amount_minor) FROM payment GROUP BY 1"))
    back = dict(ask("SELECT sale_id, sum(refund_minor) FROM sale_return GROUP BY 1"))
    assert len(rows) == len(w.told.tickets)
    for sale_id, status, total, paid_minor in rows:
        told = w.told.tickets[sale_id]
        assert (status in UNDONE) is told.undone
        assert (total, back.get(sale_id, 0)) == (told.total, told.refunded), told.number
        assert paid_minor == paid.get(sale_id, 0) == told.kept >= 0, told.number


def check_tenders(w: Counter) -> None:
    """Along a chain of exchanges no more leaves by a tender than came in by it, whatever is returned or undone of it.
    Money that went back otherwise, as somebody asked, counts together; so does what plans and used phones paid."""
    net: dict[tuple[str, str], int] = defaultdict(int)
    sums = "SELECT sale_id, method, sum(amount_minor) FROM payment GROUP BY 1, 2"
    for sale_id, method, amount in w.books[0].ask(sums):
        first = w.told.first_of(sale_id)
        together = first in w.told.turned and method in AS_MONEY
        net[first, "money" if together else GOES_BACK_AS.get(method, method)] += amount
    assert [key for key, amount in net.items() if amount < 0] == []


def check_customers(w: Counter) -> None:
    ask = w.books[0].ask
    left: dict[str | None, int] = defaultdict(int)
    tenders = """SELECT s.customer_id, p.method, sum(p.amount_minor) FROM payment p
        JOIN sale_summary s ON s.sale_id = p.sale_id GROUP BY 1, 2"""
    for who, method, amount in ask(tenders):
        left[who] += amount if method in BY_OTHERS else 0
    for who, amount in ask("SELECT customer_id, sum(amount_minor) FROM money_move GROUP BY 1"):
        left[who] += amount
    entries = """SELECT e.customer_id, e.account, e.kind = 'correction', sum(e.amount) FROM account_entry e
        WHERE e.account <> 'points' GROUP BY 1, 2, 3"""
    for who, account, is_correction, amount in ask(entries):
        left[who] += 0 if is_correction else SIGNS[account] * amount
    nobody_knew = """SELECT e.customer_id, sum(e.amount) FROM account_entry e JOIN money_move m ON m.id = e.money_id
        WHERE e.kind = 'unallocated' AND m.customer_id IS NULL GROUP BY 1"""
    for who, amount in ask(nobody_knew):
        left[who] += amount
    strangers = """SELECT s.customer_id, e.customer_id, e.account, sum(e.amount) FROM account_entry e
        JOIN sale_summary s ON s.sale_id = e.sale_id WHERE e.customer_id IS NOT s.customer_id
        AND e.account <> 'points' GROUP BY 1, 2, 3"""
    for of_sale, who, account, amount in ask(strangers):  # into somebody's account who did not buy it
        left[who] -= SIGNS[account] * amount
        left[of_sale] += SIGNS[account] * amount
    for sale_id, amount in w.told.charged_back.items():
        left[w.told.tickets[sale_id].customer] -= amount
    for who in w.things.people:
        assert left[who] == goods_kept(w, who) + money_in_plans(w, who), w.things.people.index(who)


def goods_kept(w: Counter, who: str) -> int:
    return sum(ticket.kept for ticket in w.told.tickets.values() if ticket.customer == who)


def money_in_plans(w: Counter, who: str) -> int:
    """What was paid for open plans, and what was kept of those that were given up."""
    query = """SELECT p.status, p.forfeit_bp, sum(m.amount_minor) FROM plan p JOIN money_move m ON m.about_id = p.id
        WHERE p.customer_id = ? GROUP BY p.id"""
    sums = {"open": lambda paid, rate: paid, "forfeited": forfeited}
    return sum(sums[status](paid, rate) for status, rate, paid in w.books[0].ask(query, who) if status in sums)


def check_accounts(w: Counter) -> None:
    """A balance is the sum of its entries and never below zero; whatever makes a debt smaller says which."""
    ask = w.books[0].ask
    sums = ask("SELECT customer_id, account, sum(amount) FROM account_entry GROUP BY 1, 2 ORDER BY 1, 2")
    assert sums == ask("SELECT customer_id, account, balance FROM account_balance ORDER BY 1, 2")
    assert all(amount >= 0 for *_, amount in sums)
    odd = """SELECT e.id FROM account_entry e LEFT JOIN account_allocation a ON e.id IN (a.charge_id, a.payment_id)
        WHERE e.account = 'credit' GROUP BY e.id HAVING (e.amount > 0 AND coalesce(sum(a.amount_minor), 0) > e.amount)
        OR (e.amount < 0 AND coalesce(sum(a.amount_minor), 0) <> -e.amount)"""
    assert ask(odd) == []
    assert ask("SELECT coalesce(sum(amount_minor), 0) FROM payment WHERE method = 'exchange'") == [(0,)]


def expected_cash(w: Counter) -> int:
    """What the drawer should hold, as the close of the day would say."""
    ask = w.books[0].ask
    sums = [ask(f"SELECT coalesce(sum(amount_minor), 0) FROM {table} WHERE method = 'cash' AND "
                "drawer_session_id IS NOT NULL")[0][0] for table in ("payment", "money_move")]  # fmt: skip
    worth = ask("SELECT coalesce(sum(worth_minor), 0) FROM foreign_cash")[0][0]
    return FLOAT + sum(sums) - int(worth)


@pytest.mark.timeout(1800)
def test_money_in_is_money_out_and_what_is_owed_per_ticket_and_per_customer() -> None:
    world = accounts_world()
    hold(world, ACCOUNT_PLANS, check_money)
    assert_lively(world.counts)
