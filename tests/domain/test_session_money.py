"""Whatever moves cash in a day, of every room, a session's Z expects what a list that is kept beside the books says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from shopnode.domain.closures.models import ZReport
from shopnode.domain.errors import ShopError
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import SaleLine
from tests.domain.bench import Bench, open_bench
from tests.domain.till import FLOAT
from tests.shop import Shop

ACTS = 60
RATE = 3_700


@pytest.fixture
def bench(shop: Shop) -> Bench:
    shop.do("settings.change", key="usd_rate_minor", value=RATE)
    made = open_bench(shop)
    shop.do("stock.adjust", product_id=made.till.glass, quantity=500, reason="a pallet")
    return made


class Day:
    """A person at each desk, and one who writes down what they see go in and out. Every sum is theirs, none the
    books'."""

    def __init__(self, bench: Bench, seed: int):
        self.bench, self.shop, self.dice = bench, bench.shop, random.Random(seed)
        self.money: Counter[str] = Counter(cash=FLOAT)
        self.done: Counter[str] = Counter()
        self.deposits: dict[str, dict[str, int]] = {}  # ticket → what was paid for it, by tender
        self.sold: list[tuple[str, str, int]] = []  # sale, tender, amount
        self.n = 0

    def reference(self) -> str:
        self.n += 1
        return f"MP{self.n:06d}"

    def tender(self) -> tuple[str, dict[str, Any]]:
        if self.dice.random() < 0.6:
            return "cash", {"method": "cash"}
        return "mtn_momo", {"method": "mtn_momo", "reference": self.reference()}

    def act(self) -> None:
        acts: list[Callable[[], None]] = [
            self.pay_in, self.pay_out, self.to_safe, self.to_bank, self.false_note, self.expense, self.advance,
            *[self.sell] * 3, self.sell_for_dollars, self.void, self.take_back, *[self.deposit] * 3, self.give_back,
            *[self.fetch] * 2, self.unallocated,
        ]  # fmt: skip
        act = self.dice.choice(acts)
        before = self.money.copy()
        try:
            act()
            self.done[act.__name__] += 1
        except ShopError:
            assert self.money == before, act.__name__  # nothing is written down before it is done
        self.shop.clock.advance(60_000)

    def amount(self, most: int = 60) -> int:
        return self.dice.randrange(1, most) * 500

    def pay_in(self) -> None:
        amount = self.amount()
        self.shop.do("cash.pay_in", amount=amount, reason="coins", role=Role.STAFF)
        self.money["cash"] += amount

    def pay_out(self) -> None:
        amount = self.amount()
        self.shop.do("cash.pay_out", amount=amount, reason="water", role=Role.STAFF)
        self.money["cash"] -= amount

    def to_safe(self) -> None:
        amount = self.amount()
        self.shop.do("cash.drop_to_safe", amount=amount, role=Role.STAFF)
        self.money["cash"] -= amount
        self.money["safe"] += amount

    def to_bank(self) -> None:
        amount, from_safe = self.amount(), self.dice.random() < 0.5
        self.shop.do("cash.deposit_at_bank", amount=amount, from_safe=from_safe)
        self.money["safe" if from_safe else "cash"] -= amount

    def false_note(self) -> None:
        self.shop.do("cash.book_counterfeits", notes=[{"amount": 5_000, "serial": self.reference()}])
        self.money["cash"] -= 5_000

    def expense(self) -> None:
        amount, (name, how) = self.amount(), self.tender()
        made = self.shop.do("expenses.request", category="Meals", description="lunch for all", amount=amount)
        self.shop.do("expenses.pay", expense_id=made["expense_id"], role=Role.STAFF, **how)
        self.money[name] -= amount

    def advance(self) -> None:
        amount, (name, how) = self.amount(), self.tender()
        who = self.shop.cashier.id
        self.shop.do("staff.book", staff_id=who, kind="advance", amount=amount, **how)
        self.money[name] -= amount

    def unallocated(self) -> None:
        amount, (name, how) = self.amount(), self.tender()
        self.shop.do("accounts.receive_unallocated", amount=amount, **how)
        self.money[name] += amount

    def sell(self) -> None:
        name, how = self.tender()
        given = self.dice.choice((5_000, 10_000)) if name == "cash" else 5_000
        done = self.bench.till.sell(pay=[{**how, "amount": given}])
        self.money[name] += 5_000  # the change went back at once
        self.sold.append((done.result["sale_id"], name, 5_000))

    def sell_for_dollars(self) -> None:
        self.bench.till.sell(
            pay=[{"method": "cash", "amount": 2 * RATE, "currency": "USD", "foreign_amount": 2_00}]
        )  # fmt: skip
        self.money["USD"] += 2_00
        self.money["cash"] -= 2 * RATE - 5_000  # change in shillings

    def void(self) -> None:
        sale_id, name, amount = self.dice.choice(self.sold or [(self.shop.home.new_id(), "cash", 0)])
        self.shop.do("sales.reverse", sale_id=sale_id, reason="wrong goods")
        self.money[name] -= amount
        self.sold.remove((sale_id, name, amount))

    def take_back(self) -> None:
        sale_id, name, amount = self.dice.choice(self.sold or [(self.shop.home.new_id(), "cash", 0)])
        lines = [{"sale_line_id": line.id, "restock": "new"} for line in self.shop.rows(SaleLine, sale_id=sale_id)]
        self.shop.do("returns.take_back", sale_id=sale_id, lines=lines, reason="not wanted")
        self.money[name] -= amount
        self.sold.remove((sale_id, name, amount))

    def deposit(self) -> None:
        amount, (name, how) = self.amount(), self.tender()
        if self.deposits and self.dice.random() < 0.5:
            ticket_id = self.dice.choice(sorted(self.deposits))
            self.bench.do("take_deposit", ticket_id, role=Role.STAFF, amount=amount, **how)
        else:
            ticket_id = self.bench.take_in(deposit=[{"amount": amount, **how}])
            self.deposits[ticket_id] = {}
        kept = self.deposits[ticket_id]
        kept[name] = kept.get(name, 0) + amount
        self.money[name] += amount

    def give_back(self) -> None:
        ticket_id = self.dice.choice(sorted(self.deposits) or [self.shop.home.new_id()])
        amount, (name, how) = self.amount(), self.tender()
        self.bench.do("give_back", ticket_id, role=Role.STAFF, amount=amount, reason="asked for it", **how)
        self.deposits[ticket_id][name] -= amount
        assert min(self.deposits[ticket_id].values()) >= 0  # never more by one way than came by it
        self.money[name] -= amount

    def fetch(self) -> None:
        """Somebody fetches a device: mended for so much, or not mended for nothing."""
        if not self.deposits:
            return
        ticket_id = self.dice.choice(sorted(self.deposits))
        paid, mended = sum(self.deposits[ticket_id].values()), self.dice.random() < 0.7
        price = paid + self.amount() if mended else 0
        if mended:
            self.bench.go(ticket_id, "Diagnosed")
            self.bench.agree(ticket_id, price)
            self.bench.go(ticket_id, "In Progress", "Quality Check", "Completed")
        else:
            self.bench.go(ticket_id, "Diagnosed", "Cannot Repair")
        left = self.deposits.pop(ticket_id)
        name, how = self.tender()
        pay = [{**how, "amount": price - paid}] if price else []
        back = {} if price or not paid else {"refund_method": "cash"} if left.get("cash") == paid else {}
        self.bench.deliver(ticket_id, payments=pay, role=Role.OWNER, **back)
        self.money[name] += price - paid if price else 0
        self.money["cash"] -= paid if back else 0  # else it became store credit


@pytest.mark.parametrize("seed", range(3))
def test_rule_80_a_session_expects_what_somebody_who_looked_on_wrote_down(bench: Bench, seed: int) -> None:
    day = Day(bench, seed)
    for _ in range(ACTS):
        day.act()
    assert len(day.done) >= 12, day.done
    bench.shop.do("cash.close_drawer", counted=0, role=Role.STAFF)
    (z_report,) = bench.shop.rows(ZReport)
    expected = orjson.loads(z_report.body)["expected"]
    assert expected["cash"] == day.money["cash"], day.done
    assert expected["foreign"].get("USD", 0) == day.money["USD"]
    assert expected["others"].get("mtn_momo", 0) == day.money["mtn_momo"]
    moved = sum(row["amount"] for row in orjson.loads(z_report.body)["moves"] if row["kind"] == "safe_drop")
    assert -moved == day.money["safe"]
