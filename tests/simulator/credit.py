"""What customers owe and have: goods on account, payments, store credit, plans; and the owner's corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulator.people import some_item, tenders
from tests.simulator.words import Expected

if TYPE_CHECKING:
    from tests.simulator.places import Computer, Portal
    from tests.simulator.world import World


def on_account(world: World) -> None:
    """Sold to somebody who owes it, or has it with us already."""
    place, chance = world.some_computer(), world.chance
    who = chance.choice(world.ours.customers)
    item, total, pieces = some_item(world, place)
    has = _balance(place, who, "store_credit")
    payments, rest = [], total
    if has > 0 and chance.random() < 0.5:
        part = min(has, rest) if chance.random() < 0.9 else has + 1
        payments.append({"method": "store_credit", "amount": part})
        rest -= part
    if rest > 0 and chance.random() < 0.8:
        part = rest if chance.random() < 0.6 else rest // 2 + 1
        payments.append({"method": "on_account", "amount": part})
        rest -= part
    if rest > 0:
        payments.append({"method": "cash", "amount": rest})
    form = {"items": [item], "payments": payments, "customer_id": who, "print_receipt": False}
    world.do(place, "sales.sell", form, chance.choice(("Sarah", "Aisha")), Expected(total, pieces))


def pay_account(world: World) -> None:
    """They bring money for what they owe: some, all, or more; for a bill they name, or for the oldest."""
    place, chance = world.some_computer(), world.chance
    who = chance.choice(world.ours.customers)
    owes = max(1_000, _balance(place, who, "credit"))
    amount = chance.choice((owes, owes // 2 + 1, owes + 700, chance.randrange(1, 50_000)))
    form: dict[str, Any] = {"customer_id": who, **tenders(world, amount, exact=True)[0]}
    if chance.random() < 0.3:
        charge = world.some_row(place, f"SELECT id FROM account_entry WHERE kind = 'charge' AND customer_id = '{who}'")
        form["charge_ids"] = [charge] if charge else []
    world.do(place, "accounts.take_payment", form, "Aisha", Expected())


def store_credit(world: World) -> None:
    """A gift card, debts paid out of it, or its money given back."""
    place, chance = world.some_computer(), world.chance
    who = chance.choice(world.ours.customers)
    has, owes = _balance(place, who, "store_credit"), _balance(place, who, "credit")
    if has > 0 and owes > 0 and chance.random() < 0.4:
        form: dict[str, Any] = {"customer_id": who, "amount": min(has, owes)}
        world.do(place, "accounts.use_store_credit", form, "Aisha", Expected())
    elif has > 0 and chance.random() < 0.4:
        form = {"customer_id": who, "method": "cash", "amount": chance.randint(1, has)}
        world.do(place, "accounts.pay_out_store_credit", form, "Sarah", Expected())
    else:
        form = {"customer_id": who, **tenders(world, chance.randrange(1, 40) * 1_000, exact=True)[0]}
        world.do(place, "accounts.sell_store_credit", form, "Aisha", Expected())


def correct_account(world: World) -> None:
    """The owner puts an account right, in a shop or in the portal."""
    place, chance = world.some_place(), world.chance
    form: dict[str, Any] = {
        "customer_id": chance.choice(world.ours.customers), "account": chance.choice(("credit", "store_credit")),
        "amount": chance.choice((1, 1, -1)) * chance.randrange(1, 9_000), "reason": "counted wrong",
    }  # fmt: skip
    if place.shop_id is None:
        form["shop_id"] = chance.choice(world.premises).shop_id
    world.do(place, "accounts.correct", form, "Sarah", Expected())


def plan(world: World) -> None:
    """Goods are kept for somebody, or leave on instalments; later they pay, fetch them, or think better of it."""
    place, chance = world.some_computer(), world.chance
    known = world.some_row(place, "SELECT id FROM plan WHERE status = 'open' AND shop_id = :shop")
    if known is None or chance.random() < 0.4:
        _open_plan(world, place)
        return
    ((total, paid),) = place.query(_STATE, id=known)
    left, way = total - int(paid), chance.random()
    about = {"plan_id": known}
    if way < 0.4 and left > 0:
        amount = chance.choice((left, left // 2 + 1))
        form = {**about, **tenders(world, amount, exact=True)[0]}
        world.do(place, "plans.pay", form, "Aisha", Expected())
    elif way < 0.75:
        goods = {row[0]: -int(row[1]) for row in place.query(_GOODS, id=known)}
        form = {**about, "payments": tenders(world, left, exact=True) if left else [], "print_receipt": False}
        world.do(place, "plans.complete", form, "Aisha", Expected(total, goods))
    elif way < 0.9:
        way_out = {"method": "cash"} if chance.random() < 0.5 else {}
        world.do(place, "plans.cancel", {**about, **way_out, "reason": "out of stock"}, "Sarah", Expected())
    else:
        world.do(place, "plans.forfeit", {**about, "reason": "never came"}, "Sarah", Expected())


def _open_plan(world: World, place: Computer) -> None:
    chance = world.chance
    item, total, pieces = some_item(world, place, custom=False)
    deposit = chance.choice((total // 5 + 1, total // 2 + 1))
    kind = chance.choice(("layaway", "layaway", "instalment", "reservation"))
    form: dict[str, Any] = {
        "kind": kind, "customer_id": chance.choice(world.ours.customers), "items": [item],
        "payments": tenders(world, deposit, exact=True),
    }  # fmt: skip
    if kind == "instalment":
        form["instalments"] = chance.randint(1, 3)
    leaves = pieces if kind == "instalment" else {}
    world.do(place, "plans.open", form, "Sarah", Expected(total, leaves))


def _balance(place: Computer | Portal, customer_id: str, account: str) -> int:
    """What the screen shows."""
    rows = place.query(
        "SELECT balance FROM account_balance WHERE customer_id = :who AND account = :account",
        who=customer_id, account=account,
    )  # fmt: skip
    return int(rows[0][0]) if rows else 0


_STATE = """
SELECT p.total_minor, (SELECT coalesce(sum(m.amount_minor), 0) FROM money_move m WHERE m.about_id = p.id)
FROM plan p WHERE p.id = :id
"""
_GOODS = "SELECT product_id, sum(quantity) FROM plan_line WHERE plan_id = :id GROUP BY product_id"

ACTS = {
    "on account": (4, on_account),
    "pay account": (2, pay_account),
    "store credit": (2, store_credit),
    "correct account": (1, correct_account),
    "plan": (4, plan),
}
