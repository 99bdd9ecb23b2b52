"""Taking a count into the books: a movement for each difference, phones that were not found missing, others found."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from shopnode.domain.capture import insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.handsets.models import ON_HAND_STATUSES, StockUnit, UnitStatus
from shopnode.domain.handsets.states import found_as, turn
from shopnode.domain.people.limits import check_write_off
from shopnode.domain.permissions import Role
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.stock.models import MovementKind, StockLevel, StockMovement
from shopnode.domain.stock.queries import costs_of
from shopnode.domain.stock.settling import Moving, settle_emptied
from shopnode.domain.stocktakes.models import Stocktake, StocktakeLine
from shopnode.domain.stocktakes.rules import Difference, net_worth, size_of
from shopnode.domain.worths import Worth, refuse_absurd


@dataclass(frozen=True)
class Booked:
    """What a count came to."""

    difference_minor: int
    missing: int  # phones
    found: int  # phones that were missing


def book_count(ctx: Context, count: Stocktake, *, uncounted_is_zero: bool) -> Booked:
    """Write what the count found into the books. Raises ApprovalNeeded, Invalid."""
    differences = differences_of(ctx, count, uncounted_is_zero=uncounted_is_zero)
    missing, found, phones = _phones(ctx, count)
    # What is found more; what is not there can always be taken off.
    more = [Worth("counted", one.name, one.worth_minor) for one in differences if one.pieces > 0]
    refuse_absurd(more, "counted")
    _ask_about_own(ctx, count, size_of([*differences, *phones]))
    lost = [one for one in (*differences, *phones) if one.pieces < 0]
    if lost:
        check_write_off(ctx, size_of(lost))
    settle_emptied(ctx, [Moving(one.product_id, one.pieces, one.cost_minor) for one in differences if one.pieces < 0])
    moves = [
        {
            "id": _moved_by(count, difference.product_id), "shop_id": count.shop_id,
            "product_id": difference.product_id, "kind": MovementKind.COUNTED.value, "quantity": difference.pieces,
            "unit_cost_minor": difference.cost_minor, "note": f"Stocktake {count.number}", "at": ctx.now,
            "by_id": ctx.actor.id,
        }
        for difference in differences
    ]  # fmt: skip
    insert_rows(ctx.session, StockMovement, moves)
    for unit in missing:
        _turn(ctx, count, unit, UnitStatus.MISSING, f"Not found in stocktake {count.number}")
    for unit in found:
        # Kept for a plan, it is the plan's again and for nobody else; from the bench, it is on the bench.
        _turn(ctx, count, unit, found_as(ctx.session, unit), f"Found in stocktake {count.number}")
    return Booked(net_worth([*differences, *phones]), len(missing), len(found))


def size_now(ctx: Context, count: Stocktake, *, uncounted_is_zero: bool) -> int:
    """What all that a count found otherwise is worth, a surplus making up for nothing."""
    return size_of([*differences_of(ctx, count, uncounted_is_zero=uncounted_is_zero), *_phones(ctx, count)[2]])


def _phones(ctx: Context, count: Stocktake) -> tuple[list[StockUnit], list[StockUnit], list[Difference]]:
    """Phones that are not there, phones that are there again, and both as differences."""
    missing, found = phones_not_found(ctx, count), _phones_found_again(ctx, count)
    gone = [Difference(unit.product_id, "", 1, 0, unit.cost_minor) for unit in missing]
    here = [unit for unit in found if found_as(ctx.session, unit).value in ON_HAND_STATUSES]
    return missing, found, [*gone, *(Difference(unit.product_id, "", 0, 1, unit.cost_minor) for unit in here)]


def _turn(ctx: Context, count: Stocktake, unit: StockUnit, to: UnitStatus, reason: str) -> None:
    turn(ctx, unit, to, reason, about_id=count.id, movement_id=_moved_by(count, unit.id))


def _moved_by(count: Stocktake, what_id: str) -> str:
    """The id of what a count moved of a product or a phone. A count is taken into the books once, also where its
    computer was copied and both copies approve it."""
    return act_id("stocktake", count.id, what_id)


def differences_of(ctx: Context, count: Stocktake, *, uncounted_is_zero: bool = False) -> list[Difference]:
    """Products of which more or fewer were counted than the books said when they were counted, by name."""
    query = (
        select(StocktakeLine.product_id, StocktakeLine.expected, StocktakeLine.counted)
        .where(StocktakeLine.stocktake_id == count.id, StocktakeLine.unit_id.is_(None))
        .where(StocktakeLine.product_id.is_not(None))
    )
    told = {row.product_id or "": (row.expected, row.counted) for row in ctx.session.execute(query)}
    if uncounted_is_zero:
        told |= {product_id: (level, 0) for product_id, level in uncounted(ctx, count).items()}
    told = {product_id: pair for product_id, pair in told.items() if pair[0] != pair[1]}
    names = {
        row.id: row.name for row in ctx.session.execute(select(Product.id, Product.name).where(Product.id.in_(told)))
    }
    costs = costs_of(ctx.session, count.shop_id, list(told))
    found = [Difference(key, names[key], *told[key], costs[key]) for key in told]
    return sorted(found, key=lambda difference: (difference.name, difference.product_id))


def uncounted(ctx: Context, count: Stocktake) -> dict[str, int]:
    """Products counted by quantity that the books have here and nobody counted, with their level."""
    counted = select(StocktakeLine.product_id).where(
        StocktakeLine.stocktake_id == count.id, StocktakeLine.product_id.is_not(None)
    )
    kept = aliased(Product)  # a merged product is counted as the one that is kept
    level = func.sum(StockLevel.on_hand)
    query = (
        select(kept.id, level)
        .join(Product, Product.id == StockLevel.product_id)
        .join(kept, kept.id == func.coalesce(Product.merged_into, Product.id))
        .where(StockLevel.shop_id == count.shop_id, StockLevel.on_hand != 0, kept.is_serialised.is_(False))
        .where(kept.id.not_in(counted))
        .group_by(kept.id)
        .having(level != 0)
    )
    if count.category is not None:
        query = query.where(kept.category == count.category)
    return {product_id: int(pieces) for product_id, pieces in ctx.session.execute(query)}


def phones_not_found(ctx: Context, count: Stocktake) -> list[StockUnit]:
    """Phones that stood here when the count began, that still should, and that nobody scanned.

    One that came onto the shelf meanwhile (brought back, mended, found) is not held against the count.
    """
    came_since = select(StockMovement.id).where(
        StockMovement.unit_id == StockUnit.id, StockMovement.quantity > 0, StockMovement.at > count.started_at
    )
    scanned = select(StocktakeLine.unit_id).where(
        StocktakeLine.stocktake_id == count.id, StocktakeLine.unit_id.is_not(None)
    )
    query = (
        select(StockUnit)
        .join(Product, Product.id == StockUnit.product_id)
        .where(StockUnit.shop_id == count.shop_id, StockUnit.status.in_(ON_HAND_STATUSES))
        .where(StockUnit.received_at <= count.started_at, StockUnit.id.not_in(scanned), ~came_since.exists())
        .order_by(StockUnit.id)
    )
    if count.category is not None:
        query = query.where(Product.category == count.category)
    return list(ctx.session.scalars(query))


def _phones_found_again(ctx: Context, count: Stocktake) -> list[StockUnit]:
    query = (
        select(StockUnit)
        .join(StocktakeLine, StocktakeLine.unit_id == StockUnit.id)
        .where(StocktakeLine.stocktake_id == count.id, StockUnit.status == UnitStatus.MISSING.value)
        .order_by(StockUnit.id)
    )
    return list(ctx.session.scalars(query))


def _ask_about_own(ctx: Context, count: Stocktake, size_minor: int) -> None:
    """Nobody approves a large difference of their own count. Raises ApprovalNeeded."""
    limit = number_setting(ctx.session, "count_difference_limit_minor")
    counted = select(StocktakeLine.by_id).where(StocktakeLine.stocktake_id == count.id).distinct()
    own = {count.started_by, count.submitted_by, *ctx.session.scalars(counted)}
    if ctx.actor.role is not Role.OWNER and ctx.actor.id in own and size_minor > limit:
        ctx.require_approval(f"Your own count differs from the books by {size_minor:,}.")
