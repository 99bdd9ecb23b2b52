"""One ledger for everything that is counted for a customer. A balance is a sum of entries, never a number in a row.

Every shop hears of all entries: a customer is known by the whole business, and credit has one limit.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    DerivedRow,
    Id,
    Kind,
    LocalDate,
    MinorUnits,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    look_up_few,
    one_of,
    refs,
)


class Account(StrEnum):
    """What is counted, and what + means. Figures of a customer are listed in this order."""

    CREDIT = "credit"  # minor units the customer owes us
    STORE_CREDIT = "store_credit"  # minor units we owe the customer: gift, refund, unallocated money
    POINTS = "points"  # loyalty points the customer has


class EntryKind(StrEnum):
    CHARGE = "charge"  # sold on account
    PAYMENT = "payment"  # paid on account
    REFUND = "refund"  # a return made it smaller, or put it into store credit
    GIFT = "gift"  # a gift card or goodwill
    SPENT = "spent"  # used as a tender
    PAID_OUT = "paid_out"
    EARNED = "earned"
    CLAWED_BACK = "clawed_back"
    EXPIRED = "expired"
    UNALLOCATED = "unallocated"  # money received that belongs to nothing yet (rule 42)
    CORRECTION = "correction"


class AccountEntry(SyncedRow):
    """One line of a customer's account."""

    __tablename__ = "account_entry"
    __table_args__ = (
        *refs("customer_id:customer"),
        one_of("account", Account),
        one_of("kind", EntryKind),
        look_up("account_entry", "customer_id", "at"),
        look_up("account_entry", "account", "at"),
        look_up_few("account_entry", "due_on", "at", "id"),
        look_up("account_entry", "sale_id"),
        look_up_few("account_entry", "money_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=3)

    customer_id: Mapped[Id]
    shop_id: Mapped[Id]
    account: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int]  # minor units, or points
    sale_id: Mapped[Id | None]
    money_id: Mapped[Id | None]  # see cash.MoneyMove
    number: Mapped[str | None] = mapped_column(String(40))  # of the document it stands on
    due_on: Mapped[LocalDate | None]
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class AccountAllocation(SyncedRow):
    """So much of a payment pays so much of a charge."""

    __tablename__ = "account_allocation"
    __table_args__ = (
        *refs("payment_id:account_entry", "charge_id:account_entry"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        look_up("account_allocation", "payment_id"),
        look_up("account_allocation", "charge_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=3)

    payment_id: Mapped[Id]
    charge_id: Mapped[Id]
    shop_id: Mapped[Id]
    amount_minor: Mapped[MinorUnits]
    at: Mapped[UtcTime]


class AccountBalance(DerivedRow):
    """The sum of a customer's entries, by account."""

    __tablename__ = "account_balance"

    customer_id: Mapped[Id] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(20), primary_key=True)
    balance: Mapped[int]
