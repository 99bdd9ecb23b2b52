"""The only writer of `account_entry` and `account_allocation`.

Invariants:
  * A balance is the sum of a customer's entries, their duplicates' included; it is added up from the entries inside an
    action, because the derived figure follows only when the action has ended.
  * Whatever makes a debt smaller is allocated to charges, whole: the open parts add up to what is owed.
  * Store credit and points never go below zero in a home that knows of all entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from shopnode.domain.accounts.models import Account, AccountAllocation, AccountEntry, EntryKind
from shopnode.domain.accounts.rules import OpenCharge, allocate
from shopnode.domain.capture import insert_rows
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import find_customer, with_duplicates
from shopnode.domain.errors import Conflict, Invalid

NAMES = {Account.CREDIT: "debt", Account.STORE_CREDIT: "store credit", Account.POINTS: "points"}


class TooLittle(Conflict):
    """An account that is never negative would be."""

    code = "too-little"

    def __init__(self, account: Account, name: str, has: int):
        super().__init__(f"{name} has {has:,} of {NAMES[account]}: take no more than that.")


@dataclass(frozen=True)
class About:
    """What an entry is about."""

    sale_id: str | None = None
    money_id: str | None = None
    number: str | None = None  # of the document it stands on
    note: str | None = None
    shop_id: str | None = None  # whose books it stands in, where nobody's counter is named
    row_id: str | None = None  # of an act that two homes may do at once


def account_holder(session: Session, customer_id: str) -> Customer:
    """The customer whose account it is: of a duplicate, the one who is kept. Raises NotFound, Invalid once erased."""
    customer = find_customer(session, customer_id)
    if customer.merged_into is not None:
        customer = find_customer(session, customer.merged_into)
    if customer.erased_at is not None:
        raise Invalid({"customer_id": "was erased at their own wish and has no account any more"})
    return customer


def balance_now(session: Session, customer_id: str, account: Account) -> int:
    """What stands on an account, this action's entries included."""
    query = select(func.coalesce(func.sum(AccountEntry.amount), 0)).where(
        AccountEntry.customer_id.in_(with_duplicates(customer_id)), AccountEntry.account == account.value
    )
    return int(session.scalar(query) or 0)


def open_charges(session: Session, customer_id: str, *, sale_id: str | None = None) -> list[OpenCharge]:
    """What is left of each charge of a customer (or of one sale's), the first due first."""
    rows = session.execute(_open_charges(sale_id).where(AccountEntry.customer_id.in_(with_duplicates(customer_id))))
    first_due = sorted(rows, key=lambda row: (row.due_on or row.at.date(), row.at, row.id))
    return [OpenCharge(row[0], int(row[1]), row.due_on) for row in first_due]


def open_of_sale(session: Session, sale_id: str) -> int:
    """What is still owed for one sale, whoever owes it."""
    return sum(int(row[1]) for row in session.execute(_open_charges(sale_id)))


def _open_charges(sale_id: str | None) -> Select[str, int, date | None, datetime]:
    paid = aliased(AccountAllocation)
    allocated = (
        select(func.coalesce(func.sum(paid.amount_minor), 0))
        .where(paid.charge_id == AccountEntry.id)
        .correlate(AccountEntry)
        .scalar_subquery()
    )
    query = select(AccountEntry.id, AccountEntry.amount - allocated, AccountEntry.due_on, AccountEntry.at).where(
        AccountEntry.account == Account.CREDIT.value,
        AccountEntry.amount > allocated,
    )
    return query if sale_id is None else query.where(AccountEntry.sale_id == sale_id)


def charge(
    ctx: Context, customer_id: str, amount_minor: int, due_on: date | None, about: About,
    kind: EntryKind = EntryKind.CHARGE,
) -> str:  # fmt: skip
    """The customer owes so much more. Whether they may is asked by whoever calls."""
    return _write(ctx, customer_id, Account.CREDIT, kind, amount_minor, about, due_on)


def discharge(
    ctx: Context,
    customer_id: str,
    amount_minor: int,
    about: About,
    *,
    kind: EntryKind = EntryKind.PAYMENT,
    first: Sequence[OpenCharge] = (),
) -> int:
    """Make a debt smaller by up to so much: the charges named first, then the oldest. Returns what was left over."""
    named = {known.id for known in first}
    others = [known for known in open_charges(ctx.session, customer_id) if known.id not in named]
    parts, rest = allocate(amount_minor, [*first, *others])
    if parts:
        entry_id = _write(ctx, customer_id, Account.CREDIT, kind, rest - amount_minor, about)
        _allocate(ctx, entry_id, parts, about)
    return rest


def discharge_only(
    ctx: Context, customer_id: str, amount_minor: int, about: About, kind: EntryKind, charges: Sequence[OpenCharge]
) -> int:
    """The same for these charges alone."""
    parts, rest = allocate(amount_minor, charges)
    if parts:
        entry_id = _write(ctx, customer_id, Account.CREDIT, kind, rest - amount_minor, about)
        _allocate(ctx, entry_id, parts, about)
    return rest


def owe_customer(ctx: Context, customer_id: str, amount_minor: int, kind: EntryKind, about: About) -> str:
    """Put so much into the customer's store credit."""
    return _write(ctx, customer_id, Account.STORE_CREDIT, kind, amount_minor, about)


def take_store_credit(ctx: Context, customer: Customer, amount_minor: int, kind: EntryKind, about: About) -> str:
    """Take so much out of it. Raises TooLittle."""
    _refuse_below_zero(ctx, customer, Account.STORE_CREDIT, amount_minor)
    return _write(ctx, customer.id, Account.STORE_CREDIT, kind, -amount_minor, about)


def add_points(ctx: Context, customer_id: str, points: int, kind: EntryKind, about: About) -> str:
    """Give points."""
    return _write(ctx, customer_id, Account.POINTS, kind, points, about)


def take_points(ctx: Context, customer: Customer, points: int, kind: EntryKind, about: About) -> str:
    """Take points. Raises TooLittle."""
    _refuse_below_zero(ctx, customer, Account.POINTS, points)
    return _write(ctx, customer.id, Account.POINTS, kind, -points, about)


def _refuse_below_zero(ctx: Context, customer: Customer, account: Account, amount: int) -> None:
    has = balance_now(ctx.session, customer.id, account)
    if amount > has:
        raise TooLittle(account, customer.name, max(0, has))


def _write(
    ctx: Context, customer_id: str, account: Account, kind: EntryKind, amount: int, about: About,
    due_on: date | None = None,
) -> str:  # fmt: skip
    row: dict[str, Any] = {
        "id": about.row_id or ctx.new_id(), "customer_id": customer_id, "shop_id": _shop_of(ctx, about),
        "account": account.value, "kind": kind.value, "amount": amount, "sale_id": about.sale_id,
        "money_id": about.money_id, "number": about.number, "due_on": due_on, "note": about.note, "at": ctx.now,
        "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, AccountEntry, [row])
    return str(row["id"])


def _allocate(ctx: Context, payment_id: str, parts: Sequence[tuple[str, int]], about: About) -> None:
    rows = [
        {
            "id": ctx.new_id(), "payment_id": payment_id, "charge_id": charge_id, "shop_id": _shop_of(ctx, about),
            "amount_minor": part, "at": ctx.now,
        }
        for charge_id, part in parts
    ]  # fmt: skip
    insert_rows(ctx.session, AccountAllocation, rows)


def _shop_of(ctx: Context, about: About) -> str:
    shop_id = about.shop_id or ctx.shop_id
    if shop_id is None:
        raise Invalid({"shop_id": "is needed: say which shop's books it stands in"})
    return shop_id
