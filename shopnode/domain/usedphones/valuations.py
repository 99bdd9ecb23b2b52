"""The valuation table: what is paid for a model, by storage and grade. One line for the whole business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product, products_as_read, with_duplicates
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.homes import Where
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, page_of
from shopnode.domain.params import Amount, IdText, Line, Optionally, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.usedphones.models import Valuation
from shopnode.domain.usedphones.params import GradeText
from shopnode.domain.usedphones.rules import TableLine, plain_storage, valued_at


class SetValuation(Params):
    """What is paid for a model in a grade; for one storage, or for any."""

    product_id: IdText
    storage: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
    grade: GradeText
    offer: Amount


class ArchiveValuation(Params):
    valuation_id: IdText


@dataclass(frozen=True)
class ValuationView:
    """One line of the table."""

    id: str
    product_id: str
    product_name: str
    storage: str | None
    grade: str
    offer_minor: int
    is_archived: bool


@action("usedphones.set_valuation", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def set_valuation(ctx: Context, form: SetValuation) -> dict[str, Any]:
    """Say what is paid for a model in a storage and grade; the same line is changed, not doubled."""
    product = find_product(ctx.session, form.product_id)
    if not product.is_serialised:
        raise Invalid({"product_id": f"“{product.name}” is not counted by IMEI, so none is bought by grade"})
    storage = plain_storage(form.storage)
    row_id = valuation_id(product.id, storage, form.grade)
    row = row_or_none(ctx.session, Valuation, row_id)
    if row is None:
        row = Valuation(id=row_id, product_id=product.id, storage=storage, grade=form.grade, offer_minor=form.offer)
        add_rows(ctx.session, row)
    else:
        row.offer_minor, row.archived_at = form.offer, None
    ctx.about("valuation", row.id)
    return {"id": row.id, "offer": row.offer_minor}


@action("usedphones.archive_valuation", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def archive_valuation(ctx: Context, form: ArchiveValuation) -> dict[str, Any]:
    """Take a line off the table: every offer for it needs a second person from now on. Raises NotFound."""
    row = find_row(ctx.session, Valuation, form.valuation_id, "This line of the table")
    row.archived_at = row.archived_at or ctx.now
    ctx.about("valuation", row.id)
    return {"id": row.id}


def valuation_id(product_id: str, storage: str | None, grade: str) -> str:
    """The row of a product, storage and grade, whoever writes it."""
    return act_id("valuation", product_id, storage or "", grade)


def table_value(session: Session, product_id: str, storage: str | None, grade: str) -> int | None:
    """What the table pays, in minor units; None where it has no such line. A duplicate's lines count for the one kept.

    Where both have a line, the one of the product that is kept holds.
    """
    ids = with_duplicates(session, [product_id])
    query = select(Valuation).where(
        Valuation.product_id.in_(list(ids)), Valuation.grade == grade, Valuation.archived_at.is_(None)
    )
    rows = sorted(session.scalars(query), key=lambda row: (row.product_id == product_id, row.id))
    return valued_at([TableLine(row.storage, row.grade, row.offer_minor) for row in rows], storage, grade)


def list_valuations(
    ctx: Context,
    *,
    product_id: str | None = None,
    archived: bool = False,
    limit: int = PAGE_DEFAULT,
    cursor: str | None = None,
) -> Page[ValuationView]:
    """The table by model, storage and grade. Raises Invalid for a cursor of another list."""
    name = func.lower(Product.name)
    storage = func.coalesce(Valuation.storage, "")
    order = (name, storage, Valuation.grade, Valuation.id)
    columns = (
        Valuation.id, Valuation.product_id, Product.name, Valuation.storage, Valuation.grade, Valuation.offer_minor,
        Valuation.archived_at, Product.merged_into,
    )  # fmt: skip
    query = select(name, storage, *columns).join(Product, Product.id == Valuation.product_id)
    query = query.where(Valuation.archived_at.is_not(None) if archived else Valuation.archived_at.is_(None))
    if product_id is not None:
        query = query.where(Valuation.product_id.in_(list(with_duplicates(ctx.session, [product_id]))))
    place = decode_cursor(cursor, (str, str, str, str))
    if place is not None:
        query = query.where(beyond(order, place))
    rows = list(ctx.session.execute(query.order_by(*order).limit(limit + 1)))
    page = page_of(rows, limit, lambda row: (row[0], row[1], row.grade, row.id))
    merged = {row.product_id for row in page.rows if row.merged_into}
    read_as = products_as_read(ctx.session, merged) if merged else {}
    views = [_view(row, read_as[row.product_id].name if row.merged_into else row.name) for row in page.rows]
    return Page(views, page.next_cursor)


def valuation_view(ctx: Context, row_id: str) -> ValuationView:
    """One line of the table. Raises NotFound."""
    row = find_row(ctx.session, Valuation, row_id, "This line of the table")
    return _view(row, products_as_read(ctx.session, [row.product_id])[row.product_id].name)


def _view(row: Any, product_name: str) -> ValuationView:
    return ValuationView(
        row.id, row.product_id, product_name, row.storage, row.grade, row.offer_minor, row.archived_at is not None
    )
