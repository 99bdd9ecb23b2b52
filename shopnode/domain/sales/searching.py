"""Finding sales by what people type, without reading every sale there is.

Whatever the words may mean (a receipt's number, a phone, an item, a payment's reference, a customer, an amount) is
asked of the table that knows it. What few sales are is named one by one. What many are is met on the way through the
list, which is then soon full.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal_column, or_, select, union_all
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.rules import printable
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import is_called, ways_called
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.handsets.numbers import ids_by_number
from shopnode.domain.handsets.rules import bare_number
from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.queries import among
from shopnode.domain.sales.models import Payment, Sale, SaleLine, SaleSummary, Tender
from shopnode.domain.sales.rules import normal_reference

FEW_MAX = 400  # that are named one by one
Meaning = tuple[Select[str], ColumnElement[bool]]  # the sales that a word means, and the same asked of a summary
_DUPLICATES = Customer.__table__.alias()


def sales_found(session: Session, text: str) -> ColumnElement[bool]:
    """A receipt number or a piece of one, an IMEI, an item, a payment's reference, a customer, or the exact amount.

    An item is known by what its product is called now; what has no product, by what was typed.
    """
    meanings = list(_meanings(" ".join(printable(text).split())))
    found: list[list[str]] = [[] for _ in meanings]
    for place, sale_id in session.execute(union_all(*map(_first, range(len(meanings)), meanings))):
        found[place].append(sale_id)
    named = {sale_id for ids in found if len(ids) <= FEW_MAX for sale_id in ids}
    met = [many for (_, many), ids in zip(meanings, found, strict=True) if len(ids) > FEW_MAX]
    return or_(among(SaleSummary.sale_id, named), *met)


def _first(place: int, meaning: Meaning) -> Select[int, str]:
    """So many sales of one meaning that it is known whether they are few, marked with its place. One with two lines
    that are meant stands there twice."""
    first = meaning[0].limit(FEW_MAX + 1).subquery()
    return select(literal_column(str(place), Integer), first.c[0])


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


def _meanings(word: str) -> Iterable[Meaning]:
    """Each thing that the word may be."""
    amount = word.replace(",", "").replace(" ", "")
    if amount.isascii() and amount.isdigit() and len(amount) <= len(str(MONEY_MINOR_MAX)):
        exact = select(SaleSummary.sale_id).where(SaleSummary.total_minor == int(amount))
        yield exact, func.coalesce(SaleSummary.total_minor, 0) == int(amount)
    if " " not in word:
        numbers = select(Sale.number).where(Sale.number.contains(word.upper(), autoescape=True)).limit(FEW_MAX + 1)
        met = SaleSummary.number.contains(word.upper(), autoescape=True)
        yield select(Sale.id).where(Sale.number.in_(numbers)), met
    yield from _bought_by(word)
    paid = select(Payment.sale_id).where(Payment.method.in_([tender.value for tender in Tender]))
    paid = paid.where(Payment.reference == (_reference_or_none(word) or word))
    yield paid, SaleSummary.sale_id.in_(paid)
    phones = select(StockUnit.id).where(StockUnit.handset_id.in_(ids_by_number(bare_number(word))))
    custom = and_(SaleLine.product_id.is_(None), SaleLine.item_name.icontains(word, autoescape=True))
    named = func.lower(Product.name).contains(word.lower(), autoescape=True)
    sold = select(SaleLine.sale_id).join(Product, Product.id == SaleLine.product_id).where(named)
    lines = select(SaleLine.sale_id)
    for line in (lines.where(SaleLine.unit_id.in_(phones)), lines.where(custom), sold):
        yield line, line.where(SaleLine.sale_id == SaleSummary.sale_id).correlate(SaleSummary).exists()


def _bought_by(word: str) -> Iterable[Meaning]:
    """Sales to customers by a piece of their name or telephone number, and to duplicates of these."""
    buyer = select(Customer.id).where(Customer.id == SaleSummary.customer_id).correlate(SaleSummary)
    first = func.coalesce(Customer.id, Customer.id)  # their sales are looked for, not for each sale its customer
    for called in ways_called(word):
        theirs = select(SaleSummary.sale_id).join(Customer, first == SaleSummary.customer_id).where(called)
        yield theirs, buyer.where(called).exists()
    kept = select(Customer.id).where(Customer.id == _DUPLICATES.c.merged_into, is_called(word))
    duplicates = select(_DUPLICATES.c.id).where(_DUPLICATES.c.merged_into.is_not(None), kept.exists())
    of_theirs = SaleSummary.customer_id.in_(duplicates)
    yield select(SaleSummary.sale_id).where(of_theirs), of_theirs


def _reference_or_none(word: str) -> str | None:
    try:
        return normal_reference(word)
    except ValueError:
        return None
