"""The numbers a shop's computer gives, to be looked at: which series there are, and how far each has come.

A number names its shop and computer, so that no two computers ever print the same one; after a restore the series is
another. So they are shown and not set. Looking gives no number.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.node import Counter
from shopnode.domain.numbers import Document

RECEIPTS = "Receipts"
NAMES = {
    Document.RETURN: "Returns", Document.USED_PURCHASE: "Used phones bought", Document.REPAIR: "Repairs",
    Document.PLAN: "Plans", Document.MONEY: "Money slips", Document.EXPENSE: "Expenses", Document.Z_REPORT: "Z reports",
    Document.PURCHASE_ORDER: "Purchase orders", Document.GOODS_RECEIPT: "Deliveries",
    Document.SUPPLIER_RETURN: "Phones sent back to suppliers", Document.TRANSFER: "Transfers",
    Document.STOCKTAKE: "Stocktakes", Document.UNREADABLE: "Phones that show no number",
}  # fmt: skip


@dataclass(frozen=True)
class Series:
    """The numbers of one kind of document."""

    name: str
    last: str | None  # None where none was given yet
    next: str


def all_series(session: Session, series: str) -> list[Series]:
    """Every series of the computer whose receipts begin with `series`; receipts first."""
    given = {row.series: row.value for row in session.scalars(select(Counter))}
    kinds = {series: (RECEIPTS, f"{series}-")}
    kinds |= {f"{series}-{kind.value}": (name, f"{series}-{kind.value}") for kind, name in NAMES.items()}
    found = []
    for key, (name, begins) in kinds.items():
        last = given.get(key, 0)
        found.append(Series(name, f"{begins}{last:06d}" if last else None, f"{begins}{last + 1:06d}"))
    return found
