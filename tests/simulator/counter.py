"""What the counter does beside selling: a used phone bought or traded in, goods that come back, or are exchanged."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.simulator.ground import imei_of
from tests.simulator.people import some_item, tenders
from tests.simulator.places import Computer
from tests.simulator.words import Expected

if TYPE_CHECKING:
    from tests.simulator.world import World

WHO = ("Sarah", "Aisha")
ON_SALE_AGAIN = ("new", "open_box")
NOBODYS_SALE = "00000000-0000-7000-8000-000000000000"


def buy_used(world: World) -> None:
    """Somebody brings their phone and goes with the money; now and then they regret it."""
    place = world.some_computer()
    bought = world.some_row(place, "SELECT id FROM used_purchase WHERE shop_id = :shop")
    if bought is not None and world.chance.random() < 0.2:
        form = {"purchase_id": bought, "reason": "they want it back", "method": "cash"}
        world.do(place, "usedphones.reverse", form, "Sarah", Expected(others_may_move=True))
        return
    phone = _used_phone(world, place)
    world.do(place, "usedphones.buy", phone, "Sarah", Expected(pieces={phone["product_id"]: 1}))


def trade_in(world: World) -> None:
    """A used phone pays a part of the ticket, or all of it and something is paid out."""
    place, chance = world.some_computer(), world.chance
    phone = _used_phone(world, place)
    item, total, pieces = some_item(world, place)
    pieces[phone["product_id"]] += 1
    due = max(0, total - phone["offer"])
    sale: dict[str, Any] = {"items": [item], "payments": tenders(world, due) if due else [], "print_receipt": False}
    if chance.random() < 0.5:
        sale["customer_id"] = chance.choice(world.ours.customers)
    form: dict[str, Any] = {"phone": phone, "sale": sale}
    if chance.random() < 0.2:
        form["payout"] = {"method": "mtn", "reference": f"MP{world.unique()}"}
    world.do(place, "usedphones.trade_in", form, "Sarah", Expected(total, pieces))


def _used_phone(world: World, place: Computer) -> dict[str, Any]:
    """One nobody has seen, one that was sold here before, or one that another shop is offered as well."""
    chance = world.chance
    ware = chance.choice([ware for ware in world.ours.wares if ware.is_phone])
    number = imei_of(700_000 + (chance.randrange(6) if chance.random() < 0.2 else 100 + world.unique()))
    sold = world.some_row(
        place, "SELECT h.imei1 FROM handset h JOIN stock_unit u ON u.handset_id = h.id WHERE u.status = 'sold'"
    )
    if sold is not None and chance.random() < 0.3:
        number = sold
    seller = {
        "name": f"Seller {world.unique()}", "phone": "+256798000777", "id_type": "national_id",
        "id_number": "CF92034105QX7K", "signed_on_paper": True,
    }  # fmt: skip
    return {
        "product_id": ware.id, "imei1": number, "grade": chance.choice(("A", "B", "C")),
        "offer": chance.randrange(1, 12) * 10_000, "locks_removed": True, "was_reset": True, "network_lock": "none",
        "states_ownership": True, "seller": seller,
    }  # fmt: skip


def take_back(world: World) -> None:
    """Some of what a sale sold comes back, and its money goes back."""
    place = world.some_computer()
    form, pieces = _coming_back(world, place)
    if form is None:
        return
    form["refund_to"] = world.chance.choice(("original", "original", "cash", "store_credit"))
    if form["refund_to"] == "store_credit":
        form["customer_id"] = world.chance.choice(world.ours.customers)
    who = world.chance.choice(WHO)
    world.do(place, "returns.take_back", form, who, Expected(pieces=pieces))


def exchange(world: World) -> None:
    """Something comes back and something else goes, for the difference."""
    place, chance = world.some_computer(), world.chance
    form, pieces = _coming_back(world, place)
    if form is None:
        return
    item, total, gone = some_item(world, place)
    for product_id, quantity in gone.items():
        pieces[product_id] += quantity
    worth = _worth(place, form["lines"])
    due = max(0, total - worth)  # as the cashier reckons; of a discounted ticket the goods are worth less
    form["sale"] = {"items": [item], "payments": tenders(world, due) if due else [], "print_receipt": False}
    if chance.random() < 0.3:
        form["sale"]["customer_id"] = chance.choice(world.ours.customers)
    world.do(place, "returns.exchange", form, "Sarah", Expected(total, pieces))


def _coming_back(world: World, place: Computer) -> tuple[dict[str, Any] | None, Counter[str]]:
    """Pieces of a sale of this shop, and what comes onto the shelf by them."""
    chance = world.chance
    sale_id = world.some_sale(place.shop_id)
    sold = place.query(_LINES, sale=sale_id)
    pieces: Counter[str] = Counter()
    if not sold:
        return None, pieces
    lines = []
    for line_id, product_id, imei, quantity in chance.sample(sold, chance.randint(1, min(2, len(sold)))):
        # Bench and supplier are for phones.
        weights = (6, 3, 2, 1, 1) if imei else (6, 3, 0, 0, 1)
        restock = chance.choices(("new", "open_box", "bench", "supplier", "scrap"), weights)[0]
        back = chance.randint(1, quantity)
        named = {"imei": imei} if imei else {"sale_line_id": line_id}
        lines.append({**named, "quantity": back, "restock": restock})
        if product_id and restock in ON_SALE_AGAIN:
            pieces[product_id] += back
    return {"sale_id": sale_id, "lines": lines, "reason": "not what they wanted"}, pieces


def _worth(place: Computer, lines: list[dict[str, Any]]) -> int:
    """What the labels say of what came back."""
    worth = 0
    for line in lines:
        column = "imei" if "imei" in line else "id"
        found = place.query(f"SELECT unit_price_minor FROM sale_line WHERE {column} = :key ORDER BY id DESC",
                            key=line.get("imei") or line["sale_line_id"])  # fmt: skip
        worth += found[0][0] * line["quantity"]
    return worth


# The lines that hold: those of the newest correction that replaced them.
_LINES = """
SELECT l.id, l.product_id, l.imei, l.quantity FROM sale_line l WHERE l.sale_id = :sale AND l.amendment_id IS (
  SELECT a.id FROM sale_amendment a WHERE a.sale_id = :sale AND a.replaces_lines ORDER BY a.nth DESC, a.id DESC LIMIT 1)
ORDER BY l.line_no
"""

ACTS = {
    "buy used": (1, buy_used),
    "trade in": (2, trade_in),
    "take back": (4, take_back),
    "exchange": (2, exchange),
}
