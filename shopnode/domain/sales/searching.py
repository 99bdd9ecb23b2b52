"""Finding sales by what people type, without reading every sale there is.

Whatever the words may mean (a receipt's number, a phone, an item, a payment's reference, a customer, an amount) is
asked of the table that knows it. What few sales are is named one by one. What many are is met on the way through the
list, which is then soon full.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.rules import printable
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import customers_called
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.handsets.numbers import handsets_by_number
from shopnode.domain.handsets.rules import bare_number
from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.sales.models import Payment, Sale, SaleLine, SaleSummary, Tender
from shopnode.domain.sales.rules import normal_reference

FEW_MAX = 400  # that are named one by one


def sales_found(session: Session, text: str) -> ColumnElement[bool]:
    """A receipt number or a piece of one, an IMEI, an item, a payment's reference, a customer, or the exact amount.

    An item is known by what its product is called now; what has no product, by what was typed.
    """
    word = " ".join(printable(text).split())
    named: set[str] = set()
    met: list[ColumnElement[bool]] = []
    for few, many in _meanings(session, word):
        # Once something is met often enough to fill the page, nothing else needs to be looked for first.
        ids = set() if met else set(session.scalars(few.limit(FEW_MAX + 1)))
        if met or len(ids) > FEW_MAX:
            met.append(many)
        else:
            named |= ids
    return or_(SaleSummary.sale_id.in_(named), *met)


def paid_by(session: Session, method: str) -> ColumnElement[bool]:
    """Sales of which this tender paid a part."""
    whole = SaleSummary.methods.contains(method, autoescape=True)
    ids = list(session.scalars(select(Payment.sale_id).where(Payment.method == method).limit(FEW_MAX + 1)))
    return whole if len(ids) > FEW_MAX else and_(whole, SaleSummary.sale_id.in_(ids))


def between(session: Session, least: int | None, most: int | None) -> ColumnElement[bool]:
    """Sales of an amount, in minor units."""

    def bounds(total: Any) -> list[ColumnElement[bool]]:
        return [*([total >= least] if least is not None else []), *([total <= most] if most is not None else [])]

    ids = list(session.scalars(select(SaleSummary.sale_id).where(*bounds(SaleSummary.total_minor)).limit(FEW_MAX + 1)))
    if len(ids) <= FEW_MAX:
        return SaleSummary.sale_id.in_(ids)
    return and_(*bounds(func.coalesce(SaleSummary.total_minor, 0)))  # met on the way: no index is read for them


def _meanings(session: Session, word: str) -> Iterable[tuple[Select[str], ColumnElement[bool]]]:
    """For each thing the word may be: the ids of the sales that are meant, and the same as a condition of a summary."""
    amount = word.replace(",", "").replace(" ", "")
    if amount.isascii() and amount.isdigit() and len(amount) <= len(str(MONEY_MINOR_MAX)):
        exact = select(SaleSummary.sale_id).where(SaleSummary.total_minor == int(amount))
        yield exact, func.coalesce(SaleSummary.total_minor, 0) == int(amount)
    numbers = select(Sale.number).where(Sale.number.icontains(word, autoescape=True))
    yield select(Sale.id).where(Sale.number.in_(numbers)), SaleSummary.number.icontains(word, autoescape=True)
    buyers = SaleSummary.customer_id.in_(_buyers(session, word))
    yield select(SaleSummary.sale_id).where(buyers), buyers
    paid = select(Payment.sale_id).where(Payment.method.in_([tender.value for tender in Tender]))
    paid = paid.where(Payment.reference == (_reference_or_none(word) or word))
    yield paid, SaleSummary.sale_id.in_(paid)
    named = select(Product.id).where(func.lower(Product.name).contains(word.lower(), autoescape=True))
    custom = and_(SaleLine.product_id.is_(None), SaleLine.item_name.icontains(word, autoescape=True))
    phones = [phone.id for phone in handsets_by_number(session, [bare_number(word)])]
    unit_ids = list(session.scalars(select(StockUnit.id).where(StockUnit.handset_id.in_(phones)))) if phones else []
    for goods in (SaleLine.unit_id.in_(unit_ids), custom, SaleLine.product_id.in_(named)):
        line = select(SaleLine.sale_id).where(goods)
        yield line, line.where(SaleLine.sale_id == SaleSummary.sale_id).correlate(SaleSummary).exists()


def _buyers(session: Session, word: str) -> Select[str] | list[str]:
    """Customers by a piece of their name or telephone number, and those they were merged into."""
    called = customers_called(word)
    ids = list(session.scalars(called.limit(FEW_MAX + 1)))
    if len(ids) > FEW_MAX:
        return select(Customer.id).where(or_(Customer.id.in_(called), Customer.merged_into.in_(called)))
    return ids + list(session.scalars(select(Customer.id).where(Customer.merged_into.in_(ids))))


def _reference_or_none(word: str) -> str | None:
    try:
        return normal_reference(word)
    except ValueError:
        return None
