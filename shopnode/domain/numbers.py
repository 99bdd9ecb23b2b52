"""Numbers people read: KLA1-P000012. A letter for each kind of document, gapless within its series."""

from __future__ import annotations

from enum import StrEnum

from shopnode.domain.context import Context


class Document(StrEnum):
    """The letter between the series and the number. Sales have none."""

    TRANSFER = "T"
    PURCHASE_ORDER = "P"
    GOODS_RECEIPT = "G"
    SUPPLIER_RETURN = "B"
    STOCKTAKE = "C"
    USED_PURCHASE = "U"
    MONEY = "M"
    PLAN = "L"
    RETURN = "R"
    REPAIR = "J"  # a job on the bench
    Z_REPORT = "Z"
    EXPENSE = "E"
    UNREADABLE = "N"  # a phone that shows no number of its own


def ends_something(series: str) -> bool:
    """Whether a number of this series ends what was begun, so that it is given on a full disk as well: a Z report."""
    return series.endswith(f"-{Document.Z_REPORT.value}")


def next_document_number(ctx: Context, kind: Document) -> str:
    """The next number of a kind of document, taken in the transaction of the action that writes it."""
    series = f"{ctx.home.series}-{kind.value}"
    return f"{series}{ctx.home.next_number(ctx.session, series):06d}"
