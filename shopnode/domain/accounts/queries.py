"""Reading accounts: what a customer has, their statement, how old their debt is, who owes and what is due soon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from shopnode.domain.accounts.ledger import open_charges
from shopnode.domain.accounts.models import Account, AccountAllocation, AccountBalance, AccountEntry
from shopnode.domain.accounts.rules import Ageing, OpenCharge, age, less_prepaid
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import with_duplicates
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, latest, page_of
from shopnode.domain.people.models import Shop

STATEMENT_DAYS = 92
STATEMENT_LINES_MAX = 2_000
DUE_SHOWN_MAX = 200


@dataclass(frozen=True)
class Balances:
    """What stands on a customer's accounts."""

    owes_minor: int
    store_credit_minor: int
    points: int


@dataclass(frozen=True)
class StatementLine:
    """One entry with what stood after it."""

    at: datetime
    kind: str
    number: str | None
    due_on: date | None
    note: str | None
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True)
class Statement:
    """What a customer owes and how it came to that; for screens and papers alike."""

    customer_id: str
    name: str
    phone: str | None
    from_on: date
    to_on: date
    opening_minor: int
    lines: tuple[StatementLine, ...]
    closing_minor: int
    ageing: Ageing
    store_credit_minor: int


@dataclass(frozen=True)
class Debtor:
    """A customer who owes."""

    customer_id: str
    name: str
    phone: str | None
    owes_minor: int
    limit_minor: int | None
    oldest_due_on: date | None
    ageing: Ageing


@dataclass(frozen=True)
class Due:
    """What is left of a charge, and when it is due."""

    charge_id: str
    customer_id: str
    name: str
    phone: str | None
    number: str | None
    due_on: date | None
    open_minor: int


def today_of(ctx: Context) -> date:
    """The day it is in the shop; in the portal, where the business's first shop is."""
    query = select(Shop.timezone).order_by(Shop.id).limit(1)
    if ctx.shop_id is not None:
        query = select(Shop.timezone).where(Shop.id == ctx.shop_id)
    zone = ctx.session.scalar(query)
    return ctx.now.astimezone(ZoneInfo(zone or "UTC")).date()


def balances(session: Session, customer_id: str) -> Balances:
    """A customer's accounts, their duplicates' included."""
    query = (
        select(AccountBalance.account, func.sum(AccountBalance.balance))
        .where(AccountBalance.customer_id.in_(with_duplicates(customer_id)))
        .group_by(AccountBalance.account)
    )
    found = {account: int(amount) for account, amount in session.execute(query)}
    return Balances(*(found.get(account.value, 0) for account in Account))


