"""Two shops of one business for the stories, who hear of each other at once, and what happens to goods by the piece.

Kept outside the shops: how many pieces each should have, where each phone is, what is on its way. It follows from what
was asked and accepted alone.
"""

from __future__ import annotations

import json
from collections import Counter as Sums
from dataclasses import dataclass, field
from typing import Any

from shopnode.domain.apply import Applier
from shopnode.domain.permissions import Role
from tests.domain.memory_books import MemoryBooks
from tests.domain.stories import Dice, World
from tests.domain.story_shops import Things, imei, jinja, kampala

CARRIED = frozenset(
    {"handset", "transfer", "transfer_line", "transfer_receipt", "transfer_item", "transfer_item_receipt"}
)
RESTOCKED = ("new", "open_box")  # sold again as it stands
Parts = dict[str, int]


@dataclass
class Phone:
    """Where a phone is: at a shop in a state, on its way, with a customer, or gone."""

    number: str
    state: str
    at: int | None = None
    has_supplier: bool = False
    found_as: str = "in_stock"  # when it is missing: where it is again once it is found


@dataclass
class SoldLine:
    """Pieces that left: of what each of them consisted, and the phone among it."""

    quantity: int
    parts: Parts
    phone: str | None = None
    back: int = 0


@dataclass
class Sold:
    at: int
    lines: dict[str, SoldLine]
    undone: bool = False


@dataclass
class Way:
    """Goods between the shops: pieces by item, and phones by number with the stay that ended."""

    sender: int
    items: dict[str, list[Any]] = field(default_factory=dict)  # item → [product, sent, received, taken back]
    phones: dict[str, str] = field(default_factory=dict)
    arrived: list[str] = field(default_factory=list)  # stays of phones whose way has ended

    def under_way(self, item_id: str) -> int:
        _, sent, received, back = self.items[item_id]
        return int(sent - received - back)


@dataclass
class Count:
    """A stocktake: what was counted and what the books had then; which phones stood there, and which were scanned."""

    id: str
    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    should: set[str] = field(default_factory=set)
    scanned: set[str] = field(default_factory=set)


@dataclass
class Told:
    levels: Sums[tuple[int, str]] = field(default_factory=Sums)
    phones: dict[str, Phone] = field(default_factory=dict)
    sales: dict[str, Sold] = field(default_factory=dict)
    ways: dict[str, Way] = field(default_factory=dict)
    counts: dict[int, Count] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=dict)  # order → [shop, pieces that have not come]
    supplier_returns: dict[str, tuple[str, int]] = field(default_factory=dict)  # return → phone, shop
    numbers: int = 0
    carried: list[int] = field(default_factory=lambda: [0, 0])
    feed: int = 0


class Shops(World):
    """Kampala (0) and Jinja (1)."""

    told: Told

    def __init__(self) -> None:
        opened: list[tuple[Any, MemoryBooks, Things]] = [kampala(), jinja()]
        super().__init__(*[(shop, books) for shop, books, _ in opened])
        self.things = opened[0][2]
        self.told = Told(carried=[self.head(at)[0] for at in (0, 1)])

    def shop_id(self, at: int) -> str:
        return self.shops[at].home.shop_id or ""

    def level(self, at: int, product: str) -> int:
        return self.told.levels[at, product]

    def move(self, at: int, parts: Parts, pieces: int) -> None:
        for product, each in parts.items():
            self.told.levels[at, product] += each * pieces

    def here(self, at: int, *states: str) -> list[Phone]:
        return [phone for phone in self.told.phones.values() if phone.at == at and phone.state in states]

    def unit(self, at: int, number: str) -> str:
        """The newest stay of a phone in a shop."""
        query = """SELECT u.id FROM stock_unit u JOIN handset h ON h.id = u.handset_id WHERE h.imei1 = ?
            ORDER BY u.received_at DESC, u.id DESC LIMIT 1"""
        return str(self.books[at].ask(query, number)[0][0])

    def new_number(self) -> str:
        self.told.numbers += 1
        return imei(self.told.numbers)

    def came(self, at: int, number: str, state: str = "in_stock", *, has_supplier: bool = False) -> None:
        self.told.phones[number] = Phone(number, state, at, has_supplier)

    def hold_counts(self) -> None:
        """A phone that leaves the shelf while it is counted is not looked for any more, even if it comes back."""
        for at, running in self.told.counts.items():
            running.should &= {phone.number for phone in self.here(at, "in_stock", "reserved")}

    def carry(self) -> None:
        """Each shop hears what the other wrote of phones and transfers."""
        for at in (0, 1):
            query = "SELECT n, body FROM journal_entry WHERE origin_id = ? AND n > ? ORDER BY n"
            for n, body in self.books[at].ask(query, self.shops[at].home.origin_id, self.told.carried[at]):  # type: ignore[attr-defined]
                self.told.carried[at] = n
                blocks = [_as_sent(block) for block in json.loads(body)["rows"] if block[0] in CARRIED]
                if blocks:
                    self.told.feed += 1
                    with self.books[1 - at].writing() as session:
                        applier = Applier(session)
                        applier.foreign_line(self.told.feed, blocks)
                        applier.finish()


