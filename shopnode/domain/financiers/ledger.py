"""The only writer of `financier_entry`, and the tender of a financed sale (rule 48).

Invariants:
  * What a financier owes is the sum of their entries; of one phone, the sum of the entries with its sale and number.
  * A financed sale has a customer and at least one phone, and each phone is a receivable of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.accounts.ledger import account_holder
from shopnode.domain.accounts.models import AccountEntry, EntryKind
from shopnode.domain.accounts.tenders import give_back_on_account
from shopnode.domain.capture import insert_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.financiers.models import Financier, FinancierEntry, FinancierEntryKind
from shopnode.domain.money import spread
from shopnode.domain.queries import row_or_none
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import Settled
from shopnode.domain.sales.tenders import Ticket, register_tender


class Receivable(NamedTuple):
    """What a financier still owes for one phone; below zero when they paid for one that came back. A tuple: a firm owes
    for hundreds."""

    financier_id: str
    sale_id: str | None
    imei: str | None
    reference: str | None  # their number of the contract
    open_minor: int
    since: datetime


def receivables(
    session: Session, *, financier_id: str | None = None, sale_id: str | None = None, shop_id: str | None = None
) -> list[Receivable]:
    """What is open, phone by phone, the oldest first."""
    phone = (FinancierEntry.financier_id, FinancierEntry.sale_id, FinancierEntry.imei)
    total, since = func.sum(FinancierEntry.amount_minor), func.min(FinancierEntry.at)
    query = select(*phone, func.max(FinancierEntry.reference), total, since).group_by(*phone).having(total != 0)
    if financier_id is not None:
        query = query.where(FinancierEntry.financier_id == financier_id)
    if sale_id is not None:
        query = query.where(FinancierEntry.sale_id == sale_id)
    if shop_id is not None:
        query = query.where(FinancierEntry.shop_id == shop_id)
    rows = session.execute(query).all()
    found = [Receivable(row[0], row[1], row[2], row[3], int(row[4]), row[5]) for row in rows]
    return sorted(found, key=lambda item: (item.since, item.sale_id or "", item.imei or ""))


def write_entry(
    ctx: Context, financier_id: str, kind: FinancierEntryKind, amount_minor: int, *, sale_id: str | None = None,
    imei: str | None = None, money_id: str | None = None, reference: str | None = None, note: str | None = None,
) -> None:  # fmt: skip
    """One line of a financier's account; + they owe more."""
    row = {
        "id": ctx.new_id(), "financier_id": financier_id, "shop_id": ctx.shop_id, "kind": kind.value,
        "amount_minor": amount_minor, "sale_id": sale_id, "imei": imei, "money_id": money_id, "reference": reference,
        "note": note, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, FinancierEntry, [row])


def take_financed(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The financier owes it, for the phones on the ticket. Raises Invalid."""
    if ticket.customer_id is None:
        raise Invalid({"customer_id": "is needed for “Financed”: the contract is with the customer"})
    account_holder(ctx.session, ticket.customer_id)
    financier = row_or_none(ctx.session, Financier, part.about_id) if part.about_id else None
    if financier is None or financier.archived_at is not None:
        raise Invalid({"payments": "“Financed” needs its financier in about_id: choose one of the list"})
    phones = [line for line in ticket.lines if line.imei]
    if not phones:
        raise Invalid({"payments": "“Financed” needs a phone on the ticket: what is owed is known by its IMEI"})
    shares = spread(part.amount_minor, [line.sum.net_minor for line in phones])
    for line, share in zip(phones, shares, strict=True):
        if share:
            write_entry(
                ctx, financier.id, FinancierEntryKind.RECEIVABLE, share, sale_id=ticket.sale_id, imei=line.imei,
                reference=part.reference,
            )  # fmt: skip
    return replace(part, about_id=None)


def give_back_financed(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The goods came back: the financier owes so much less, or we owe them what they had paid.

    What they had taken back before was written off, or is the customer's debt: that gets smaller instead.
    """
    left = part.amount_minor
    for phone, amount in _financed(ctx, ticket.sale_id):
        share = min(left, amount)
        left -= share
        if share:
            write_entry(
                ctx, phone.financier_id, FinancierEntryKind.CHARGEBACK, -share, sale_id=ticket.sale_id,
                imei=phone.imei, reference=phone.reference, note="came back",
            )  # fmt: skip
    owed = min(left, _charged_instead(ctx, ticket.sale_id))
    if owed:
        give_back_on_account(ctx, ticket, replace(part, amount_minor=owed))
    return part


def follow_phone(ctx: Context, sale_ids: Sequence[str], came: str, given: str) -> None:
    """What is still owed for a phone that was exchanged is owed for the one that was given: the contract goes on.

    sale_ids  the sales along the exchanges that brought it, one of which was financed
    """
    for sale_id in sale_ids:
        for owed in receivables(ctx.session, sale_id=sale_id):
            if owed.imei == came and owed.open_minor > 0:
                about = {"sale_id": sale_id, "reference": owed.reference, "note": "exchanged"}
                kinds = FinancierEntryKind.CHARGEBACK, FinancierEntryKind.RECEIVABLE
                write_entry(ctx, owed.financier_id, kinds[0], -owed.open_minor, imei=came, **about)
                write_entry(ctx, owed.financier_id, kinds[1], owed.open_minor, imei=given, **about)


def _financed(ctx: Context, sale_id: str) -> list[tuple[FinancierEntry, int]]:
    """The receivables of a sale, each with what was not charged back of it."""
    query = select(FinancierEntry).where(FinancierEntry.sale_id == sale_id)
    entries = list(ctx.session.scalars(query.order_by(FinancierEntry.at, FinancierEntry.id)))
    back: dict[tuple[str, str | None], int] = defaultdict(int)
    for entry in entries:
        if entry.kind == FinancierEntryKind.CHARGEBACK:
            back[entry.financier_id, entry.imei] -= entry.amount_minor
    found = []
    for entry in entries:
        if entry.kind == FinancierEntryKind.RECEIVABLE:
            gone = min(back[entry.financier_id, entry.imei], entry.amount_minor)
            back[entry.financier_id, entry.imei] -= gone
            found.append((entry, entry.amount_minor - gone))
    return found


def _charged_instead(ctx: Context, sale_id: str) -> int:
    """What the customer was charged because a financier would not pay: those charges say why in a note."""
    query = select(func.coalesce(func.sum(AccountEntry.amount), 0)).where(
        AccountEntry.sale_id == sale_id, AccountEntry.kind == EntryKind.CHARGE.value, AccountEntry.note.is_not(None)
    )
    return int(ctx.session.scalar(query) or 0)


register_tender(Tender.FINANCED, take=take_financed, give_back=give_back_financed, typed=True)
