"""What an expense's decisions add up to, who may spend how much alone, and when a budget is nearly used up."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from shopnode.domain.expenses.models import ExpenseDecisionKind, ExpenseStatus
from shopnode.domain.permissions import Role

USUAL = ("Rent", "Electricity", "Internet", "Airtime", "Transport", "Meals", "Cleaning", "Repairs and tools", "Other")
DAYS_AWAY = 366  # how far from today an expense's day may lie
OPEN = frozenset({ExpenseStatus.PENDING, ExpenseStatus.APPROVED})
_FOLD = {
    ExpenseDecisionKind.APPROVE: ExpenseStatus.APPROVED,
    ExpenseDecisionKind.REJECT: ExpenseStatus.REJECTED,
}


def fold_status(kinds: Iterable[str], *, is_paid: bool, is_withdrawn: bool) -> ExpenseStatus:
    """Where an expense stands. Money that left stays paid; else what was withdrawn; else the latest decision holds."""
    if is_paid:
        return ExpenseStatus.PAID
    if is_withdrawn:
        return ExpenseStatus.WITHDRAWN
    status = ExpenseStatus.PENDING
    for kind in kinds:
        status = _FOLD[ExpenseDecisionKind(kind)]
    return status


def within_limit(role: Role, amount_minor: int, limits: Mapping[str, int]) -> bool:
    """Whether somebody of this role may spend so much without a decision. An owner may; a limit of 0 is none."""
    if role is Role.OWNER:
        return True
    name = "expense_limit_staff_minor" if role is Role.STAFF else "expense_limit_supervisor_minor"
    return amount_minor <= limits[name]


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of its month."""
    first = day.replace(day=1)
    return first, day.replace(day=monthrange(day.year, day.month)[1])


@dataclass(frozen=True)
class BudgetUse:
    """A budget of a month and what is spent or asked for already."""

    category: str
    shop_id: str | None
    budget_minor: int
    used_minor: int

    def warning(self, month: date, warn_bp: int) -> str | None:
        """What to say about it, or None while there is room."""
        if self.used_minor > self.budget_minor:
            over = self.used_minor - self.budget_minor
            return f"{self.category}: {over:,} above the budget of {self.budget_minor:,} for {month:%B %Y}."
        if self.used_minor * 10_000 >= self.budget_minor * warn_bp:
            left = self.budget_minor - self.used_minor
            said = f"{left:,} are left" if left else "nothing is left"
            return f"{self.category}: {said} of the budget of {self.budget_minor:,} for {month:%B %Y}."
        return None


def days_due(day_of_month: int, starts_on: date, today: date) -> list[date]:
    """The days of last month and this one on which a recurring expense has come due; a closed month is made up for."""
    first = today.replace(day=1)
    months = ((first - timedelta(days=1)).replace(day=1), first)
    return [day for month in months if starts_on <= (day := month.replace(day=day_of_month)) <= today]
