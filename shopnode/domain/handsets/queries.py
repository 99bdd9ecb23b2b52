"""Finding phones by their numbers, and what is in stock of a model. The life of one phone is in history.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import products_as_read, with_duplicates
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.db import to_wire
from shopnode.domain.errors import NotFound
from shopnode.domain.handsets.models import OPEN_STATUSES, Handset, StockUnit, UnitStatus
from shopnode.domain.handsets.numbers import handsets_by_number, handsets_searched
from shopnode.domain.handsets.rules import bare_number, read_imei
from shopnode.domain.handsets.sorting import by_model, by_time, is_of_brand
from shopnode.domain.paging import PAGE_DEFAULT, Page, decode_cursor, page_of
from shopnode.domain.people.models import Staff
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.returns.models import WarrantyClaim
from shopnode.domain.sales.models import SaleLine, SaleSummary


@dataclass(frozen=True)
class SoldOn:
    """The receipt a phone left with (rule 11)."""

    sale_id: str
    number: str
    sold_at: datetime
    customer: str | None
    warranty_days: int
    seller: str | None = None
    covered_until: date | None = None  # the last day of its warranty; None without one


@dataclass(frozen=True)
class UnitView:
    """One stay of a phone in stock, as this person may see it."""

    unit_id: str
    handset_id: str
    shop_id: str
    product_id: str
    product_name: str
    brand: str | None
    price_minor: int
    status: UnitStatus
    imei1: str | None
    imei2: str | None
    serial: str | None
    eid: str | None
    colour: str | None
    storage: str | None
    grade: str | None
    condition: str | None
    has_box: bool | None
    has_charger: bool | None
    battery_pct: int | None
    lock_state: str | None
    region: str | None
    vat_scheme: str | None
    source: str | None
    supplier_id: str | None
    received_at: datetime
    hold_until: datetime | None
    held_for: str | None
    cost_minor: int | None  # None for those who may not see it
    sold: SoldOn | None
    has_own_price: bool = False
    supplier_warranty_until: date | None = None
    notes: str | None = None

    @property
    def number(self) -> str:
        return self.imei1 or self.serial or ""


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


class UnitSort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    MODEL = "model"


@dataclass(frozen=True)
class UnitFilter:
    """Which stays of phones: each field narrows the list."""

    number: str = ""  # an IMEI, serial or EID, whole or its last four to six digits
    product_id: str | None = None
    status: UnitStatus | None = None
    condition: str | None = None
    supplier_id: str | None = None
    brand: str | None = None
    sort: UnitSort = UnitSort.NEWEST


def list_units(
    ctx: Context, wanted: UnitFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[UnitView]:
    """Stays of phones this person may see. Raises Invalid for a cursor of another list."""
    # Only keys are sorted; what a page shows is read for that page.
    by_name = wanted.sort is UnitSort.MODEL
    place = decode_cursor(cursor, (str if by_name else int, str))
    narrowed = (ctx.session, _narrowed(ctx, wanted), place, limit + 1)
    if by_name:
        found = by_model(*narrowed, product_id=wanted.product_id)
    else:
        found = by_time(*narrowed, downwards=wanted.sort is UnitSort.NEWEST)
    page = page_of(found, limit, lambda row: map(to_wire, row))
    views = {view.unit_id: view for view in _stays(ctx, StockUnit.id.in_([row[1] for row in page.rows]))}
    return Page([views[row[1]] for row in page.rows], page.next_cursor)


def _narrowed(ctx: Context, wanted: UnitFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.number.strip():
        conditions.append(StockUnit.handset_id.in_(handsets_searched(ctx.session, wanted.number)))
    if wanted.brand is not None:
        conditions.append(is_of_brand(ctx.session, wanted.brand))
    exact = {
        StockUnit.product_id: wanted.product_id, StockUnit.status: wanted.status.value if wanted.status else None,
        StockUnit.condition: wanted.condition, StockUnit.supplier_id: wanted.supplier_id,
        StockUnit.shop_id: None if ctx.home.is_shop else ctx.shop_id,  # a shop's books hold its own stays alone
    }  # fmt: skip
    return conditions + [column == value for column, value in exact.items() if value is not None]


def unit_view(ctx: Context, unit_id: str) -> UnitView:
    """One stay of a phone. Raises NotFound."""
    return _stays(ctx, StockUnit.id == find_unit(ctx.session, unit_id).id)[0]


def units_to_inspect(ctx: Context) -> list[UnitView]:
    """Phones that came back and wait for somebody to look at them, the latest first."""
    return _stays(ctx, StockUnit.status == UnitStatus.INSPECT.value)


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
    sold = sold_on(ctx.session, [unit.sold_line_id for unit, _, _ in rows if unit.sold_line_id])
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    merged = {product.id for _, _, product in rows if product.merged_into}
    read_as = products_as_read(ctx.session, merged) if merged else {}
    return [
        UnitView(
            unit_id=unit.id,
            handset_id=handset.id,
            shop_id=unit.shop_id,
            product_id=product.id,
            product_name=read_as.get(product.id, product).name,
            brand=read_as.get(product.id, product).brand,
            price_minor=_price(unit, read_as.get(product.id, product)),
            status=UnitStatus(unit.status),
            imei1=handset.imei1,
            imei2=handset.imei2,
            serial=handset.serial,
            eid=handset.eid,
            colour=handset.colour,
            storage=handset.storage,
            grade=unit.grade,
            condition=unit.condition,
            has_box=unit.has_box,
            has_charger=unit.has_charger,
            battery_pct=unit.battery_pct,
            lock_state=unit.lock_state,
            region=unit.region,
            vat_scheme=unit.vat_scheme,
            source=unit.source,
            supplier_id=unit.supplier_id,
            received_at=unit.received_at,
            hold_until=unit.hold_until,
            held_for=unit.held_for,
            cost_minor=unit.cost_minor if sees_cost else None,
            sold=sold.get(unit.sold_line_id or ""),
            has_own_price=unit.price_minor is not None,
            supplier_warranty_until=unit.supplier_warranty_until,
            notes=unit.notes,
        )
        for unit, handset, product in rows
    ]


def _price(unit: StockUnit, product: Product) -> int:
    return product.price_minor if unit.price_minor is None else unit.price_minor


def sold_on(session: Session, line_ids: Sequence[str]) -> dict[str, SoldOn]:
    """The receipts behind some sold lines. A phone given for a broken one has the rest of its warranty."""
    if not line_ids:
        return {}
    seller = func.coalesce(SaleLine.seller_id, SaleSummary.seller_id)
    query = (
        select(SaleLine.id, SaleLine.warranty_days, SaleSummary, Customer.name, Staff.name, WarrantyClaim.covered_until)
        .join(SaleSummary, SaleSummary.sale_id == SaleLine.sale_id)
        .outerjoin(Customer, Customer.id == SaleSummary.customer_id)
        .outerjoin(Staff, Staff.id == seller)
        .outerjoin(WarrantyClaim, WarrantyClaim.new_line_id == SaleLine.id)
        .where(SaleLine.id.in_(line_ids))
    )
    return {
        line_id: SoldOn(
            summary.sale_id, summary.number, summary.sold_at, customer, days, sold_by,
            inherited or covered_until(summary.business_on, days),
        )
        for line_id, days, summary, customer, sold_by, inherited in session.execute(query)
    }  # fmt: skip


def covered_until(sold_on: date, warranty_days: int) -> date | None:
    """The last day of a warranty that begins on the day of the sale."""
    return sold_on + timedelta(days=warranty_days) if warranty_days else None
