"""The end of what nobody fetched (rule 74): sold, kept by the shop, or thrown away, and what is left is the customer's.

Invariants:
  * Nothing is disposed of before its final notice was given and the days of it have passed; the owner alone decides.
  * Our bill is paid out of what the customer paid and what the device brought. What is left of that is store credit of
    the customer, for as long as they do not come for it.
  * Money that is kept becomes a sale, as at any delivery: none of it is in the books twice, and none of it in none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from shopnode.domain.accounts.ledger import About, owe_customer
from shopnode.domain.accounts.models import EntryKind
from shopnode.domain.actions import action
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.handsets.actions import ReceiveHandset, receive_handset
from shopnode.domain.handsets.models import Condition, VatScheme
from shopnode.domain.handsets.states import own_unit
from shopnode.domain.params import Amount, Code, IdText, Line, Optionally, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.delivery import LoanerOut
from shopnode.domain.repairs.events import change_status, tell
from shopnode.domain.repairs.models import PartState, RepairEventKind, RepairPart, RepairStatus, RepairTicket
from shopnode.domain.repairs.queries import charges_for, cost_of_work, paid_so_far, parts_of
from shopnode.domain.repairs.unclaimed import TooSoon, find_waiting, noticed_at, patience_of
from shopnode.domain.repairs.waiting_rules import Settlement, disposable_from, settle
from shopnode.domain.sales.actions import book_ticket
from shopnode.domain.sales.forms import Item, NewSale
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import Handed
from shopnode.domain.sales.ticket import Line as TicketLine

CATEGORY = "Repairs"
NAME_MAX = 200

Typed = Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally]


class Disposing(Params):
    """What becomes of it, and what it brought or is worth to us."""

    outcome: Literal["sold", "kept", "scrapped"]
    amount: Amount = Field(default=0, description="The money it brought, or what we take it into stock for.")
    method: Code | None = Field(default=None, description="How it was paid, where it was sold.")
    reference: Annotated[Line, Field(max_length=60)] | None = None
    product_id: IdText | None = Field(default=None, description="What it is in stock, where we keep it.")
    imei1: Typed = Field(default=None, description="The ticket's number when left out.")
    serial: Typed = None
    grade: Annotated[Annotated[Line, Field(max_length=10)] | None, Optionally] = None
    reason: Reason

    @model_validator(mode="after")
    def _fits_outcome(self) -> Disposing:
        if (self.method is not None) != (self.outcome == "sold" and self.amount > 0):
            raise ValueError("a method is given for money it brought, and only then")
        if (self.product_id is not None) != (self.outcome == "kept"):
            raise ValueError("a product_id is given for what we keep, and only then")
        if self.outcome == "scrapped" and self.amount:
            raise ValueError("what is thrown away brings nothing")
        return self


class Dispose(Disposing):
    ticket_id: IdText


class PartsSetAside(Conflict):
    code = "parts-set-aside"

    def __init__(self, number: str):
        super().__init__(f"Parts are kept for repair {number}. Use them or put them back, first.")


@action("repairs.dispose", needs=Permission.REPAIRS_DELETE)
def dispose(ctx: Context, form: Dispose) -> dict[str, Any]:
    """Sell, keep or throw away what nobody fetched; what is left after our bill is the customer's.

    Raises TooSoon, NotWaiting, PartsSetAside, LoanerOut, DrawerClosed, ReferenceUsed, AlreadyInStock, Invalid.
    """
    ticket = find_waiting(ctx, form.ticket_id)
    _need_patience(ctx, ticket)
    parts = parts_of(ctx.session, ticket.id)
    check_loose_ends(ticket, parts)
    bill, paid = charges_for(ticket, parts).total_minor, paid_so_far(ctx.session, ticket.id)
    unit_id = _keep(ctx, ticket, form) if form.outcome == "kept" else None
    slip = _take_proceeds(ctx, ticket, form)
    ended = settle(bill, paid, form.amount)
    change_status(ctx, ticket, RepairStatus.DISPOSED, f"{form.outcome.capitalize()}: {form.reason}")
    brought = paid + (form.amount if form.outcome == "sold" else 0)
    sale = _book(ctx, ticket, ended.kept_minor, brought, parts) if ended.kept_minor else None
    if ended.owed_minor:
        about = About(number=ticket.number, note=f"Left of repair {ticket.number} after its disposal")
        owe_customer(ctx, ticket.customer_id, ended.owed_minor, EntryKind.REFUND, about)
    _say(ctx, ticket, form, ended)
    ctx.about("repair_ticket", ticket.id)
    return {
        "ticket_id": ticket.id, "kept": ended.kept_minor, "lost": ended.lost_minor, "owed": ended.owed_minor,
        "sale_id": sale["sale_id"] if sale else None, "unit_id": unit_id, "slip": slip,
    }  # fmt: skip


def check_loose_ends(ticket: RepairTicket, parts: Sequence[RepairPart]) -> None:
    """What must not be left behind when a ticket ends. Raises PartsSetAside, LoanerOut."""
    if any(part.state == PartState.RESERVED for part in parts):
        raise PartsSetAside(ticket.number)
    if ticket.loaner_unit_id is not None:
        raise LoanerOut(ticket.number)


def _need_patience(ctx: Context, ticket: RepairTicket) -> None:
    noticed = noticed_at(ctx.session, [ticket.id]).get(ticket.id)
    if ticket.status != RepairStatus.UNCLAIMED or noticed is None:
        raise TooSoon(f"The owner of repair {ticket.number} was given no final notice yet.")
    from_then = disposable_from(patience_of(ctx.session), noticed)
    if ctx.now < from_then:
        raise TooSoon(f"The final notice of repair {ticket.number} runs until {from_then:%d %b %Y}. Wait until then.")


def _keep(ctx: Context, ticket: RepairTicket, form: Dispose) -> str:
    """The device into stock, at what it is taken for. Raises PhoneBlocked, AlreadyInStock, Invalid."""
    number = form.imei1 or (None if form.serial else ticket.imei_serial)
    if number is None and form.serial is None:
        raise Invalid({"imei1": "is needed: nobody wrote this device's number down"})
    is_imei = number is not None and number.isdigit()
    received = receive_handset(
        ctx,
        ReceiveHandset(
            product_id=form.product_id or "", imei1=number if is_imei else None,
            serial=form.serial if is_imei else (form.serial or number), colour=ticket.colour,
            cost_minor=form.amount, grade=form.grade, source=f"Unclaimed repair {ticket.number}",
        ),
    )  # fmt: skip
    unit = own_unit(ctx, received["unit_id"])
    unit.condition, unit.vat_scheme = Condition.USED.value, VatScheme.MARGIN.value
    return unit.id


def _take_proceeds(ctx: Context, ticket: RepairTicket, form: Dispose) -> str | None:
    if form.outcome != "sold" or not form.amount:
        return None
    moved = move_money(
        ctx, MoneyKind.REPAIR, form.method or "", form.amount, reference=form.reference, about_id=ticket.id,
        customer_id=ticket.customer_id, note=f"Repair {ticket.number} sold: nobody fetched it",
    )  # fmt: skip
    return moved.number


def _book(
    ctx: Context, ticket: RepairTicket, kept_minor: int, brought_minor: int, parts: Sequence[RepairPart]
) -> dict[str, Any]:
    """The sale of what is kept of our bill: by money that came before, and by the device itself."""
    in_money = min(kept_minor, brought_minor)
    given = [Handed(Tender.PLAN, in_money, ticket.number)] if in_money else []
    if kept_minor > in_money:
        given.append(Handed(Tender.TRADE_IN, kept_minor - in_money, ticket.number, ticket.id))
    item = Item(
        item_name=f"Repair {ticket.number}: {ticket.brand} {ticket.model}"[:NAME_MAX], category=CATEGORY,
        unit_price=kept_minor, unit_cost=cost_of_work(ctx.session, ticket.id, parts),
    )  # fmt: skip
    new = NewSale(items=[item], payments=[], customer_id=ticket.customer_id, print_receipt=False)
    sold = book_ticket(ctx, new, given, agreed=_as_settled)
    ticket.sale_id = sold["sale_id"]
    return sold


def _as_settled(lines: list[TicketLine]) -> None:
    """The bill was agreed before; nobody is asked about it again."""


def _say(ctx: Context, ticket: RepairTicket, form: Dispose, ended: Settlement) -> None:
    words = [f"{form.outcome.capitalize()} for {form.amount:,}" if form.amount else form.outcome.capitalize()]
    words += [f"{ended.kept_minor:,} kept for the repair"] if ended.kept_minor else []
    words += [f"{ended.lost_minor:,} of the bill lost"] if ended.lost_minor else []
    words += [f"{ended.owed_minor:,} owed to the customer"] if ended.owed_minor else []
    tell(ctx, ticket, RepairEventKind.NOTE, amount_minor=ended.owed_minor, note="; ".join(words))
