"""What an owner should ask about is found, with the figures it was found by; what is in order is not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from shopnode.domain.audit.signals import Signal, SignalKind, find_signals, rules
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import Invalid
from shopnode.domain.permissions import Role
from shopnode.domain.printing.models import JobKind, JobState, PrintJob
from tests.hub.world import World
from tests.shop import Shop

IMEI = "356938035643809"
MINUTE_MS, DAY_MS = 60_000, 86_400_000


@pytest.fixture
def cable(counter: Shop) -> str:
    """Something on the shelf for 10,000 that cost 6,000, and an open drawer."""
    counter.do("cash.open_drawer", opening_float=0)
    made = counter.do("products.create", name="Cable", category="Accessories", price_minor=10_000, cost_minor=6_000)
    counter.do("stock.adjust", product_id=made["id"], quantity=100, reason="counted")
    return str(made["id"])


def sell(shop: Shop, product: str, *, off: int = 0, role: Role = Role.STAFF, **item: Any) -> str:
    """One piece for 10,000 less the discount, in cash."""
    line = {"product_id": product, "quantity": 1, "discount_amount": off, **item}
    form = {"items": [line], "payments": [{"method": "cash", "amount": 10_000 - off}], "notes": "torn box"}
    approval = shop.approval_by(Role.OWNER) if role is not Role.OWNER else None
    return str(shop.perform("sales.sell", form, role=role, approval=approval).result["sale_id"])


def found(shop: Shop, kind: SignalKind, **days: date) -> list[Signal]:
    with shop.reading() as ctx:
        return find_signals(ctx, kind=kind, **days)  # type: ignore[arg-type]


def test_what_is_in_order_is_not_asked_about(counter: Shop, cable: str) -> None:
    for _ in range(4):
        sell(counter, cable)
        counter.clock.advance(MINUTE_MS)
    with counter.reading() as ctx:
        assert find_signals(ctx) == []
        assert {rule.kind for rule in rules()} == set(SignalKind)
        assert all(rule.says.endswith(".") and rule.title for rule in rules())


def test_a_void_long_after_the_sale_is_asked_about_and_one_at_once_is_not(counter: Shop, cable: str) -> None:
    at_once, late = sell(counter, cable), sell(counter, cable)
    counter.clock.advance(MINUTE_MS)
    counter.do("sales.void", sale_id=at_once, reason="typed twice", restock="resell")
    counter.clock.advance(20 * MINUTE_MS)
    counter.do("sales.void", sale_id=late, reason="customer changed mind", restock="resell")

    (signal,) = found(counter, SignalKind.VOID_AFTER_PRINT)

    assert (signal.record_id, signal.person, signal.amount_minor) == (late, "Sarah", 10_000)
    assert "voided 21 minutes after it was sold" in signal.why
    assert "customer changed mind" in signal.why


def test_a_void_after_the_paper_came_out_is_asked_about_however_soon(counter: Shop, cable: str) -> None:
    sale = sell(counter, cable)
    printed(counter, sale)
    counter.clock.advance(30_000)
    counter.do("sales.void", sale_id=sale, reason="wrong", restock="resell")

    (signal,) = found(counter, SignalKind.VOID_AFTER_PRINT)

    assert "less than a minute after it was sold" in signal.why
    assert "its receipt had been printed" in signal.why


def test_rule_81_opening_the_drawer_again_and_again_without_a_sale_is_asked_about(counter: Shop, cable: str) -> None:
    for nth in range(3):
        assert found(counter, SignalKind.NO_SALE_OPENS) == []
        counter.perform("cash.open_without_sale", role=Role.STAFF, reason=f"change {nth}")
    (signal,) = found(counter, SignalKind.NO_SALE_OPENS)
    assert signal.person == "Aisha"
    assert "opened 3 times without a sale" in signal.why
    assert "change 0; change 1; change 2" in signal.why


def test_discounts_close_to_the_limit_are_asked_about_and_smaller_ones_are_not(counter: Shop, cable: str) -> None:
    """Staff may give 5 %."""
    for off in (100, 490, 500):
        sell(counter, cable, off=off)
    assert found(counter, SignalKind.DISCOUNTS_AT_LIMIT) == []
    sell(counter, cable, off=460)
    sell(counter, cable, off=500, role=Role.OWNER)  # an owner has no limit to hug

    (signal,) = found(counter, SignalKind.DISCOUNTS_AT_LIMIT)

    assert (signal.person, signal.amount_minor) == ("Aisha", 1_450)
    assert "3 of 4 discounts were between 4.60 % and 5 %; what may be given alone is 5 %" in signal.why


def test_a_phone_that_is_scrapped_when_its_sale_is_undone_is_asked_about(counter: Shop, cable: str) -> None:
    phone = counter.do("products.create", name="Spark", category="Phones", price_minor=10_000, is_serialised=True)["id"]
    unit = counter.do("handsets.receive", product_id=phone, imei1=IMEI)["unit_id"]
    form = {"items": [{"device_id": unit}], "payments": [{"method": "cash", "amount": 10_000}]}
    sale = counter.do("sales.sell", form)["sale_id"]
    counter.do("sales.void", sale_id=sale, reason="broken", restock="scrap")

    (signal,) = found(counter, SignalKind.REFUND_WITHOUT_UNIT)

    assert signal.record_id == sale
    assert "no phone came in" in signal.why


def test_rule_25_a_price_below_cost_is_asked_about_and_an_undone_sale_is_not(counter: Shop, cable: str) -> None:
    sale, undone = sell(counter, cable, off=5_000), sell(counter, cable, off=6_000)
    sell(counter, cable, off=4_000)  # at cost
    counter.do("sales.void", sale_id=undone, reason="typed wrong", restock="resell")

    (signal,) = found(counter, SignalKind.BELOW_COST)

    assert (signal.record_id, signal.amount_minor, signal.person) == (sale, 1_000, "Aisha")
    assert "was sold for 5,000; it cost 6,000, so 1,000 were lost" in signal.why


@pytest.mark.parametrize(
    ("wall_ms", "words"),
    [(3 * 3_600_000, "set on by 3 hours"), (-400 * DAY_MS, "set back by 400 days"), (60_000, None)],
)
def test_a_clock_that_was_set_is_asked_about(counter: Shop, cable: str, wall_ms: int, words: str | None) -> None:
    begun = to_datetime(counter.clock.now_ms).date()
    counter.clock.advance(MINUTE_MS)
    sell(counter, cable)
    counter.clock.now_ms += wall_ms
    sell(counter, cable)

    signals = found(counter, SignalKind.CLOCK_CHANGED, since=begun - timedelta(days=3), until=begun + timedelta(days=3))

    assert [words in signal.why for signal in signals] == ([True] if words else [])  # type: ignore[operator]


def test_a_clock_that_is_behind_after_a_restart_is_asked_about(counter: Shop, cable: str) -> None:
    begun = to_datetime(counter.clock.now_ms).date()
    counter.clock.now_ms -= 2 * DAY_MS
    counter.clock.boot, counter.clock.uptime_ms = "0ther0ne", 5
    sell(counter, cable)
    counter.clock.boot, counter.clock.uptime_ms = "0ther0n3", 7
    counter.clock.now_ms += 2 * DAY_MS
    sell(counter, cable)

    (signal,) = found(counter, SignalKind.CLOCK_CHANGED, since=begun - timedelta(days=3), until=begun)

    assert "After a restart the clock was 2 days behind" in signal.why


def test_rule_83_small_differences_again_and_again_are_asked_about(counter: Shop) -> None:
    for nth, short in enumerate((2_000, 0, 3_000, 500)):
        assert found(counter, SignalKind.REPEATED_SMALL_VARIANCE) == [], nth
        closed(counter, short)
    (signal,) = found(counter, SignalKind.REPEATED_SMALL_VARIANCE)
    assert (signal.person, signal.amount_minor) == ("Aisha", 5_500)
    assert "3 of 4 counts were off by little, 3 of them short; -5,500 in all" in signal.why


def test_days_are_the_shops_own_and_in_order(counter: Shop, cable: str) -> None:
    sell(counter, cable, off=5_000)
    today = date(2026, 9, 21)
    assert len(found(counter, SignalKind.BELOW_COST, since=today, until=today)) == 1
    assert found(counter, SignalKind.BELOW_COST, until=today - timedelta(days=1)) == []
    for days in (
        {"since": today, "until": today - timedelta(days=1)},
        {"since": date(2020, 1, 1)},
        {"until": date.max},
    ):
        with pytest.raises(Invalid):
            found(counter, SignalKind.BELOW_COST, **days)


def test_the_portal_asks_the_same_of_all_shops(world: World) -> None:
    node = world.enrol("KLA")
    node.do("cash.open_drawer", opening_float=0)
    made = node.do("products.create", name="Cable", category="Accessories", price_minor=10_000, cost_minor=6_000)["id"]
    node.do("stock.adjust", product_id=made, quantity=5, reason="counted")
    sale = sell(node, made, off=5_000, role=Role.OWNER)
    node.clock.advance(5 * MINUTE_MS)
    void = sell(node, made, role=Role.OWNER)
    node.clock.advance(5 * MINUTE_MS)
    node.do("sales.void", sale_id=void, reason="late", restock="resell")
    node.sync()
    ctx = world.owner()
    with ctx.home.reading() as session:
        signals = find_signals(ctx.inside(session))

    assert {(signal.kind, signal.record_id, signal.shop) for signal in signals} == {
        (SignalKind.BELOW_COST, sale, "Shop KLA"), (SignalKind.VOID_AFTER_PRINT, void, "Shop KLA")
    }  # fmt: skip


def printed(shop: Shop, sale_id: str) -> None:
    """Paper for this sale came out of a printer a second from now."""
    form = {"name": "Counter", "transport": "tcp", "address": "127.0.0.1:9100", "kicks_drawer": False}
    printer = shop.do("printing.save_printer", form)["id"]
    at = to_datetime(shop.clock.wall_ms() + 1_000)
    with shop.home.database.writing() as session:  # type: ignore[attr-defined]
        session.add(
            PrintJob(
                id=shop.home.new_id(), printer_id=printer, kind=JobKind.RECEIPT.value, subject_id=sale_id, copy_no=0,
                state=JobState.PRINTED.value, tries=1, next_try_at=at, expires_at=at, created_at=at, sent_at=at,
            )
        )  # fmt: skip


def closed(shop: Shop, short: int) -> None:
    """A session of Aisha's that was counted short by so much."""
    shop.perform("cash.open_drawer", role=Role.STAFF, opening_float=50_000)
    shop.perform("cash.close_drawer", role=Role.STAFF, counted=50_000 - short)
    shop.clock.advance(MINUTE_MS)
