"""Tickets being made: kept here, never in a browser, so that they survive a power cut and move between tablets.

Invariants:
  * A person has one cart in work; parked ones wait for anybody of the shop.
  * A cart names what is wanted, not what it costs: prices are the catalogue's until somebody types another.
  * The action id is made once, when payment begins, and stays until the sale is booked. A sale has the id of its
    action, so a cart whose sale exists has been sold and is emptied by whoever sees it next.
  * Carts are rows of this node alone, and no PIN is ever kept in one, nor who sells a used phone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import perform
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.params import QUANTITY_MAX
from shopnode.domain.sales.counter_events import RemovedLine, TellRemoved
from shopnode.domain.sales.forms import LINES_MAX, TENDERS_MAX
from shopnode.domain.sales.models import Cart, Sale

PARKED_MAX = 100


class CartLine(BaseModel):
    """One thing wanted: a product, one phone by its stock unit, or something named by hand."""

    model_config = ConfigDict(extra="ignore")

    id: str
    product_id: str | None = None
    unit_id: str | None = None
    imei: str | None = None
    item_name: str | None = None
    category: str | None = None
    quantity: int = 1
    unit_price: int | None = None  # None: what the catalogue says when it is sold
    unit_cost: int | None = None  # of a thing named by hand: a guess
    discount: int = 0
    reason: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether one more of the same product may simply be counted here."""
        return self.product_id is not None and self.unit_id is None and self.unit_price is None and not self.discount


class CartTender(BaseModel):
    """Money as it was handed over."""

    id: str
    method: str
    amount: int
    reference: str | None = None
    about_id: str | None = None  # the financier, where one pays
    currency: str | None = None  # of foreign notes, whose worth is the amount
    foreign_amount: int | None = None


class CartBackLine(BaseModel):
    """Pieces of a line that was sold before; a phone by what was scanned on it."""

    sale_line_id: str | None = None
    imei: str | None = None
    quantity: int = 1
    restock: str


class CartBack(BaseModel):
    """Goods of an earlier sale that come back and pay for this one."""

    sale_id: str
    lines: list[CartBackLine]
    reason: str
    had_receipt: bool = True
    fee_amount: int | None = None


class CartTrade(BaseModel):
    """A used phone that pays for this ticket: what was seen of it, and the offer. Its seller is asked at the end."""

    phone: dict[str, Any]


class CartBody(BaseModel):
    """Everything about a ticket in work."""

    model_config = ConfigDict(extra="ignore")

    lines: list[CartLine] = Field(default_factory=list)
    tenders: list[CartTender] = Field(default_factory=list)
    customer_id: str | None = None
    discount: int = 0
    reason: str | None = None
    action_id: str | None = None
    step: Literal["sell", "pay", "done"] = "sell"
    sold_id: str | None = None  # the sale the done screen shows
    new_line_id: str | None = None
    back: CartBack | None = None
    trade: CartTrade | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.lines or self.back or self.trade)

    def line(self, line_id: str) -> CartLine:
        """Raises NotFound."""
        for line in self.lines:
            if line.id == line_id:
                return line
        raise NotFound("This line")

    def add(self, line: CartLine) -> None:
        """Put a line in, or count it with the one that is there. Raises Invalid, Conflict."""
        if line.unit_id and any(other.unit_id == line.unit_id for other in self.lines):
            raise Conflict(f"The phone {line.imei or ''} is in the cart already.")
        twin = next((other for other in self.lines if other.is_plain and other.product_id == line.product_id), None)
        if twin is not None and line.is_plain:
            set_quantity(twin, twin.quantity + line.quantity)
            self.new_line_id = twin.id
            return
        if len(self.lines) >= LINES_MAX:
            raise Conflict(f"A sale holds at most {LINES_MAX} lines. Complete this one and start another.")
        self.lines.append(line)
        self.new_line_id = line.id

    def remove(self, line_id: str) -> None:
        self.lines.remove(self.line(line_id))
        if not self.lines:
            self.discount, self.reason = 0, None

    def add_tender(self, tender: CartTender) -> None:
        if len(self.tenders) >= TENDERS_MAX:
            raise Conflict(f"A sale takes at most {TENDERS_MAX} payments.")
        self.tenders.append(tender)

    def remove_tender(self, tender_id: str) -> None:
        """Take a payment back; taking it back twice is the same."""
        self.tenders = [tender for tender in self.tenders if tender.id != tender_id]


def set_quantity(line: CartLine, quantity: int) -> None:
    """Raises Invalid."""
    if not 1 <= quantity <= QUANTITY_MAX:
        raise Invalid({"quantity": f"must be between 1 and {QUANTITY_MAX:,}"})
    line.quantity = quantity


def open_cart(session: Session, staff_id: str) -> CartBody:
    """The person's cart in work; an empty one when there is none."""
    row = _in_work(session, staff_id)
    return settled(session, CartBody.model_validate_json(row.body)) if row else CartBody()


def settled(session: Session, body: CartBody) -> CartBody:
    """The cart, emptied if its sale is already in the books: its answer was lost, or the power went."""
    if body.action_id is None or session.scalar(select(Sale.id).where(Sale.id == body.action_id)) is None:
        return body
    return CartBody(step="done", sold_id=body.action_id)


