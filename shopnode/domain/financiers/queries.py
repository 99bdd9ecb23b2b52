"""What each financier owes, phone by phone, and how long."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.accounts.rules import Ageing, OpenCharge, age
from shopnode.domain.context import Context
from shopnode.domain.financiers.ledger import Receivable, receivables
from shopnode.domain.financiers.models import Financier, FinancierEntry
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.queries import find_row


@dataclass(frozen=True)
class FinancierView:
    """A financier with what they owe."""

    financier: Financier
    owes_minor: int
    ageing: Ageing  # by the day of each sale
    phones: tuple[Receivable, ...]


def list_financiers(ctx: Context, *, archived: bool = False) -> list[FinancierView]:
    """All of them by name; those off the list only when asked for, or when they still owe."""
    waiting = receivables(ctx.session, shop_id=ctx.shop_id)
    firms = ctx.session.scalars(select(Financier).order_by(Financier.name, Financier.id))
    today, by_firm = today_of(ctx), defaultdict(list)
    for item in waiting:
        by_firm[item.financier_id].append(item)
    views = [_view(firm, by_firm[firm.id], today) for firm in firms]
    return [view for view in views if archived or view.financier.archived_at is None or view.owes_minor]


def financier_view(ctx: Context, financier_id: str) -> FinancierView:
    """One of them. Raises NotFound."""
    firm = find_row(ctx.session, Financier, financier_id, "This financier")
    return _view(firm, receivables(ctx.session, financier_id=firm.id, shop_id=ctx.shop_id), today_of(ctx))


def financier_entries(
    ctx: Context, financier_id: str, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[FinancierEntry]:
    """The lines of their account, the newest first. Raises Invalid for a cursor of another list."""
    query = select(FinancierEntry).where(FinancierEntry.financier_id == financier_id)
    return latest(ctx.session, query, FinancierEntry.at, FinancierEntry.id, limit, cursor)


def _view(firm: Financier, mine: list[Receivable], today: date) -> FinancierView:
    charges = [OpenCharge(item.imei or "", item.open_minor, item.since.date()) for item in mine if item.open_minor > 0]
    return FinancierView(firm, sum(item.open_minor for item in mine), age(charges, today), tuple(mine))
