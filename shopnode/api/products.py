"""Products and their stock, in the seed's words: cost_price, selling_price, stock_quantity, is_active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import func, select

from shopnode.api.calls import Call
from shopnode.api.reading import QueryBool, QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import TEXT_MAX, Instant, Paged, Searched, Why, left_out
from shopnode.domain.catalogue.actions import Category, LeadDays, Level, WarrantyDays
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import (
    ProductFilter,
    ProductView,
    Sort,
    list_products,
    product_view,
    search_products,
)
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.journal import JournalEntry
from shopnode.domain.paging import Page
from shopnode.domain.params import QUANTITY_MAX, Amount, Code, IdText, Line, Name, Note, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.stock.queries import MovementFilter, list_movements

# The actions' fields → the seed's.
NAMES = {"price_minor": "selling_price", "cost_minor": "cost_price", "floor_minor": "floor_price"}
COLUMNS = {name: field for field, name in NAMES.items()}


class NewProduct(Params):
    """A product to sell."""

    name: Name
    category: Category
    brand: Category | None = None
    sku: Code | None = None
    barcode: Code | None = None
    description: Note | None = None
    selling_price: Amount
    cost_price: Amount = 0
    floor_price: Amount = Field(default=0, description="Below it a second person approves.")
    stock_quantity: Annotated[int, Field(ge=0, le=QUANTITY_MAX)] = Field(
        default=0, description="Pieces on the shelf now, booked as opening stock; 0 for what is counted by IMEI."
    )
    min_stock_level: Level = 5
    warranty_days: WarrantyDays = 0
    warranty_terms: Note | None = Field(default=None, description="Copied on the line when it is sold, and printed.")
    supplier_id: IdText | None = Field(default=None, description="Whom it is usually ordered from.")
    lead_days: LeadDays | None = Field(default=None, description="From order to delivery; the supplier's if left out.")
    is_serialised: bool = False
    is_preloaded: bool = Field(default=False, description="A quick-add tile on the counter.")


class ProductChange(Params):
    """Any subset of a product's fields. Stock changes by movements only: see adjust."""

    name: Name = left_out()
    category: Category = left_out()
    brand: Category | None = None
    sku: Code | None = None
    barcode: Code | None = None
    description: Note | None = None
    selling_price: Amount = left_out()
    cost_price: Amount = left_out()
    floor_price: Amount = left_out()
    min_stock_level: Level = left_out()
    warranty_days: WarrantyDays = left_out()
    warranty_terms: Note | None = None
    supplier_id: IdText | None = None
    lead_days: LeadDays | None = None
    is_serialised: bool = left_out()
    is_preloaded: bool = left_out()
    is_active: bool = left_out()


class Adjustment(Params):
    """Pieces to add (+) or take off (−), and why."""

    quantity: Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)]
    reason: Reason
    kind: Annotated[str, Field(pattern="^(opening|received|adjusted)$")] = "adjusted"


class ProductOut(BaseModel):
    """A product. What it cost is there for those who may see it."""

    id: str
    name: str
    category: str
    brand: str | None
    sku: str | None
    barcode: str | None
    description: str | None
    cost_price: int = Field(default=0, description="Owners only; left out for others.")
    selling_price: int
    floor_price: int
    stock_quantity: int
    min_stock_level: int
    is_low: bool = Field(description="At or below its minimum.")
    warranty_days: int
    warranty_terms: str | None
    supplier_id: str | None
    lead_days: int | None
    is_serialised: bool
    is_preloaded: bool
    is_active: bool
    created_by: str | None
    created_at: Instant
    updated_at: Instant
    warning: str = Field(default="", description="Something odd about it, such as a price below cost.")


class ProductPage(BaseModel):
    items: list[ProductOut]
    next_cursor: str | None


class ProductQuery(Searched):
    category: Annotated[Line, Field(max_length=TEXT_MAX)] | None = None
    archived: QueryBool = False
    low_stock: QueryBool = False
    sort: Sort = Sort.NAME


class MovementOut(BaseModel):
    """Something that came in (+) or went out (−)."""

    id: str
    shop_id: str
    product_id: str
    device_id: str | None
    movement_type: MovementKind
    quantity: int
    reference_type: str | None
    reference_id: str | None
    notes: str | None
    created_by: str | None
    created_at: Instant


class MovementPage(BaseModel):
    items: list[MovementOut]
    next_cursor: str | None


class MovementQuery(Paged):
    product_id: IdText | None = None
    movement_type: MovementKind | None = None
    device_id: IdText | None = None
    sale_id: IdText | None = None
    created_by: IdText | None = None
    from_on: QueryDay | None = None
    to_on: QueryDay | None = None


@route("POST", "/products", action="products.create", status=201)
def create_product(call: Call, body: NewProduct) -> ProductOut:
    """Add a product."""
    given = _columns(body)
    pieces = given.pop("stock_quantity", 0)
    if pieces and (body.is_serialised or not call.ctx.home.is_shop):
        why = "is counted by IMEI: receive each phone" if body.is_serialised else "is booked in the shop that has it"
        raise Invalid({"stock_quantity": why})
    done = call.perform(given, names=NAMES)
    if pieces:
        opening = {"product_id": done.result["id"], "quantity": pieces, "reason": "opening stock", "kind": "opening"}
        call.perform(opening, action="stock.adjust", step="opening-stock", names={"quantity": "stock_quantity"})
    return _answer(call, done.result)


