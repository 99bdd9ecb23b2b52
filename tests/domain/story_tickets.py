"""Acts at one counter of the stories: tickets by every tender, goods that come back, exchanges, corrections, undoing.

What a ticket came to, what was paid for each of its lines and what came back of it is added up here, out of the prices
the test knows itself, and never read from the shop.
"""

from __future__ import annotations

from typing import Any

from shopnode.domain.permissions import Role
from tests.domain.memory_books import MemoryBooks
from tests.domain.stories import Dice, World
from tests.domain.story_shops import Things, imei
from tests.domain.story_told import Ticket, TicketLine, Told
from tests.shop import Shop

RESTOCKS = ("new", "open_box", "bench", "supplier", "scrap")
FOR_PHONES = ("bench", "supplier")
UNDONE = ("Voided", "Reversed")


class Counter(World):
    """One shop with tickets, customers and money."""

    told: Told

    def __init__(
        self, opened: tuple[Shop, MemoryBooks, Things], *, smallest_note: int = 0, dollar: int = 0, fee_bp: int = 0
    ):
        super().__init__(opened[:2])
        self.things = opened[2]
        self.told = Told()
        self.smallest_note, self.dollar, self.fee_bp = smallest_note, dollar, fee_bp

    # what there is

    def phones(self, *statuses: str) -> list[tuple[str, str]]:
        """Units of this shop in a state, with their numbers."""
        marks = ",".join("?" * len(statuses))
        query = (
            f"SELECT u.id, h.imei1 FROM stock_unit u JOIN handset h ON h.id = u.handset_id WHERE u.status IN ({marks})"
        )
        return [(row[0], row[1]) for row in self.books[0].ask(f"{query} ORDER BY u.id", *statuses)]

    def balance(self, who: str | None, account: str) -> int:
        query = "SELECT coalesce(sum(amount), 0) FROM account_entry WHERE customer_id = ? AND account = ?"
        return int(self.books[0].ask(query, who, account)[0][0])

    def reference(self) -> str:
        self.told.references += 1
        return f"T{self.told.references}"

    # tickets

    def item(self, dice: Dice, *, phones: bool = True) -> tuple[dict[str, Any], int]:
        """Something to sell, and what it costs."""
        product = dice.of([self.things.glass, self.things.charger, self.things.kit, *([self.things.phone] * phones)])
        free = self.phones("in_stock") if product == self.things.phone else []
        if free:
            return {"device_id": dice.of(free)[0]}, self.things.prices[product]
        product = self.things.glass if product == self.things.phone else product
        pieces = dice.number(1, 4)
        return {"product_id": product, "quantity": pieces}, pieces * self.things.prices[product]

    def ways_to_pay(self, dice: Dice, due: int, who: str | None, *, has_phone: bool = False) -> list[dict[str, Any]]:
        """One or two tenders and cash for the rest, sometimes with change."""
        ways = []
        for method in (dice.of(["cash", "mtn", "on_account", "store_credit", "points", "financed"]), "mtn"):
            part = self._part_by(method, dice.number(1, due), who, has_phone) if due else 0
            if part and method != "cash" and dice.number(0, 2) < 2:
                more = {"reference": self.reference()} if method in ("mtn", "financed") else {}
                more |= {"about_id": self.things.financier} if method == "financed" else {}
                ways.append({"method": method, "amount": part, **more})
                due -= part
        if due and self.dollar and dice.once_in(3):
            ways.append({"method": "cash", "amount": self.dollar, "currency": "USD", "foreign_amount": 100})
            due = max(0, due - self.dollar)
        if due:
            ways.append({"method": "cash", "amount": self.in_notes(due) + dice.of([0, 0, 1, 3_000])})
        return ways

    def in_notes(self, due: int) -> int:
        """What is paid in cash of so much, where small coins are gone: halves upward, and never nothing."""
        step = self.smallest_note
        return ((2 * due + step) // (2 * step) * step or due) if step else due

    def _part_by(self, method: str, part: int, who: str | None, has_phone: bool) -> int:
        """How much of it this tender can pay; now and then one shilling too much, which must be refused."""
        if method == "mtn":
            return part
        if who is None:
            return 0
        if method == "store_credit":
            has = self.balance(who, method)
            return min(part, has + (part % 16 == 0))
        if method == "points":
            return min(part, self.balance(who, method) * 50)
        if method == "financed":
            return part if has_phone else 0
        return part if method == "on_account" else 0

    def book(self, sale_id: str, items: list[tuple[dict[str, Any], int]], who: str | None) -> Ticket:
        """Write down what a new ticket came to."""
        query = "SELECT id, quantity, imei FROM sale_line WHERE sale_id = ? ORDER BY amendment_id, line_no"
        rows = self.books[0].ask(query, sale_id)[-len(items) :]
        number = self.books[0].ask("SELECT number FROM sale WHERE id = ?", sale_id)[0][0]
        lines = {row[0]: TicketLine(row[1], paid, row[2]) for row, (_, paid) in zip(rows, items, strict=True)}
        ticket = self.told.tickets[sale_id] = Ticket(number, who, lines)
        return ticket

    def paid_in(self, ways: list[dict[str, Any]], due: int) -> None:
        """The shop's own notes that stay in the drawer for a ticket of so much: less the change, dollars beside."""
        if any(way["method"] == "cash" for way in ways):
            self.told.cash += self.in_notes(due - sum(way["amount"] for way in ways if way["method"] != "cash"))
        self.told.cash -= sum(way["amount"] for way in ways if "currency" in way)

    def fee(self, worth: int, form: dict[str, Any]) -> int:
        """What is kept of goods that come back opened, halves upward."""
        return (worth * self.fee_bp + 5_000) // 10_000 if form["lines"][0]["restock"] == "open_box" else 0

    def paid_back(self, result: dict[str, Any]) -> None:
        self.told.cash -= sum(part["amount"] for part in result["paid_back"] if part["method"] == "cash")


def sell(w: Counter, dice: Dice) -> bool:
    who = dice.of([None, *w.things.people])
    items = [w.item(dice)]
    if dice.once_in(3):
        items.append(w.item(dice, phones=False))
    off = dice.of([0, 0, 7, 130]) if len(items) == 1 else 0
    due = sum(price for _, price in items) - off
    ways = w.ways_to_pay(dice, due, who, has_phone="device_id" in items[0][0])
    form = {"items": [item for item, _ in items], "discount_amount": off, "payments": ways, "customer_id": who}
    done = w.act("sales.sell", form, role=dice.of(list(Role)), approver=Role.OWNER if dice.once_in(4) else None)
    if done is not None:
        assert done["total"] == due
        ticket = w.book(done["sale_id"], [(items[0][0], items[0][1] - off), *items[1:]], who)
        assert ticket.total == due
        w.paid_in(ways, due)
        financed = sum(way["amount"] for way in ways if way["method"] == "financed")
        if financed:
            w.told.receivable[done["sale_id"]] = financed
    return True


def coming(w: Counter, dice: Dice, restocks: tuple[str, ...] = RESTOCKS) -> tuple[str, Any, int, dict[str, Any]] | None:
    """A sale, a line of it, so many pieces, and the form that names them."""
    choices = [key for key in w.told.standing() if w.told.tickets[key].left]
    if not choices:
        return None
    sale_id = dice.of(choices)
    line_id, line = dice.of(w.told.tickets[sale_id].left)
    pieces = min(dice.number(1, 3), line.quantity - line.back + (1 if dice.once_in(12) else 0))
    asked: dict[str, Any] = {"sale_line_id": line_id, "quantity": pieces}
    asked["restock"] = dice.of([word for word in restocks if line.imei or word not in FOR_PHONES])
    if line.imei:
        asked["imei"] = line.imei
    return sale_id, line, pieces, {"sale_id": sale_id, "lines": [asked], "reason": "not wanted"}


def came_back(w: Counter, sale_id: str, line: TicketLine, pieces: int, form: dict[str, Any], done: Any) -> None:
    """Pieces are back for what was paid for them, less the fee for an open box."""
    worth = line.worth_of(pieces)
    fee = w.fee(worth, form)
    assert (done["worth"], done["fee"]) == (worth, fee)
    line.back += pieces
    w.told.tickets[sale_id].refunded += worth - fee
    w.paid_back(done)


def take_back(w: Counter, dice: Dice) -> bool:
    found = coming(w, dice)
    if found is None:
        return False
    sale_id, line, pieces, form = found
    ticket = w.told.tickets[sale_id]
    to = dice.of(["original", "cash", "store_credit"])
    whose = {"customer_id": dice.of(w.things.people)} if to == "store_credit" and not ticket.customer else {}
    role = dice.of([Role.OWNER, Role.SUPERVISOR, Role.STAFF])
    approver = Role.OWNER if role is not Role.OWNER and not dice.once_in(4) else None
    if role is Role.OWNER and to == "cash":
        approver = Role.SUPERVISOR
    done = w.act("returns.take_back", form, role=role, approver=approver, refund_to=to, **whose)
    if done is not None:
        came_back(w, sale_id, line, pieces, form, done)
        given_up(w, sale_id, done["paid_back"])
        if to != "original":
            w.told.turned.add(w.told.first_of(sale_id))
        assert done["refund"] == sum(part["amount"] for part in done["paid_back"])
    return True


def given_up(w: Counter, sale_id: str, parts: list[dict[str, Any]]) -> None:
    """What goes back to a financier lowers what they owe for the sale; above that, what its customer was charged."""
    back = sum(part["amount"] for part in parts if part["method"] == "financed")
    while sale_id in w.told.exchanged and sale_id not in w.told.receivable:
        sale_id = w.told.exchanged[sale_id]  # what goods paid for goes back by the tender of those goods
    share = min(back, w.told.receivable.get(sale_id, 0))
    if share:
        w.told.receivable[sale_id] -= share
    if sale_id in w.told.charged_back:
        w.told.charged_back[sale_id] -= min(back - share, w.told.charged_back[sale_id])


def swap(w: Counter, dice: Dice) -> bool:
    """All of a line for the same again, rather of a sale by several tenders; and what was swapped comes back."""
    several = "SELECT sale_id FROM payment WHERE kind = 'payment' GROUP BY 1 HAVING count(DISTINCT method) > 1"
    mixed = {row[0] for row in w.books[0].ask(several)}
    standing = [key for key in w.told.standing() if w.told.tickets[key].left]
    choices = [key for key in standing if w.told.first_of(key) in mixed] or standing
    if not choices:
        return False
    sale_id = dice.of(choices)
    line_id, line = dice.of(w.told.tickets[sale_id].left)
    pieces = line.quantity - line.back
    named: dict[str, Any] = {"sale_line_id": line_id, "quantity": pieces, "restock": "new"}
    named |= {"imei": line.imei} if line.imei else {}
    form = {"sale_id": sale_id, "lines": [named], "reason": "the same again"}
    if sale_id not in w.told.exchanged:
        free = w.phones("in_stock")
        if line.imei and not free:
            return False
        item = {"device_id": free[0][0]} if line.imei else {"product_id": w.things.glass, "quantity": pieces}
        price = w.things.prices[w.things.phone if line.imei else w.things.glass] * (1 if line.imei else pieces)
        return _exchanged(w, sale_id, line, pieces, form, (item, price), 0)
    done = w.act("returns.take_back", form)
    if done is not None:
        came_back(w, sale_id, line, pieces, form, done)
        given_up(w, sale_id, done["paid_back"])
    return True


def exchange(w: Counter, dice: Dice) -> bool:
    found = coming(w, dice, ("new", "open_box"))
    if found is None:
        return False
    return _exchanged(w, *found, w.item(dice), dice.of([0, 5_000]))


def _exchanged(
    w: Counter, sale_id: str, line: TicketLine, pieces: int, form: dict[str, Any], bought: tuple[dict[str, Any], int],
    change: int,
) -> bool:  # fmt: skip
    item, price = bought
    who = w.told.tickets[sale_id].customer
    worth = line.worth_of(pieces) if pieces <= line.quantity - line.back else 0
    worth -= w.fee(worth, form)
    due = max(0, price - worth)
    ways = [{"method": "cash", "amount": w.in_notes(due) + change}] if due else []
    sale = {"items": [item], "payments": ways, "customer_id": who}
    done = w.act("returns.exchange", form, role=Role.STAFF, approver=Role.OWNER, sale=sale)
    if done is not None:
        came_back(w, sale_id, line, pieces, form, done)
        given_up(w, sale_id, done["paid_back"])
        w.book(done["sale_id"], [(item, price)], who)
        w.told.exchanged[done["sale_id"]] = sale_id
        w.paid_in(ways, due)
        assert (done["due"], done["refund"]) == (due, max(0, worth - price))
    return True


def undo(w: Counter, dice: Dice) -> bool:
    choices = w.told.standing(whole=not dice.once_in(8))
    if not choices:
        return False
    sale_id = dice.of(choices)
    action = dice.of(["sales.void", "sales.reverse"])
    rows = "SELECT method, sum(amount_minor) FROM payment GROUP BY 1"  # of an exchange money leaves the first sale
    before = dict(w.books[0].ask(rows))
    done = w.act(action, sale_id=sale_id, reason="came back", restock=dice.of(["resell", "inspect", "scrap"]))
    if done is not None:
        ticket = w.told.tickets[sale_id]
        ticket.undone = True
        assert done["refunded"] == ticket.total
        after = dict(w.books[0].ask(rows))
        financed = before.get("financed", 0) - after.get("financed", 0)
        given_up(w, sale_id, [{"method": "financed", "amount": financed}])
        w.told.cash += after.get("cash", 0) - before.get("cash", 0)
    return True


def amend(w: Counter, dice: Dice) -> bool:
    """Fewer or more pieces of a ticket with one line, or another customer."""
    choices = [key for key in w.told.standing(whole=True) if len(w.told.tickets[key].lines) == 1]
    if not choices:
        return False
    sale_id = dice.of(choices)
    ticket = w.told.tickets[sale_id]
    ((line_id, line),) = ticket.lines.items()
    cash = "SELECT coalesce(sum(amount_minor), 0) FROM payment WHERE sale_id = ? AND method = 'cash'"
    before = w.books[0].ask(cash, sale_id)[0][0]
    if line.imei or line.quantity == 1 or line.paid % line.quantity or dice.once_in(3):
        return _other_tender(w, dice, sale_id, ticket, before)
    fewer, each = dice.number(1, line.quantity - 1), line.paid // line.quantity
    product = w.books[0].ask("SELECT product_id FROM sale_line WHERE id = ?", line_id)[0][0]
    items = [{"product_id": product, "quantity": fewer, "unit_price": each}]
    form = {"sale_id": sale_id, "reason": "counted again", "items": items, "discount_amount": 0}
    done = w.act("sales.amend", form)
    if done is not None:
        customer = ticket.customer
        w.book(sale_id, [(items[0], fewer * each)], customer)
        w.told.cash += w.books[0].ask(cash, sale_id)[0][0] - before
        assert done["total"] == fewer * each
    return True


def _other_tender(w: Counter, dice: Dice, sale_id: str, ticket: Ticket, before: int) -> bool:
    """The same money by another tender than was written down."""
    way = dice.of(["mtn", "cash"])
    amount = ticket.total if way == "mtn" else w.in_notes(ticket.total)
    pay = {"method": way, "amount": amount} | ({"reference": w.reference()} if way == "mtn" else {})
    if w.act("sales.amend", sale_id=sale_id, reason="wrong tender", payments=[pay]) is not None:
        w.told.cash += (amount if way == "cash" else 0) - before
    return True


def claim(w: Counter, dice: Dice) -> bool:
    """Another piece for one that failed under warranty: nothing changes hands."""
    choices = [
        (key, line_id, line)
        for key in w.told.standing()
        for line_id, line in w.told.tickets[key].left
        if line.paid // line.quantity in (5_000, 640_000)
    ]
    free = w.phones("in_stock")
    if not choices or not free:
        return False
    sale_id, line_id, line = dice.of(choices)
    new = {"imei": line.imei, "new_imei": dice.of(free)[1]} if line.imei else {"sale_line_id": line_id}
    outcome = dice.of(["replace", "replace", "repair", "refuse"])
    new = new if outcome == "replace" else {name: value for name, value in new.items() if name != "new_imei"}
    restock = dice.of(FOR_PHONES if line.imei else ("new", "scrap"))
    form = {**new, "outcome": outcome, "reason": "dead pixels", "restock": restock}
    done = w.act("returns.claim_warranty", form)
    if done is not None and outcome == "replace":
        worth = line.worth_of(1)
        line.back += 1
        w.told.tickets[sale_id].refunded += worth
        w.book(done["sale_id"], [({}, worth)], w.told.tickets[sale_id].customer)
        w.told.exchanged[done["sale_id"]] = sale_id
    return True


def stock_up(w: Counter) -> None:
    """Goods for a story, and phones with numbers from 1 on."""
    for product, pieces in ((w.things.glass, 500), (w.things.charger, 200)):
        w.act("stock.adjust", product_id=product, quantity=pieces, reason="opening stock", kind="opening")
    for n in range(1, 6):
        w.act("handsets.receive", product_id=w.things.phone, imei1=imei(n))


TICKET_PLANS = {
    "sell": sell, "take back": take_back, "exchange": exchange, "swap": swap, "undo": undo, "amend": amend,
    "claim": claim,
}  # fmt: skip
