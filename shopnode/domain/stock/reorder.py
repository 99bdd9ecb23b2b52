"""What to order: as much as is sold until it comes and for some days beyond, less what is here and what is coming.

The rule is `suggested`; what it needs is read here, for one shop, by the supplier it is usually bought from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import CTE, ColumnElement, Select, case, func, literal, or_, select, union_all

from shopnode.domain.actions import action
from shopnode.domain.buying.models import GoodsReceiptLine, OrderStatus, PurchaseOrder, PurchaseOrderLine, Supplier
from shopnode.domain.buying.orders import LINES_MAX, CreateOrder, OrderedItem, draft_order
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import AnySelect, offered, perhaps_low
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.params import IdText, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import among
from shopnode.domain.settings.queries import all_numbers
from shopnode.domain.stock.models import MovementKind, StockLevel, StockMovement
from shopnode.domain.stock.queries import costs_of

SPEED_DAYS = 28


@dataclass(frozen=True)
class Suggestion:
    """One product that should be ordered, and why."""

    product_id: str
    product_name: str
    supplier_id: str | None
    supplier_name: str | None
    on_hand: int
    coming: int
    sold: int  # in SPEED_DAYS days
    lead_days: int
    min_level: int
    quantity: int
    unit_cost_minor: int | None  # None for those who may not see it


class OrderSuggested(Params):
    """Whose suggestions become drafts; those of every supplier, when none is named."""

    supplier_ids: Annotated[list[IdText], Field(max_length=200)] = Field(default_factory=list)


class NothingToOrder(Conflict):
    code = "nothing-to-order"

    def __init__(self) -> None:
        super().__init__("Nothing needs to be ordered from these suppliers now.")


def suggested(
    *, sold: int, on_hand: int, coming: int, min_level: int, lead_days: int, cover_days: int, days: int = SPEED_DAYS
) -> int:
    """Pieces to order now, 0 while there are enough.

    sold        pieces sold in the last `days` days, returns taken off
    lead_days   from order to delivery: what is sold until then must be here or coming, above the minimum
    cover_days  an order brings so many days of sales beyond its delivery

    All parts of a piece are rounded up. Source: docs/rules/reorder.md.
    """
    sold = max(sold, 0)
    available = max(on_hand, 0) + coming
    point = min_level + _up(sold * lead_days, days)
    if available > point or (sold == 0 and available == point):
        return 0
    return point + _up(sold * cover_days, days) - available


def _up(amount: int, by: int) -> int:
    return -(-amount // by)


def suggestions(ctx: Context, *, supplier_ids: list[str] | None = None) -> list[Suggestion]:
    """What this shop should order (at the hub: all shops as one), by supplier and name."""
    cover_days = all_numbers(ctx.session)["reorder_cover_days"]
    doubles = _doubles(ctx)
    query = _perhaps_needed(ctx, doubles)
    if supplier_ids:
        query = query.where(Product.supplier_id.in_(supplier_ids))
    rows = ctx.session.execute(query).all()
    coming = _coming(ctx) if rows else {}
    found = []
    for row in rows:
        here, sold, way = row.on_hand, row.sold, coming.get(row.id, 0)
        for double in doubles.get(row.id, ()):
            here, sold, way = here + double.on_hand, sold + double.sold, way + coming.get(double.product_id, 0)
        quantity = suggested(
            sold=sold, on_hand=here, coming=way, min_level=row.min_stock_level, lead_days=row.lead_days,
            cover_days=cover_days,
        )  # fmt: skip
        if quantity:
            whose = (row.id, row.name, row.supplier_id, row.supplier)
            figures = (here, way, sold, row.lead_days, row.min_stock_level, quantity)
            found.append(Suggestion(*whose, *figures, unit_cost_minor=None))
    return _with_costs(ctx, found)


@action("orders.order_suggested", needs=Permission.ORDERS_MANAGE)
def order_suggested(ctx: Context, form: OrderSuggested) -> dict[str, Any]:
    """Make drafts of what should be ordered, one for each supplier. Raises NothingToOrder."""
    by_supplier: dict[str, list[Suggestion]] = defaultdict(list)
    for line in suggestions(ctx, supplier_ids=form.supplier_ids or None):
        if line.supplier_id is not None and line.supplier_name is not None:
            by_supplier[line.supplier_id].append(line)
    made = []
    for supplier_id, lines in by_supplier.items():
        items = [OrderedItem(product_id=line.product_id, quantity=line.quantity) for line in lines[:LINES_MAX]]
        made.append(draft_order(ctx, CreateOrder(supplier_id=supplier_id, lines=items)).id)
    if not made:
        raise NothingToOrder
    ctx.about("purchase_order", made[0])
    return {"order_ids": made}


@dataclass(frozen=True)
class _Double:
    """A product that was merged into another: what there is and was sold of it counts there."""

    product_id: str
    on_hand: int
    sold: int


def _doubles(ctx: Context) -> dict[str, list[_Double]]:
    """By the product they are now."""
    query = select(Product.id, Product.merged_into).where(Product.merged_into.is_not(None))
    merged = {row.id: row.merged_into for row in ctx.session.execute(query)}
    found: dict[str, list[_Double]] = defaultdict(list)
    if merged:
        here, sold = (
            {row[0]: int(row[1]) for row in ctx.session.execute(told.where(among(column, merged)))}
            for told, column in ((_levels(ctx), StockLevel.product_id), (_sold(ctx), StockMovement.product_id))
        )
        for row_id, kept in merged.items():
            found[kept].append(_Double(row_id, here.get(row_id, 0), sold.get(row_id, 0)))
    return found


def _perhaps_needed(ctx: Context, kept: Collection[str]) -> AnySelect:
    """The products at or below their point, nothing of what is coming taken off yet, with their levels, what was sold
    of them and how long they take to come; and all that duplicates were merged into.

    Looked for among what was sold lately and what is low anyway, where that is little of all there is. Few are left
    once their levels are held against the highest minimum and the longest way that any product has; only of those the
    product itself is read.
    """
    default_days = all_numbers(ctx.session)["reorder_lead_days"]
    highest, longest = _extremes(ctx, default_days)
    sold, low = _materialised(_sold(ctx), "sold"), perhaps_low(ctx)
    unsold = select(Product.id, literal(0)).where(Product.id.not_in(select(sold.c.product_id)))
    if low is not None:
        unsold = unsold.where(among(Product.id, low))
    asked = union_all(select(sold.c.product_id, sold.c.pieces), unsold).subquery("asked")
    here = _levels(ctx).subquery("here")
    on_hand = func.coalesce(here.c.on_hand, 0)
    near = _at_or_below(on_hand, highest, asked.c.pieces, longest)
    left = select(asked.c.product_id, asked.c.pieces, on_hand.label("on_hand"))
    left = left.outerjoin(here, here.c.product_id == asked.c.product_id)
    few = _materialised(left.where(or_(near, among(asked.c.product_id, kept)) if kept else near), "few")
    lead_days = func.coalesce(Product.lead_days, Supplier.lead_days, default_days)
    needed = _at_or_below(few.c.on_hand, Product.min_stock_level, few.c.pieces, lead_days)
    return (
        select(
            Product.id, Product.name, Product.supplier_id, Product.min_stock_level, Supplier.name.label("supplier"),
            lead_days.label("lead_days"), few.c.on_hand, few.c.pieces.label("sold"),
        )
        .join(few, few.c.product_id == Product.id)
        .outerjoin(Supplier, Supplier.id == Product.supplier_id)
        .where(offered(ctx.shop_id), Product.is_bundle.is_not(True))
        .where(or_(needed, among(Product.id, kept)) if kept else needed)
        .order_by(func.lower(Supplier.name), Product.name, Product.id)
    )  # fmt: skip


def _at_or_below(on_hand: Any, minimum: Any, sold: Any, lead_days: Any) -> ColumnElement[bool]:
    """Whether a level is at its point or below (see `suggested`), in whole numbers."""
    speed = case((sold > 0, sold), else_=0)
    low: ColumnElement[bool] = on_hand * SPEED_DAYS <= minimum * SPEED_DAYS + speed * lead_days + (SPEED_DAYS - 1)
    return low


def _extremes(ctx: Context, lead_days: int) -> tuple[int, int]:
    """The highest minimum and the longest way that any product has."""
    highest = ctx.session.scalar(select(func.max(Product.min_stock_level))) or 0
    for own in (Supplier.lead_days, Product.lead_days):
        lead_days = max(lead_days, ctx.session.scalar(select(func.max(own)).where(own.is_not(None))) or 0)
    return highest, lead_days


def _materialised(query: AnySelect, name: str) -> CTE:
    """A part of a statement that is found first, whatever the database thinks of it."""
    return query.cte(name).prefix_with("MATERIALIZED")


def _levels(ctx: Context) -> Select[str, int]:
    if ctx.shop_id is not None:
        return select(StockLevel.product_id, StockLevel.on_hand).where(StockLevel.shop_id == ctx.shop_id)
    query = select(StockLevel.product_id, func.sum(StockLevel.on_hand).label("on_hand"))
    return query.group_by(StockLevel.product_id)


def _sold(ctx: Context) -> Select[str, int]:
    """Pieces sold less pieces that came back, lately. Parts of bundles are among them."""
    kinds = [MovementKind.SOLD.value, MovementKind.RETURNED.value]
    product_id = func.coalesce(StockMovement.product_id, StockMovement.product_id)  # read by time, not by product
    query = select(product_id.label("product_id"), func.sum(-StockMovement.quantity).label("pieces")).where(
        StockMovement.kind.in_(kinds), StockMovement.at >= ctx.now - timedelta(days=SPEED_DAYS)
    )
    if ctx.shop_id is not None and not ctx.home.is_shop:  # a shop's books hold its own alone
        query = query.where(StockMovement.shop_id == ctx.shop_id)
    return query.group_by(product_id)


def _coming(ctx: Context) -> dict[str, int]:
    """What is ordered and has not come, line by line; more than was ordered does not make up for another's less."""
    came = (
        select(func.coalesce(func.sum(GoodsReceiptLine.quantity), 0))
        .where(GoodsReceiptLine.order_line_id == PurchaseOrderLine.id)
        .correlate(PurchaseOrderLine)
        .scalar_subquery()
    )
    query = (
        select(PurchaseOrderLine.product_id, PurchaseOrderLine.quantity, came)
        .join(PurchaseOrder, PurchaseOrder.id == PurchaseOrderLine.order_id)
        .where(PurchaseOrder.status == OrderStatus.ORDERED.value, PurchaseOrderLine.quantity > 0)
    )
    if ctx.shop_id is not None:
        query = query.where(PurchaseOrder.shop_id == ctx.shop_id)
    found: dict[str, int] = defaultdict(int)
    for product_id, ordered, received in ctx.session.execute(query):
        found[product_id] += max(ordered - int(received), 0)
    return found


def _with_costs(ctx: Context, found: list[Suggestion]) -> list[Suggestion]:
    if not ctx.may(Permission.PRODUCTS_SEE_COST):
        return found
    costs = costs_of(ctx.session, ctx.shop_id, [line.product_id for line in found])
    return [Suggestion(**{**vars(line), "unit_cost_minor": costs[line.product_id]}) for line in found]
