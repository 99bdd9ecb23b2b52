"""Reading accounts: what a customer has, their statement, how old their debt is, who owes and what is due soon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Subquery, and_, bindparam, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from shopnode.domain.accounts.ledger import open_charges
from shopnode.domain.accounts.models import Account, AccountAllocation, AccountBalance, AccountEntry
from shopnode.domain.accounts.rules import Ageing, OpenCharge, age, less_prepaid
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import with_duplicates
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, latest, page_of
from shopnode.domain.people.models import Shop
from shopnode.domain.queries import ids_named

STATEMENT_DAYS = 92
STATEMENT_LINES_MAX = 2_000
ALL = 2**31 - 1


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
    left_out: int = 0  # entries of these days that are not among the lines, but in what stood before them


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


def _owed() -> Subquery:
    """Customer who is kept → what they owe, of those who owe anything. Who is a duplicate is looked up for duplicates
    alone: they are few."""
    merged = select(Customer.id).where(Customer.merged_into.is_not(None))
    kept = select(Customer.merged_into).where(Customer.id == AccountBalance.customer_id).scalar_subquery()
    stands = and_(AccountBalance.account == Account.CREDIT.value, AccountBalance.balance != 0)
    owing = select(AccountBalance.balance).where(stands)
    own = owing.add_columns(AccountBalance.customer_id).where(AccountBalance.customer_id.not_in(merged))
    of_duplicates = owing.add_columns(kept.label("customer_id")).where(AccountBalance.customer_id.in_(merged))
    whole = union_all(own, of_duplicates).subquery()
    total = func.sum(whole.c.balance)
    owed = select(whole.c.customer_id, total.label("owes")).group_by(whole.c.customer_id)
    return owed.having(total > 0).subquery()


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


def _known_as(who: ColumnElement[str]) -> Select[str]:
    """The ids of this customer and their duplicates."""
    whose = aliased(Customer)
    return select(whose.id).where(or_(whose.id == who, whose.merged_into == who))


def _due() -> Select[*tuple[Any, ...]]:
    """Open charges of customers who owe. A customer is looked up for each charge on the way: a page full is soon
    found, and to know first all who owe takes longer than the page."""
    kept = func.coalesce(Customer.merged_into, Customer.id)
    left = AccountEntry.amount - _allocated()
    owes = select(func.sum(AccountBalance.balance)).where(
        AccountBalance.account == Account.CREDIT.value,
        AccountBalance.customer_id.in_(_known_as(kept).correlate(Customer)),
    )
    columns = (AccountEntry.id, kept.label("kept"), AccountEntry.number, AccountEntry.due_on, AccountEntry.at)
    query = select(*columns, left.label("open")).join(Customer, Customer.id == AccountEntry.customer_id)
    return query.where(_is_charge(), left > 0, owes.correlate(Customer).scalar_subquery() > 0)


def _open_charges() -> Select[*tuple[Any, ...]]:
    left = AccountEntry.amount - _allocated()
    columns = (AccountEntry.customer_id, AccountEntry.id, left, AccountEntry.due_on)
    query = select(*columns).where(AccountEntry.customer_id.in_(ids_named("customer_ids")), _is_charge(), left > 0)
    return query.order_by(AccountEntry.due_on, AccountEntry.at, AccountEntry.id)


_FIRST_ZONE = select(Shop.timezone).order_by(Shop.id).limit(1)
_ZONE = select(Shop.timezone).where(Shop.id == bindparam("shop_id"))
_OWED = _owed()
# Sorted before anything is asked of them: without its limit, SQLite would put the order last, and ask of all.
_IN_ORDER = select(_OWED).order_by(_OWED.c.owes.desc(), _OWED.c.customer_id.desc()).limit(ALL).subquery()
_DUE = _due()
_OPEN = _open_charges()
_KNOWN_AS = select(Customer.id, Customer.merged_into).where(
    or_(Customer.id.in_(ids_named("customer_ids")), Customer.merged_into.in_(ids_named("customer_ids")))
)
_PEOPLE = select(Customer.id, Customer.name, Customer.phone).where(Customer.id.in_(ids_named("customer_ids")))


def today_of(ctx: Context) -> date:
    """The day it is in the shop; in the portal, where the business's first shop is."""
    zone = ctx.session.scalar(_FIRST_ZONE if ctx.shop_id is None else _ZONE, {"shop_id": ctx.shop_id})
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


