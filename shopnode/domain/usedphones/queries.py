"""What was bought from people: the list, one purchase, and what stands on its agreement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import products_as_read
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.handsets.models import Handset, StockUnit, UnitStatus
from shopnode.domain.handsets.numbers import handsets_by_number
from shopnode.domain.handsets.rules import bare_number
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest_columns
from shopnode.domain.people.models import Shop, Staff
from shopnode.domain.people.queries import currency_of
from shopnode.domain.queries import find_row
from shopnode.domain.sales.models import Sale
from shopnode.domain.usedphones.identities import seller_or_none
from shopnode.domain.usedphones.models import SellerIdentity, UsedPurchase, UsedPurchaseReversal

STATEMENT = (
    "I declare that this phone is my own property, that nobody else has a claim on it, that it is neither stolen nor "
    "found, and that I have removed my accounts and my data from it. I sell it to the shop for the amount above and "
    "have received that amount."
)


@dataclass(frozen=True)
class PurchaseView:
    """One phone bought from a person. Who that was is in the vault alone."""

    id: str
    number: str
    at: datetime
    by: str | None
    by_id: str | None
    product_id: str
    product_name: str
    handset_id: str
    unit_id: str
    imei1: str | None
    imei2: str | None
    serial: str | None
    colour: str | None
    storage: str | None
    grade: str
    valued_minor: int
    offer_minor: int
    network_lock: str | None
    notes: str | None
    customer_id: str | None
    sale_id: str | None
    sale_number: str | None
    status: UnitStatus | None  # of its stay; None where that is another shop's
    hold_until: datetime | None
    refurbished_minor: int
    reversed_at: datetime | None
    reversed_because: str | None
    lost_minor: int
    identity_kept_until: datetime | None  # None once erased

    @property
    def phone_number(self) -> str:
        """The number people know the phone by."""
        return self.imei1 or self.serial or ""


# A purchase with all that belongs to it, as the columns that are shown; the latest first.
_PURCHASES = (
    select(
        UsedPurchase.id, UsedPurchase.number, UsedPurchase.at, Staff.name.label("by"), UsedPurchase.by_id,
        UsedPurchase.product_id, Product.name.label("product_name"), Product.merged_into, UsedPurchase.handset_id,
        UsedPurchase.unit_id, Handset.imei1, Handset.imei2, Handset.serial, Handset.colour, Handset.storage,
        UsedPurchase.grade, UsedPurchase.valued_minor, UsedPurchase.offer_minor, UsedPurchase.network_lock,
        UsedPurchase.notes, UsedPurchase.customer_id, UsedPurchase.sale_id, Sale.number.label("sale_number"),
        StockUnit.status, StockUnit.hold_until, StockUnit.refurbished_minor,
        UsedPurchaseReversal.at.label("reversed_at"), UsedPurchaseReversal.reason.label("reversed_because"),
        UsedPurchaseReversal.lost_minor, SellerIdentity.keep_until,
        SellerIdentity.sealed.is_not(None).label("is_sealed"),
    )
    .join(Handset, Handset.id == UsedPurchase.handset_id)
    .join(Product, Product.id == UsedPurchase.product_id)
    .outerjoin(StockUnit, StockUnit.id == UsedPurchase.unit_id)
    .outerjoin(UsedPurchaseReversal, UsedPurchaseReversal.purchase_id == UsedPurchase.id)
    .outerjoin(SellerIdentity, SellerIdentity.id == UsedPurchase.identity_id)
    .outerjoin(Staff, Staff.id == UsedPurchase.by_id)
    .outerjoin(Sale, Sale.id == UsedPurchase.sale_id)
    .order_by(UsedPurchase.at.desc(), UsedPurchase.id.desc())
)  # fmt: skip


@dataclass(frozen=True)
class PurchaseFilter:
    """Which purchases: each field narrows the list."""

    text: str = ""  # the number of an agreement, or an IMEI or serial, whole
    product_id: str | None = None
    traded_in: bool | None = None
    reversed: bool | None = None


@dataclass(frozen=True)
class Agreement:
    """What is printed and signed when a phone is bought from a person."""

    shop_name: str
    shop_address: str | None
    shop_phone: str | None
    number: str
    at: datetime
    timezone: str
    currency: str
    by: str | None
    product_name: str
    imei1: str | None
    imei2: str | None
    serial: str | None
    colour: str | None
    storage: str | None
    grade: str
    has_box: bool | None
    has_charger: bool | None
    battery_pct: int | None
    network_lock: str | None
    locks_removed: bool
    was_reset: bool
    amount_minor: int
    traded_in_for: str | None  # the number of the sale
    seller_name: str | None  # None where whoever prints may not see it, or once it is erased
    seller_phone: str | None
    seller_id_type: str | None
    seller_id_number: str | None
    seller_address: str | None
    statement: str
    notes: str | None


def list_purchases(
    ctx: Context, wanted: PurchaseFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[PurchaseView]:
    """Purchases of this shop, the latest first (of all shops where none is chosen). Raises Invalid."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.text.strip():
        phones = [phone.id for phone in handsets_by_number(ctx.session, [bare_number(wanted.text)])]
        conditions.append(or_(UsedPurchase.number == wanted.text.strip().upper(), UsedPurchase.handset_id.in_(phones)))
    if wanted.product_id is not None:
        conditions.append(UsedPurchase.product_id == wanted.product_id)
    if wanted.traded_in is not None:
        conditions.append(_is(UsedPurchase.sale_id, wanted.traded_in))
    if wanted.reversed is not None:
        undone = select(UsedPurchaseReversal.purchase_id)
        is_undone = UsedPurchase.id.in_(undone)
        conditions.append(is_undone if wanted.reversed else ~is_undone)
    if ctx.shop_id is not None:
        conditions.append(UsedPurchase.shop_id == ctx.shop_id)
    query = select(UsedPurchase.id, UsedPurchase.at).where(*conditions)
    page = latest_columns(ctx.session, query, UsedPurchase.at, UsedPurchase.id, limit, cursor)
    return Page(_views(ctx, UsedPurchase.id.in_([row.id for row in page.rows])), page.next_cursor)


