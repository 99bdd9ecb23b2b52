"""Whatever is sold, paid, given back and agreed on in any order: a customer's accounts add up.

The equation, per customer, after every step:

    money in − money out  +  what they owe
        =  goods they keep  +  store credit  +  money of open plans  +  what plans forfeited  −  corrections

Money in and out are payments in MONEY tenders of their sales and the money moves that name them. Goods they keep are
the totals of the sales that stand. Corrections are what the owner gave them without money: store credit, less debt.
Points are worth nothing here, so they are no part of it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shopnode.domain.accounts.ledger import balance_now, open_charges
from shopnode.domain.accounts.models import Account, AccountAllocation, AccountBalance, AccountEntry
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.errors import ShopError
from shopnode.domain.financiers.models import FinancierEntry
from shopnode.domain.permissions import Role
from shopnode.domain.plans.models import Plan
from shopnode.domain.plans.queries import deposits_owed
from shopnode.domain.plans.rules import forfeited
from shopnode.domain.sales.models import MONEY, Payment, Sale, SaleSummary, Tender
from tests.domain.test_shop_properties import template
from tests.domain.till import Till, open_till
from tests.shop import open_copy

WHO = st.integers(0, 1)
AMOUNT = st.integers(1, 30_000)


class Books(RuleBasedStateMachine):
    """Two customers, a layaway or two, and people who pay too much, too little and the wrong thing."""

    @initialize()
    def open_shop(self) -> None:
        folder, people = template()
        self.folder = Path(tempfile.mkdtemp(prefix="shop-"))
        self.shop, self.database = open_copy(folder, self.folder, people)
        self.till: Till = open_till(self.shop)
        self.shop.do("settings.change", key="points_per_1000_minor", value=3)
        self.shop.do("stock.adjust", product_id=self.till.glass, quantity=500, reason="more of them")
        self.people = [self.shop.do("customers.create", name=name)["id"] for name in ("Nakato", "Okello")]
        for who in self.people:
            self.shop.do("accounts.set_credit", customer_id=who, credit_limit=40_000)
        self.refused = 0

    def _try(self, action: str, role: Role = Role.OWNER, **form: Any) -> None:
        try:
            self.shop.perform(action, form, role=role)
        except ShopError:
            self.refused += 1  # nothing changed: the invariants look

    @rule(who=WHO, glasses=st.integers(1, 5), credit=AMOUNT, store=st.integers(0, 8_000))
    def sell(self, who: int, glasses: int, credit: int, store: int) -> None:
        due = 5_000 * glasses
        with self.shop.reading() as ctx:
            has = balance_now(ctx.session, self.people[who], Account.STORE_CREDIT)
        store = min(store, due, has + (glasses == 5))  # one too much now and then
        credit = min(credit, due - store)
        parts = {"store_credit": store, "on_account": credit, "cash": due - store - credit}
        pay = [{"method": method, "amount": amount} for method, amount in parts.items() if amount]
        items = [{"product_id": self.till.glass, "quantity": glasses}]
        self._try("sales.sell", Role.STAFF, items=items, payments=pay, customer_id=self.people[who])

    @rule(who=WHO, amount=AMOUNT, pick=st.integers(-1, 3))
    def pay(self, who: int, amount: int, pick: int) -> None:
        with self.shop.reading() as ctx:
            charges = open_charges(ctx.session, self.people[who])
        chosen = [charges[pick % len(charges)].id] if charges and pick >= 0 else []
        form = {"customer_id": self.people[who], "method": "cash", "amount": amount, "charge_ids": chosen}
        self._try("accounts.take_payment", Role.STAFF, **form)

    @rule(pick=st.integers(0, 30))
    def undo(self, pick: int) -> None:
        sales = sorted(row.id for row in self.shop.rows(Sale))
        if sales:
            self._try("sales.void", sale_id=sales[pick % len(sales)], reason="came back", restock="resell")

    @rule(who=WHO, amount=AMOUNT, way=st.sampled_from(["sell", "pay_out", "use"]))
    def move_store_credit(self, who: int, amount: int, way: str) -> None:
        money = {} if way == "use" else {"method": "cash"}
        self._try(f"accounts.{way}_store_credit", customer_id=self.people[who], amount=amount, **money)

    @rule(who=WHO, account=st.sampled_from(["credit", "store_credit", "points"]), amount=st.integers(-9_000, 9_000))
    def correct(self, who: int, account: str, amount: int) -> None:
        self._try("accounts.correct", customer_id=self.people[who], account=account, amount=amount, reason="goodwill")

    @rule(who=WHO, which=st.integers(0, 1), deposit=st.integers(0, 640_000), kind=st.sampled_from(
        ["layaway", "reservation", "instalment"]))  # fmt: skip
    def agree(self, who: int, which: int, deposit: int, kind: str) -> None:
        pay = [{"method": "cash", "amount": deposit}] if deposit else []
        form = {"kind": kind, "customer_id": self.people[who], "items": [{"device_id": self.till.units[which]}]}
        self._try("plans.open", **form, payments=pay, instalments=2)

    @rule(pick=st.integers(0, 9), amount=st.integers(1, 400_000), way=st.sampled_from(
        ["pay", "complete", "cancel", "cancel-cash", "forfeit"]))  # fmt: skip
    def go_on(self, pick: int, amount: int, way: str) -> None:
        plans = sorted(row.id for row in self.shop.rows(Plan, status="open"))
        if not plans:
            return
        plan_id = plans[pick % len(plans)]
        if way == "pay":
            self._try("plans.pay", Role.STAFF, plan_id=plan_id, method="cash", amount=amount)
        elif way == "complete":
            self._try("plans.complete", plan_id=plan_id, payments=[{"method": "cash", "amount": 640_000}])
        elif way == "forfeit":
            self._try("plans.forfeit", plan_id=plan_id, reason="gave up")
        else:
            more = {"method": "cash"} if way == "cancel-cash" else {}
            self._try("plans.cancel", plan_id=plan_id, reason="called off", **more)

    @invariant()
    def a_balance_is_the_sum_of_its_entries_and_never_below_zero(self) -> None:
        if not hasattr(self, "people"):
            return
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for entry in self.shop.rows(AccountEntry):
            sums[entry.customer_id, entry.account] += entry.amount
        kept = {(row.customer_id, row.account): row.balance for row in self.shop.rows(AccountBalance)}
        assert kept == dict(sums)
        assert all(amount >= 0 for amount in sums.values())

    @invariant()
    def no_more_is_allocated_than_there_is(self) -> None:
        if not hasattr(self, "people"):
            return
        entries = {entry.id: entry for entry in self.shop.rows(AccountEntry, account="credit")}
        paid: dict[str, int] = defaultdict(int)
        used: dict[str, int] = defaultdict(int)
        for row in self.shop.rows(AccountAllocation):
            paid[row.charge_id] += row.amount_minor
            used[row.payment_id] += row.amount_minor
            assert entries[row.charge_id].customer_id == entries[row.payment_id].customer_id
        for entry in entries.values():
            if entry.amount > 0:
                assert paid[entry.id] <= entry.amount
            else:
                assert used[entry.id] == -entry.amount  # whatever makes a debt smaller says which

    @invariant()
    def money_in_is_money_out_and_what_is_owed(self) -> None:
        if not hasattr(self, "people"):
            return
        sales = {row.sale_id: row for row in self.shop.rows(SaleSummary)}
        with self.shop.reading() as ctx:
            owed_for_plans = deposits_owed(ctx.session).owed_minor
        open_money = 0
        for who in self.people:
            mine = [row for row in sales.values() if row.customer_id == who]
            ids = {row.sale_id for row in mine}
            moves = self.shop.rows(MoneyMove, customer_id=who)
            payments = [row for row in self.shop.rows(Payment) if row.sale_id in ids]
            money = sum(row.amount_minor for row in payments if Tender(row.method) in MONEY)
            money += sum(row.amount_minor for row in moves)
            plans = {row.id: row for row in self.shop.rows(Plan, customer_id=who)}
            paid = {i: sum(row.amount_minor for row in moves if row.about_id == i) for i in plans}
            in_plans = sum(paid[i] for i, plan in plans.items() if plan.status == "open")
            kept = sum(forfeited(paid[i], plan.forfeit_bp) for i, plan in plans.items() if plan.status == "forfeited")
            goods = sum(row.total_minor for row in mine if row.status not in ("Voided", "Reversed"))
            entries = self.shop.rows(AccountEntry, customer_id=who)
            owes = sum(row.amount for row in entries if row.account == "credit")
            store = sum(row.amount for row in entries if row.account == "store_credit")
            signs = {"credit": -1, "store_credit": 1, "points": 0}
            given = sum(signs[row.account] * row.amount for row in entries if row.kind == "correction")
            assert money + owes == goods + store + in_plans + kept - given
            open_money += in_plans
        assert open_money == owed_for_plans
        assert self.shop.rows(FinancierEntry) == []

    def teardown(self) -> None:
        if hasattr(self, "people"):
            self.database.close()
            shutil.rmtree(self.folder)


TestBooks = pytest.mark.timeout(400)(Books.TestCase)
TestBooks.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
