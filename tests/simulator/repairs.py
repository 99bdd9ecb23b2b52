"""The bench: devices are taken in, asked about, mended with parts from the shelf, and fetched against their slip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulator.people import tenders
from tests.simulator.words import Expected

if TYPE_CHECKING:
    from tests.simulator.places import Computer
    from tests.simulator.world import World

HERE = "SELECT id FROM repair_ticket WHERE shop_id = :shop AND status "
ROAD = {
    "Pending": ("Diagnosed", "Diagnosed", "Cannot Repair"),
    "Diagnosed": ("In Progress", "Parts Ordered", "Declined"),
    "Waiting for Approval": ("In Progress", "Declined"),
    "Parts Ordered": ("In Progress",),
    "In Progress": ("Quality Check", "Quality Check", "Completed", "Delivered"),  # the last is no word's to say
    "Quality Check": ("Completed", "Completed", "In Progress"),
    "Completed": ("In Progress", "Pending"),
    "Declined": ("Diagnosed",),
}
MAIN_ROAD = ("Pending", "Diagnosed", "In Progress", "Quality Check", "Completed")


def take_in(world: World) -> None:
    """Somebody leaves a phone, perhaps with money ahead."""
    place, chance = world.some_computer(), world.chance
    form: dict[str, Any] = {
        "customer_id": chance.choice(world.ours.customers), "device_brand": "Tecno", "device_model": "Spark 10",
        "imei_serial": f"SN{world.unique():06d}", "faults": ["broken screen"], "issue_description": "It fell down.",
        "data_consent": "may_be_lost", "repair_type": "Screen",
    }  # fmt: skip
    if chance.random() < 0.6:
        form |= {"estimated_cost": chance.randrange(3, 20) * 10_000, "agreed_via": "in_person"}
    if chance.random() < 0.4:
        form |= {"passcode_way": "stored", "passcode": "1379"}
    if chance.random() < 0.5:
        form["deposit"] = tenders(world, chance.randrange(1, 4) * 10_000, exact=True)
    world.do(place, "repairs.take_in", form, chance.choice(("Sarah", "Aisha")), Expected())


def work(world: World) -> None:
    """One step on a ticket: another status, an estimate and its answer, a part reserved, fitted or put back."""
    place, chance = world.some_computer(), world.chance
    ticket = world.some_row(place, f"{HERE} NOT IN ('Delivered', 'Cancelled')")
    if ticket is None:
        return
    about = {"ticket_id": ticket}
    way = chance.random()
    if way < 0.45:
        ((status,),) = place.query("SELECT status FROM repair_ticket WHERE id = :id", id=ticket)
        new = chance.choice(ROAD.get(status, ("In Progress",)))
        world.do(place, "repairs.change_status", {**about, "status": new, "notes": "next"}, "Sarah", Expected())
    elif way < 0.6:
        _agree(world, place, ticket, accepted=chance.random() < 0.8)
    elif way < 0.9:
        _part(world, place, ticket)
    elif way < 0.95:
        form = {**about, "amount": chance.randrange(1, 30) * 1_000, "reason": "too much was paid"}
        world.do(place, "repairs.give_back", form, "Sarah", Expected())
    else:
        world.do(place, "repairs.cancel", {**about, "reason": "written twice"}, "Sarah", Expected())


def _agree(world: World, place: Computer, ticket: str, *, accepted: bool) -> None:
    """The customer hears what it will cost, and answers."""
    amount = world.chance.randrange(10, 40) * 10_000
    form = {"ticket_id": ticket, "amount": amount}
    if world.do(place, "repairs.estimate", form, "Sarah", Expected()) is not None:
        said = {"accepted": accepted, "via": "call", "answered_by": "the customer"}
        world.do(place, "repairs.answer", {**form, **said}, "Sarah", Expected())


def mend(world: World) -> None:
    """A technician takes a device from the bench all the way to the shelf of what is ready, or as far as it goes."""
    place, chance = world.some_computer(), world.chance
    ticket = world.some_row(place, f"{HERE} IN ('Parts Ordered', {', '.join(map(repr, MAIN_ROAD[:-1]))})")
    if ticket is None:
        return
    ((status,),) = place.query("SELECT status FROM repair_ticket WHERE id = :id", id=ticket)
    for step in MAIN_ROAD[MAIN_ROAD.index("In Progress" if status == "Parts Ordered" else status) + 1 :]:
        if step == "Quality Check" and chance.random() < 0.5:
            _part(world, place, ticket)
        form = {"ticket_id": ticket, "status": step, "notes": "next"}
        if step == "In Progress" and chance.random() < 0.8:
            _agree(world, place, ticket, accepted=True)
        if world.do(place, "repairs.change_status", form, "Sarah", Expected()) is None:
            return


def _part(world: World, place: Computer, ticket: str) -> None:
    """A part for the ticket: it leaves the shelf when it is fitted, and not before."""
    chance = world.chance
    known = place.query("SELECT id, product_id, quantity, state FROM repair_part WHERE ticket_id = :id", id=ticket)
    if not known or chance.random() < 0.4:
        ware = chance.choice([ware for ware in world.ours.wares if not ware.is_phone])
        form = {"ticket_id": ticket, "product_id": ware.id, "quantity": chance.randint(1, 2)}
        world.do(place, "repairs.reserve_part", form, "Sarah", Expected())
        return
    part, product, quantity, state = chance.choice(sorted(tuple(row) for row in known))
    if state == "reserved" and chance.random() < 0.7:
        expected = Expected(pieces={product: -quantity})
        world.do(place, "repairs.use_part", {"part_id": part, "old_part": "recycled"}, "Sarah", expected)
    else:
        expected = Expected(pieces={product: quantity} if state == "used" else {})
        world.do(place, "repairs.return_part", {"part_id": part}, "Sarah", expected)


def hand_over(world: World) -> None:
    """Somebody fetches their device with the slip, or with another slip; what is due is paid first."""
    place, chance = world.some_computer(), world.chance
    ticket = world.some_row(place, f"{HERE} IN ('Completed', 'Declined', 'Cannot Repair')")
    if ticket is None:
        return
    ((code, done, labour, diagnosis, storage, paid, parts),) = place.query(_DUE, id=ticket)
    due = (labour + int(parts) if done is not None else diagnosis) + storage
    if chance.random() < 0.1:
        code = "2" * len(code)  # of another phone
    form: dict[str, Any] = {"ticket_id": ticket, "taken_by": "its owner", "slip_code": code, "print_receipt": False}
    if due > paid:
        form["payments"] = tenders(world, due - int(paid), exact=True)
    if chance.random() < 0.3:
        form["refund_method"] = "cash"
    world.do(place, "repairs.deliver", form, "Sarah", Expected())


_DUE = """
SELECT t.slip_code, t.completed_at, t.labour_minor, t.diagnosis_fee_minor, t.storage_fee_minor,
  (SELECT coalesce(sum(m.amount_minor), 0) FROM money_move m WHERE m.about_id = t.id),
  (SELECT coalesce(sum(p.quantity * p.unit_price_minor), 0) FROM repair_part p
   WHERE p.ticket_id = t.id AND p.state = 'used')
FROM repair_ticket t WHERE t.id = :id
"""

ACTS = {
    "take in": (3, take_in),
    "work": (4, work),
    "mend": (4, mend),
    "hand over": (4, hand_over),
}
