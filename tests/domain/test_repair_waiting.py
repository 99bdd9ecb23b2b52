"""Repairs that nobody fetches (rule 74): reminders, storage, the final notice, and what is owed after disposal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.accounts.models import AccountEntry
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.repairs.delivery import LoanerOut
from shopnode.domain.repairs.events import TicketLocked
from shopnode.domain.repairs.queries import paid_so_far
from shopnode.domain.repairs.unclaimed import NotWaiting, TooSoon, take_steps, waiting_list
from shopnode.domain.repairs.waiting_rules import (
    Patience,
    Settlement,
    Step,
    Storage,
    next_step,
    read_days,
    settle,
    storage_fee,
)
from shopnode.domain.sales.models import Payment, SaleSummary
from tests.domain.bench import Bench, open_bench
from tests.shop import Shop
from tests.test_docs import ROOT

IMEI = "356938035643809"
READY = datetime(2026, 9, 1, 12, tzinfo=UTC)
PATIENCE = Patience((3, 10, 21), 30, 60)


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def noticed(bench: Bench, ticket_id: str) -> None:
    """Unclaimed, and told for the last time; the days of that have passed."""
    bench.later(days=31)
    bench.do("remind", ticket_id)
    bench.do("mark_unclaimed", ticket_id)
    bench.do("final_notice", ticket_id, via="call")
    bench.later(days=61)


def dispose(bench: Bench, ticket_id: str, outcome: str, **more: Any) -> dict[str, Any]:
    return bench.do("dispose", ticket_id, role=Role.OWNER, outcome=outcome, reason="nobody came", **more)


# --- the law ---


def test_rule_74_reminders_then_unclaimed_then_the_last_notice_then_disposal() -> None:
    def step(days: int, reminded: int = 0, is_unclaimed: bool = False, noticed_on: int | None = None) -> Step | None:
        at = None if noticed_on is None else READY + timedelta(days=noticed_on)
        now = READY + timedelta(days=days)
        return next_step(PATIENCE, ready_at=READY, reminded=reminded, is_unclaimed=is_unclaimed, noticed_at=at, now=now)

    assert [step(2), step(3), step(3, 1), step(10, 1), step(21, 3)] == [None, Step.REMIND, None, Step.REMIND, None]
    assert [step(30), step(30, 3), step(31, 3, True)] == [Step.MARK_UNCLAIMED] * 2 + [Step.FINAL_NOTICE]
    assert [step(90, 3, True, 31), step(91, 3, True, 31)] == [None, Step.DISPOSE]
    assert step(-5) is None  # a clock that was set back


def test_rule_74_storage_begins_after_the_free_days_and_ends_at_its_limit() -> None:
    def fee(days: int, most: int = 0) -> int:
        return storage_fee(Storage(14, 500, most), READY, READY + timedelta(days=days))

    assert [fee(0), fee(14), fee(15), fee(34)] == [0, 0, 500, 10_000]
    assert [fee(34, 6_000), fee(16, 6_000)] == [6_000, 1_000]


def test_rule_74_days_are_read_from_words_people_type() -> None:
    assert read_days(" 10, 3;21 ,3") == (3, 10, 21)
    assert read_days("") == ()
    for odd in ("soon", "-1", "0", "3.5", "99999999999"):
        with pytest.raises(ValueError, match="must be days"):
            read_days(odd)


def table(title: str) -> list[list[int]]:
    """The rows of a table of the rules' page, by its first column; nothing counts as 0."""
    lines = (ROOT / "docs" / "rules" / "repairs.md").read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"| {title} |")) + 2
    rows = takewhile(lambda line: line.startswith("|"), lines[start:])
    return [[int(cell.strip() or 0) for cell in row.strip("|").split("|")] for row in rows]


def test_rule_74_the_numbers_of_the_rules_page_hold() -> None:
    for free, day, most, waited, fee in table("free days"):
        assert storage_fee(Storage(free, day, most), READY, READY + timedelta(days=waited)) == fee
    for bill, paid, worth, kept, lost, owed in table("our bill"):
        assert settle(bill, paid, worth) == Settlement(kept, lost, owed)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_rule_74_every_shilling_is_kept_or_owed(bill: int, paid: int, worth: int) -> None:
    ended = settle(bill, paid, worth)
    assert ended.kept_minor + ended.owed_minor == paid + worth
    assert ended.kept_minor + ended.lost_minor == bill
    assert min(ended.kept_minor, ended.lost_minor, ended.owed_minor) >= 0
    assert not (ended.lost_minor and ended.owed_minor)  # nobody is paid while our bill is open


# --- the shop ---


def test_rule_74_the_nightly_job_does_what_is_due_and_leaves_disposal_to_people(bench: Bench) -> None:
    bench.shop.do("settings.change", key="repair_storage_per_day_minor", value=500)
    ticket_id = bench.mended()
    system = Context(bench.shop.home, CONSOLE, bench.shop.home.shop_id)
    done = []
    for _ in range(120):
        bench.later(days=1)
        done.append(take_steps(system))
    kinds = ("reminded", "final_notice", "storage_fee")
    assert [len(bench.told(ticket_id, kind)) for kind in kinds] == [3, 1, 3]
    assert (bench.ticket(ticket_id).status, sum(done)) == ("Unclaimed", 5)
    with bench.shop.reading() as ctx:
        (one,) = waiting_list(ctx)
    assert (one.step, one.reminded, one.storage_minor) == (Step.DISPOSE, 3, 106 * 500)


