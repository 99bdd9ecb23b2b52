"""What a number scanned in a count means: a phone of this shop, one the books have elsewhere, or nothing known."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, select

from shopnode.domain.context import Context
from shopnode.domain.handsets.models import ON_HAND_STATUSES, OPEN_STATUSES, StockUnit, UnitStatus
from shopnode.domain.handsets.numbers import handsets_by_number
from shopnode.domain.handsets.rules import bare_number, read_imei
from shopnode.domain.sales.models import SaleLine, SaleSummary

# What is odd about a phone on the shelf, by what the books say of it.
_NOTES = {
    UnitStatus.SCRAPPED.value: "The books say this phone was written off.",
    UnitStatus.SENT.value: "The books say this phone was sent to another shop.",
    UnitStatus.SUPPLIER.value: "The books say this phone is with its supplier.",
    UnitStatus.LENT.value: "The books say this phone is lent out.",
    UnitStatus.EXPECTED.value: "The books say this phone has not arrived yet. Receive it by its number.",
    UnitStatus.INSPECT.value: "This phone waits to be inspected; it is not counted as stock.",
    UnitStatus.BENCH.value: "This phone is on the bench; it is not counted as stock.",
    UnitStatus.MISSING.value: "This phone was missing and is found.",
}


@dataclass(frozen=True)
class Scanned:
    """A number, the stay in this shop it means, and what is odd about it."""

    number: str
    unit: StockUnit | None
    note: str | None

    @property
    def is_expected(self) -> bool:
        return self.unit is not None and self.unit.status in ON_HAND_STATUSES


def what_was_scanned(ctx: Context, typed: str) -> Scanned:
    """The phone of this number, as the books of this shop know it."""
    number = bare_number(typed)
    try:
        numbers = list(dict.fromkeys([number, read_imei(number).text]))
    except ValueError:
        numbers = [number]
    handsets = handsets_by_number(ctx.session, numbers)
    if not handsets:
        return Scanned(number or typed, None, None)
    query = (
        select(StockUnit)
        .where(StockUnit.handset_id.in_([handset.id for handset in handsets]), StockUnit.shop_id == ctx.shop_id)
        .order_by(case((StockUnit.status.in_(OPEN_STATUSES), 0), else_=1), StockUnit.received_at.desc(), StockUnit.id)
    )
    unit = ctx.session.scalars(query.limit(1)).first()
    if unit is None:
        return Scanned(handsets[0].number, None, "The books have this phone in another shop, or on its way.")
    return Scanned(handsets[0].number, unit, _note(ctx, unit))


def _note(ctx: Context, unit: StockUnit) -> str | None:
    if unit.status != UnitStatus.SOLD.value:
        return _NOTES.get(unit.status)
    query = select(SaleSummary.number).join(SaleLine, SaleLine.sale_id == SaleSummary.sale_id)
    number = ctx.session.scalar(query.where(SaleLine.id == unit.sold_line_id))
    return f"The books say this phone was sold, on receipt {number}." if number else "The books say it was sold."
