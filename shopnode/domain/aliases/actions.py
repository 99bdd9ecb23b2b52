"""Merging two records of one thing. Owners only: it takes a record off every list."""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.aliases.models import Alias, Merged, merge_id
from shopnode.domain.capture import add_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.customers.actions import CustomerErased
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Optionally, Params, Reason
from shopnode.domain.permissions import Permission


class MergeRecords(Params):
    """Two records of one thing: the duplicate, and the one that is kept."""

    duplicate_id: IdText
    into_id: IdText
    reason: Annotated[Reason | None, Optionally] = None


class AlreadyMerged(Conflict):
    code = "already-merged"

    def __init__(self, name: str, into: str):
        super().__init__(f"“{name}” was merged into “{into}” already. Use “{into}” instead.")


@action("customers.merge", needs=Permission.CUSTOMERS_DELETE, where=Where.ANYWHERE)
def merge_customers(ctx: Context, form: MergeRecords) -> dict[str, Any]:
    """Read one customer as another from now on: one entry on the lists, with the purchases of both.

    Raises AlreadyMerged, CustomerErased, Invalid, NotFound.
    """
    duplicate, kept = (find_customer(ctx.session, row_id) for row_id in (form.duplicate_id, form.into_id))
    if duplicate.erased_at is not None or kept.erased_at is not None:
        raise CustomerErased  # nobody is told again whom they were
    return _merge(ctx, Merged.CUSTOMER, duplicate, kept, form)


@action("products.merge", needs=Permission.PRODUCTS_DELETE, where=Where.ANYWHERE)
def merge_products(ctx: Context, form: MergeRecords) -> dict[str, Any]:
    """Read one product as another from now on: its codes and its stock are the other's.

    Raises AlreadyMerged, Invalid, NotFound.
    """
    duplicate, kept = (find_product(ctx.session, row_id) for row_id in (form.duplicate_id, form.into_id))
    if duplicate.is_serialised != kept.is_serialised:
        raise Invalid({"into_id": "is counted differently: one of the two is sold by IMEI, the other by quantity"})
    return _merge(ctx, Merged.PRODUCT, duplicate, kept, form)


def _merge(
    ctx: Context, entity: Merged, duplicate: Customer | Product, kept: Customer | Product, form: MergeRecords
) -> dict[str, Any]:
    if duplicate.id == kept.id:
        raise Invalid({"into_id": "is the same one: choose two different records"})
    for row in (duplicate, kept):
        if row.merged_into is not None:
            raise AlreadyMerged(row.name, _name(ctx.session, type(row), row.merged_into))
    if kept.archived_at is not None:
        raise Invalid({"into_id": "is off the lists; put it back first, or merge the other way round"})
    known = ctx.session.scalar(select(func.count()).where(Alias.entity == entity.value)) or 0
    alias = Alias(
        id=merge_id(entity, duplicate.id), entity=entity.value, duplicate_id=duplicate.id, into_id=kept.id,
        reason=form.reason, at=ctx.now, by_id=ctx.actor.id, nth=known + 1,
    )  # fmt: skip
    add_rows(ctx.session, alias)
    ctx.about(entity.value, kept.id)
    return {"id": kept.id, "duplicate_id": duplicate.id}


def _name(session: Session, model: type[Customer] | type[Product], row_id: str) -> str:
    return session.scalar(select(model.name).where(model.id == row_id)) or "another record"
