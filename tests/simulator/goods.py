"""Goods beside the counter: between shops by quantity, from a supplier against an order, and counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.simulator.ground import imei_of
from tests.simulator.words import Expected

if TYPE_CHECKING:
    from tests.simulator.places import Computer
    from tests.simulator.world import World

NEVER_ARRIVED = {"reason": "never arrived"}


def send_goods(world: World) -> None:
    """A box for another shop: goods by quantity, now and then a phone with them."""
    place, chance = world.some_computer(), world.chance
    wares = [ware for ware in world.ours.wares if not ware.is_phone]
    items = [{"product_id": ware.id, "quantity": chance.randint(1, 6)}
             for ware in chance.sample(wares, chance.randint(1, 2))]  # fmt: skip
    pieces = {str(item["product_id"]): -int(item["quantity"]) for item in items}
    form: dict[str, Any] = {"to_shop_id": world.some_other_shop(place.shop_id), "items": items}
    if chance.random() < 0.2:
        unit = world.some_row(place, "SELECT id FROM stock_unit WHERE shop_id = :shop AND status = 'in_stock'")
        if unit is not None:
            ((product_id,),) = place.query("SELECT product_id FROM stock_unit WHERE id = :id", id=unit)
            form["unit_ids"], pieces[product_id] = [unit], -1
    world.do(place, "transfers.send", form, "Sarah", Expected(pieces=pieces))


def end_way(world: World) -> None:
    """A box arrives, whole or in part; or its sender takes back what never arrived."""
    place, chance = world.some_computer(), world.chance
    receives = chance.random() < 0.75
    mine = "t.to_shop_id" if receives else "t.shop_id"
    known = world.some_row(place, _ON_ITS_WAY.format(mine=mine) if chance.random() < 0.8 else _ANY.format(mine=mine))
    if known is None:
        return
    ((transfer_id, product_id, quantity),) = place.query(_ITEM, id=known)
    here = quantity if chance.random() < 0.6 else chance.randint(1, quantity)
    form = {"transfer_id": transfer_id, "items": [{"item_id": known, "quantity": here}]}
    expected = Expected(pieces={product_id: here})
    if receives:
        world.do(place, "transfers.receive", form, "Aisha", expected)
    else:
        world.do(place, "transfers.take_back", {**form, **NEVER_ARRIVED}, "Sarah", expected)


def order(world: World) -> None:
    """Something is ordered from the supplier; a draft may wait."""
    place, chance = world.some_computer(), world.chance
    draft = world.some_row(place, "SELECT id FROM purchase_order WHERE status = 'draft' AND shop_id = :shop")
    if draft is None:
        wares = chance.sample(world.ours.wares, chance.randint(1, 3))
        lines = [{"product_id": ware.id, "quantity": chance.randint(1, 3 if ware.is_phone else 20)} for ware in wares]
        form = {"supplier_id": world.ours.supplier_id, "lines": lines}
        done = world.do(place, "orders.create", form, "Sarah", Expected())
        if done is None or chance.random() < 0.2:
            return
        draft = done.result["order_id"]
    world.do(place, "orders.order", {"order_id": draft}, "Sarah", Expected())


def delivery(world: World) -> None:
    """A delivery: what was ordered, less, more, something broken, or nothing anybody ordered."""
    place, chance = world.some_computer(), world.chance
    known = world.some_row(place, "SELECT id FROM purchase_order WHERE status = 'ordered' AND shop_id = :shop")
    if known is not None and chance.random() < 0.85:
        wanted = [(str(row[0]), row[1]) for row in place.query(_ORDERED, id=known)]
        form: dict[str, Any] = {"order_id": known}
    else:
        ware = chance.choice(world.ours.wares)
        wanted, form = [(ware.id, chance.randint(1, 2 if ware.is_phone else 12))], {}
        if chance.random() < 0.7:
            form["supplier_id"] = world.ours.supplier_id
    lines = [_delivered(world, product_id, quantity) for product_id, quantity in wanted if chance.random() < 0.8]
    if not lines:
        return
    form |= {"lines": lines, "extra_cost_minor": chance.choice((0, 0, 777)), "extra_on_bill": chance.random() < 0.3}
    pieces = {line["product_id"]: line["quantity"] for line in lines}
    world.do(place, "goods.receive", form, "Sarah", Expected(pieces=pieces))


def _delivered(world: World, product_id: str, ordered: int) -> dict[str, Any]:
    chance = world.chance
    came = max(1, ordered + chance.choice((0, 0, 0, -1, -1, 1)))
    line: dict[str, Any] = {"product_id": product_id, "quantity": came, "damaged": chance.choice((0, 0, 0, 1)),
                            "unit_cost_minor": chance.randrange(1_000, 9_000)}  # fmt: skip
    if any(ware.id == product_id and ware.is_phone for ware in world.ours.wares):
        line["phones"] = [{"imei1": imei_of(800_000 + world.unique())} for _ in range(came)]
    return line


def pay_supplier(world: World) -> None:
    form = {"supplier_id": world.ours.supplier_id, "method": "cash", "amount_minor": world.chance.randrange(1, 90_000)}
    world.do(world.some_computer(), "suppliers.pay", form, "Sarah", Expected())


def stocktake(world: World) -> None:
    """One step of a count: begin, count a few, finish it, and have it approved."""
    place, chance = world.some_computer(), world.chance
    rows = place.query(_RUNNING, shop=place.shop_id)
    if not rows:
        form = {} if chance.random() < 0.5 else {"category": "Goods"}
        world.do(place, "stocktakes.start", form, "Aisha", Expected())
        return
    count, status = rows[0]
    about = {"stocktake_id": count}
    if status == "counting":
        if chance.random() < 0.7:
            _count_some(world, place, count)
        else:
            _scan_the_shelf(world, place, count)
            world.do(place, "stocktakes.submit", about, "Aisha", Expected())
    elif chance.random() < 0.15:
        verb = chance.choice(("reopen", "cancel"))
        more = {"reason": "begun anew"} if verb == "cancel" else {}
        world.do(place, f"stocktakes.{verb}", {**about, **more}, "Sarah", Expected())
    else:
        counted = world.counted.get((place.label, place.lineage, count), {})
        expected = Expected(pieces={} if world.cloned else counted, others_may_move=True)
        world.do(place, "stocktakes.approve", about, "Sarah", expected)


def _count_some(world: World, place: Computer, count: str) -> None:
    """Somebody counts some goods blind. What the books said in that moment is what their count is held against."""
    chance = world.chance
    ware = chance.choice([ware for ware in world.ours.wares if not ware.is_phone])
    levels = place.query(_LEVEL, shop=place.shop_id, product=ware.id)
    level = levels[0][0] if levels else 0
    there = max(0, level + chance.choice((0, 0, -1, -2, 1)))
    form = {"stocktake_id": count, "product_id": ware.id, "counted": there}
    if world.do(place, "stocktakes.count", form, "Aisha", Expected()) is not None:
        world.counted.setdefault((place.label, place.lineage, count), Counter())[ware.id] = there - level


def _scan_the_shelf(world: World, place: Computer, count: str) -> None:
    """Every phone that is there but, now and then, one; another one twice, and a number nobody knows."""
    chance = world.chance
    numbers = [row[0] for row in place.query(_SHELF, shop=place.shop_id)]
    if numbers and chance.random() < 0.5:
        numbers.remove(chance.choice(numbers))
    if numbers and chance.random() < 0.3:
        numbers.append(chance.choice(numbers))
    if chance.random() < 0.2:
        numbers.append(imei_of(900_000 + world.unique()))
    for number in numbers:
        world.do(place, "stocktakes.scan", {"stocktake_id": count, "number": number}, "Aisha", Expected())


_ANY = "SELECT i.id FROM transfer_item i JOIN transfer t ON t.id = i.transfer_id WHERE {mine} = :shop"
_ON_ITS_WAY = f"""{_ANY}
AND i.quantity > (SELECT coalesce(sum(r.quantity), 0) FROM transfer_item_receipt r WHERE r.item_id = i.id)
"""
_ITEM = "SELECT transfer_id, product_id, quantity FROM transfer_item WHERE id = :id"
_ORDERED = "SELECT product_id, quantity FROM purchase_order_line WHERE order_id = :id AND quantity > 0 ORDER BY line_no"
_RUNNING = """
SELECT id, status FROM stocktake WHERE shop_id = :shop AND status IN ('counting', 'submitted') ORDER BY id LIMIT 1
"""
_LEVEL = "SELECT on_hand FROM stock_level WHERE shop_id = :shop AND product_id = :product"
_SHELF = """
SELECT h.imei1 FROM stock_unit u JOIN handset h ON h.id = u.handset_id
WHERE u.shop_id = :shop AND u.status IN ('in_stock', 'reserved') ORDER BY h.imei1
"""

ACTS = {
    "send goods": (2, send_goods),
    "end way": (5, end_way),
    "order": (1, order),
    "delivery": (2, delivery),
    "pay supplier": (1, pay_supplier),
    "stocktake": (3, stocktake),
}
