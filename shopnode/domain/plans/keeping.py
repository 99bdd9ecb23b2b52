"""Goods by the piece that open plans keep: they stand on the shelf and are somebody's (rule 24).

Phones are reserved one by one, see handsets.states. Pieces have no names, so it is their number that is looked at: what
a ticket leaves on the shelf must be enough for the plans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.permissions import Role
from shopnode.domain.plans.models import Plan, PlanLine, PlanStatus
from shopnode.domain.prepared import Prepared
from shopnode.domain.pricing.bundles import Part, parts_of
from shopnode.domain.stock.queries import on_hand


class Leaving(Protocol):
    """A line of a ticket, as far as it takes pieces off the shelf."""

    @property
    def product_id(self) -> str | None: ...

    @property
    def unit(self) -> object | None: ...

    @property
    def quantity(self) -> int: ...

    @property
    def parts(self) -> tuple[Part, ...] | None: ...


@dataclass(frozen=True)
class Kept:
    """Pieces of one product that plans keep, and one of the plans."""

    pieces: int
    plan_number: str


def ask_for_kept(ctx: Context, lines: Iterable[Leaving]) -> None:
    """Ask for a second person where a ticket takes pieces off the shelf that plans keep. Raises ApprovalNeeded.

    Where the books have nothing on the shelf they do not know what is there, and nothing is asked.
    """
    if ctx.actor.role is Role.OWNER or ctx.shop_id is None:
        return
    kept = kept_pieces(ctx.session, ctx.shop_id)
    if not kept:
        return
    wanted = _pieces(lines)
    here = on_hand(ctx.session, ctx.shop_id, sorted(wanted.keys() & kept.keys()))
    for product_id, level in here.items():
        if 0 < level < wanted[product_id] + kept[product_id].pieces:
            name = ctx.session.scalars(select(Product.name).where(Product.id == product_id)).one()
            told = kept[product_id]
            words = f"{told.pieces:,} of the {level:,} “{name}” here are kept for plan {told.plan_number}."
            ctx.require_approval(words)


def kept_pieces(session: Session, shop_id: str) -> dict[str, Kept]:
    """What open plans of a shop keep, by product; of a bundle its parts. One query where there is no such plan."""
    rows = _KEPT.rows(session, shop_id=shop_id)
    parts = parts_of(session, shop_id, sorted({row.product_id for row in rows if row.is_bundle}))
    found: dict[str, Kept] = {}
    for row in rows:
        for product_id, each in _made_of(row.product_id, parts).items():
            before = found.get(product_id)
            pieces = each * int(row.pieces) + (before.pieces if before else 0)
            found[product_id] = Kept(pieces, before.plan_number if before else row.plan_number)
    return found


def _made_of(product_id: str, parts: Mapping[str, tuple[Part, ...]]) -> dict[str, int]:
    held = parts.get(product_id)
    if held is None:
        return {product_id: 1}
    return {part.product_id: part.quantity for part in held if not part.is_serialised}


def _pieces(lines: Iterable[Leaving]) -> Counter[str]:
    wanted: Counter[str] = Counter()
    for line in lines:
        if line.parts is not None:
            wanted.update({part.product_id: part.quantity * line.quantity for part in line.parts})
        elif line.product_id is not None and line.unit is None:
            wanted[line.product_id] += line.quantity
    return wanted


_READ_AS = func.coalesce(Product.merged_into, Product.id)
_KEPT = Prepared(
    select(
        _READ_AS.label("product_id"), Product.is_bundle, func.sum(PlanLine.quantity).label("pieces"),
        func.min(Plan.number).label("plan_number"),
    )
    .join(PlanLine, PlanLine.plan_id == Plan.id)
    .join(Product, Product.id == PlanLine.product_id)
    .where(Plan.shop_id == bindparam("shop_id"), Plan.status == PlanStatus.OPEN.value)
    .where(or_(PlanLine.unit_id.is_(None), Product.is_bundle.is_(True)))
    .group_by(_READ_AS, Product.is_bundle)
)  # fmt: skip
