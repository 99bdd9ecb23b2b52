"""Beside the counter: what a shop spends, and when its people come and go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.simulator.words import Expected

if TYPE_CHECKING:
    from tests.simulator.world import World

EXPENSES = "FROM expense WHERE shop_id = :shop AND paid_at IS NULL AND withdrawn_at IS NULL"


def spend(world: World) -> None:
    """Somebody asks to spend money; the owner decides, in the shop or in the portal; it is paid."""
    place, chance = world.some_computer(), world.chance
    way = chance.random()
    if way < 0.4:
        form: dict[str, Any] = {
            "category": chance.choice(("Rent", "Electricity", "Airtime")), "description": "as every month",
            "amount": chance.randrange(1, 40) * 5_000, "payment_method": chance.choice(("cash", "cash", "bank")),
        }  # fmt: skip
        world.do(place, "expenses.request", form, chance.choice(("Aisha", "Sarah")), Expected())
    elif way < 0.65:
        _decide(world)
    elif way < 0.95:
        expense = world.some_row(place, f"SELECT id {EXPENSES}")
        if expense is not None:
            world.do(place, "expenses.pay", {"expense_id": expense}, "Sarah", Expected())
    else:
        expense = world.some_row(place, f"SELECT id {EXPENSES}")
        if expense is not None:
            world.do(place, "expenses.withdraw", {"expense_id": expense}, "Aisha", Expected())


def _decide(world: World) -> None:
    place = world.some_place()
    if place.shop_id is None:
        expense = world.some_row(place, "SELECT id::text FROM expense WHERE paid_at IS NULL AND withdrawn_at IS NULL")
    else:
        expense = world.some_row(place, f"SELECT id {EXPENSES}")
    if expense is None:
        return
    if world.chance.random() < 0.75:
        world.do(place, "expenses.approve", {"expense_id": expense}, "Sarah", Expected())
    else:
        world.do(place, "expenses.reject", {"expense_id": expense, "reason": "not this month"}, "Sarah", Expected())


def clock(world: World) -> None:
    """Somebody comes or goes, or says that the times are wrong and another one decides."""
    place, chance = world.some_computer(), world.chance
    way = chance.random()
    if way < 0.7:
        world.do(place, chance.choice(("attendance.come", "attendance.go")), {}, chance.choice(("Aisha", "Brian")))
        return
    if way < 0.85:
        stretch = world.some_row(place, "SELECT id FROM attendance WHERE shop_id = :shop AND went_at IS NOT NULL")
        if stretch is not None:
            ((came, went),) = place.query("SELECT came_at, went_at FROM attendance WHERE id = :id", id=stretch)
            times = {"came_at": _moment(came - 60_000), "went_at": _moment(went)}
            form = {"attendance_id": stretch, **times, "reason": "the PC was off"}
            world.do(place, "attendance.ask_correction", form, "Brian")
        return
    asked = "SELECT id FROM attendance_correction WHERE shop_id = :shop AND outcome IS NULL"
    correction = world.some_row(place, asked)
    if correction is not None:
        form = {"correction_id": correction, "outcome": chance.choice(("accepted", "refused"))}
        world.do(place, "attendance.decide_correction", form, "Sarah")


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat()


ACTS = {
    "spend": (3, spend),
    "clock": (2, clock),
}
