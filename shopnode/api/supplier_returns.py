"""Phones that went back to their supplier, as lists and one by one; sending them is with the suppliers."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryBool
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.buying.models import ReturnToSupplierOutcome
from shopnode.domain.buying.returned import ReturnFilter, ReturnView, list_returns, return_view
from shopnode.domain.params import IdText
from shopnode.domain.permissions import Permission


class ReturnQuery(Paged):
    supplier_id: IdText | None = None
    ended: QueryBool | None = None


class ReturnedOut(BaseModel):
    """A phone that went back to its supplier."""

    id: str
    shop_id: str
    number: str
    supplier_id: str
    supplier_name: str
    device_id: str
    product_id: str
    product_name: str
    device_number: str
    reason: str
    sent_at: Instant
    sent_by: str | None
    outcome: ReturnToSupplierOutcome | None = Field(description="Null while the phone is with the supplier.")
    replaced_by_device_id: str | None
    credited: int | None = Field(default=None, description="Owners only; left out for others.")
    ended_at: Instant | None
    ended_by: str | None


class ReturnedPage(BaseModel):
    items: list[ReturnedOut]
    next_cursor: str | None


@route("GET", "/supplier-returns", needs=Permission.SUPPLIERS_READ)
def list_supplier_returns(call: Call, query: ReturnQuery) -> ReturnedPage:
    """List phones that went back to their supplier, the latest first."""
    wanted = ReturnFilter(query.supplier_id, query.ended)
    page = list_returns(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return ReturnedPage(items=[_returned(call, view) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/supplier-returns/<return_id>", needs=Permission.SUPPLIERS_READ)
def get_supplier_return(call: Call, return_id: str) -> ReturnedOut:
    """One phone that went back to its supplier."""
    return _returned(call, return_view(call.ctx, return_id))


def _returned(call: Call, view: ReturnView) -> ReturnedOut:
    credited = {"credited": view.credited_minor} if call.ctx.may(Permission.PRODUCTS_SEE_COST) else {}
    return ReturnedOut(
        id=view.id, shop_id=view.shop_id, number=view.number, supplier_id=view.supplier_id,
        supplier_name=view.supplier_name, device_id=view.unit_id, product_id=view.product_id,
        product_name=view.product_name, device_number=view.phone_number, reason=view.reason, sent_at=view.sent_at,
        sent_by=view.sent_by, outcome=view.outcome, replaced_by_device_id=view.replaced_by_unit_id,
        ended_at=view.ended_at, ended_by=view.ended_by, **credited,
    )  # fmt: skip
