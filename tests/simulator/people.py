"""What staff do in their shops and owners in the portal, at random, refusals included.

Values that are typed over others (prices, names) are never typed twice, so that who saw what can be told from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.simulator.ground import imei_of
from tests.simulator.places import Computer, Portal
from tests.simulator.words import Expected

if TYPE_CHECKING:
    from tests.simulator.world import World

Place = Computer | Portal
POISON = "☠"
LONG_LINES = 300
BIG_SIGN = "𝕏"  # four bytes, so that what fits a form is still too large for an entry


def sell(world: World) -> None:
    """One to three things, paid in cash, by telephone or both; now and then the very same ticket twice."""
    place, chance = world.some_computer(), world.chance
    items: list[dict[str, Any]] = []
    pieces: Counter[str] = Counter()
    total = 0
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        item, worth, gone = some_item(world, place)
        items.append(item)
        pieces.update(gone)
        total += worth
    form: dict[str, Any] = {"items": items, "print_receipt": False}
    if chance.random() < 0.15 and total > 2_000:
        form["discount_amount"] = 1_000
        total -= 1_000
    if chance.random() < 0.2:
        form["notes"] = "a friend of the house"
    if world.swarm.poison and chance.random() < 0.15:
        form["notes"] = POISON
    if chance.random() < 0.2:
        form["customer_id"] = world.some_row(place, "SELECT id FROM customer WHERE archived_at IS NULL")
    form["payments"] = tenders(world, total)
    who = chance.choice(("Sarah", "Aisha", "Aisha"))
    world.do(place, "sales.sell", form, who, Expected(total, pieces))


def some_item(world: World, place: Computer, *, custom: bool = True) -> tuple[dict[str, Any], int, Counter[str]]:
    """Something from the shelf, or named by hand: its line, its price, and what leaves the shelf."""
    chance = world.chance
    if chance.random() < 0.2:
        unit = world.some_row(place, "SELECT id FROM stock_unit WHERE status = 'in_stock' AND shop_id = :shop")
        if unit is not None:
            ((price, model),) = place.query(_UNIT, id=unit)
            return {"device_id": unit, "unit_price": price}, price, Counter({model: -1})
    if custom and chance.random() < 0.1:
        price = chance.randrange(1_000, 50_000)
        fitted = {"item_name": "Screen protector fitted", "unit_price": price, "category": "Services", "unit_cost": 0}
        return fitted, price, Counter()
    ware = chance.choice([ware for ware in world.ours.wares if not ware.is_phone])
    quantity = chance.choice((1, 1, 1, 2, 5))
    price = place.query("SELECT price_minor FROM product WHERE id = :id", id=ware.id)[0][0]
    line = {"product_id": ware.id, "quantity": quantity, "unit_price": price}
    return line, quantity * price, Counter({ware.id: -quantity})


def tenders(world: World, total: int, *, exact: bool = False) -> list[dict[str, Any]]:
    """How it is paid: in cash, by telephone or both; `exact`: by one of them, and no change is given."""
    chance = world.chance
    way = chance.random()
    if way < 0.5 or (exact and way < 0.7):
        return [{"method": "cash", "amount": total}]
    if way < 0.7:
        return [{"method": "cash", "amount": total + chance.randrange(1, 20_000)}]
    reference = f"MP{chance.randrange(40) if chance.random() < 0.2 else world.unique()}"
    by_phone = total if exact or way < 0.85 else total // 2
    paid = [{"method": chance.choice(("mtn", "airtel")), "amount": by_phone, "reference": reference}]
    return paid if by_phone == total else [*paid, {"method": "cash", "amount": total - by_phone}]


def oversize(world: World) -> None:
    """A ticket that is larger than an entry may be: refused when it is written."""
    line = {"item_name": BIG_SIGN * 200, "unit_price": 100, "category": "Services", "unit_cost": 0}
    items = [line] * LONG_LINES
    pay = [{"method": "cash", "amount": LONG_LINES * 100}]
    place = world.some_computer()
    done = world.do(place, "sales.sell", {"items": items, "payments": pay, "print_receipt": False}, "Sarah")
    assert done is None, "an entry above the limit was taken"


def undo(world: World) -> None:
    place, sale_id = _a_sale(world)
    form = {"sale_id": sale_id, "reason": "brought back", "restock": world.chance.choice(("resell", "inspect"))}
    world.do(place, world.chance.choice(("sales.void", "sales.reverse")), form, "Sarah")


# Phones on a ticket as it stands: all of them leave it, and are scanned.
_PHONES_OF = """
SELECT l.imei FROM sale_line l WHERE l.sale_id = :sale AND l.unit_id IS NOT NULL AND l.amendment_id IS (
  SELECT a.id FROM sale_amendment a WHERE a.sale_id = :sale AND a.replaces_lines ORDER BY a.nth DESC, a.id DESC LIMIT 1)