def test_rule_74_storage_is_due_at_delivery_and_only_some_may_ask_for_less(bench: Bench) -> None:
    bench.shop.do("settings.change", key="repair_storage_per_day_minor", value=500)
    ticket_id = bench.mended()
    bench.later(days=24)
    with pytest.raises(TooSoon, match="5,000 by now"):
        bench.do("charge_storage", ticket_id, amount=6_000)
    with pytest.raises(NotPermitted):
        bench.do("charge_storage", ticket_id, role=Role.STAFF)
    assert bench.do("charge_storage", ticket_id)["storage_fee"] == 5_000
    assert bench.deliver(ticket_id, 155_000)["total"] == 155_000


def test_rule_74_unclaimed_before_its_time_needs_a_second_person(bench: Bench) -> None:
    ticket_id = bench.mended()
    bench.later(days=5)
    with pytest.raises(ApprovalNeeded, match="5 days, and not 30"):
        bench.do("mark_unclaimed", ticket_id)
    bench.later(days=25)
    bench.do("mark_unclaimed", ticket_id)
    bench.deliver(ticket_id, 150_000)  # whoever comes after all gets it
    assert bench.ticket(ticket_id).status == "Delivered"


def test_rule_74_what_is_in_work_waits_for_nobody(bench: Bench) -> None:
    ticket_id = bench.take_in()
    for act in ("remind", "mark_unclaimed", "final_notice", "charge_storage"):
        with pytest.raises(NotWaiting):
            bench.do(act, ticket_id)
    with pytest.raises(NotWaiting):
        dispose(bench, ticket_id, "scrapped")


def test_rule_74_nothing_goes_before_its_last_notice_has_run_out(bench: Bench) -> None:
    ticket_id = bench.mended()
    bench.later(days=40)
    with pytest.raises(TooSoon, match="not unclaimed yet"):
        bench.do("final_notice", ticket_id)
    bench.do("mark_unclaimed", ticket_id)
    with pytest.raises(TooSoon, match="never reminded"):
        bench.do("final_notice", ticket_id)
    with pytest.raises(TooSoon, match="no final notice"):
        dispose(bench, ticket_id, "scrapped")
    bench.do("remind", ticket_id)
    bench.do("final_notice", ticket_id)
    bench.later(days=59)
    with pytest.raises(TooSoon, match="runs until"):
        dispose(bench, ticket_id, "scrapped")
    with pytest.raises(NotPermitted):  # the owner alone
        bench.do("dispose", ticket_id, outcome="scrapped", reason="nobody came")
    bench.later(days=2)
    dispose(bench, ticket_id, "scrapped")
    assert bench.ticket(ticket_id).status == "Disposed"


def test_rule_74_what_is_left_after_a_sale_is_the_customers(bench: Bench) -> None:
    ticket_id = bench.mended(deposit=[{"method": "cash", "amount": 30_000}])
    noticed(bench, ticket_id)
    done = dispose(bench, ticket_id, "sold", amount=200_000, method="cash")
    assert (done["kept"], done["lost"], done["owed"]) == (150_000, 0, 80_000)
    (sale,) = bench.shop.rows(SaleSummary)
    (payment,) = bench.shop.rows(Payment)
    assert (sale.total_minor, payment.method, payment.amount_minor) == (150_000, "plan", 150_000)
    (entry,) = bench.shop.rows(AccountEntry)
    assert (entry.account, entry.amount, entry.number) == ("store_credit", 80_000, bench.ticket(ticket_id).number)
    assert sorted(move.amount_minor for move in bench.shop.rows(MoneyMove)) == [30_000, 200_000]
    assert "80,000 owed to the customer" in str(bench.told(ticket_id, "note")[-1].note)
    with bench.shop.reading() as ctx:
        assert paid_so_far(ctx.session, ticket_id) == 150_000  # the sale is paid by that, and nothing is twice
    with pytest.raises(TicketLocked):
        bench.deliver(ticket_id)


def test_rule_74_a_device_that_is_kept_pays_the_bill_and_stands_in_stock(bench: Bench) -> None:
    ticket_id = bench.mended(imei_serial=IMEI)
    noticed(bench, ticket_id)
    done = dispose(bench, ticket_id, "kept", amount=100_000, product_id=bench.till.phone, grade="C")
    assert (done["kept"], done["lost"], done["owed"]) == (100_000, 50_000, 0)
    unit = bench.shop.row(StockUnit, done["unit_id"])
    assert (unit.status, unit.cost_minor, unit.condition, unit.vat_scheme) == ("in_stock", 100_000, "used", "margin")
    (payment,) = bench.shop.rows(Payment)
    assert (payment.method, payment.amount_minor) == ("trade_in", 100_000)
    assert bench.shop.rows(MoneyMove) == []


def test_rule_74_what_is_thrown_away_loses_the_bill_and_gives_back_what_is_above_it(bench: Bench) -> None:
    ticket_id = bench.take_in(diagnosis_fee=10_000, deposit=[{"method": "cash", "amount": 30_000}])
    bench.go(ticket_id, "Cannot Repair")
    noticed(bench, ticket_id)
    done = dispose(bench, ticket_id, "scrapped")
    assert (done["kept"], done["owed"], bench.shop.rows(AccountEntry)[0].amount) == (10_000, 20_000, 20_000)


def test_rule_74_nothing_is_left_behind_when_a_ticket_ends(bench: Bench) -> None:
    ticket_id = bench.mended()
    bench.do("lend_phone", ticket_id, unit_id=bench.till.units[0])
    noticed(bench, ticket_id)
    with pytest.raises(LoanerOut):
        dispose(bench, ticket_id, "scrapped")
    for odd in (
        {"outcome": "scrapped", "amount": 5}, {"outcome": "sold", "amount": 5}, {"outcome": "kept", "amount": 5},
        {"outcome": "scrapped", "method": "cash"},
    ):  # fmt: skip
        with pytest.raises(Invalid):
            bench.do("dispose", ticket_id, role=Role.OWNER, reason="nobody came", **odd)