@route("GET", "/products", needs=Permission.PRODUCTS_READ)
def list_all_products(call: Call, query: ProductQuery) -> ProductPage:
    """List or search products. A search by words alone has exact codes first, then names that begin with them."""
    wanted = ProductFilter(query.q, query.category, query.archived, query.low_stock, query.sort)
    if query.q.strip() and wanted == ProductFilter(query.q):
        page = search_products(call.ctx, query.q, limit=query.limit, cursor=query.cursor or None)
    else:
        page = list_products(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return _page(call.ctx, page)


@route("GET", "/products/low-stock", needs=Permission.PRODUCTS_READ)
def low_stock(call: Call, query: Paged) -> ProductPage:
    """Products at or below their minimum."""
    page = list_products(call.ctx, ProductFilter(low_stock=True), limit=query.limit, cursor=query.cursor or None)
    return _page(call.ctx, page)


@route("GET", "/products/<product_id>", needs=Permission.PRODUCTS_READ)
def get_product(call: Call, product_id: str) -> ProductOut:
    """One product."""
    return _one(call.ctx, product_id)


@route("PUT", "/products/<product_id>", action="products.update")
def update_product(call: Call, product_id: str, body: ProductChange) -> ProductOut:
    """Change any of a product's fields. `is_active` takes it off the counter, or puts it back."""
    given = _columns(body)
    active = given.pop("is_active", None)
    warning: dict[str, Any] = {}
    if given:
        warning = call.perform({"product_id": product_id, **given}, names=NAMES).result
    if active is not None:
        action = "products.restore" if active else "products.archive"
        call.perform({"product_id": product_id}, action=action, step="is-active", names=NAMES)
    return _answer(call, {**warning, "id": product_id})


@route("DELETE", "/products/<product_id>", action="products.archive")
def archive_product(call: Call, product_id: str, body: Why | None) -> ProductOut:
    """Take a product off the counter. It is archived, not deleted: what was sold of it stays in the books."""
    return _answer(call, call.perform({"product_id": product_id, **_given(body)}).result)


@route("POST", "/products/<product_id>/adjust", action="stock.adjust", takes_approval=True)
def adjust_stock(call: Call, product_id: str, body: Adjustment) -> ProductOut:
    """Add or take off pieces, with the reason. What is counted by IMEI is received and written off by IMEI."""
    call.perform({"product_id": product_id, **_given(body)})
    return _one(call.ctx, product_id)


@route("GET", "/stock-movements", needs=Permission.PRODUCTS_READ)
def stock_movements(call: Call, query: MovementQuery) -> MovementPage:
    """What came and went, the latest first."""
    kind = query.movement_type.value if query.movement_type else None
    wanted = MovementFilter(
        query.product_id, kind, query.device_id, query.sale_id, query.created_by, query.from_on, query.to_on
    )
    page = list_movements(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return MovementPage(items=[_movement(row) for row in page.rows], next_cursor=page.next_cursor)


def _columns(body: BaseModel) -> dict[str, Any]:
    """What was sent, under the actions' names."""
    return {COLUMNS.get(name, name): value for name, value in _given(body).items()}


def _given(body: BaseModel | None) -> dict[str, Any]:
    return body.model_dump(exclude_unset=True) if body else {}


def _answer(call: Call, result: dict[str, Any]) -> ProductOut:
    product = _one(call.ctx, result["id"])
    return product.model_copy(update={"warning": result["warning"]}) if "warning" in result else product


def _one(ctx: Context, product_id: str) -> ProductOut:
    return _outs(ctx, [product_view(ctx, product_id)])[0]


def _page(ctx: Context, page: Page[ProductView]) -> ProductPage:
    return ProductPage(items=_outs(ctx, page.rows), next_cursor=page.next_cursor)


def _outs(ctx: Context, views: Sequence[ProductView]) -> list[ProductOut]:
    """Views as the seed names them; who made them and when they were last changed here, in one query for all."""
    entries = select(func.max(JournalEntry.at)).where(JournalEntry.subject_id == Product.id)
    last = entries.correlate(Product).scalar_subquery()
    marks = select(Product.id, Product.created_by, last).where(Product.id.in_([view.id for view in views]))
    known = {row[0]: row for row in ctx.session.execute(marks)} if views else {}
    return [_out(view, known[view.id][1], known[view.id][2]) for view in views]


def _out(view: ProductView, created_by: str | None, changed_at: Any) -> ProductOut:
    cost: dict[str, Any] = {} if view.cost_minor is None else {"cost_price": view.cost_minor}
    return ProductOut(
        id=view.id, name=view.name, category=view.category, brand=view.brand, sku=view.sku, barcode=view.barcode,
        description=view.description, selling_price=view.price_minor, floor_price=view.floor_minor,
        stock_quantity=view.on_hand, min_stock_level=view.min_stock_level, warranty_days=view.warranty_days,
        warranty_terms=view.warranty_terms, supplier_id=view.supplier_id, lead_days=view.lead_days, is_low=view.is_low,
        is_serialised=view.is_serialised, is_preloaded=view.is_preloaded, is_active=view.archived_at is None,
        created_by=created_by, created_at=view.created_at, updated_at=changed_at or view.created_at, **cost,
    )  # fmt: skip


def _movement(row: StockMovement) -> MovementOut:
    return MovementOut(
        id=row.id, shop_id=row.shop_id, product_id=row.product_id, device_id=row.unit_id,
        movement_type=MovementKind(row.kind), quantity=row.quantity,
        reference_type="sale" if row.sale_id else None, reference_id=row.sale_id,
        notes=row.note, created_by=row.by_id, created_at=row.at,
    )  # fmt: skip
