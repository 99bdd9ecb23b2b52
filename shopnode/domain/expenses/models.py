"""Expenses, budgets and what comes again every month.

Invariants:
  * An expense is its shop's own and changes only until it is decided. It is paid by a `cash.MoneyMove` about it.
  * Nobody decides their own.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    Id,
    Kind,
    LocalDate,
    MinorUnits,
    Rule,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    one_of,
    refs,
)


class ExpenseStatus(StrEnum):
    PENDING = "Pending"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    PAID = "Paid"
    WITHDRAWN = "Withdrawn"


class ExpenseDecisionKind(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class Expense(SyncedRow):
    """Money somebody asks to spend, or spent."""

    __tablename__ = "expense"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        look_up("expense", "expense_on", "id"),
        look_up("expense", "created_at", "id"),
        look_up("expense", "category", "expense_on"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-E000017
    category: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[MinorUnits]
    method: Mapped[str] = mapped_column(String(20))  # how it is to be paid: one of sales.MONEY
    expense_on: Mapped[LocalDate]
    supplier_id: Mapped[Id | None]
    photo: Mapped[str | None] = mapped_column(String(64))  # of the receipt: SHA-256 of its bytes
    recurring_id: Mapped[Id | None]
    created_at: Mapped[UtcTime]
    created_by: Mapped[Id | None]
    paid_at: Mapped[UtcTime | None]
    paid_by: Mapped[Id | None]
    withdrawn_at: Mapped[UtcTime | None]


class ExpenseDecision(SyncedRow):
    """Approve or reject. What holds is a fold over these in feed order."""

    __tablename__ = "expense_decision"
    __table_args__ = (
        *refs("expense_id:expense"),
        one_of("kind", ExpenseDecisionKind),
        look_up("expense_decision", "expense_id"),
    )
    __sync__ = Sync(Kind.DECISION, Stream.SHOP, derived=frozenset({"feed_no"}), since=3)

    expense_id: Mapped[Id]
    shop_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
    nth: Mapped[int]  # how many its writer knew of this expense, itself included: orders them before the feed does
    feed_no: Mapped[int | None] = mapped_column(BigInteger)


class ExpenseBudget(SyncedRow):
    """What may be spent on a category in a month. The id follows from shop and category."""

    __tablename__ = "expense_budget"
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, rules={"month_minor": Rule.OWNER_WINS}, since=3)

    only_shop_id: Mapped[Id | None]  # None for all shops together
    category: Mapped[str] = mapped_column(String(100))
    month_minor: Mapped[MinorUnits | None]  # None: no budget any more


class RecurringExpense(SyncedRow):
    """An expense that comes again every month: rent, internet, a guard."""

    __tablename__ = "recurring_expense"
    __table_args__ = (look_up("recurring_expense", "only_shop_id"),)
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, since=3)

    only_shop_id: Mapped[Id]
    category: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[MinorUnits]
    method: Mapped[str] = mapped_column(String(20))
    day_of_month: Mapped[int]  # 1 to 28
    starts_on: Mapped[LocalDate]
    archived_at: Mapped[UtcTime | None]
