"""The counter's one search field: whatever was scanned or typed, in one list.

What is exact stands alone: a barcode, an SKU, a phone's number, a receipt's number. A phone that was sold is found too
and says on which receipt it left. Everything else is searched by the words of products and the digits of customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from shopnode.domain.catalogue.queries import ProductView, products_by_code, search_products
from shopnode.domain.catalogue.rules import printable
from shopnode.domain.context import Context
from shopnode.domain.customers.queries import search_customers
from shopnode.domain.customers.rules import phone_fragment
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.handsets.queries import UnitView, unit_by_number_or_none
from shopnode.domain.paging import PAGE_DEFAULT
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import show_phone
from shopnode.domain.sales.lookup import may_see
from shopnode.domain.sales.models import Sale, SaleSummary

CUSTOMERS_SHOWN = 5
TEXT_MAX = 200


class Kind(StrEnum):
    PRODUCT = "product"
    UNIT = "unit"  # a phone in stock: can be put on the ticket
    GONE = "gone"  # a phone that is sold, scrapped or waits for inspection
    SALE = "sale"
    CUSTOMER = "customer"


@dataclass(frozen=True)
class Found:
    """One line of the answer. `id` is the record's: of the product, the unit, the sale or the customer."""

    kind: Kind
    id: str
    title: str
    detail: str
    product: ProductView | None = None
    unit: UnitView | None = None


def find_anything(ctx: Context, text: str, *, limit: int = PAGE_DEFAULT) -> list[Found]:
    """Everything the text may mean, the exact ones alone if there are any."""
    text = " ".join(printable(text[:TEXT_MAX]).split())
    if not text:
        return []
    exact = [*_by_code(ctx, text), *_by_number(ctx, text), *_by_receipt(ctx, text)]
    if exact:
        return exact
    products = [_product(view) for view in search_products(ctx, text, limit=limit, coded=()).rows]
    return [*products, *_customers(ctx, text)]


def _by_code(ctx: Context, text: str) -> list[Found]:
    return [_product(view) for view in products_by_code(ctx, text)]


def _product(view: ProductView) -> Found:
    detail = f"{view.on_hand} on hand" if view.on_hand else "none on hand"
    return Found(Kind.PRODUCT, view.id, view.name, detail, product=view)


def _by_number(ctx: Context, text: str) -> list[Found]:
    unit = unit_by_number_or_none(ctx, text)
    if unit is None:
        return []
    kind = Kind.UNIT if unit.status is UnitStatus.IN_STOCK else Kind.GONE
    return [Found(kind, unit.unit_id, unit.product_name, _where(unit), unit=unit)]


def _where(unit: UnitView) -> str:
    if unit.status is UnitStatus.IN_STOCK:
        return f"{unit.number}, in stock"
    if unit.sold is None:
        words = {
            UnitStatus.INSPECT: "came back and waits for inspection",
            UnitStatus.SCRAPPED: "was written off",
            UnitStatus.SENT: "was sent to another shop",
        }
        return f"{unit.number} {words.get(unit.status, 'was sold')}"
    buyer = f" to {unit.sold.customer}" if unit.sold.customer else ""
    return f"{unit.number} was sold{buyer} on receipt {unit.sold.number}"


def _by_receipt(ctx: Context, text: str) -> list[Found]:
    same = select(Sale.id).where(Sale.number == text.upper())
    summary = ctx.session.scalars(select(SaleSummary).where(SaleSummary.sale_id.in_(same)).limit(1)).first()
    if summary is None or not may_see(ctx, summary):
        return []
    return [Found(Kind.SALE, summary.sale_id, summary.number, summary.status)]


def _customers(ctx: Context, text: str) -> list[Found]:
    if not ctx.may(Permission.CUSTOMERS_READ) or phone_fragment(text) is None:
        return []
    people = search_customers(ctx.session, text, limit=CUSTOMERS_SHOWN).rows
    return [Found(Kind.CUSTOMER, who.id, who.name, show_phone(who.phone) if who.phone else "") for who in people]
