"""Bundles: a phone with its cover and protector under one price (rule 27).

A bundle has no stock of its own. Selling one takes its parts out of stock, each at what it costs, a free gift too; the
cost of the line is their sum. What went out is known again by ids that follow from the line, so that it comes back as
it left, whatever the bundle consists of by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product, has_moved, products_as_read, with_duplicates
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Params, Quantity
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.models import BundlePart, part_id
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.stock.models import StockCost, StockLevel, StockMovement

PARTS_MAX = 20


class PartOf(Params):
    """So many of a product in one bundle."""

    product_id: IdText
    quantity: Quantity = 1


class SetBundle(Params):
    """What a product consists of. Without parts it is a product like others again."""

    product_id: IdText
    parts: Annotated[list[PartOf], Field(max_length=PARTS_MAX)]


@dataclass(frozen=True)
class Part:
    """What one bundle holds of a product, and what a piece of it costs here."""

    product_id: str
    name: str
    quantity: int
    is_serialised: bool
    cost_minor: int


@dataclass(frozen=True)
class Goods:
    """Pieces that a line of a sale took out of stock. `key` tells them apart for ever."""

    line: SaleLine
    key: tuple[str, ...]
    product_id: str
    unit_id: str | None
    quantity: int
    unit_cost_minor: int


@action("products.set_bundle", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def set_bundle(ctx: Context, form: SetBundle) -> dict[str, Any]:
    """Say what a bundle consists of. Raises Conflict, Invalid, NotFound."""
    bundle = find_product(ctx.session, form.product_id)
    _check(ctx, bundle, form.parts)
    wanted = {part.product_id: part.quantity for part in form.parts}
    query = select(BundlePart).where(BundlePart.bundle_id == bundle.id)
    known = {row.product_id: row for row in ctx.session.scalars(query)}
    for product_id, row in known.items():
        row.quantity = wanted.get(product_id, 0)
    fresh = [
        BundlePart(id=part_id(bundle.id, product_id), bundle_id=bundle.id, product_id=product_id, quantity=quantity)
        for product_id, quantity in wanted.items()
        if product_id not in known
    ]
    add_rows(ctx.session, *fresh)
    bundle.is_bundle = bool(wanted)
    ctx.about("product", bundle.id)
    return {"id": bundle.id, "parts": len(wanted)}


def _check(ctx: Context, bundle: Product, parts: list[PartOf]) -> None:
    """Raises Conflict, Invalid."""
    if bundle.is_serialised:
        raise Invalid({"product_id": f"“{bundle.name}” is sold by IMEI: make a product for the bundle"})
    if parts and not bundle.is_bundle and has_moved(ctx.session, bundle.id):
        raise Conflict(f"“{bundle.name}” has stock of its own: make another product for the bundle.")
    ids = [part.product_id for part in parts]
    products = {row.id: row for row in ctx.session.scalars(select(Product).where(Product.id.in_(ids)))}
    wrong = {}
    phones = 0
    for place, part in enumerate(parts):
        product = products.get(part.product_id)
        at = f"parts.{place}.product_id"
        if product is None:
            wrong[at] = "was not found in the catalogue"
        elif product.is_bundle or product.id == bundle.id:
            wrong[at] = f"“{product.name}” is a bundle itself: name its parts"
        elif part.product_id in ids[:place]:
            wrong[at] = f"“{product.name}” is listed twice"
        elif product.is_serialised:
            phones += part.quantity
    if phones > 1:
        wrong["parts"] = "hold more than one phone: a line of a sale names one IMEI"
    if wrong:
        raise Invalid(wrong)
    inside = select(Product.name).join(BundlePart, BundlePart.bundle_id == Product.id)
    other = ctx.session.scalar(inside.where(BundlePart.product_id == bundle.id, BundlePart.quantity > 0).limit(1))
    if parts and other is not None:
        raise Conflict(f"“{bundle.name}” is a part of “{other}”, and a bundle holds no bundle.")


def parts_of(session: Session, shop_id: str | None, bundle_ids: Collection[str]) -> dict[str, tuple[Part, ...]]:
    """What these bundles hold now, with the cost of a piece in this shop; no query where there are none."""
    if not bundle_ids:
        return {}
    cost = func.coalesce(StockCost.average_minor, Product.cost_minor)
    query = (
        select(BundlePart.bundle_id, Product.id, Product.name, BundlePart.quantity, Product.is_serialised, cost)
        .join(Product, Product.id == BundlePart.product_id)
        .outerjoin(StockCost, (StockCost.product_id == Product.id) & (StockCost.shop_id == shop_id))
        .where(BundlePart.bundle_id.in_(bundle_ids), BundlePart.quantity > 0)
        .order_by(Product.is_serialised.desc(), Product.name, Product.id)
    )
    found: dict[str, list[Part]] = defaultdict(list)
    for bundle_id, product_id, name, quantity, is_serialised, cost_minor in session.execute(query):
        found[bundle_id].append(Part(product_id, name, quantity, is_serialised, cost_minor))
    return {bundle_id: tuple(found[bundle_id]) for bundle_id in bundle_ids}


def bundles_on_hand(session: Session, shop_id: str | None, bundle_ids: Collection[str]) -> dict[str, int]:
    """How many of each bundle the parts on hand make."""
    parts = parts_of(session, shop_id, bundle_ids)
    ids = {part.product_id for held in parts.values() for part in held}
    merged = {row_id: row.id for row_id, row in products_as_read(session, ids).items()}
    same = with_duplicates(session, set(merged.values()))  # the pieces of a merged product are one heap
    query = select(StockLevel.product_id, func.sum(StockLevel.on_hand)).where(StockLevel.product_id.in_(same))
    if shop_id is not None:
        query = query.where(StockLevel.shop_id == shop_id)
    here: dict[str, int] = defaultdict(int)
    for product_id, level in session.execute(query.group_by(StockLevel.product_id)):
        here[same[product_id]] += int(level)
    return {
        bundle_id: max(min((here[merged[part.product_id]] // part.quantity for part in held), default=0), 0)
        for bundle_id, held in parts.items()
    }


def part_move_id(line_id: str, product_id: str) -> str:
    """The movement by which a part left with a line."""
    return act_id("bundle-move", line_id, product_id)


def goods_of(session: Session, lines: Sequence[SaleLine], pieces: Mapping[str, int] | None = None) -> list[Goods]:
    """What these lines took out of stock: the pieces themselves, or the parts of a bundle as they were then.

    pieces  of a line, where not all of them are meant
    """
    lines = [line for line in lines if line.product_id]
    left = _parts_that_left(session, lines)
    phones = _phones_in(session, [line for line in lines if line.unit_id and line.id in left])
    found = []
    for line in lines:
        count = line.quantity if pieces is None else pieces[line.id]
        parts = left.get(line.id)
        if parts is None or line.id in phones:
            product_id, cost = phones.get(line.id, (str(line.product_id), line.cost_minor))
            found.append(Goods(line, (line.id,), product_id, line.unit_id, count, cost))
        for move in parts or ():
            each = -move.quantity // line.quantity
            key = (line.id, move.product_id)
            found.append(Goods(line, key, move.product_id, None, each * count, move.unit_cost_minor))
    return found


def _parts_that_left(session: Session, lines: Sequence[SaleLine]) -> dict[str, list[StockMovement]]:
    """The movements of the parts of those lines that sold a bundle; struck out parts may be among what left."""
    query = select(BundlePart.bundle_id, BundlePart.product_id)
    query = query.where(BundlePart.bundle_id.in_({line.product_id for line in lines}))
    held: dict[str, list[str]] = defaultdict(list)
    for bundle_id, product_id in session.execute(query):
        held[bundle_id].append(product_id)
    of_line = {
        part_move_id(line.id, product_id): line.id
        for line in lines
        for product_id in held.get(line.product_id or "", ())
    }
    found: dict[str, list[StockMovement]] = defaultdict(list)
    if of_line:
        moves = select(StockMovement).where(StockMovement.id.in_(of_line)).order_by(StockMovement.id)
        for move in session.scalars(moves):
            found[of_line[move.id]].append(move)
    return found


def _phones_in(session: Session, lines: Sequence[SaleLine]) -> dict[str, tuple[str, int]]:
    """Product and cost of the phones that were sold in bundles, by line."""
    if not lines:
        return {}
    units = select(StockUnit).where(StockUnit.id.in_([line.unit_id for line in lines]))
    by_id = {unit.id: unit for unit in session.scalars(units)}
    return {
        line.id: (by_id[line.unit_id].product_id, by_id[line.unit_id].cost_minor)
        for line in lines
        if line.unit_id in by_id
    }
