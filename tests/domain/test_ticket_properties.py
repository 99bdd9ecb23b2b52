"""Whatever is sold, returned, exchanged, amended and undone: money in = money out + what is owed, ticket by ticket.

An *event* is a fact that says why cash left the drawer: a payment of kind `refund` or `correction`, or a money move.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shopnode.domain.errors import ShopError
from shopnode.domain.permissions import Role
from shopnode.domain.returns.models import SaleReturn, SaleReturnLine
from shopnode.domain.sales.models import Payment, SaleLine, SaleSummary
from shopnode.domain.stock.queries import stock_differences
from tests.domain.counting import expected_cash, figures
from tests.domain.test_shop_properties import template
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import open_copy

RESTOCKS = ["new", "open_box", "bench", "supplier"]
RATE = 3_700


class Tickets(RuleBasedStateMachine):
    """One counter with rounding to 500, dollars, and a fee on what comes back opened."""

    @initialize()
    def open_shop(self) -> None:
        folder, people = template()
        self.folder = Path(tempfile.mkdtemp(prefix="shop-"))
        shop, self.database = open_copy(folder, self.folder, people)
        self.till: Till = open_till(shop)
        for key, value in (("cash_rounding_minor", 500), ("usd_rate_minor", RATE), ("open_box_fee_bp", 1_000)):
            shop.do("settings.change", key=key, value=value)
        self.sales: list[str] = []
        self.references = 0

    def _pay(self, due: int, cash: int, dollars: int) -> list[dict[str, Any]]:
        """Mobile money for what cash and dollars do not pay; more cash than due is given change."""
        pay = []
        if dollars:
            worth = dollars * RATE
            pay.append({"method": "cash", "amount": worth, "currency": "USD", "foreign_amount": dollars * 100})
            due = max(0, due - worth)
        if cash:
            pay.append({"method": "cash", "amount": cash})
        if cash < due:
            self.references += 1
            pay.append({"method": "mtn", "amount": due - cash, "reference": f"T{self.references}"})
        return pay

    @rule(
        glasses=st.integers(1, 5), price=st.sampled_from([5_000, 4_990, 4_810]), off=st.sampled_from([0, 7, 130]),
        cash=st.sampled_from([0, 1_000, 5_000, 30_000]), dollars=st.integers(0, 2), role=st.sampled_from(list(Role)),
    )  # fmt: skip
    def sell(self, glasses: int, price: int, off: int, cash: int, dollars: int, role: Role) -> None:
        items = [{"product_id": self.till.glass, "quantity": glasses, "unit_price": price}]
        form = {"items": items, "discount_amount": off, "payments": self._pay(glasses * price - off, cash, dollars)}
        with suppress(ShopError):
            self.sales.append(self.till.shop.perform("sales.sell", form, role=role).result["sale_id"])

    def _coming(self, pick: int, quantity: int, restock: str) -> dict[str, Any]:
        sale_id = self.sales[pick % len(self.sales)]
        held = self.till.shop.rows(SaleLine, sale_id=sale_id)
        line = max(held, key=lambda row: (row.amendment_id or "", row.line_no))
        asked = [{"sale_line_id": line.id, "quantity": quantity, "restock": restock}]
        return {"sale_id": sale_id, "lines": asked, "reason": "not wanted"}

    @precondition(lambda self: self.sales)
    @rule(
        pick=st.integers(0, 99), quantity=st.integers(1, 3), restock=st.sampled_from(RESTOCKS),
        to=st.sampled_from(["original", "cash"]), role=st.sampled_from(list(Role)),
    )  # fmt: skip
    def take_back(self, pick: int, quantity: int, restock: str, to: str, role: Role) -> None:
        with suppress(ShopError):
            self.till.shop.do("returns.take_back", self._coming(pick, quantity, restock), refund_to=to, role=role)

    @precondition(lambda self: self.sales)
    @rule(pick=st.integers(0, 99), quantity=st.integers(1, 3), glasses=st.integers(1, 4))
    def exchange(self, pick: int, quantity: int, glasses: int) -> None:
        items = [{"product_id": self.till.glass, "quantity": glasses}]
        form = self._coming(pick, quantity, "new")
        for pay in ([], [{"method": "cash", "amount": 40_000}]):
            try:
                done = self.till.shop.do(
                    "returns.exchange", form, role=Role.STAFF, sale={"items": items, "payments": pay}
                )
            except ShopError:
                continue
            self.sales.append(done["sale_id"])
            return

    @precondition(lambda self: self.sales)
    @rule(pick=st.integers(0, 99), glasses=st.integers(1, 3))
    def amend(self, pick: int, glasses: int) -> None:
        form = {"sale_id": self.sales[pick % len(self.sales)], "reason": "counted again"}
        items = [{"product_id": self.till.glass, "quantity": glasses}]
        with suppress(ShopError):
            self.till.shop.do("sales.amend", form, role=Role.SUPERVISOR, items=items)

    @precondition(lambda self: self.sales)
    @rule(pick=st.integers(0, 99), action=st.sampled_from(["sales.void", "sales.reverse"]))
    def undo(self, pick: int, action: str) -> None:
        sale_id = self.sales[pick % len(self.sales)]
        with suppress(ShopError):
            self.till.shop.do(action, sale_id=sale_id, reason="wrong", restock="resell")

    @invariant()
    def each_ticket_is_paid_as_its_total_less_what_went_back(self) -> None:
        if not hasattr(self, "sales"):
            return
        returned: dict[str, int] = {}
        for row in self.till.shop.rows(SaleReturn):
            returned[row.sale_id] = returned.get(row.sale_id, 0) + row.refund_minor
        summaries = self.till.shop.rows(SaleSummary)
        assert {row.sale_id for row in summaries} == set(self.sales)
        for row in summaries:
            paid = sum(payment.amount_minor for payment in self.till.shop.rows(Payment, sale_id=row.sale_id))
            undone = row.status in ("Voided", "Reversed")
            due = 0 if undone else row.total_minor - returned.get(row.sale_id, 0)
            assert row.paid_minor == paid == due >= 0

    @invariant()
    def no_more_comes_back_than_was_sold(self) -> None:
        if not hasattr(self, "sales"):
            return
        back: dict[str, int] = {}
        for row in self.till.shop.rows(SaleReturnLine):
            back[row.sale_line_id] = back.get(row.sale_line_id, 0) + row.quantity
        for line in self.till.shop.rows(SaleLine):
            assert back.get(line.id, 0) <= line.quantity
        with self.till.shop.reading() as ctx:
            assert stock_differences(ctx.session) == []

    @invariant()
    def exchanged_goods_are_equal_and_opposite(self) -> None:
        if not hasattr(self, "sales"):
            return
        rows = self.till.shop.rows(Payment, method="exchange")
        by_number: dict[str, int] = {}
        for row in rows:
            by_number[row.reference or ""] = by_number.get(row.reference or "", 0) + row.amount_minor
        assert set(by_number.values()) <= {0}

    @invariant()
    def cash_leaves_the_drawer_by_an_event_alone(self) -> None:
        if not hasattr(self, "sales"):
            return
        rows = [row for row in self.till.shop.rows(Payment, method="cash") if row.drawer_session_id]
        told = figures(self.till)
        worth = sum(told.foreign.values()) * RATE // 100
        assert told.expected_minor == FLOAT + sum(row.amount_minor for row in rows) - worth
        assert all(row.kind in ("refund", "correction") for row in rows if row.amount_minor < 0)
        assert expected_cash(self.till) == told.expected_minor

    def teardown(self) -> None:
        if hasattr(self, "sales"):
            self.database.close()
            shutil.rmtree(self.folder)


TestTickets = pytest.mark.timeout(400)(Tickets.TestCase)
TestTickets.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
