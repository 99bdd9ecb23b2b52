"""Money that belongs to no sale, written in one place: which drawer, which reference, which number on the slip."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.errors import DrawerClosed
from shopnode.domain.cash.models import MoneyKind, MoneyMove
from shopnode.domain.cash.queries import open_drawer_or_none
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.sales.coming import confirmed_with_reference
from shopnode.domain.sales.errors import ReferenceUsed
from shopnode.domain.sales.lookup import sale_with_reference
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.rules import METHOD_NAMES, NEEDS_REFERENCE, normal_reference, tender_named


@dataclass(frozen=True)
class Moved:
    """What was written."""

    id: str
    number: str
    method: Tender


def move_money(
    ctx: Context,
    kind: MoneyKind,
    method: str,
    amount_minor: int,
    *,
    reference: str | None = None,
    about_id: str | None = None,
    customer_id: str | None = None,
    note: str | None = None,
    fee_minor: int | None = None,
    fee_borne_by: str | None = None,
    photo: str | None = None,
) -> Moved:
    """Write money in (+) or out (−). Cash goes through the open drawer; a network's transaction is good once, for ever.

    fee_minor  what the network took beside it, and who bears that: shop or customer (rule 43)
    photo      of its slip: the name of a photo that is kept already

    Raises DrawerClosed, Invalid (fields `method`, `reference`, `fee`, `fee_borne_by`), ReferenceUsed.
    """
    tender, known = _tender(method), _reference(reference)
    _check_fee(tender, fee_minor, fee_borne_by)
    if tender in NEEDS_REFERENCE and known is None:
        raise Invalid({"reference": f"{METHOD_NAMES[tender]} needs the transaction id from the message"})
    if known is not None and tender is not Tender.CASH:
        _refuse_used(ctx, tender, known)
    drawer = open_drawer_or_none(ctx.session, ctx.shop_id, ctx.actor.id)
    if drawer is None:
        raise DrawerClosed
    row_id, number = ctx.new_id(), next_document_number(ctx, Document.MONEY)
    row = {
        "id": row_id, "shop_id": ctx.shop_id, "kind": kind.value, "method": tender.value, "amount_minor": amount_minor,
        "reference": None if tender is Tender.CASH else known, "number": number, "drawer_session_id": drawer.id,
        "about_id": about_id, "customer_id": customer_id, "note": note, "fee_minor": fee_minor,
        "fee_borne_by": fee_borne_by, "photo": photo, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, MoneyMove, [row])
    return Moved(row_id, number, tender)


def _check_fee(tender: Tender, fee_minor: int | None, borne_by: str | None) -> None:
    """A fee names who bears it, and notes in the hand cost none. Raises Invalid."""
    if fee_minor is None and borne_by is None:
        return
    if tender is Tender.CASH:
        raise Invalid({"fee": "is for money of a network or a bank: Cash costs none"})
    if fee_minor is None:
        raise Invalid({"fee": "is needed where somebody bears it"})
    if borne_by is None:
        raise Invalid({"fee_borne_by": "is needed: shop or customer"})


def _tender(method: str) -> Tender:
    known = ", ".join(tender.value for tender in Tender if tender in MONEY)
    try:
        tender = tender_named(method)
    except ValueError:
        raise Invalid({"method": f"must be one of {known}"}) from None
    if tender not in MONEY:
        raise Invalid({"method": f"must be one of {known}"})
    return tender


def _reference(text: str | None) -> str | None:
    try:
        return normal_reference(text)
    except ValueError as odd:
        raise Invalid({"reference": str(odd)}) from None


def _refuse_used(ctx: Context, tender: Tender, reference: str) -> None:
    sale = sale_with_reference(ctx.session, tender.value, reference)
    used = sale or money_with_reference(ctx, tender, reference)
    used = used or confirmed_with_reference(ctx.session, tender.value, reference)
    if used is not None:
        raise ReferenceUsed(METHOD_NAMES[tender], used)


def money_with_reference(ctx: Context, tender: Tender, reference: str) -> str | None:
    """The number of the slip this transaction was booked on before, unless it was given back since."""
    query = (
        select(func.min(MoneyMove.number))
        .where(MoneyMove.method == tender.value, MoneyMove.reference == reference)
        .having(func.sum(MoneyMove.amount_minor) != 0)
    )
    found: str | None = ctx.session.scalar(query)
    return found