def change_cart(
    ctx: Context, change: Callable[[CartBody], None], check: Callable[[Session, CartBody], None]
) -> CartBody:
    """Change the person's cart in one transaction. What `check` refuses leaves it as it was.

    What a customer does not buy after having seen the sum is written down (`counter_events.py`).
    """
    assert ctx.actor.id is not None
    with ctx.home.writing() as session:
        row = _in_work(session, ctx.actor.id)
        body = settled(session, CartBody.model_validate_json(row.body)) if row else CartBody()
        before = body.model_copy(deep=True)
        change(body)
        check(session, body)
        if row is None:
            row = Cart(id=ctx.new_id(), staff_id=ctx.actor.id)
            session.add(row)
        row.body, row.updated_at = body.model_dump_json(exclude_defaults=True), ctx.now
    lost = given_up(before, body)
    if lost is not None:
        perform(ctx, "sales.tell_removed", lost)
    return body


def given_up(before: CartBody, after: CartBody) -> TellRemoved | None:
    """What was taken out of a cart though its sum had been seen, or all of one with phones in it; None for less."""
    kept = {line.id: line.quantity for line in after.lines}
    gone = [(line, line.quantity - kept.get(line.id, 0)) for line in before.lines]
    gone = [(line, pieces) for line, pieces in gone if pieces > 0]
    is_all = not after.lines
    if not gone or (before.action_id is None and not (is_all and any(line.unit_id for line, _ in gone))):
        return None
    lines = [
        RemovedLine(
            product_id=line.product_id, item_name=line.item_name, imei=line.imei, quantity=pieces,
            unit_price=line.unit_price, discount=line.discount if pieces == line.quantity else 0,
        )
        for line, pieces in gone
    ]  # fmt: skip
    return TellRemoved(kind="cart_given_up" if is_all else "line_removed", lines=lines)


def finish_cart(ctx: Context, action_id: str) -> None:
    """Empty the cart that this action sold, whoever works on it now; other carts stay."""
    with ctx.home.writing() as session:
        for row in session.scalars(select(Cart).where(Cart.parked_at.is_(None))):
            if CartBody.model_validate_json(row.body).action_id == action_id:
                body = CartBody(step="done", sold_id=action_id)
                row.body, row.updated_at = body.model_dump_json(exclude_defaults=True), ctx.now


def park_cart(ctx: Context, label: str) -> None:
    """Put the cart in work aside under a label. Raises Conflict when it is empty, or too many are parked."""
    assert ctx.actor.id is not None
    with ctx.home.writing() as session:
        row = _in_work(session, ctx.actor.id)
        body = settled(session, CartBody.model_validate_json(row.body)) if row else CartBody()
        if row is None or body.is_empty:
            raise Conflict("The cart is empty: there is nothing to park.")
        if len(parked_carts(session)) >= PARKED_MAX:
            raise Conflict(f"{PARKED_MAX} sales are parked already. Take one up again or empty it first.")
        body.step = "sell"
        row.body = body.model_dump_json(exclude_defaults=True)
        row.label, row.parked_at, row.updated_at = label[:200], ctx.now, ctx.now


def parked_carts(session: Session) -> list[Cart]:
    """The parked carts of this shop, the latest first."""
    query = select(Cart).where(Cart.parked_at.is_not(None)).order_by(Cart.parked_at.desc(), Cart.id)
    rows = list(session.scalars(query))
    sold = _sold(session, rows)
    return [row for row in rows if body_of(row).action_id not in sold]


def resume_cart(ctx: Context, cart_id: str, label: str) -> CartBody:
    """Take a parked cart up; what is in work is parked in its place under `label`. Raises NotFound."""
    assert ctx.actor.id is not None
    with ctx.home.writing() as session:
        row = session.get(Cart, cart_id)
        if row is None or row.parked_at is None:
            raise NotFound("This parked sale")
        mine = _in_work(session, ctx.actor.id)
        if mine is not None and not settled(session, body_of(mine)).is_empty:
            mine.label, mine.parked_at, mine.updated_at = label[:200], ctx.now, ctx.now
        elif mine is not None:
            session.execute(delete(Cart).where(Cart.id == mine.id))
        body = settled(session, body_of(row))
        body.step = body.step if body.is_empty else "sell"
        row.staff_id, row.label, row.parked_at, row.updated_at = ctx.actor.id, None, None, ctx.now
        row.body = body.model_dump_json(exclude_defaults=True)
    return body


def body_of(row: Cart) -> CartBody:
    return CartBody.model_validate_json(row.body)


def _in_work(session: Session, staff_id: str) -> Cart | None:
    query = select(Cart).where(Cart.staff_id == staff_id, Cart.parked_at.is_(None)).order_by(Cart.updated_at.desc())
    return session.scalars(query.limit(1)).first()


def _sold(session: Session, rows: Iterable[Cart]) -> set[str]:
    ids = {body_of(row).action_id for row in rows} - {None}
    return set(session.scalars(select(Sale.id).where(Sale.id.in_(ids)))) if ids else set()
