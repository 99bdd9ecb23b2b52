"""Finding phones by their numbers, what is in stock of a model, and the life of one phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import products_as_read, with_duplicates
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import NotFound
from shopnode.domain.handsets.models import OPEN_STATUSES, Handset, StockUnit, UnitStatus
from shopnode.domain.handsets.numbers import handsets_by_number
from shopnode.domain.handsets.rules import bare_number, read_imei
from shopnode.domain.paging import PAGE_DEFAULT, Page, decode_cursor, older_than, page_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.sales.models import SaleLine, SaleSummary
from shopnode.domain.stock.models import StockMovement


@dataclass(frozen=True)
class SoldOn:
    """The receipt a phone left with."""

    sale_id: str
    number: str
    sold_at: datetime
    customer: str | None
    warranty_days: int


@dataclass(frozen=True)
class UnitView:
    """One stay of a phone in stock, as this person may see it."""

    unit_id: str
    handset_id: str
    product_id: str
    product_name: str
    price_minor: int
    status: UnitStatus
    imei1: str | None
    imei2: str | None
    serial: str | None
    colour: str | None
    storage: str | None
    grade: str | None
    source: str | None
    received_at: datetime
    cost_minor: int | None  # None for those who may not see it
    sold: SoldOn | None

    @property
    def number(self) -> str:
        return self.imei1 or self.serial or ""


@dataclass(frozen=True)
class LifeEvent:
    """One thing that happened to a phone."""

    at: datetime
    kind: str
    note: str | None
    sale_id: str | None
    by_id: str | None


def find_unit(session: Session, unit_id: str) -> StockUnit:
    """The stay with this id. Raises NotFound."""
    return find_row(session, StockUnit, unit_id, "This phone")


def find_unit_by_number(ctx: Context, typed: str) -> UnitView:
    """The phone with this IMEI or serial: the stay that is open, else the latest. Raises NotFound."""
    found = unit_by_number_or_none(ctx, typed)
    if found is None:
        raise NotFound("A phone with this number")
    return found


def unit_by_number_or_none(ctx: Context, typed: str) -> UnitView | None:
    """Like find_unit_by_number, None when there is none."""
    number = bare_number(typed)
    if not 3 <= len(number) <= 60:
        return None
    try:
        numbers = [number, read_imei(number).text]
    except ValueError:
        numbers = [number]
    ids = [handset.id for handset in handsets_by_number(ctx.session, numbers)]
    stays = _stays(ctx, StockUnit.handset_id.in_(ids)) if ids else []
    return next((stay for stay in stays if stay.status in OPEN_STATUSES), stays[0] if stays else None)


def units_in_stock(ctx: Context, product_id: str) -> list[UnitView]:
    """The pieces of a model that can be sold, the oldest first."""
    read_as = with_duplicates(ctx.session, [product_id])
    wanted = StockUnit.product_id.in_(list(read_as)) & (StockUnit.status == UnitStatus.IN_STOCK.value)
    if ctx.shop_id is not None:
        wanted &= StockUnit.shop_id == ctx.shop_id
    return _stays(ctx, wanted)[::-1]


@dataclass(frozen=True)
class UnitFilter:
    """Which stays of phones: each field narrows the list."""

    number: str = ""  # an IMEI or serial, whole
    product_id: str | None = None
    status: UnitStatus | None = None


def list_units(
    ctx: Context, wanted: UnitFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[UnitView]:
    """Stays of phones this person may see, the latest first. Raises Invalid for a cursor of another list."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.number.strip():
        number = bare_number(wanted.number)
        conditions.append(or_(Handset.imei1 == number, Handset.imei2 == number, Handset.serial == number))
    if wanted.product_id is not None:
        conditions.append(StockUnit.product_id == wanted.product_id)
    if wanted.status is not None:
        conditions.append(StockUnit.status == wanted.status.value)
    if ctx.shop_id is not None:
        conditions.append(StockUnit.shop_id == ctx.shop_id)
    place = decode_cursor(cursor, (int, str))
    if place is not None:
        conditions.append(older_than(StockUnit.received_at, StockUnit.id, place))
    views = _stays(ctx, and_(true(), *conditions), limit=limit + 1)
    return page_of(views, limit, lambda view: (to_ms(view.received_at), view.unit_id))


def unit_view(ctx: Context, unit_id: str) -> UnitView:
    """One stay of a phone. Raises NotFound."""
    return _stays(ctx, StockUnit.id == find_unit(ctx.session, unit_id).id)[0]


def units_to_inspect(ctx: Context) -> list[UnitView]:
    """Phones that came back and wait for somebody to look at them, the latest first."""
    return _stays(ctx, StockUnit.status == UnitStatus.INSPECT.value)


def life_of(ctx: Context, handset_id: str) -> list[LifeEvent]:
    """Everything that moved a phone in or out here, oldest first. Raises NotFound."""
    find_row(ctx.session, Handset, handset_id, "This phone")
    stays = list(ctx.session.scalars(select(StockUnit).where(StockUnit.handset_id == handset_id)))
    query = select(StockMovement).where(
        StockMovement.product_id.in_({stay.product_id for stay in stays}),
        StockMovement.unit_id.in_({stay.id for stay in stays}),
    )
    moves = ctx.session.scalars(query.order_by(StockMovement.at, StockMovement.id))
    return [LifeEvent(move.at, move.kind, move.note, move.sale_id, move.by_id) for move in moves]


def _stays(ctx: Context, wanted: ColumnElement[bool], *, limit: int | None = None) -> list[UnitView]:
    """Stays with their phones, the latest first."""
    query = (
        select(StockUnit, Handset, Product)
        .join(Handset, Handset.id == StockUnit.handset_id)
        .join(Product, Product.id == StockUnit.product_id)
        .where(wanted)
        .order_by(StockUnit.received_at.desc(), StockUnit.id.desc())
        .limit(limit)
    )
    rows = ctx.session.execute(query).all()
    sold = _receipts(ctx.session, [unit.sold_line_id for unit, _, _ in rows if unit.sold_line_id])
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    merged = {product.id for _, _, product in rows if product.merged_into}
    read_as = products_as_read(ctx.session, merged) if merged else {}
    return [
        UnitView(
            unit_id=unit.id,
            handset_id=handset.id,
            product_id=product.id,
            product_name=read_as.get(product.id, product).name,
            price_minor=read_as.get(product.id, product).price_minor,
            status=UnitStatus(unit.status),
            imei1=handset.imei1,
            imei2=handset.imei2,
            serial=handset.serial,
            colour=handset.colour,
            storage=handset.storage,
            grade=unit.grade,
            source=unit.source,
            received_at=unit.received_at,
            cost_minor=unit.cost_minor if sees_cost else None,
            sold=sold.get(unit.sold_line_id or ""),
        )
        for unit, handset, product in rows
    ]


def _receipts(session: Session, line_ids: Sequence[str]) -> dict[str, SoldOn]:
    """The receipts behind some sold lines."""
    query = (
        select(SaleLine.id, SaleLine.warranty_days, SaleSummary, Customer.name)
        .join(SaleSummary, SaleSummary.sale_id == SaleLine.sale_id)
        .outerjoin(Customer, Customer.id == SaleSummary.customer_id)
        .where(SaleLine.id.in_(line_ids))
    )
    return {
        line_id: SoldOn(summary.sale_id, summary.number, summary.sold_at, customer, warranty_days)
        for line_id, warranty_days, summary, customer in session.execute(query)
    }
