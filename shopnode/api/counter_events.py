"""What happened at the counter and moved nothing: lines taken out, carts given up, receipts printed again."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.params import IdText
from shopnode.domain.permissions import Permission
from shopnode.domain.sales.counter_events import CounterEventView, list_counter_events
from shopnode.domain.sales.models import CounterEventKind


class CounterEventOut(BaseModel):
    """One of them."""

    id: str
    kind: CounterEventKind
    shop_id: str
    sale_id: str | None = Field(description="Whose receipt was printed again.")
    sale_number: str | None
    copy_no: int | None
    item_name: str | None
    imei: str | None
    quantity: int | None
    amount: int | None = Field(description="What it would have brought.")
    done_by: str | None
    at: Instant


class CounterEventPage(BaseModel):
    items: list[CounterEventOut]
    next_cursor: str | None


class CounterEventQuery(Paged):
    kind: CounterEventKind | None = None
    by_id: IdText | None = None


@route("GET", "/counter-events", needs=Permission.SALES_READ_ALL)
def counter_events(call: Call, query: CounterEventQuery) -> CounterEventPage:
    """Lines taken out after the sum was seen, carts with phones given up, receipts printed again; the latest first."""
    cursor = query.cursor or None
    page = list_counter_events(call.ctx, kind=query.kind, by_id=query.by_id, limit=query.limit, cursor=cursor)
    return CounterEventPage(items=[_out(view) for view in page.rows], next_cursor=page.next_cursor)


def _out(view: CounterEventView) -> CounterEventOut:
    return CounterEventOut(
        id=view.id, kind=view.kind, shop_id=view.shop_id, sale_id=view.sale_id, sale_number=view.sale_number,
        copy_no=view.copy_no, item_name=view.item_name, imei=view.imei, quantity=view.quantity,
        amount=view.amount_minor, done_by=view.by, at=view.at,
    )  # fmt: skip
