"""Which stays of phones come next in a list, found without reading the others.

There are hundreds of thousands of stays, of some thousand models. So what depends on the model is asked of the models
that have stays, which an index names one after the other, and then of their stays.
"""

from __future__ import annotations

from operator import eq
from typing import Any

from sqlalchemy import BinaryExpression, ColumnElement, Row, Select, func, select, true
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.paging import beyond

FEW_MAX = 2_000  # stays that are sorted as they are
FEW_MODELS_MAX = 40  # that are named one by one
MODELS_FIRST = 4  # looked through at once; four times as many the next time

NAME = func.lower(Product.name)
Key = tuple[Any, str]  # what is sorted by, and the stay


def by_time(
    session: Session, wanted: list[ColumnElement[bool]], place: list[Any] | None, limit: int, *, downwards: bool
) -> list[Key]:
    """Stays by the time they began."""
    query = select(StockUnit.received_at, StockUnit.id).where(*wanted).limit(limit)
    order = (StockUnit.received_at, StockUnit.id)
    if place is not None:
        query = query.where(beyond(order, place, downwards=downwards))
    query = query.order_by(*(column.desc() if downwards else column for column in order))
    return _keys(session.execute(query))


def by_model(
    session: Session, wanted: list[ColumnElement[bool]], place: list[Any] | None, limit: int, *, product_id: str | None
) -> list[Key]:
    """Stays by the names of their models; of one model, if it is named."""
    if product_id is not None:
        return _keys(session.execute(_named([StockUnit.product_id == product_id, *wanted], place).limit(limit)))
    few = list(session.scalars(select(StockUnit.id).where(*wanted).limit(FEW_MAX + 1)))
    if len(few) <= FEW_MAX:
        return _keys(session.execute(_named([StockUnit.id.in_(few)], place).limit(limit)))
    met = [_as_met(condition) for condition in wanted]
    found: list[Key] = []
    size, further = MODELS_FIRST, true() if place is None else place[0] <= NAME
    while len(found) < limit:
        models = _models(session, further, size)
        part = _named([StockUnit.product_id.in_([row.id for row in models]), *met], place)
        found += _keys(session.execute(part.limit(limit - len(found))))
        if len(models) < size:
            break
        size, further = size * 4, models[-1].name < NAME
    return found


def is_of_brand(session: Session, brand: str) -> ColumnElement[bool]:
    """Stays of a brand's phones: of few models by their names, of many as they are met."""
    few = list(
        session.scalars(select(Product.id).where(Product.brand == brand, _has_stays()).limit(FEW_MODELS_MAX + 1))
    )
    if len(few) <= FEW_MODELS_MAX:
        return StockUnit.product_id.in_(few)
    same = select(Product.id).where(Product.id == StockUnit.product_id, Product.brand == brand)
    return same.correlate(StockUnit).exists()


def _as_met(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition, asked of each row: no index is a way in to what very many are."""
    if isinstance(condition, BinaryExpression) and condition.operator is eq:
        return func.coalesce(condition.left, condition.left) == condition.right
    return condition


def _named(wanted: list[ColumnElement[bool]], place: list[Any] | None) -> Select[str, str]:
    order = (NAME, StockUnit.id)
    query = select(*order).join(Product, Product.id == StockUnit.product_id).where(*wanted).order_by(*order)
    return query if place is None else query.where(beyond(order, place))


def _models(session: Session, further: ColumnElement[bool], count: int) -> list[Row[str, str]]:
    """So many models that ever had a stay, by name, and all others of the last one's name: none is torn apart."""
    query = select(Product.id, NAME.label("name")).where(_has_stays()).order_by(NAME, Product.id)
    models = list(session.execute(query.where(further).limit(count)))
    if len(models) == count:
        last = models[-1]
        models += session.execute(query.where(last.name == NAME, Product.id > last.id))
    return models


def _has_stays() -> ColumnElement[bool]:
    return select(StockUnit.id).where(StockUnit.product_id == Product.id).correlate(Product).exists()


def _keys(rows: Any) -> list[Key]:
    return [(row[0], row[1]) for row in rows]
