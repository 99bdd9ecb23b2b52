"""Reading what is owed to suppliers: balances, ages and statements. Of one shop where the home is one, else of all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, case, func, select, true

from shopnode.domain.buying.models import Supplier, SupplierEntry, SupplierEntryKind
from shopnode.domain.buying.queries import find_supplier
from shopnode.domain.buying.rules import Owed, ages_of
from shopnode.domain.context import Context
from shopnode.domain.stock.days import day_begins, day_ends, shop_zone, today


@dataclass(frozen=True)
class Debt:
    """What is owed to one supplier, and for how long it has been due (see rules.AGES)."""

    supplier_id: str
    name: str
    owed_minor: int
    ages: tuple[int, ...]


@dataclass(frozen=True)
class StatementLine:
    """One entry of an account, and what was owed after it."""

    id: str
    at: datetime
    kind: SupplierEntryKind
    amount_minor: int
    balance_minor: int
    reference: str | None
    note: str | None
    due_on: date | None
    receipt_id: str | None


@dataclass(frozen=True)
class Statement:
    """A supplier's account from one day to another."""

    supplier_id: str
    name: str
    from_on: date
    to_on: date
    opening_minor: int
    lines: tuple[StatementLine, ...]
    closing_minor: int


def owed_to(ctx: Context, supplier_id: str) -> int:
    """What is owed to one supplier; negative when they owe us."""
    return balances(ctx, [supplier_id]).get(supplier_id, 0)


def all_balances(ctx: Context) -> dict[str, int]:
    """What is owed to every supplier whose account does not stand at nothing."""
    amount = func.sum(SupplierEntry.amount_minor)
    query = select(SupplierEntry.supplier_id, amount).where(_here(ctx)).group_by(SupplierEntry.supplier_id)
    return {row[0]: int(row[1]) for row in ctx.session.execute(query.having(amount != 0))}


def balances(ctx: Context, supplier_ids: Collection[str]) -> dict[str, int]:
    """What is owed to each of these suppliers that has an account."""
    query = select(SupplierEntry.supplier_id, func.sum(SupplierEntry.amount_minor))
    query = query.where(SupplierEntry.supplier_id.in_(supplier_ids), _here(ctx)).group_by(SupplierEntry.supplier_id)
    return {supplier_id: int(amount) for supplier_id, amount in ctx.session.execute(query)}


def debts(ctx: Context) -> list[Debt]:
    """Every supplier whose account does not stand at nothing, the largest debt first."""
    owed = all_balances(ctx)
    ages = ages_by_supplier(ctx, owed)
    names = select(Supplier.id, Supplier.name).where(Supplier.id.in_(owed))
    found = [Debt(row.id, row.name, owed[row.id], ages[row.id]) for row in ctx.session.execute(names)]
    return sorted(found, key=lambda debt: (-debt.owed_minor, debt.name))


def ages_by_supplier(ctx: Context, supplier_ids: Collection[str]) -> dict[str, tuple[int, ...]]:
    """How long what is owed to these suppliers has been due. Bills of one day are read as one, and all that was paid:
    when it was makes no difference."""
    zone, now = shop_zone(ctx), today(ctx)
    is_bill = SupplierEntry.amount_minor > 0
    due_on = case((is_bill, SupplierEntry.due_on)).label("due_on")
    at = case((and_(is_bill, SupplierEntry.due_on.is_(None)), SupplierEntry.at)).label("at")
    entry = select(SupplierEntry.supplier_id, SupplierEntry.amount_minor, due_on, at)
    told = entry.where(SupplierEntry.supplier_id.in_(supplier_ids), _here(ctx)).subquery().c
    query = select(told.supplier_id, func.sum(told.amount_minor), told.due_on, told.at)
    entries: dict[str, list[Owed]] = defaultdict(list)
    for supplier_id, amount, day, instant in ctx.session.execute(
        query.group_by(told.supplier_id, told.due_on, told.at)
    ):
        due = day or (instant.astimezone(zone).date() if instant else now)
        entries[supplier_id].append(Owed(int(amount), due))
    return {supplier_id: tuple(ages_of(entries[supplier_id], now)) for supplier_id in supplier_ids}


def statement(ctx: Context, supplier_id: str, from_on: date | None = None, to_on: date | None = None) -> Statement:
    """A supplier's account, oldest first; the last 90 days when no days are named. Raises NotFound."""
    supplier = find_supplier(ctx.session, supplier_id)
    to_on = to_on or today(ctx)
    from_on = from_on or date.fromordinal(to_on.toordinal() - 90)
    begins, ends = day_begins(ctx, from_on), day_ends(ctx, to_on)
    own = and_(SupplierEntry.supplier_id == supplier_id, _here(ctx))
    before = select(func.coalesce(func.sum(SupplierEntry.amount_minor), 0)).where(own, SupplierEntry.at < begins)
    balance = opening = int(ctx.session.scalar(before) or 0)
    query = select(SupplierEntry).where(own, SupplierEntry.at >= begins, SupplierEntry.at < ends)
    lines = []
    for row in ctx.session.scalars(query.order_by(SupplierEntry.at, SupplierEntry.id)):
        balance += row.amount_minor
        kind = SupplierEntryKind(row.kind)
        line = (row.id, row.at, kind, row.amount_minor, balance, row.reference, row.note, row.due_on, row.receipt_id)
        lines.append(StatementLine(*line))
    return Statement(supplier.id, supplier.name, from_on, to_on, opening, tuple(lines), balance)


def _here(ctx: Context) -> ColumnElement[bool]:
    return true() if ctx.shop_id is None else SupplierEntry.shop_id == ctx.shop_id
