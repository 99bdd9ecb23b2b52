"""What to order: as much as is sold until it comes and for some days beyond, less what is here and what is coming.

The rule is `suggested`; what it needs is read here, for one shop, by the supplier it is usually bought from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement, func, select

from shopnode.domain.actions import action
from shopnode.domain.buying.models import GoodsReceiptLine, OrderStatus, PurchaseOrder, PurchaseOrderLine, Supplier
from shopnode.domain.buying.orders import LINES_MAX, CreateOrder, OrderedItem, draft_order
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import offered, perhaps_low
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.params import IdText, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import among
from shopnode.domain.settings.queries import all_numbers
from shopnode.domain.stock.models import MovementKind, StockLevel, StockMovement
from shopnode.domain.stock.queries import costs_of

SPEED_DAYS = 28
FAST_MAX = 200  # products that are looked up one by one


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
    numbers = all_numbers(ctx.session)
    query = (
        select(
            Product.id, Product.name, Product.supplier_id, Product.min_stock_level, Supplier.name.label("supplier"),
            func.coalesce(Product.lead_days, Supplier.lead_days, numbers["reorder_lead_days"]).label("lead_days"),
        )
        .outerjoin(Supplier, Supplier.id == Product.supplier_id)
        .where(offered(ctx.shop_id), Product.is_bundle.is_not(True))
        .order_by(func.lower(Supplier.name), Product.name, Product.id)
    )  # fmt: skip
    if supplier_ids:
        query = query.where(Product.supplier_id.in_(supplier_ids))
    sold, coming, low = _sold(ctx), _coming(ctx), perhaps_low(ctx)
    levels = _levels(ctx, None) if low is None else _low_levels(ctx, low, sold, numbers["reorder_lead_days"])
    if low is not None:
        query = query.where(among(Product.id, levels))
    found = []
    for product in ctx.session.execute(query):
        here, way, speed = (told.get(product.id, 0) for told in (levels, coming, sold))
        least = product.min_stock_level
        cover_days = numbers["reorder_cover_days"]
        quantity = suggested(
            sold=speed, on_hand=here, coming=way, min_level=least, lead_days=product.lead_days, cover_days=cover_days
        )
        if quantity:
            whose = (product.id, product.name, product.supplier_id, product.supplier)
            figures = (here, way, speed, product.lead_days, least, quantity)
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


def _levels(ctx: Context, only: ColumnElement[bool] | None) -> dict[str, int]:
    query = select(StockLevel.product_id, func.sum(StockLevel.on_hand)).group_by(StockLevel.product_id)
    if only is not None:
        query = query.where(only)
    if ctx.shop_id is not None:
        query = query.where(StockLevel.shop_id == ctx.shop_id)
    return {product_id: int(level) for product_id, level in ctx.session.execute(query)}


def _low_levels(ctx: Context, low: Collection[str], sold: Mapping[str, int], lead_days: int) -> dict[str, int]:
    """The levels of all that more may be needed of: of what is low, and of what was sold lately and would not be enough
    with the highest minimum and the longest way that any product has."""
    highest = ctx.session.scalar(select(func.max(Product.min_stock_level))) or 0
    for own in (Supplier.lead_days, Product.lead_days):
        lead_days = max(lead_days, ctx.session.scalar(select(func.max(own)).where(own.is_not(None))) or 0)
    points = {product_id: highest + _up(max(speed, 0) * lead_days, SPEED_DAYS) for product_id, speed in sold.items()}
    if ctx.home.is_shop:  # its books hold the levels of this shop alone
        # All levels are read at once for what sells slowly: few are that low.
        fast = nlargest(FAST_MAX, points, key=points.__getitem__)
        slow = max((points[product_id] for product_id in points.keys() - set(fast)), default=-1)
        query = select(StockLevel.product_id, StockLevel.on_hand).where(StockLevel.on_hand <= slow)
        found = {row.product_id: row.on_hand for row in ctx.session.execute(query)}
        found |= _levels(ctx, among(StockLevel.product_id, fast))
    else:
        found = _levels(ctx, among(StockLevel.product_id, sold))
    wanted = {row_id: level for row_id, level in found.items() if row_id in points and level <= points[row_id]}
    return dict.fromkeys(low, 0) | _levels(ctx, among(StockLevel.product_id, low)) | wanted


def _sold(ctx: Context) -> dict[str, int]:
    """Pieces sold less pieces that came back, lately. Parts of bundles are among them."""
    kinds = [MovementKind.SOLD.value, MovementKind.RETURNED.value]
    product_id = func.coalesce(StockMovement.product_id, StockMovement.product_id)  # read by time, not by product
    query = select(product_id, func.sum(-StockMovement.quantity)).where(
        StockMovement.kind.in_(kinds), StockMovement.at >= ctx.now - timedelta(days=SPEED_DAYS)
    )
    if ctx.shop_id is not None and not ctx.home.is_shop:  # a shop's books hold its own alone
        query = query.where(StockMovement.shop_id == ctx.shop_id)
    return {row[0]: int(row[1]) for row in ctx.session.execute(query.group_by(product_id))}


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
