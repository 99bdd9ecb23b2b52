"""Forgetting a person who asks for it (Uganda's Data Protection and Privacy Act, 2019; rule 91).

Invariants:
  * Nobody is erased while anything is owed either way.
  * What names the person leaves the row, and what reveals it leaves the journal and every line of the feed that is kept
    here. Markers stay, so each chain still proves that nothing was removed or slipped in.
  * The same is done at every home that hears of it: it follows from `erased_at`, in a projection.
  * Carts that wait for them wait for nobody, and messages to them say nothing any more. Printed words are read from the
    books when they are printed, so what still waits for a printer comes out without the name.
  * Sales, amounts and documents stay: they are the shop's books, of nobody in particular from then on.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shopnode.domain.accounts.ledger import balance_now
from shopnode.domain.accounts.models import Account
from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.owned import refunds_due
from shopnode.domain.customers.queries import find_customer, with_duplicates
from shopnode.domain.errors import Conflict
from shopnode.domain.homes import Where
from shopnode.domain.notices.models import MessageState, OutgoingMessage
from shopnode.domain.params import IdText, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.plans.models import Plan, PlanStatus
from shopnode.domain.projections import COMPARES, Changed, projection
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.repairs.rules import OPEN
from shopnode.domain.sales.models import Cart
from sync_protocol.personal import is_marker

ERASED_NAME = "Erased customer"


class EraseCustomer(Params):
    """Whom to forget, and on whose word."""

    customer_id: IdText
    reason: Reason


class StillOwed(Conflict):
    code = "still-owed"

    def __init__(self, what: str):
        super().__init__(f"{what}. Settle that first: who is erased can neither pay nor be paid.")


@action("customers.erase", needs=Permission.CUSTOMERS_ERASE, where=Where.ANYWHERE)
def erase_customer(ctx: Context, form: EraseCustomer) -> dict[str, Any]:
    """Forget a person for good, at their wish: all that names them goes, here and wherever it was sent.

    Raises StillOwed, NotFound.
    """
    customer = find_customer(ctx.session, form.customer_id)
    customer = find_customer(ctx.session, customer.merged_into) if customer.merged_into else customer
    _refuse_while_owed(ctx, customer)
    known_as = list(ctx.session.scalars(select(Customer).where(Customer.id.in_(with_duplicates(customer.id)))))
    for row in known_as:
        for column in Customer.__sync__.personal - {"name"}:
            setattr(row, column, None)
        row.name, row.may_message_at = ERASED_NAME, None
        row.erased_at = row.erased_at or ctx.now
        row.archived_at = row.archived_at or ctx.now
    ctx.about("customer", customer.id)
    return {"id": customer.id, "records": len(known_as)}


def _refuse_while_owed(ctx: Context, customer: Customer) -> None:
    owes, has = (balance_now(ctx.session, customer.id, item) for item in (Account.CREDIT, Account.STORE_CREDIT))
    if owes:
        raise StillOwed(f"{customer.name} owes {owes:,}")
    if has:
        raise StillOwed(f"{customer.name} has {has:,} of store credit")
    due = refunds_due(ctx.session, customer.id)
    if due > 0:
        raise StillOwed(f"A refund of {due:,} is due to {customer.name}")
    mine = Plan.customer_id.in_(with_duplicates(customer.id))
    number = ctx.session.scalar(select(Plan.number).where(mine, Plan.status == PlanStatus.OPEN.value).limit(1))
    if number:
        raise StillOwed(f"Plan {number} of {customer.name} is open")
    mine = RepairTicket.customer_id.in_(with_duplicates(customer.id))
    is_open = RepairTicket.status.in_([status.value for status in OPEN])
    number = ctx.session.scalar(select(RepairTicket.number).where(mine, is_open).limit(1))
    if number:
        raise StillOwed(f"{customer.name} has a device here, on repair {number}")


@projection("customer")
def forget_erased(session: Session, changed: Changed) -> None:
    """Take what reveals an erased customer out of the journal and the feed of this home, whoever erased them."""
    told = changed.updates.get("customer")
    if not told or session.info.get(COMPARES):  # it was done when it was heard
        return
    query = select(Customer.id).where(Customer.id.in_(told), Customer.erased_at.is_not(None))
    for customer_id in session.scalars(query.order_by(Customer.id)).all():
        forget_reveals(session, "customer", customer_id)
        _let_carts_go(session, customer_id)
        _empty_messages(session, customer_id)


def _let_carts_go(session: Session, customer_id: str) -> None:
    """Carts in work and parked ones are nobody's from now on, and no longer named after them. Only shops have carts."""
    if session.get_bind().dialect.name != "sqlite":
        return
    for cart in session.scalars(select(Cart).where(Cart.body.contains(customer_id))).all():
        body = orjson.loads(cart.body)
        if body.get("customer_id") == customer_id:
            cart.body, cart.label = orjson.dumps({**body, "customer_id": None}).decode(), None