def _as_sent(block: list[Any]) -> list[Any]:
    """A block of an entry as another shop is sent it: of a change, what holds after it."""
    entity, op, columns, rows = block
    if op == "i":
        return block
    return [entity, op, columns, [[row[0], *(pair[1] for pair in row[1:])] for row in rows]]


def made_of(w: Shops) -> dict[str, Parts]:
    """What leaves the shelf with one piece of a product, phones aside."""
    t = w.things
    return {t.glass: {t.glass: 1}, t.charger: {t.charger: 1}, t.kit: {t.glass: 2, t.charger: 1}, t.phone: {},
            t.phone_kit: {t.glass: 1}}  # fmt: skip


def receive(w: Shops, dice: Dice) -> bool:
    """A delivery, with or without a supplier; of pieces, with some damaged, or of a phone."""
    at, supplier = dice.number(0, 1), dice.once_in(2)
    pieces = dice.number(1, 6)
    line: dict[str, Any] = {"product_id": dice.of([w.things.glass, w.things.charger]), "quantity": pieces}
    line |= {"damaged": dice.of([0, 0, 1]), "unit_cost_minor": dice.number(100, 3_000)}
    number = w.new_number() if dice.once_in(3) else None
    phone = {"product_id": w.things.phone, "quantity": 1, "unit_cost_minor": 500_000, "phones": [{"imei1": number}]}
    form = {"lines": [line, *([phone] if number else [])], "extra_cost_minor": dice.of([0, 7, 100])}
    form |= {"supplier_id": w.things.supplier} if supplier else {}
    if w.act("goods.receive", form, at=at) is not None:
        w.told.levels[at, line["product_id"]] += pieces
        if number:
            w.came(at, number, has_supplier=supplier)
    return True


def receive_order(w: Shops, dice: Dice) -> bool:
    """An order is placed, or more of one comes: a part, the rest, or more than was ordered."""
    orders = list(w.told.orders)
    if not orders or dice.once_in(3):
        at, pieces = dice.number(0, 1), dice.number(2, 5)
        lines = [{"product_id": w.things.glass, "quantity": pieces, "unit_cost_minor": 1_000}]
        made = w.act("orders.create", at=at, supplier_id=w.things.supplier, lines=lines)
        assert made is not None
        assert w.act("orders.order", at=at, order_id=made["order_id"]) is not None
        w.told.orders[made["order_id"]] = [at, pieces]
        orders = [made["order_id"]]
    order_id = dice.of(orders)
    at, left = w.told.orders[order_id]
    pieces = dice.number(1, max(1, left + 1))
    line = {"product_id": w.things.glass, "quantity": pieces}
    role, approver = dice.of([(Role.OWNER, None), (Role.SUPERVISOR, None), (Role.SUPERVISOR, Role.OWNER)])
    form = {"order_id": order_id, "lines": [line]}
    if w.act("goods.receive", form, at=at, role=role, approver=approver) is not None:
        assert pieces <= left or role is Role.OWNER or approver is not None
        w.told.levels[at, w.things.glass] += pieces
        w.told.orders[order_id][1] -= pieces
        if pieces >= left:
            del w.told.orders[order_id]
    return True


def adjust(w: Shops, dice: Dice) -> bool:
    at, product = dice.number(0, 1), dice.of([w.things.glass, w.things.charger])
    pieces = dice.of([1, 5, -1, -3])
    if w.act("stock.adjust", at=at, product_id=product, quantity=pieces, reason="counted") is not None:
        w.told.levels[at, product] += pieces
    return True


def count(w: Shops, dice: Dice) -> bool:
    """A stocktake begins, goes on, or is taken into the books, and then must not be a second time."""
    at = dice.number(0, 1)
    running = w.told.counts.get(at)
    if running is None:
        started = w.act("stocktakes.start", at=at, role=Role.STAFF)
        assert started is not None
        should = {phone.number for phone in w.here(at, "in_stock", "reserved")}
        running = w.told.counts[at] = Count(started["stocktake_id"], should=should)
        _count_some(w, dice, at, running)
    way = dice.of(["approve", "more", "approve", "cancel"])
    if way == "more":
        _count_some(w, dice, at, running)
        return True
    named = {"stocktake_id": running.id}
    if way == "cancel":
        assert w.act("stocktakes.cancel", named, at=at, reason="begun by mistake") is not None
        del w.told.counts[at]
        return True
    assert w.act("stocktakes.submit", named, at=at) is not None
    zero = dice.once_in(4)
    form = {**named, "uncounted": "zero" if zero else "leave"}
    assert w.act("stocktakes.approve", form, at=at) is not None
    _counted(w, at, running, zero)
    if dice.once_in(2):
        assert w.act("stocktakes.approve", form, at=at) is None
    return True


