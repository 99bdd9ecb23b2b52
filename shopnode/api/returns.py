"""Goods that come back: returns, exchanges and claims under a warranty."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.sale_reading import whole_sale
from shopnode.api.sale_shapes import SaleWhole
from shopnode.api.shapes import TEXT_MAX, Instant, Paged
from shopnode.domain.params import IdText, Line
from shopnode.domain.permissions import Permission
from shopnode.domain.returns.forms import ClaimWarranty, ExchangeGoods, TakeBackGoods
from shopnode.domain.returns.models import ClaimOutcome, RestockDecision, SaleReturn, WarrantyClaim
from shopnode.domain.returns.queries import (
    BackLineView,
    ReturnFilter,
    find_return,
    list_claims,
    list_returns,
    return_lines,
)
from shopnode.domain.sales.models import Tender


class ReturnedItem(BaseModel):
    """Pieces of one line that came back, and where they went."""

    sale_line_id: str
    device_id: str | None
    item_name: str
    imei: str | None
    quantity: int
    restock: RestockDecision
    worth: int


class ReturnRow(BaseModel):
    """A return: what came back of a sale, and what the customer got."""

    id: str
    number: str
    shop_id: str
    sale_id: str
    exchange_sale_id: str | None = Field(description="The sale its goods paid for, in one ticket.")
    customer_id: str | None
    reason: str
    had_receipt: bool
    refund: int = Field(description="What the customer got, the fee taken off.")
    fee: int
    lines: list[ReturnedItem]
    created_by: str | None
    created_at: Instant


class ReturnPage(BaseModel):
    items: list[ReturnRow]
    next_cursor: str | None


class PaidBack(BaseModel):
    """Money that left, by the tender it left by."""

    method: Tender
    amount: int


class ReturnDone(ReturnRow):
    """A return that was just made."""

    paid_back: list[PaidBack]


class ExchangeDone(ReturnDone):
    """A return and the sale its goods paid for."""

    exchanged: int = Field(description="What the goods paid of the new sale.")
    sale: SaleWhole


class ReturnQuery(Paged):
    """Which returns."""

    sale_id: IdText | None = None
    customer_id: IdText | None = None
    shop_id: IdText | None = None
    number: Annotated[Line, Field(max_length=TEXT_MAX, description="Any piece of its number.")] = ""


class ClaimRow(BaseModel):
    """A claim under the warranty of one sold line."""

    id: str
    shop_id: str
    sale_line_id: str
    device_id: str | None
    outcome: ClaimOutcome
    new_device_id: str | None = Field(description="Given instead.")
    new_line_id: str | None
    covered_until: date | None
    reason: str
    created_by: str | None
    created_at: Instant


class ClaimPage(BaseModel):
    items: list[ClaimRow]
    next_cursor: str | None


class ClaimQuery(Paged):
    """Which claims."""

    sale_line_id: IdText | None = None
    outcome: Literal["repair", "replace", "refuse"] | None = None


@route("POST", "/returns", action="returns.take_back", status=201, takes_approval=True)
def take_goods_back(call: Call, body: TakeBackGoods) -> ReturnDone:
    """Take goods back. A phone is named by its IMEI; the money goes back by the tenders it came by unless told."""
    done = call.perform(body).result
    return ReturnDone(**_columns(call, done["return_id"]), paid_back=[PaidBack(**part) for part in done["paid_back"]])


@route("POST", "/exchanges", action="returns.exchange", status=201, takes_approval=True)
def exchange_goods(call: Call, body: ExchangeGoods) -> ExchangeDone:
    """Take goods back and sell others in one ticket; only the difference changes hands."""
    done = call.perform(body).result
    return ExchangeDone(
        **_columns(call, done["return_id"]), paid_back=[PaidBack(**part) for part in done["paid_back"]],
        exchanged=done["exchanged"], sale=whole_sale(call.ctx, done["sale_id"]),
    )  # fmt: skip


@route("GET", "/returns", needs=Permission.SALES_RETURN)
def list_all_returns(call: Call, query: ReturnQuery) -> ReturnPage:
    """List returns, the latest first."""
    wanted = ReturnFilter(
        sale_id=query.sale_id, customer_id=query.customer_id, shop_id=query.shop_id, number=query.number
    )
    page = list_returns(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    lines = return_lines(call.ctx.session, [row.id for row in page.rows])
    return ReturnPage(items=[ReturnRow(**_row(row, lines[row.id])) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/returns/<return_id>", needs=Permission.SALES_RETURN)
def get_return(call: Call, return_id: str) -> ReturnRow:
    """One return with its lines."""
    return ReturnRow(**_columns(call, return_id))


@route("POST", "/warranty-claims", action="returns.claim_warranty", status=201, takes_approval=True)
def claim_warranty(call: Call, body: ClaimWarranty) -> ClaimRow:
    """Claim under a warranty: repaired, replaced by another for the days that are left, or refused."""
    done = call.perform(body).result
    return next(_claim(row) for row in list_claims(call.ctx, claim_id=done["claim_id"], limit=1).rows)


@route("GET", "/warranty-claims", needs=Permission.SALES_RETURN)
def list_all_claims(call: Call, query: ClaimQuery) -> ClaimPage:
    """List claims, the latest first."""
    page = list_claims(
        call.ctx, sale_line_id=query.sale_line_id, outcome=query.outcome, limit=query.limit,
        cursor=query.cursor or None,
    )  # fmt: skip
    return ClaimPage(items=[_claim(row) for row in page.rows], next_cursor=page.next_cursor)


def _columns(call: Call, return_id: str) -> dict[str, Any]:
    row = find_return(call.ctx.session, return_id)
    return _row(row, return_lines(call.ctx.session, [row.id])[row.id])


def _row(row: SaleReturn, lines: list[BackLineView]) -> dict[str, Any]:
    return {
        "id": row.id, "number": row.number, "shop_id": row.shop_id, "sale_id": row.sale_id,
        "exchange_sale_id": row.exchange_sale_id, "customer_id": row.customer_id, "reason": row.reason,
        "had_receipt": row.had_receipt, "refund": row.refund_minor, "fee": row.fee_minor,
        "lines": [
            ReturnedItem(
                sale_line_id=line.sale_line_id, device_id=line.unit_id, item_name=name, imei=imei,
                quantity=line.quantity, restock=RestockDecision(line.restock), worth=line.refund_minor,
            )
            for line, name, imei in lines
        ],
        "created_by": row.by_id, "created_at": row.at,
    }  # fmt: skip


def _claim(row: WarrantyClaim) -> ClaimRow:
    return ClaimRow(
        id=row.id, shop_id=row.shop_id, sale_line_id=row.sale_line_id, device_id=row.unit_id,
        outcome=ClaimOutcome(row.outcome), new_device_id=row.new_unit_id, new_line_id=row.new_line_id,
        covered_until=row.covered_until, reason=row.reason, created_by=row.by_id, created_at=row.at,
    )  # fmt: skip