def _empty_messages(session: Session, customer_id: str) -> None:
    """What was written to them says nothing any more, and what still waits to be sent goes to nobody."""
    for message in session.scalars(select(OutgoingMessage).where(OutgoingMessage.customer_id == customer_id)).all():
        if message.subject or message.body:
            message.subject, message.body = None, ""
        if message.state == MessageState.WAITING.value:
            message.state = MessageState.CANCELLED.value


def forget_reveals(session: Session, entity: str, row_id: str, columns: Collection[str] = ()) -> None:
    """Take what reveals the personal values of one row out of the journal and the feed of this home.

    columns  which of them; every one where none are named
    """
    for table, key in (("journal_entry", "n"), ("feed_line", "no")):
        _forget(session, table, key, entity, row_id, columns)


def _forget(session: Session, table: str, key: str, entity: str, row_id: str, columns: Collection[str]) -> None:
    """Both homes keep entries and lines in tables of these names. Names come from above, never from data."""
    place = "origin_id" if table == "journal_entry" else "stream"
    found = session.execute(
        text(
            f"SELECT {place} AS place, {key} AS no, body, personal FROM {table} "
            "WHERE personal IS NOT NULL AND body LIKE :known"
        ),
        {"known": f"%{row_id}%"},
    ).all()
    for row in found:
        kept = without_reveals(orjson.loads(row.body), orjson.loads(row.personal), entity, row_id, columns)
        if kept is not None:
            session.execute(
                text(f"UPDATE {table} SET personal = :kept WHERE {place} = :place AND {key} = :no"),
                {"kept": orjson.dumps(kept).decode() if kept else None, "place": row.place, "no": row.no},
            )


def without_reveals(
    document: dict[str, Any], reveals: dict[str, Any], entity: str, row_id: str, of: Collection[str] = ()
) -> dict[str, Any] | None:
    """What reveals a document's other rows; None when it reveals nothing of this one."""
    try:
        markers = _markers_of(document, entity, row_id, of)
    except (ValueError, TypeError, LookupError):  # an entry of no shape, kept as it came: nobody reads its rows
        markers = set(reveals)
    gone = {mark for mark in markers & reveals.keys() if reveals[mark][1] != ERASED_NAME}
    return {mark: pair for mark, pair in reveals.items() if mark not in gone} if gone else None


def _markers_of(document: dict[str, Any], entity: str, row_id: str, of: Collection[str]) -> set[str]:
    markers: set[str] = set()
    for name, _, columns, rows in document.get("rows", []):
        if name == entity and "id" in columns:
            place = columns.index("id")
            told = [n for n, column in enumerate(columns) if not of or column in of]
            markers.update(mark for row in rows if row[place] == row_id for n in told for mark in _markers(row[n]))
    return markers


def _markers(value: Any) -> list[str]:
    if isinstance(value, list):
        return [mark for part in value for mark in _markers(part)]
    return [value] if is_marker(value) else []
