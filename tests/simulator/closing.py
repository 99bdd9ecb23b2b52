"""The drawer and the day: money put in and taken out, counts, handovers, and what is decided of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulator.words import Expected

if TYPE_CHECKING:
    from tests.simulator.world import Place, World


def move_cash(world: World) -> None:
    """Cash beside sales: into the drawer, out of it, into the safe, to the bank; or the drawer is only opened."""
    place, chance = world.some_computer(), world.chance
    amount = chance.randrange(1, 90) * 1_000
    forms: list[tuple[str, dict[str, Any]]] = [
        ("cash.pay_in", {"amount": amount, "reason": "change from next door"}),
        ("cash.pay_out", {"amount": amount, "reason": "water"}),
        ("cash.drop_to_safe", {"amount": amount}),
        ("cash.take_from_safe", {"amount": amount}),
        ("cash.deposit_at_bank", {"amount": amount, "reference": f"S{world.unique()}"}),
        ("cash.open_without_sale", {"reason": "a customer wanted change"}),
    ]
    world.do(place, *chance.choice(forms), "Sarah", Expected())


def count(world: World) -> None:
    """The drawer is counted, by notes; perhaps once more, perhaps to close it."""
    place, chance = world.some_computer(), world.chance
    notes = [{"value": value, "pieces": chance.randrange(9)} for value in (50_000, 20_000, 10_000, 1_000)]
    form: dict[str, Any] = {"denominations": notes}
    if chance.random() < 0.4:
        form["wallets"] = [{"tender": "mtn_momo", "amount": chance.randrange(10) * 5_000}]
    if world.do(place, "cash.count_drawer", form, "Aisha", Expected()) is None or chance.random() < 0.5:
        return
    if world.do(place, "cash.close_drawer", {}, "Aisha", Expected()) is not None:
        world.do(place, "cash.open_drawer", {"opening_float": 50_000}, "Aisha", Expected())


def close_day(world: World) -> None:
    """The drawer is closed and the day submitted; what comes later that day corrects it."""
    place, chance = world.some_computer(), world.chance
    rows = place.query("SELECT business_on FROM z_report WHERE shop_id = :shop ORDER BY at, id", shop=place.shop_id)
    if chance.random() < 0.5:
        open_day = "SELECT business_on FROM drawer_session WHERE shop_id = :shop AND closed_at IS NULL ORDER BY id"
        known = place.query(open_day, shop=place.shop_id)
        done = known and world.do(place, "cash.close_drawer", {"counted": 0}, "Aisha", Expected())
        rows = known if done else rows
    if rows:
        day = str(chance.choice((rows[-1], chance.choice(rows)))[0])
        done = world.do(place, "closures.submit", {"business_on": day}, "Aisha", Expected())
        if done is not None and chance.random() < 0.4:
            _decide(world, place, str(done.result["closure_id"]))
    world.do(place, "cash.open_drawer", {"opening_float": 20_000}, "Aisha", Expected())


def decide_day(world: World) -> None:
    """The owner reviews, approves, rejects or locks a day, in the shop or in the portal."""
    place = world.some_place()
    cast = "SELECT id::text FROM day_closure" if place.shop_id is None else "SELECT id FROM day_closure"
    closure = world.some_row(place, cast)
    if closure is None:
        return
    _decide(world, place, closure)


def _decide(world: World, place: Place, closure: str) -> None:
    """One decision, or two: a day is locked after it was approved."""
    verb = world.chance.choice(("review", "approve", "approve", "reject", "lock"))
    form = {"closure_id": closure} | ({"reason": "count again"} if verb == "reject" else {})
    done = world.do(place, f"closures.{verb}", form, "Sarah", Expected())
    if done is not None and verb == "approve" and world.chance.random() < 0.5:
        world.do(place, "closures.lock", {"closure_id": closure}, "Sarah", Expected())


ACTS = {
    "move cash": (3, move_cash),
    "count": (1, count),
    "close day": (1, close_day),
    "decide day": (1, decide_day),
}
