"""Stocktakes. Blind: what the books say is told once a count was submitted, to those who may approve it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.catalogue.actions import Category
from shopnode.domain.params import QUANTITY_MAX, IdText, Line, Note, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.stocktakes.models import StocktakeStatus
from shopnode.domain.stocktakes.queries import CountView, count_review, list_counts


class NewCount(Params):
    """What is counted: the whole shop, or one category."""

    category: Category | None = None
    notes: Note | None = None


class Counted(Params):
    """How many of a product are on the shelf; an earlier count of it is replaced."""

    product_id: IdText
    counted: Annotated[int, Field(ge=0, le=QUANTITY_MAX)]


class ScannedIn(Params):
    number: Annotated[Line, Field(min_length=3, max_length=60)]


class ApprovalIn(Params):
    """`zero`: what was not counted at all is not there."""

    uncounted: Literal["leave", "zero"] = "leave"


class Cancelling(Params):
    reason: Reason


class ScannedOut(BaseModel):
    """What was scanned: a phone, a product's code, or a number nobody knows."""

    kind: Literal["phone", "product", "unknown"]
    number: str
    already: bool = Field(description="It was scanned before in this count.")
    note: str | None
    product_id: str | None
    product_name: str | None


class StocktakeOut(BaseModel):
    """A stocktake."""

    id: str
    shop_id: str
    number: str
    category: str | None
    status: StocktakeStatus
    notes: str | None
    started_at: Instant
    started_by: str | None
    submitted_at: Instant | None
    submitted_by: str | None
    approved_at: Instant | None
    approved_by: str | None
    difference: int = Field(default=0, description="At cost. Owners only; left out for others.")


class StocktakePage(BaseModel):
    items: list[StocktakeOut]
    next_cursor: str | None


class CountLineOut(BaseModel):
    product_id: str | None
    product_name: str | None
    device_id: str | None
    number: str | None
    counted: int
    expected: int | None = Field(description="Null while the count is blind.")
    at: Instant
    by_id: str | None


class NotFoundOut(BaseModel):
    """A phone that should be here and was not scanned."""

    device_id: str
    product_name: str
    number: str


class UncountedOut(BaseModel):
    """A product that the books have here and nobody counted."""

    product_id: str
    product_name: str
    expected: int


class StocktakeReview(StocktakeOut):
    """A stocktake with all that was found."""

    lines: list[CountLineOut]
    not_found: list[NotFoundOut]
    uncounted: list[UncountedOut]


@route("POST", "/stocktakes", action="stocktakes.start", status=201)
def start_stocktake(call: Call, body: NewCount) -> StocktakeReview:
    """Begin to count the whole shop, or one category."""
    return _review(call, call.perform(body.model_dump(exclude_unset=True)).result["stocktake_id"])


@route("GET", "/stocktakes", needs=Permission.STOCK_COUNT)
def list_stocktakes(call: Call, query: Paged) -> StocktakePage:
    """List stocktakes, the latest first."""
    page = list_counts(call.ctx, limit=query.limit, cursor=query.cursor or None)
    return StocktakePage(items=[StocktakeOut(**_head(view)) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/stocktakes/<stocktake_id>", needs=Permission.STOCK_COUNT)
def get_stocktake(call: Call, stocktake_id: str) -> StocktakeReview:
    """One stocktake with all that was found."""
    return _review(call, stocktake_id)


@route("PUT", "/stocktakes/<stocktake_id>/counts", action="stocktakes.count")
def count_stock(call: Call, stocktake_id: str, body: Counted) -> StocktakeReview:
    """Write down how many of a product there are."""
    call.perform({"stocktake_id": stocktake_id, **body.model_dump()})
    return _review(call, stocktake_id)


@route("POST", "/stocktakes/<stocktake_id>/scans", action="stocktakes.scan", status=201)
def scan_stock(call: Call, stocktake_id: str, body: ScannedIn) -> ScannedOut:
    """Count what was scanned. A phone counts once however often it is scanned."""
    done = call.perform({"stocktake_id": stocktake_id, "number": body.number}).result
    return ScannedOut(**{name: done[name] for name in ScannedOut.model_fields})


@route("POST", "/stocktakes/<stocktake_id>/submit", action="stocktakes.submit")
def submit_stocktake(call: Call, stocktake_id: str) -> StocktakeReview:
    """Finish counting."""
    call.perform({"stocktake_id": stocktake_id})
    return _review(call, stocktake_id)


@route("POST", "/stocktakes/<stocktake_id>/reopen", action="stocktakes.reopen")
def reopen_stocktake(call: Call, stocktake_id: str) -> StocktakeReview:
    """Have some of it counted again."""
    call.perform({"stocktake_id": stocktake_id})
    return _review(call, stocktake_id)


@route("POST", "/stocktakes/<stocktake_id>/approve", action="stocktakes.approve", takes_approval=True)
def approve_stocktake(call: Call, stocktake_id: str, body: ApprovalIn | None) -> StocktakeReview:
    """Take a count into the books. A large difference of one's own count needs a second person."""
    given = body.model_dump(exclude_unset=True) if body else {}
    call.perform({"stocktake_id": stocktake_id, **given})
    return _review(call, stocktake_id)


@route("POST", "/stocktakes/<stocktake_id>/cancel", action="stocktakes.cancel")
def cancel_stocktake(call: Call, stocktake_id: str, body: Cancelling) -> StocktakeReview:
    """Give a count up: nothing moves."""
    call.perform({"stocktake_id": stocktake_id, "reason": body.reason})
    return _review(call, stocktake_id)


def _head(view: CountView) -> dict[str, Any]:
    told = dict(vars(view))
    difference = told.pop("difference_minor")
    return told if difference is None else {**told, "difference": difference}


def _review(call: Call, stocktake_id: str) -> StocktakeReview:
    found = count_review(call.ctx, stocktake_id)
    lines = [
        CountLineOut(
            product_id=line.product_id, product_name=line.product_name, device_id=line.unit_id, number=line.number,
            counted=line.counted, expected=line.expected, at=line.at, by_id=line.by_id,
        )
        for line in found.lines
    ]  # fmt: skip
    gone = [NotFoundOut(device_id=one.unit_id, product_name=one.product_name, number=one.number)
            for one in found.not_found]  # fmt: skip
    rest = [UncountedOut(product_id=row[0], product_name=row[1], expected=row[2]) for row in found.uncounted]
    return StocktakeReview(**_head(found.head), lines=lines, not_found=gone, uncounted=rest)
