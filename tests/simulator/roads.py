"""The side roads of repairs: another branch's bench, a workshop's, a phone lent meanwhile, a device held as stolen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulator.people import tenders
from tests.simulator.repairs import HERE
from tests.simulator.words import Expected

if TYPE_CHECKING:
    from tests.simulator.world import World

AT_WORK = "('Pending', 'Diagnosed', 'Parts Ordered', 'In Progress')"
READY = "('Completed', 'Declined', 'Cannot Repair')"


def send_to_bench(world: World) -> None:
    """A device goes to another branch, which mends it for this one."""
    place = world.some_computer()
    ticket = world.some_row(place, f"{HERE} IN {AT_WORK} AND came_by_id IS NULL")
    if ticket is not None:
        form = {"ticket_id": ticket, "to_shop_id": world.some_other_shop(place.shop_id)}
        world.do(place, "repairs.send_to_branch", form, "Sarah", Expected())


def move_from_bench(world: World) -> None:
    """A device arrives, is taken back because it never came, or goes home again."""
    place, chance = world.some_computer(), world.chance
    way = chance.random()
    if way < 0.5:
        transfer = world.some_row(place, f"SELECT id FROM repair_transfer WHERE to_shop_id = :shop AND {_UNDER_WAY}")
        if transfer is not None:
            world.do(place, "repairs.receive_from_branch", {"transfer_id": transfer}, "Sarah", Expected())
    elif way < 0.6:
        sent = f"SELECT id FROM repair_transfer WHERE from_shop_id = :shop AND answers_id IS NULL AND {_UNDER_WAY}"
        transfer = world.some_row(place, sent)
        if transfer is not None:
            form = {"transfer_id": transfer, "reason": "the driver brought it back"}
            world.do(place, "repairs.recall_transfer", form, "Sarah", Expected())
    else:
        ticket = world.some_row(place, f"{HERE} IN {READY} AND came_by_id IS NOT NULL")
        if ticket is not None:
            form = {"ticket_id": ticket, "labor_cost": chance.randrange(5) * 5_000}
            world.do(place, "repairs.send_home", form, "Sarah", Expected())


def outwork(world: World) -> None:
    """A device goes to a workshop that is not ours, or comes back from it."""
    place, chance = world.some_computer(), world.chance
    if chance.random() < 0.5:
        ticket = world.some_row(place, f"{HERE} IN {AT_WORK}")
        form: dict[str, Any] = {"sent_to": "Musa in the arcade", "cost": 20_000}
        action = "repairs.send_out"
    else:
        ticket = world.some_row(place, f"{HERE} = 'Outsourced'")
        form = {"outcome": chance.choice(("repaired", "repaired", "not_repaired")), "cost": chance.randrange(9) * 5_000}
        action = "repairs.take_back_in"
    if ticket is not None:
        world.do(place, action, {"ticket_id": ticket, **form}, "Sarah", Expected())


def lend(world: World) -> None:
    """A phone from the shelf is lent while the customer waits, comes back, or is kept and paid for."""
    place, chance = world.some_computer(), world.chance
    lent = world.some_row(place, f"{HERE} NOT IN ('Cancelled') AND loaner_unit_id IS NOT NULL")
    if lent is None or chance.random() < 0.3:
        ticket = world.some_row(place, f"{HERE} IN {AT_WORK} AND loaner_unit_id IS NULL")
        unit = world.some_row(place, "SELECT id FROM stock_unit WHERE shop_id = :shop AND status = 'in_stock'")
        if ticket is not None and unit is not None:
            ((model,),) = place.query("SELECT product_id FROM stock_unit WHERE id = :id", id=unit)
            form = {"ticket_id": ticket, "unit_id": unit}
            world.do(place, "repairs.lend_phone", form, "Sarah", Expected(pieces={model: -1}))
        return
    ((model,),) = place.query(_LENT, id=lent)
    if chance.random() < 0.75:
        outcome = chance.choice(("resell", "inspect"))
        form = {"ticket_id": lent, "outcome": outcome}
        back = Expected(pieces={model: 1} if outcome == "resell" else {})
        world.do(place, "repairs.take_loaner_back", form, "Sarah", back)
    else:
        amount = chance.randrange(20, 60) * 10_000
        form = {"ticket_id": lent, "amount": amount, "payments": tenders(world, amount, exact=True),
                "reason": "it fell into the lake"}  # fmt: skip
        world.do(place, "repairs.charge_loaner", form, "Sarah", Expected(amount))


def hold(world: World) -> None:
    """A device is held as stolen, or let go on."""
    place = world.some_computer()
    held = world.some_row(place, f"{HERE} = 'Stolen'")
    if held is not None and world.chance.random() < 0.6:
        world.do(place, "repairs.clear_stolen", {"ticket_id": held, "reason": "a mistake"}, "Sarah", Expected())
        return
    ticket = world.some_row(place, f"{HERE} IN {AT_WORK}")
    if ticket is not None:
        form = {"ticket_id": ticket, "reason": "somebody showed the box with its number"}
        world.do(place, "repairs.lock_stolen", form, "Sarah", Expected())


def come_back(world: World) -> None:
    """A repair did not last: the device is taken in again under its warranty."""
    place = world.some_computer()
    first = world.some_row(place, f"{HERE} = 'Delivered'")
    if first is not None:
        form = {"ticket_id": first, "issue_description": "The screen is dark again."}
        world.do(place, "repairs.take_in_rework", form, "Sarah", Expected())


_UNDER_WAY = "id NOT IN (SELECT transfer_id FROM repair_transfer_receipt)"
_LENT = """
SELECT u.product_id FROM repair_ticket t JOIN stock_unit u ON u.id = t.loaner_unit_id WHERE t.id = :id
"""

ACTS = {
    "send to bench": (2, send_to_bench),
    "move from bench": (4, move_from_bench),
    "outwork": (2, outwork),
    "lend": (2, lend),
    "hold as stolen": (1, hold),
    "rework": (1, come_back),
}
