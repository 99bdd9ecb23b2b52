"""How settings are shown: in groups, each by its type and unit. A new setting finds its place by its name.

Pure: screens and the API read it, and nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache

from shopnode.domain.settings.rules import CHOICES, Choice


class Type(StrEnum):
    """How a value is typed in."""

    NUMBER = "number"
    AMOUNT = "amount"  # minor units of the shop's currency
    PERCENT = "percent"  # basis points
    YES_NO = "yes-no"  # 1 and 0
    TEXT = "text"
    ONE_OF = "one-of"
    SOME_OF = "some-of"


@dataclass(frozen=True)
class Group:
    """Settings that are looked for in one place."""

    key: str
    title: str
    patterns: tuple[str, ...]


GROUPS = (
    Group("receipts", "Receipts", ("receipt_*",)),
    Group("hours", "Business hours and language", ("hours_*", "language", "message_in_hours")),
    Group("selling", "Selling and discounts", ("discount_*", "custom_line_*", "customer_above_*")),
    Group("returns", "Returns and write-offs", ("return_*", "refund_*", "open_box_*", "write_off_*")),
    Group("money", "Money and tax", ("cash_rounding_*", "usd_*", "momo_*", "vat_*")),
    Group("drawer", "Drawer and days", ("variance_*", "drawer_*", "pay_out_*", "closure_*", "float_*")),
    Group("credit", "Credit, plans and points", ("credit_*", "plan_*", "reservation_*", "point*", "commission_*")),
    Group("expenses", "Expenses", ("expense_*", "budget_*")),
    Group("repairs", "Repairs", ("repair_*", "unclaimed_*", "storage_*")),
    Group("used", "Used phones", ("used_*", "identity_*")),
    Group("stock", "Stock and orders", ("count_*", "reorder_*")),
    Group("notices", "Notices", ("notice_*",)),
    Group("screens", "Screens and photos", ("idle_*", "remember_*", "photo_*")),
    Group("more", "More", ("*",)),
)


def type_of(choice: Choice) -> Type:
    """How this setting is typed in."""
    if choice.options:
        return Type.SOME_OF if choice.many else Type.ONE_OF
    if isinstance(choice.default, str):
        return Type.TEXT
    if (choice.minimum, choice.maximum) == (0, 1):
        return Type.YES_NO
    return {"minor": Type.AMOUNT, "bp": Type.PERCENT}.get(choice.key.rpartition("_")[2], Type.NUMBER)


def unit_of(choice: Choice) -> str | None:
    """What a number counts, where its name says so."""
    last = choice.key.rpartition("_")[2]
    known = {"days", "hours", "minutes", "months"}
    return last if last in known else "kB a day" if choice.key == "photo_kb_per_day" else None


@cache
def group_of(key: str) -> Group:
    """The group a setting is shown in: the first that fits."""
    return next(group for group in GROUPS if any(fnmatchcase(key, pattern) for pattern in group.patterns))


def title_of(key: str) -> str:
    """A setting's name for people: "notice_low_stock_roles" is "Low stock: who is told"."""
    words = key.removeprefix("notice_").split("_")
    said = {"roles": ": who is told", "channels": ": how"}.get(words[-1], "")
    kept = [word for word in (words[:-1] if said else words) if word not in {"minor", "bp"}]
    return " ".join(kept).capitalize() + said


def grouped(keys: Iterable[str] = CHOICES) -> list[tuple[Group, list[Choice]]]:
    """Every setting in its group, groups without one left out."""
    found: dict[str, list[Choice]] = {group.key: [] for group in GROUPS}
    for key in keys:
        found[group_of(key).key].append(CHOICES[key])
    return [(group, found[group.key]) for group in GROUPS if found[group.key]]