def purchase_view(ctx: Context, purchase_id: str) -> PurchaseView:
    """One purchase. Raises NotFound."""
    found = _views(ctx, UsedPurchase.id == purchase_id)
    if not found:
        raise NotFound("This purchase")
    return found[0]


def agreement_of(ctx: Context, purchase_id: str) -> Agreement:
    """The agreement of a purchase, to be printed. Its seller is named to whoever bought, on the day, and to those who
    may look at identities after their look was written down (`usedphones.look_at_identity`).

    Raises NotFound, VaultShut.
    """
    view = purchase_view(ctx, purchase_id)
    purchase = find_row(ctx.session, UsedPurchase, purchase_id, "This purchase")
    shop = find_row(ctx.session, Shop, purchase.shop_id, "This shop")
    unit = find_row(ctx.session, StockUnit, purchase.unit_id, "This phone")
    seller = seller_or_none(ctx, purchase)
    return Agreement(
        shop_name=shop.name, shop_address=shop.address, shop_phone=shop.phone, number=view.number, at=view.at,
        timezone=shop.timezone, currency=currency_of(ctx.session), by=view.by, product_name=view.product_name,
        imei1=view.imei1, imei2=view.imei2, serial=view.serial, colour=view.colour, storage=view.storage,
        grade=view.grade, has_box=unit.has_box, has_charger=unit.has_charger, battery_pct=unit.battery_pct,
        network_lock=view.network_lock, locks_removed=purchase.locks_removed, was_reset=purchase.was_reset,
        amount_minor=view.offer_minor, traded_in_for=view.sale_number,
        seller_name=seller.name if seller else None, seller_phone=seller.phone if seller else None,
        seller_id_type=seller.id_type if seller else None, seller_id_number=seller.id_number if seller else None,
        seller_address=seller.address if seller else None, statement=STATEMENT, notes=view.notes,
    )  # fmt: skip


def _is(column: ColumnElement[str] | object, there: bool) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.is_not(None) if there else column.is_(None)  # type: ignore[union-attr]
    return found


def _views(ctx: Context, *wanted: ColumnElement[bool]) -> list[PurchaseView]:
    """Purchases with all that belongs to them, in one query, the latest first."""
    rows = ctx.session.execute(_PURCHASES.where(*wanted)).all()
    merged = {row.product_id for row in rows if row.merged_into}
    read_as = products_as_read(ctx.session, merged) if merged else {}
    return [_view(row, read_as[row.product_id].name if row.merged_into else row.product_name) for row in rows]


def _view(row: Any, product_name: str) -> PurchaseView:
    return PurchaseView(
        id=row.id, number=row.number, at=row.at, by=row.by, by_id=row.by_id, product_id=row.product_id,
        product_name=product_name, handset_id=row.handset_id, unit_id=row.unit_id, imei1=row.imei1, imei2=row.imei2,
        serial=row.serial, colour=row.colour, storage=row.storage, grade=row.grade, valued_minor=row.valued_minor,
        offer_minor=row.offer_minor, network_lock=row.network_lock, notes=row.notes, customer_id=row.customer_id,
        sale_id=row.sale_id, sale_number=row.sale_number, status=UnitStatus(row.status) if row.status else None,
        hold_until=row.hold_until, refurbished_minor=row.refurbished_minor or 0, reversed_at=row.reversed_at,
        reversed_because=row.reversed_because, lost_minor=row.lost_minor or 0,
        identity_kept_until=row.keep_until if row.is_sealed else None,
    )  # fmt: skip
