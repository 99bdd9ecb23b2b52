"""Mobile money that is still coming when the goods leave, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.sale_reading import whole_sale
from shopnode.api.sale_shapes import SaleWhole
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.params import Line, Params, ShortText
from shopnode.domain.permissions import Permission
from shopnode.domain.sales.coming import ComingMoney, coming_money
from shopnode.domain.sales.models import MoneyState, Tender


class ComingOut(BaseModel):
    """A payment that is waited for: a receivable of its network until it comes."""

    payment_id: str
    sale_id: str
    sale_number: str
    shop_id: str
    customer_id: str | None
    customer: str | None
    method: Tender
    amount: int
    reference: str | None
    state: MoneyState
    created_by: str | None
    created_at: Instant


class ComingPage(BaseModel):
    items: list[ComingOut]
    next_cursor: str | None


class Told(Params):
    """What became of it."""

    state: Literal["confirmed", "failed", "reversed"]
    reference: Annotated[Line, Field(max_length=60)] | None = Field(
        default=None, description="The transaction id, where it came and was not told before."
    )
    note: ShortText | None = None


@route("GET", "/pending-money", needs=Permission.ACCOUNTS_COLLECT)
def pending_money(call: Call, query: Paged) -> ComingPage:
    """Mobile money that completed a sale and has not come yet, the oldest first."""
    page = coming_money(call.ctx, limit=query.limit, cursor=query.cursor or None)
    return ComingPage(items=[_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("POST", "/payments/<payment_id>/outcome", action="sales.tell_money", takes_approval=True)
def tell_money(call: Call, payment_id: str, body: Told) -> SaleWhole:
    """Say that mobile money came, failed, or was taken back by its network."""
    done = call.perform({"payment_id": payment_id, **body.model_dump(exclude_unset=True)})
    return whole_sale(call.ctx, done.result["sale_id"])


def _out(row: ComingMoney) -> ComingOut:
    return ComingOut(
        payment_id=row.payment_id, sale_id=row.sale_id, sale_number=row.sale_number, shop_id=row.shop_id,
        customer_id=row.customer_id, customer=row.customer, method=Tender(row.method), amount=row.amount_minor,
        reference=row.reference, state=row.state, created_by=row.by_id, created_at=row.at,
    )  # fmt: skip
