"""Whatever two cashiers do at two tills: each sale and each move of money is in one Z or one X, and none is lost."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import orjson
import pytest

from shopnode.domain.cash.models import DrawerSession, MoneyMove
from shopnode.domain.cash.reports import session_report
from shopnode.domain.closures.models import DayClosure, ZReport
from shopnode.domain.errors import ShopError
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment, PaymentKind, Sale, SaleSummary
from tests.domain.till import Till, open_till
from tests.shop import Shop

ACTS = 70
PEOPLE = {Role.STAFF: None, Role.SUPERVISOR: "Till 2"}
KEPT = (PaymentKind.PAYMENT.value, PaymentKind.REFUND.value, PaymentKind.CORRECTION.value)


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


class Evening:
    """Two people, a clock that jumps, and a die."""

    def __init__(self, till: Till, seed: int):
        self.till, self.dice, self.done = till, random.Random(seed), Counter[str]()

    def act(self) -> None:
        role, till_name = self.dice.choice(list(PEOPLE.items()))
        amount = self.dice.randrange(1, 40) * 500
        acts: list[tuple[str, dict[str, Any]]] = [
            ("cash.pay_in", {"amount": amount, "reason": "coins"}),
            ("cash.pay_out", {"amount": amount, "reason": "water"}),
            ("cash.drop_to_safe", {"amount": amount}),
            ("cash.deposit_at_bank", {"amount": amount}),
            ("cash.open_without_sale", {"reason": "change"}),
            ("cash.count_drawer", {"counted": amount}),
            *[("cash.close_drawer", {"counted": amount})] * 3,
            ("cash.close_drawer", {}),
            ("cash.hand_over", {"counted": amount}),
            *[("cash.open_drawer", {"opening_float": amount, "till": till_name})] * 8,
            *[("sales.sell", self._sale())] * 6,
            ("sales.void", {"sale_id": self._some_sale(), "reason": "wrong goods"}),
            ("closures.submit", {"business_on": "2026-09-21"}),
        ]
        name, form = self.dice.choice(acts)
        who = Role.OWNER if name == "sales.void" else role
        try:
            self.till.shop.do(name, form, role=who)
            self.done[name] += 1
        except ShopError:
            pass
        self.till.shop.clock.advance(self.dice.choice((1_000, 60_000, 5 * 3_600_000, -3 * 3_600_000)))

    def _sale(self) -> dict[str, Any]:
        method = self.dice.choice(("cash", "mtn_momo", "card"))
        paid = {"method": method, "amount": 5_000}
        if method == "mtn_momo":
            paid["reference"] = f"T{self.dice.randrange(10**9)}"
        return {"items": [{"product_id": self.till.glass}], "payments": [paid]}

    def _some_sale(self) -> str:
        sales = self.till.shop.rows(Sale)
        return self.dice.choice(sales).id if sales else "0190a000-0000-7000-8000-00000000dead"


def summed(reports: list[dict[str, Any]], name: str, value: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for report in reports:
        for row in report[name]:
            found[row["kind"], row["method"]] += row[value]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_rule_80_x_and_z_are_all_there_is(till: Till, seed: int) -> None:
    till.shop.do("stock.adjust", product_id=till.glass, quantity=500, reason="a pallet")
    evening = Evening(till, seed)
    for _ in range(ACTS):
        evening.act()
    assert evening.done["sales.sell"] > 5 and evening.done["cash.close_drawer"] > 1, evening.done
    z_rows, drawers = till.shop.rows(ZReport), till.shop.rows(DrawerSession)
    assert sorted(row.drawer_session_id for row in z_rows) == sorted(row.id for row in drawers if not row.is_open)
    with till.shop.reading() as ctx:
        x_reports = [session_report(ctx.session, row) for row in drawers if row.is_open]
    z_reports = [orjson.loads(row.body) for row in z_rows]
    reports = z_reports + x_reports
    _all_money(till, reports)
    assert sum(report["sales"]["count"] for report in reports) == len(till.shop.rows(SaleSummary))
    assert sum(len(report["no_sales"]) for report in reports) == evening.done["cash.open_without_sale"]
    for row, report in zip(z_rows, z_reports, strict=True):
        _conserved(row, report)
    newest = max(z_rows, key=lambda row: row.number)
    assert newest.since_inception_minor == sum(report["collected"] for report in z_reports)
    assert {row.number for row in z_rows} == {f"KLA1-Z{n:06d}" for n in range(1, len(z_rows) + 1)}
    for day in till.shop.rows(DayClosure):
        assert day.collected_minor - day.expected_minor == day.variance_minor


def _all_money(till: Till, reports: list[dict[str, Any]]) -> None:
    """Every payment and move is in one report, once."""
    for rows, name in (
        ([row for row in till.shop.rows(Payment) if row.kind in KEPT], "payments"),
        (till.shop.rows(MoneyMove), "moves"),
    ):
        assert summed(reports, name, "count") == Counter((row.kind, row.method) for row in rows)
        amounts: Counter[tuple[str, str]] = Counter()
        for row in rows:
            amounts[row.kind, row.method] += row.amount_minor
        assert summed(reports, name, "amount") == amounts


def _conserved(row: ZReport, report: dict[str, Any]) -> None:
    """Float, and cash in, less cash out, is what was expected; what was counted differs by what the Z says."""
    cash = sum(told["amount"] for told in report["payments"] + report["moves"] if told["method"] == "cash")
    assert report["opening_float"] + cash == row.expected_minor == report["expected"]["cash"]
    assert row.counted_minor - row.expected_minor == report["difference"]["cash"]
