"""What happens at a counter and moves nothing: a line taken out after its sum was seen, a cart with phones given up, a
receipt printed again (rules 31 and 33). Told as facts, so that an owner sees them, and never changed.

Carts are rows of one node and leave no trace of their own; these are the trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.params import Amount, IdText, Line, Optionally, Params, Quantity, ShortText
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.domain.sales.forms import LINES_MAX
from shopnode.domain.sales.models import CounterEvent, CounterEventKind, Sale


class RemovedLine(Params):
    """A line as it stood in the cart; what no price was typed for costs what the catalogue says."""

    product_id: IdText | None = None
    item_name: Annotated[ShortText | None, Optionally] = None
    imei: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
    quantity: Quantity = 1
    unit_price: Amount | None = None
    discount: Amount = 0


class TellRemoved(Params):
    """What a customer does not buy after all."""

    kind: Literal["line_removed", "cart_given_up"]
    lines: Annotated[list[RemovedLine], Field(min_length=1, max_length=LINES_MAX)]


@dataclass(frozen=True)
class CounterEventView:
    """One of them, as a list shows it."""

    id: str
    kind: CounterEventKind
    shop_id: str
    sale_id: str | None
    sale_number: str | None
    copy_no: int | None
    item_name: str | None
    imei: str | None
    quantity: int | None
    amount_minor: int | None
    at: datetime
    by_id: str | None
    by: str | None  # the person's name


@action("sales.tell_removed", needs=Permission.SALES_CREATE)
def tell_removed(ctx: Context, told: TellRemoved) -> dict[str, Any]:
    """Write down what was taken out of a cart after the customer had seen the sum, or with phones in it."""
    rows = [_removed(ctx, told.kind, line) for line in told.lines]
    insert_rows(ctx.session, CounterEvent, rows)
    ctx.about("counter_event", rows[0]["id"])
    return {"told": len(rows)}


def _removed(ctx: Context, kind: str, line: RemovedLine) -> dict[str, Any]:
    product = row_or_none(ctx.session, Product, line.product_id) if line.product_id else None
    price = line.unit_price if line.unit_price is not None else product.price_minor if product else 0
    name = product.name if product else line.item_name
    return {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "kind": kind, "item_name": name, "imei": line.imei,
         "quantity": line.quantity, "amount_minor": max(0, line.quantity * price - line.discount),
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def tell_reprint(ctx: Context, sale_id: str, copy_no: int) -> None:
    """Write down that a receipt is printed once more, as part of the action that prints it."""
    row = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "kind": CounterEventKind.REPRINTED.value, "sale_id": sale_id,
        "copy_no": copy_no, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, CounterEvent, [row])


def list_counter_events(
    ctx: Context, *, kind: CounterEventKind | None = None, by_id: str | None = None, limit: int = PAGE_DEFAULT,
    cursor: str | None = None,
) -> Page[CounterEventView]:  # fmt: skip
    """What happened at the counter, the latest first. Raises Invalid for a cursor of another list."""
    query = select(CounterEvent)
    kind_word = kind.value if kind else None
    exact = {CounterEvent.kind: kind_word, CounterEvent.by_id: by_id, CounterEvent.shop_id: ctx.shop_id}
    query = query.where(*[column == value for column, value in exact.items() if value is not None])
    page = latest(ctx.session, query, CounterEvent.at, CounterEvent.id, limit, cursor)
    names = names_of(ctx.session, {row.by_id for row in page.rows if row.by_id})
    sold = select(Sale.id, Sale.number).where(Sale.id.in_({row.sale_id for row in page.rows if row.sale_id}))
    numbers = {row.id: row.number for row in ctx.session.execute(sold)}
    return Page([_view(row, numbers.get(row.sale_id or ""), names) for row in page.rows], page.next_cursor)


def _view(row: CounterEvent, number: str | None, names: dict[str, str]) -> CounterEventView:
    return CounterEventView(
        row.id, CounterEventKind(row.kind), row.shop_id, row.sale_id, number, row.copy_no, row.item_name, row.imei,
        row.quantity, row.amount_minor, row.at, row.by_id, names.get(row.by_id or ""),
    )  # fmt: skip