"""


def amend(world: World) -> None:
    place = world.some_computer()
    sale_id = world.some_sale(place.shop_id)
    form: dict[str, Any] = {"sale_id": sale_id, "reason": "typed wrong"}
    way = world.chance.random()
    if way < 0.3:
        form["notes"] = f"note {world.unique()}"
    else:
        item, total, _ = some_item(world, place)
        form["items"] = [item]
        form["came_back"] = [number for (number,) in place.query(_PHONES_OF, sale=sale_id)]
        if way < 0.8:
            form["payments"] = tenders(world, total)
    world.do(place, "sales.amend", form, "Sarah")


def pay_refund(world: World) -> None:
    place = world.some_computer()
    world.do(place, "sales.pay_refund", {"sale_id": world.some_sale(place.shop_id)}, "Aisha")


def decide(world: World) -> None:
    place, sale_id = _a_sale(world)
    verb = world.chance.choice(("approve", "reject", "lock", "lock", "unlock"))
    world.do(place, f"sales.{verb}", {"sale_id": sale_id, "reason": "looked at"}, "Sarah")


def _a_sale(world: World) -> tuple[Place, str]:
    """Where somebody deals with an earlier sale: its shop, or the portal."""
    place = world.some_place()
    return place, world.some_sale(place.shop_id)


def price(world: World) -> None:
    ware = world.chance.choice(world.ours.wares)
    form = {"product_id": ware.id, "price_minor": 10_007 + 100 * world.unique()}
    if world.chance.random() < 0.2:
        form["cost_minor"] = world.unique()
    world.do(world.some_place(), "products.update", form, "Sarah")


def register(world: World) -> None:
    """Edit something else that several homes know."""
    place, chance, new = world.some_place(), world.chance, world.unique()
    staff = [actor.id for shop in world.premises for name, actor in shop.people.items() if name != "Sarah"]
    ware = chance.choice(world.ours.wares)
    edits: list[tuple[str, dict[str, Any]]] = [
        ("products.update", {"product_id": ware.id, "name": f"{ware.price_minor} No. {new}"}),
        ("products.update", {"product_id": ware.id, "min_stock_level": new}),
        ("staff.update", {"staff_id": chance.choice(staff), "name": f"Person {new}"}),
        ("settings.change", {"key": "receipt_thanks", "value": f"Thank you {new}"}),
        ("business.update", {"name": f"Kisura {new}"}),
        ("shops.update", {"shop_id": chance.choice(world.premises).shop_id, "receipt_footer": f"Come again {new}"}),
        ("products.archive", {"product_id": ware.id, "reason": "sold out"}),
        ("products.restore", {"product_id": ware.id}),
    ]
    weights = [2, 2, 2, 2, 1, 2, 1, 3]
    world.do(place, *chance.choices(edits, weights)[0], "Sarah")


def new_product(world: World) -> None:
    new = world.unique()
    form: dict[str, Any] = {"name": f"New thing {new}", "category": "Goods", "price_minor": 10_007 + 100 * new}
    if world.chance.random() < 0.5:
        form["sku"] = f"SKU{world.chance.randrange(5)}"  # typed by several shops
    world.do(world.some_place(), "products.create", form, "Sarah")


def customer(world: World) -> None:
    place, new = world.some_place(), world.unique()
    known = world.some_row(place, "SELECT id FROM customer") if world.chance.random() < 0.5 else None
    if known is None:
        form: dict[str, Any] = {"name": f"Customer {new}"}
        if world.chance.random() < 0.7:
            form["phone"] = f"+2567721000{world.chance.randrange(40):02d}"
        world.do(place, "customers.create", form, "Sarah")
    else:
        world.do(place, "customers.update", {"customer_id": known, "notes": f"likes No. {new}"}, "Sarah")


def staff(world: World) -> None:
    place = world.some_place()
    shop = world.chance.choice(world.premises)
    person = world.chance.choice([actor for name, actor in shop.people.items() if name != "Sarah"])
    verb = world.chance.choice(("suspend", "activate"))
    world.do(place, f"staff.{verb}", {"staff_id": person.id}, "Sarah")


def new_person(world: World) -> None:
    form = {"name": f"Person {world.unique()}", "role": "Staff", "email": f"p{world.unique()}@kisura.example"}
    place = world.some_place()
    if place.shop_id is None:
        form["shop_ids"] = [world.chance.choice(world.premises).shop_id]  # type: ignore[assignment]
    world.do(place, "staff.add", form, "Sarah")


def drawer(world: World) -> None:
    place = world.some_computer()
    if place.query("SELECT 1 FROM drawer_session WHERE closed_at IS NULL AND shop_id = :shop", shop=place.shop_id):
        world.do(place, "cash.close_drawer", {"counted": world.chance.randrange(10**6)}, "Aisha")
    world.do(place, "cash.open_drawer", {"opening_float": world.chance.randrange(10**5)}, "Aisha")


def stock(world: World) -> None:
    ware = world.chance.choice([ware for ware in world.ours.wares if not ware.is_phone])
    quantity = world.chance.randrange(-5, 30)
    form = {"product_id": ware.id, "quantity": quantity, "reason": "counted"}
    world.do(world.some_computer(), "stock.adjust", form, "Sarah")


def receive(world: World) -> None:
    """A phone comes in: a new one, one that was sold before, or one whose number another shop types as well."""
    place, ware = world.some_computer(), world.chance.choice([w for w in world.ours.wares if w.is_phone])
    number = imei_of(500_000 + (world.chance.randrange(8) if world.chance.random() < 0.3 else 100 + world.unique()))
    sold = world.some_row(
        place, "SELECT h.imei1 FROM handset h JOIN stock_unit u ON u.handset_id = h.id WHERE u.status = 'sold'"
    )
    if sold is not None and world.chance.random() < 0.3:
        number = sold
    world.do(place, "handsets.receive", {"product_id": ware.id, "imei1": number}, "Aisha")


def handset(world: World) -> None:
    """Look over a phone that came back or was made ready, find a missing one, write one off, or correct its looks."""
    place = world.some_computer()
    mine = "SELECT id FROM stock_unit WHERE shop_id = :shop AND status = "
    away = world.some_row(place, "SELECT id FROM stock_unit WHERE shop_id = :shop AND status IN ('bench', 'missing')")
    back = world.some_row(place, f"{mine}'inspect'")
    if back is not None:
        form = {"unit_id": back, "outcome": world.chance.choice(("resell", "scrap")), "reason": "looked over"}
        world.do(place, "handsets.finish_inspection", form, "Sarah")
    elif away is not None and world.chance.random() < 0.7:
        ((status,),) = place.query("SELECT status FROM stock_unit WHERE id = :id", id=away)
        verb = "put_back" if status == "bench" else "report_found"
        world.do(place, f"handsets.{verb}", {"unit_id": away, "reason": "it is here"}, "Sarah")
    elif world.chance.random() < 0.2:
        unit = world.some_row(place, f"{mine}'in_stock'")
        world.do(place, "handsets.write_off", {"unit_id": unit, "reason": "fell down"}, "Sarah")
    else:
        one = world.some_row(place, "SELECT id FROM handset")
        form = {"handset_id": one, "colour": f"colour {world.unique()}", "reason": "seen by day"}
        world.do(place, "handsets.correct", form, "Sarah")


def send_phones(world: World) -> None:
    """Send a phone to another shop, receive what came, or take back what never arrived."""
    place, chance = world.some_computer(), world.chance
    way = chance.random()
    if way < 0.4:
        unit = world.some_row(place, "SELECT id FROM stock_unit WHERE shop_id = :shop AND status = 'in_stock'")
        form = {"to_shop_id": world.some_other_shop(place.shop_id), "unit_ids": [unit]}
        world.do(place, "handsets.send", form, "Sarah")
        return
    mine = "to_shop_id" if way < 0.8 else "shop_id"
    line = world.some_row(
        place, f"SELECT l.id FROM transfer_line l JOIN transfer t ON t.id = l.transfer_id WHERE t.{mine} = :shop"
    )
    if line is None:
        return
    ((transfer_id, unit_id),) = place.query("SELECT transfer_id, unit_id FROM transfer_line WHERE id = :id", id=line)
    form = {"transfer_id": transfer_id, "unit_ids": [unit_id]}
    if way < 0.8:
        world.do(place, "handsets.receive_transfer", form, "Aisha")
    else:
        world.do(place, "handsets.take_back", {**form, "reason": "never arrived"}, "Sarah")


def resolve(world: World) -> None:
    """The owner settles an open conflict."""
    found = world.some_row(world.portal, "SELECT id::text FROM field_conflict WHERE resolved_at IS NULL")
    if found is not None:
        form = {"conflict_id": found, "use_other": world.chance.random() < 0.5}
        world.do(world.portal, "conflicts.resolve", form, "Sarah")


def strangers_trade(world: World) -> None:
    """Another business uses the same hub; nothing of it may ever show here."""
    world.let_stranger_trade()


_UNIT = """
SELECT p.price_minor, u.product_id FROM stock_unit u JOIN product p ON p.id = u.product_id WHERE u.id = :id
"""

ACTS: dict[str, tuple[int, Callable[[World], None]]] = {
    "sell": (14, sell),
    "undo": (2, undo),
    "amend": (3, amend),
    "pay refund": (1, pay_refund),
    "decide": (2, decide),
    "drawer": (1, drawer),
    "stock": (1, stock),
    "receive": (2, receive),
    "handset": (1, handset),
    "send phones": (3, send_phones),
    "stranger": (1, strangers_trade),
    "oversize": (1, oversize),
}

# What several homes know, and each may type over what it has heard of another's.
EDITS: dict[str, tuple[int, Callable[[World], None]]] = {
    "price": (4, price),
    "register": (3, register),
    "new product": (1, new_product),
    "customer": (2, customer),
    "staff": (1, staff),
    "new person": (1, new_person),
    "resolve": (1, resolve),
}