def balances_of(session: Session, customer_ids: Collection[str]) -> dict[str, Balances]:
    """The accounts of many customers, their duplicates' included, in one query."""
    kept = func.coalesce(Customer.merged_into, Customer.id)
    query = (
        select(kept, AccountBalance.account, func.sum(AccountBalance.balance))
        .join(Customer, Customer.id == AccountBalance.customer_id)
        .where(or_(Customer.id.in_(customer_ids), Customer.merged_into.in_(customer_ids)))
        .group_by(kept, AccountBalance.account)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for customer_id, account, amount in session.execute(query) if customer_ids else ():
        found[customer_id][account] = int(amount)
    return {who: Balances(*(found[who].get(account.value, 0) for account in Account)) for who in customer_ids}


def entries_of(
    session: Session, customer_id: str, *, account: Account | None = None, limit: int = PAGE_DEFAULT,
    cursor: str | None = None,
) -> Page[AccountEntry]:  # fmt: skip
    """A customer's entries, the newest first. Raises Invalid for a cursor of another list."""
    query = select(AccountEntry).where(AccountEntry.customer_id.in_(with_duplicates(customer_id)))
    if account is not None:
        query = query.where(AccountEntry.account == account.value)
    return latest(session, query, AccountEntry.at, AccountEntry.id, limit, cursor)


def statement(ctx: Context, customer: Customer, from_on: date | None = None, to_on: date | None = None) -> Statement:
    """The debt of a customer over some days: what stood before, each entry, and what stands at the end."""
    session, today = ctx.session, today_of(ctx)
    to_on = to_on or today
    from_on = from_on or to_on - timedelta(days=STATEMENT_DAYS)
    zone = ZoneInfo(session.scalar(select(Shop.timezone).order_by(Shop.id).limit(1)) or "UTC")
    starts = datetime(from_on.year, from_on.month, from_on.day, tzinfo=zone)
    ends = datetime(to_on.year, to_on.month, to_on.day, tzinfo=zone) + timedelta(days=1)
    mine = and_(
        AccountEntry.customer_id.in_(with_duplicates(customer.id)), AccountEntry.account == Account.CREDIT.value
    )
    before = select(func.coalesce(func.sum(AccountEntry.amount), 0)).where(mine, AccountEntry.at < starts)
    opening = int(session.scalar(before) or 0)
    query = select(AccountEntry).where(mine, AccountEntry.at >= starts, AccountEntry.at < ends)
    rows = session.scalars(query.order_by(AccountEntry.at, AccountEntry.id).limit(STATEMENT_LINES_MAX))
    lines, stands = [], opening
    for row in rows:
        stands += row.amount
        lines.append(StatementLine(row.at, row.kind, row.number, row.due_on, row.note, row.amount, stands))
    now = balances(session, customer.id)
    ageing = age(less_prepaid(open_charges(session, customer.id), now.owes_minor), today)
    return Statement(
        customer.id, customer.name, customer.phone, from_on, to_on, opening, tuple(lines), stands, ageing,
        now.store_credit_minor,
    )  # fmt: skip


def who_owes(
    ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None, overdue_only: bool = False
) -> Page[Debtor]:
    """Customers who owe, the largest debt first. Raises Invalid for a cursor of another list."""
    owed = _owed().subquery()
    query = (
        select(Customer, owed.c.owes)
        .join(owed, owed.c.customer_id == Customer.id)
        .order_by(owed.c.owes.desc(), Customer.id.desc())
        .limit(limit + 1)
    )
    today = today_of(ctx)
    if overdue_only:
        query = query.where(_is_overdue(today))
    place = decode_cursor(cursor, (int, str))
    if place is not None:
        query = query.where(beyond((owed.c.owes, Customer.id), place, downwards=True))
    page = page_of(list(ctx.session.execute(query)), limit, lambda row: (int(row[1]), row[0].id))
    charges = _open_by_customer(ctx.session, [row[0].id for row in page.rows])
    return Page(
        [_debtor(row[0], int(row[1]), charges.get(row[0].id, []), today) for row in page.rows], page.next_cursor
    )


def _debtor(customer: Customer, owes: int, charges: list[OpenCharge], today: date) -> Debtor:
    left = less_prepaid(charges, owes)
    oldest = min((item.due_on for item in left if item.due_on), default=None)
    return Debtor(
        customer.id, customer.name, customer.phone, owes, customer.credit_limit_minor, oldest, age(left, today)
    )


def due_soon(ctx: Context, days: int = 7) -> list[Due]:
    """What is due within so many days or was due before, the first due first."""
    until = today_of(ctx) + timedelta(days=days)
    kept = func.coalesce(Customer.merged_into, Customer.id)
    left = AccountEntry.amount - _allocated()
    owing = select(_owed().subquery().c.customer_id)
    query = (
        select(AccountEntry.id, kept.label("kept"), AccountEntry.number, AccountEntry.due_on, left.label("open"))
        .join(Customer, Customer.id == AccountEntry.customer_id)
        .where(_is_charge(), left > 0, AccountEntry.due_on <= until, kept.in_(owing))
        .order_by(AccountEntry.due_on, AccountEntry.at, AccountEntry.id)
        .limit(DUE_SHOWN_MAX)
    )
    rows = ctx.session.execute(query).all()
    people = _people(ctx.session, {row.kept for row in rows})
    return [Due(row.id, row.kept, *people[row.kept], row.number, row.due_on, int(row.open)) for row in rows]


def _owed() -> Select[str, int]:
    """Customer who is kept → what they owe, of those who owe anything."""
    kept = func.coalesce(Customer.merged_into, Customer.id)
    total = func.sum(AccountBalance.balance)
    return (
        select(kept.label("customer_id"), total.label("owes"))
        .join(Customer, Customer.id == AccountBalance.customer_id)
        .where(AccountBalance.account == Account.CREDIT.value, AccountBalance.balance != 0)
        .group_by(kept)
        .having(total > 0)
    )


def _is_charge() -> ColumnElement[bool]:
    """Where entries are read by the day they are due or by customer: the index of accounts is none for it."""
    return and_(func.coalesce(AccountEntry.account, "") == Account.CREDIT.value, AccountEntry.amount > 0)


def _allocated() -> ColumnElement[int]:
    return (
        select(func.coalesce(func.sum(AccountAllocation.amount_minor), 0))
        .where(AccountAllocation.charge_id == AccountEntry.id)
        .correlate(AccountEntry)
        .scalar_subquery()
    )


def _is_overdue(today: date) -> ColumnElement[bool]:
    """The customer of the outer query has an open charge that was due before. Asked of each on the way through those
    who owe, of whom a page full is soon found."""
    whose = aliased(Customer)
    known_as = select(whose.id).where(or_(whose.id == Customer.id, whose.merged_into == Customer.id))
    charge = select(AccountEntry.id).where(AccountEntry.customer_id.in_(known_as.correlate(Customer)), _is_charge())
    return charge.where(AccountEntry.due_on < today, AccountEntry.amount > _allocated()).correlate(Customer).exists()


def _open_by_customer(session: Session, customer_ids: Collection[str]) -> dict[str, list[OpenCharge]]:
    """The open charges of many customers, the first due first."""
    known_as = or_(Customer.id.in_(customer_ids), Customer.merged_into.in_(customer_ids))
    people = select(Customer.id, Customer.merged_into).where(known_as)
    read_as = {row.id: row.merged_into or row.id for row in session.execute(people)} if customer_ids else {}
    left = AccountEntry.amount - _allocated()
    query = (
        select(AccountEntry.customer_id, AccountEntry.id, left, AccountEntry.due_on)
        .where(AccountEntry.customer_id.in_(list(read_as)), _is_charge(), left > 0)
        .order_by(AccountEntry.due_on, AccountEntry.at, AccountEntry.id)
    )
    found: dict[str, list[OpenCharge]] = defaultdict(list)
    for customer_id, row_id, open_minor, due_on in session.execute(query) if read_as else ():
        found[read_as[customer_id]].append(OpenCharge(row_id, int(open_minor), due_on))
    return found


def _people(session: Session, ids: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Name and telephone number of each of these."""
    query = select(Customer.id, Customer.name, Customer.phone).where(Customer.id.in_(ids))
    return {row.id: (row.name, row.phone) for row in session.execute(query)} if ids else {}