def statement(
    ctx: Context, customer: Customer, from_on: date | None = None, to_on: date | None = None,
    lines_max: int = STATEMENT_LINES_MAX,
) -> Statement:  # fmt: skip
    """The debt of a customer over some days: what stood before, each entry, and what stands at the end. Of more than
    `lines_max` entries the latest are told one by one, and the others in what stood before them."""
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
    these = and_(mine, AccountEntry.at >= starts, AccountEntry.at < ends)
    count, moved = session.execute(
        select(func.count(), func.coalesce(func.sum(AccountEntry.amount), 0)).where(these)
    ).one()
    query = select(AccountEntry).where(these).order_by(AccountEntry.at.desc(), AccountEntry.id.desc())
    rows = list(session.scalars(query.limit(lines_max)))[::-1]
    opening = int(session.scalar(before) or 0) + int(moved) - sum(row.amount for row in rows)
    lines, stands = [], opening
    for row in rows:
        stands += row.amount
        lines.append(StatementLine(row.at, row.kind, row.number, row.due_on, row.note, row.amount, stands))
    now = balances(session, customer.id)
    ageing = age(less_prepaid(open_charges(session, customer.id), now.owes_minor), today)
    return Statement(
        customer.id, customer.name, customer.phone, from_on, to_on, opening, tuple(lines), stands, ageing,
        now.store_credit_minor, count - len(lines),
    )  # fmt: skip


def who_owes(
    ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None, overdue_only: bool = False
) -> Page[Debtor]:
    """Customers who owe, the largest debt first. Raises Invalid for a cursor of another list."""
    today = today_of(ctx)
    owed = _IN_ORDER if overdue_only else _OWED
    owes, who = owed.c.owes, owed.c.customer_id
    first = select(who, owes).order_by(owes.desc(), who.desc()).limit(limit + 1)
    if overdue_only:
        first = first.where(_is_overdue(today))
    place = decode_cursor(cursor, (int, str))
    if place is not None:
        first = first.where(beyond((owes, who), place, downwards=True))
    chosen = first.subquery()
    query = (
        select(Customer.id, Customer.name, Customer.phone, Customer.credit_limit_minor, chosen.c.owes)
        .join(chosen, chosen.c.customer_id == Customer.id)
        .order_by(chosen.c.owes.desc(), Customer.id.desc())
    )
    page = page_of(list(ctx.session.execute(query)), limit, lambda row: (int(row.owes), row.id))
    charges = _open_by_customer(ctx.session, [row.id for row in page.rows])
    return Page([_debtor(row, charges.get(row.id, []), today) for row in page.rows], page.next_cursor)


def _debtor(row: Any, charges: list[OpenCharge], today: date) -> Debtor:
    owes = int(row.owes)
    left = less_prepaid(charges, owes)
    oldest = min((item.due_on for item in left if item.due_on), default=None)
    return Debtor(row.id, row.name, row.phone, owes, row.credit_limit_minor, oldest, age(left, today))


def due_soon(ctx: Context, days: int = 7, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[Due]:
    """What is due within so many days or was due before, the first due first. Raises Invalid for a cursor of another
    list."""
    until = today_of(ctx) + timedelta(days=days)
    order = (AccountEntry.due_on, AccountEntry.at, AccountEntry.id)
    query = _DUE.where(AccountEntry.due_on <= until).order_by(*order).limit(limit + 1)
    place = decode_cursor(cursor, (str, int, str))
    if place is not None:
        query = query.where(beyond(order, place))
    rows = list(ctx.session.execute(query))
    page = page_of(rows, limit, lambda row: (row.due_on.isoformat(), to_ms(row.at), row.id))
    people = _people(ctx.session, {row.kept for row in page.rows})
    found = [Due(row.id, row.kept, *people[row.kept], row.number, row.due_on, int(row.open)) for row in page.rows]
    return Page(found, page.next_cursor)


def _is_overdue(today: date) -> ColumnElement[bool]:
    """This one of `_IN_ORDER` has an open charge that was due before: asked on the way through those who owe, of whom
    a page full is soon found."""
    mine = AccountEntry.customer_id.in_(_known_as(_IN_ORDER.c.customer_id).correlate(_IN_ORDER))
    charge = select(AccountEntry.id).where(mine, _is_charge())
    return charge.where(AccountEntry.due_on < today, AccountEntry.amount > _allocated()).correlate(_IN_ORDER).exists()


def _open_by_customer(session: Session, customer_ids: list[str]) -> dict[str, list[OpenCharge]]:
    """The open charges of many customers, the first due first."""
    people = session.execute(_KNOWN_AS, {"customer_ids": customer_ids}) if customer_ids else ()
    read_as = {row_id: merged_into or row_id for row_id, merged_into in people}
    rows = session.execute(_OPEN, {"customer_ids": list(read_as)}) if read_as else ()
    found: dict[str, list[OpenCharge]] = defaultdict(list)
    for customer_id, row_id, open_minor, due_on in rows:
        found[read_as[customer_id]].append(OpenCharge(row_id, int(open_minor), due_on))
    return found


def _people(session: Session, ids: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Name and telephone number of each of these."""
    rows = session.execute(_PEOPLE, {"customer_ids": list(ids)}) if ids else ()
    return {row_id: (name, phone) for row_id, name, phone in rows}
