"""Whatever people do at the till, in any order: nothing is lost, doubled or out of balance.

The oracle is a plain list of what the person was told, kept outside the shop, and added up again after every step.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shopnode.domain.cash.queries import drawer_figures, open_session_or_none
from shopnode.domain.errors import ShopError
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment, Sale, SaleSummary
from shopnode.domain.stock.models import StockLevel
from shopnode.domain.stock.queries import stock_differences
from sync_protocol import chain
from tests.domain.till import Till, open_till
from tests.shop import build_template, open_copy


@dataclass
class Told:
    """One sale as the cashier saw it."""

    number: str
    glasses: int
    unit: str | None
    cash: int  # net of change, in the drawer because of this sale
    momo: int = 0  # kept on the mobile wallet
    undone: bool = False

    def give_back(self, amount: int) -> None:
        """Money goes back by the tender most of it came by, then by the other."""
        for name in sorted(("cash", "momo"), key=lambda name: (-getattr(self, name), name)):
            part = min(amount, getattr(self, name))
            setattr(self, name, getattr(self, name) - part)
            amount -= part


@dataclass
class Memory:
    """What was seen at the counter."""

    sales: dict[str, Told] = field(default_factory=dict)
    adjusted: int = 0
    refused: int = 0


_TEMPLATE: dict[str, Any] = {}


def template() -> tuple[Path, dict[str, Any]]:
    if not _TEMPLATE:
        folder = Path(tempfile.mkdtemp(prefix="shop-template-"))
        _TEMPLATE["made"] = (folder, build_template(folder))
    made: tuple[Path, dict[str, Any]] = _TEMPLATE["made"]
    return made


class Counter(RuleBasedStateMachine):
    """Selling, amending, undoing, retrying and adjusting, as three people would."""

    @initialize()
    def open_shop(self) -> None:
        folder, people = template()
        self.folder = Path(tempfile.mkdtemp(prefix="shop-"))
        shop, self.database = open_copy(folder, self.folder, people)
        self.till: Till = open_till(shop)
        self.told = Memory()

    @rule(glasses=st.integers(1, 4), cash=st.integers(0, 40_000), role=st.sampled_from(list(Role)))
    def sell_glasses(self, glasses: int, cash: int, role: Role) -> None:
        due = glasses * 5_000
        pay = [{"method": "cash", "amount": cash}] if cash else []
        if cash < due:
            pay.append({"method": "mtn", "amount": due - cash, "reference": f"T{len(self.told.sales)}"})
        if self.told.refused % 3 == 2 and cash < due:
            pay[-1]["reference"] = "T0"  # somebody shows an old message again
        item = {"product_id": self.till.glass, "quantity": glasses}
        self._try(role, item, pay, glasses, None, min(cash, due), max(due - cash, 0))

    @rule(which=st.integers(0, 1))
    def sell_phone(self, which: int) -> None:
        unit = self.till.units[which]
        pay = [{"method": "cash", "amount": 650_000}]
        self._try(Role.STAFF, {"device_id": unit}, pay, 0, unit, 640_000, 0)

    def _try(self, role: Role, item: Any, pay: Any, glasses: int, unit: str | None, cash: int, momo: int) -> None:
        action_id = self.till.shop.home.new_id()
        try:
            answers = [self.till.sell(item, pay=pay, role=role, action_id=action_id).result for _ in range(2)]
        except ShopError:
            self.told.refused += 1
            return
        assert answers[0] == answers[1]
        self.told.sales[answers[0]["sale_id"]] = Told(answers[0]["number"], glasses, unit, cash, momo)

    def _standing(self) -> list[str]:
        return [sale_id for sale_id, told in self.told.sales.items() if not told.undone]

    @precondition(lambda self: self._standing())
    @rule(pick=st.integers(0, 99), resell=st.booleans(), action=st.sampled_from(["sales.void", "sales.reverse"]))
    def undo(self, pick: int, resell: bool, action: str) -> None:
        sale_id = self._standing()[pick % len(self._standing())]
        told = self.told.sales[sale_id]
        restock = "resell" if resell or told.unit else "inspect"
        self.till.shop.do(action, sale_id=sale_id, reason="came back", restock=restock)
        if restock != "resell":
            self.told.adjusted -= told.glasses  # went to inspection: not on the shelf
        told.undone, told.cash, told.momo = True, 0, 0

    @precondition(lambda self: self._standing())
    @rule(pick=st.integers(0, 99), glasses=st.integers(1, 3))
    def amend_to_fewer(self, pick: int, glasses: int) -> None:
        sale_id = self._standing()[pick % len(self._standing())]
        told = self.told.sales[sale_id]
        if told.unit or glasses >= told.glasses:
            return
        items = [{"product_id": self.till.glass, "quantity": glasses}]
        self.till.shop.do("sales.amend", role=Role.SUPERVISOR, sale_id=sale_id, reason="counted again", items=items)
        told.give_back((told.glasses - glasses) * 5_000)
        told.glasses = glasses

    @rule(quantity=st.integers(-3, 10))
    def adjust(self, quantity: int) -> None:
        self.till.shop.do("stock.adjust", product_id=self.till.glass, quantity=quantity, reason="counted")
        self.told.adjusted += quantity

    @invariant()
    def stock_is_the_sum_of_its_movements_and_of_what_was_told(self) -> None:
        if not hasattr(self, "told"):
            return
        gone = sum(told.glasses for told in self.told.sales.values() if not told.undone)
        (level,) = self.till.shop.rows(StockLevel, product_id=self.till.glass)
        assert level.on_hand == 10 + self.told.adjusted - gone
        with self.till.shop.reading() as ctx:
            assert stock_differences(ctx.session) == []

    @invariant()
    def the_drawer_is_float_plus_cash_in_less_cash_out(self) -> None:
        if not hasattr(self, "told"):
            return
        with self.till.shop.reading() as ctx:
            drawer = open_session_or_none(ctx.session, ctx.shop_id or "")
            assert drawer is not None
            figures = drawer_figures(ctx.session, drawer)
        assert figures.expected_minor == 50_000 + sum(told.cash for told in self.told.sales.values())

    @invariant()
    def a_phone_is_in_one_place_and_sold_at_most_once_between_returns(self) -> None:
        if not hasattr(self, "told"):
            return
        for unit_id in self.till.units:
            sold = [told for told in self.told.sales.values() if told.unit == unit_id and not told.undone]
            assert len(sold) <= 1
            unit = self.till.shop.row(StockUnit, unit_id)
            assert unit.status == ("sold" if sold else "in_stock")

    @invariant()
    def every_sale_is_there_once_and_paid_as_its_total(self) -> None:
        if not hasattr(self, "told"):
            return
        numbers = sorted(sale.number for sale in self.till.shop.rows(Sale))
        assert numbers == sorted(told.number for told in self.told.sales.values())
        assert numbers == [f"KLA1-{n:06d}" for n in range(1, len(numbers) + 1)]
        for row in self.till.shop.rows(SaleSummary):
            told = self.told.sales[row.sale_id]
            paid = sum(payment.amount_minor for payment in self.till.shop.rows(Payment, sale_id=row.sale_id))
            assert row.paid_minor == paid == (0 if told.undone else row.total_minor)
            assert (row.status in ("Voided", "Reversed")) is told.undone

    def teardown(self) -> None:
        if not hasattr(self, "told"):
            return
        hash_n = chain.genesis(self.till.shop.home.origin_id)
        for n, entry in enumerate(self.till.shop.entries(), start=1):
            hash_n = chain.link(hash_n, entry.body.encode())
            assert (entry.n, entry.hash) == (n, hash_n)
            assert orjson.loads(entry.body)["n"] == n
        self.database.close()
        shutil.rmtree(self.folder)


TestCounter = pytest.mark.timeout(400)(Counter.TestCase)  # 20 stories of 12 steps, each added up anew
TestCounter.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