def _count_some(w: Shops, dice: Dice, at: int, running: Count) -> None:
    product, pieces = dice.of([w.things.glass, w.things.charger]), dice.number(0, 12)
    form = {"stocktake_id": running.id, "product_id": product, "counted": pieces}
    assert w.act("stocktakes.count", form, at=at, role=Role.STAFF) is not None
    running.counted[product] = (pieces, w.level(at, product))
    for phone in [*w.here(at, "in_stock", "missing"), *w.here(at, "bench", "sold")[:1]]:
        if dice.number(0, 3) < 2:
            done = w.act("stocktakes.scan", at=at, stocktake_id=running.id, number=phone.number)
            assert done is not None and done["already"] is (phone.number in running.scanned)
            running.scanned.add(phone.number)


def _counted(w: Shops, at: int, done: Count, zero: bool) -> None:
    if zero:
        for product in {w.things.glass, w.things.charger} - set(done.counted):
            w.told.levels[at, product] = 0
    for product, (pieces, expected) in done.counted.items():
        w.told.levels[at, product] += pieces - expected
    for phone in w.here(at, "in_stock", "reserved", "missing"):
        if phone.state == "missing" and phone.number in done.scanned:
            phone.state = phone.found_as
        elif phone.state != "missing" and phone.number in done.should - done.scanned:
            phone.state, phone.found_as = "missing", "in_stock"
    del w.told.counts[at]


def send(w: Shops, dice: Dice) -> bool:
    """Pieces, phones or both leave for the other shop; more than there are do not."""
    at = dice.number(0, 1)
    free = w.here(at, "in_stock")
    phone = dice.of(free) if free and dice.once_in(2) else None
    product = dice.of([w.things.glass, w.things.charger])
    pieces = dice.number(1, max(1, w.level(at, product))) + (1 if dice.once_in(8) else 0)
    pieces = 0 if w.level(at, product) <= 0 or dice.once_in(4) else pieces
    if not pieces and phone is None:
        return False
    send_both(w, at, product, pieces, phone)
    return True


def send_both(w: Shops, at: int, product: str, pieces: int, phone: Phone | None) -> None:
    items = [{"product_id": product, "quantity": pieces}] if pieces else []
    unit_ids = [w.unit(at, phone.number)] if phone else []
    done = w.act("transfers.send", at=at, to_shop_id=w.shop_id(1 - at), items=items, unit_ids=unit_ids)
    if done is None:
        return
    way = w.told.ways[done["transfer_id"]] = Way(at)
    for row in w.books[at].ask("SELECT id FROM transfer_item WHERE transfer_id = ?", done["transfer_id"]):
        way.items[row[0]] = [product, pieces, 0, 0]
    w.told.levels[at, product] -= pieces
    if phone:
        way.phones[phone.number] = unit_ids[0]
        phone.state, phone.at = "way", None


def arrive(w: Shops, dice: Dice) -> bool:
    """All or part of a transfer is received where it went, or taken back where it came from; once."""
    ways = [key for key, way in w.told.ways.items() if _is_open(way) or dice.once_in(8)]
    if not ways:
        return False
    w.carry()
    transfer_id = dice.of(ways)
    way = w.told.ways[transfer_id]
    back = dice.once_in(3)
    at = way.sender if back else 1 - way.sender
    items = {key: dice.number(1, max(1, way.under_way(key))) + (1 if dice.once_in(8) else 0) for key in way.items}
    phones = [number for number in way.phones if not dice.once_in(4)]
    form = {"transfer_id": transfer_id, "items": [{"item_id": key, "quantity": n} for key, n in items.items()]}
    again = way.arrived[:1] if dice.once_in(6) else []
    form |= {"unit_ids": [*(way.phones[number] for number in phones), *again]}
    form |= {"reason": "the driver came back"} if back else {}
    done = w.act("transfers.take_back" if back else "transfers.receive", form, at=at)
    if done is not None:
        assert not again
        for key, pieces in items.items():
            assert pieces <= way.under_way(key)
            way.items[key][3 if back else 2] += pieces
            w.told.levels[at, way.items[key][0]] += pieces
        for number in phones:
            way.arrived.append(way.phones.pop(number))
            w.told.phones[number].state, w.told.phones[number].at = "in_stock", at
            # Whom it came from is known to the shop that bought it.
            w.told.phones[number].has_supplier = w.told.phones[number].has_supplier and back
    return True


def _is_open(way: Way) -> bool:
    return bool(way.phones) or any(way.under_way(key) for key in way.items)


STOCK_PLANS = {
    "receive": receive, "arrive": arrive, "receive order": receive_order, "count": count, "send": send,
    "adjust": adjust,
}  # fmt: skip
