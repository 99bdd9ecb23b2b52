"""Counting a shop: started, counted blind, submitted, approved by another.

Set semantics: counting a product again replaces its count, and a phone counts once however often it is scanned. What is
sold or comes in after a product was counted is no difference, because the count is held against what the books said in
that moment.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import or_, select

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.catalogue.actions import Category
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product, products_by_code
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.params import QUANTITY_MAX, IdText, Line, Note, Optionally, Params, Reason
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.stock.queries import on_hand
from shopnode.domain.stocktakes.approving import book_count, size_now
from shopnode.domain.stocktakes.finding import what_was_scanned
from shopnode.domain.stocktakes.models import (
    Stocktake,
    StocktakeLine,
    StocktakeStatus,
    line_of_number,
    line_of_product,
    line_of_unit,
)


class StartCount(Params):
    """What is counted: the whole shop, or one category."""

    category: Annotated[Category | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class CountProduct(Params):
    """How many of a product are on the shelf. Counting it again replaces the count."""

    stocktake_id: IdText
    product_id: IdText
    counted: Annotated[int, Field(ge=0, le=QUANTITY_MAX)]


class ScanNumber(Params):
    """A number as it was scanned: of a phone, or a product's code."""

    stocktake_id: IdText
    number: Annotated[Line, Field(min_length=3, max_length=60)]


class NameCount(Params):
    stocktake_id: IdText


class ApproveCount(Params):
    """Take the count into the books. `zero`: what was not counted at all is not there."""

    stocktake_id: IdText
    uncounted: Literal["leave", "zero"] = "leave"


class CancelCount(Params):
    stocktake_id: IdText
    reason: Reason


_STATUS_WORDS = {
    StocktakeStatus.COUNTING.value: "still being counted: submit it first",
    StocktakeStatus.SUBMITTED.value: "submitted: reopen it to count again",
    StocktakeStatus.APPROVED.value: "approved already",
    StocktakeStatus.CANCELLED.value: "cancelled",
}


class CountNotSo(Conflict):
    """The stocktake is in another state than this needs."""

    code = "stocktake-state"

    def __init__(self, number: str, status: str):
        super().__init__(f"Stocktake {number} is {_STATUS_WORDS[status]}.")


class CountRunning(Conflict):
    code = "stocktake-running"

    def __init__(self, number: str):
        super().__init__(f"Stocktake {number} counts the same goods and is not finished. Finish or cancel it first.")


@action("stocktakes.start", needs=Permission.STOCK_COUNT)
def start_count(ctx: Context, form: StartCount) -> dict[str, Any]:
    """Begin to count. Raises CountRunning."""
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    running = select(Stocktake.number).where(
        Stocktake.shop_id == ctx.shop_id,
        Stocktake.status.in_([StocktakeStatus.COUNTING.value, StocktakeStatus.SUBMITTED.value]),
    )
    if form.category is not None:
        running = running.where(or_(Stocktake.category.is_(None), Stocktake.category == form.category))
    other = ctx.session.scalar(running.limit(1))
    if other is not None:
        raise CountRunning(other)
    count = Stocktake(
        id=ctx.new_id(), shop_id=ctx.shop_id, number=next_document_number(ctx, Document.STOCKTAKE),
        category=form.category, status=StocktakeStatus.COUNTING.value, notes=form.notes, started_at=ctx.now,
        started_by=ctx.actor.id,
    )  # fmt: skip
    add_rows(ctx.session, count)
    ctx.about("stocktake", count.id)
    return {"stocktake_id": count.id, "number": count.number}


@action("stocktakes.count", needs=Permission.STOCK_COUNT)
def count_product(ctx: Context, form: CountProduct) -> dict[str, Any]:
    """Write down how many of a product there are; an earlier count of it is replaced. Raises CountNotSo, Invalid."""
    count = own_count(ctx, form.stocktake_id, StocktakeStatus.COUNTING)
    product = find_product(ctx.session, form.product_id)
    product = find_product(ctx.session, product.merged_into) if product.merged_into else product
    if product.is_serialised:
        raise Invalid({"product_id": f"“{product.name}” is counted by IMEI: scan each phone"})
    if product.is_bundle:
        raise Invalid({"product_id": f"“{product.name}” is a bundle: count its parts"})
    _check_category(count, product)
    expected = on_hand(ctx.session, count.shop_id, [product.id])[product.id]
    line_id = line_of_product(count.id, product.id)
    replaced = _write_line(ctx, count, line_id, form.counted, expected, product_id=product.id)
    return {"stocktake_id": count.id, "product_id": product.id, "counted": form.counted, "replaced": replaced}


@action("stocktakes.scan", needs=Permission.STOCK_COUNT)
def scan_number(ctx: Context, form: ScanNumber) -> dict[str, Any]:
    """Count what was scanned. A phone that was scanned before is answered as such; an unknown number is kept.

    A product's code counts nothing: the answer names the product, and how many there are is asked next.

    Raises CountNotSo, NotFound.
    """
    count = own_count(ctx, form.stocktake_id, StocktakeStatus.COUNTING)
    found = what_was_scanned(ctx, form.number)
    if found.unit is not None:
        line_id = line_of_unit(count.id, found.unit.id)
        product = find_product(ctx.session, found.unit.product_id)
        outside = count.category is not None and product.category != count.category
        already = _write_line(
            ctx, count, line_id, 1, int(found.is_expected), product_id=product.id, unit_id=found.unit.id,
            number=found.number, keep=True,
        )  # fmt: skip
        note = f"“{product.name}” is not of the category that is counted." if outside and not found.note else found.note
        kind = "phone"
    else:
        product_views = products_by_code(ctx, form.number) if found.note is None else []
        if product_views:
            view = product_views[0]
            return _scanned(count, "product", form.number, False, None, view.id, view.name)
        line_id = line_of_number(count.id, found.number)
        already = _write_line(ctx, count, line_id, 1, 0, number=found.number, keep=True)
        product, note = None, found.note or "Nobody knows this number. It is kept for whoever approves the count."
        kind = "unknown"
    product_id, name = (product.id, product.name) if product is not None else (None, None)
    return _scanned(count, kind, found.number, already, note, product_id, name)


@action("stocktakes.submit", needs=Permission.STOCK_COUNT)
def submit_count(ctx: Context, form: NameCount) -> dict[str, Any]:
    """Finish counting. What the books said is shown from now on, to those who may approve. Raises CountNotSo."""
    count = own_count(ctx, form.stocktake_id, StocktakeStatus.COUNTING)
    count.status = StocktakeStatus.SUBMITTED.value
    count.submitted_at, count.submitted_by = ctx.now, ctx.actor.id
    ctx.about("stocktake", count.id)
    return {"stocktake_id": count.id, "status": count.status}


@action("stocktakes.reopen", needs=Permission.STOCK_APPROVE_COUNT)
def reopen_count(ctx: Context, form: NameCount) -> dict[str, Any]:
    """Have some of it counted again. Raises CountNotSo."""
    count = own_count(ctx, form.stocktake_id, StocktakeStatus.SUBMITTED)
    count.status, count.submitted_at, count.submitted_by = StocktakeStatus.COUNTING.value, None, None
    ctx.about("stocktake", count.id)
    return {"stocktake_id": count.id, "status": count.status}


@action("stocktakes.approve", needs=Permission.STOCK_APPROVE_COUNT)
def approve_count(ctx: Context, form: ApproveCount) -> dict[str, Any]:
    """Take a count into the books: differences move stock, phones that were not found are missing.

    Raises CountNotSo, ApprovalNeeded for one's own count above the limit.
    """
    count = own_count(ctx, form.stocktake_id, StocktakeStatus.SUBMITTED)
    booked = book_count(ctx, count, uncounted_is_zero=form.uncounted == "zero")
    count.status = StocktakeStatus.APPROVED.value
    count.approved_at, count.approved_by = ctx.now, ctx.actor.id
    count.difference_minor = booked.difference_minor
    ctx.about("stocktake", count.id)
    return {
        "stocktake_id": count.id, "status": count.status, "difference": booked.difference_minor,
        "missing": booked.missing, "found": booked.found,
    }  # fmt: skip


@action("stocktakes.cancel", needs=Permission.STOCK_APPROVE_COUNT)
def cancel_count(ctx: Context, form: CancelCount) -> dict[str, Any]:
    """Give a count up: nothing moves. Raises CountNotSo."""
    count = own_count(ctx, form.stocktake_id, StocktakeStatus.COUNTING, StocktakeStatus.SUBMITTED)
    count.status = StocktakeStatus.CANCELLED.value
    count.notes = "\n".join(part for part in (count.notes, f"Cancelled: {form.reason}") if part)
    ctx.about("stocktake", count.id)
    return {"stocktake_id": count.id, "status": count.status}


def own_count(ctx: Context, stocktake_id: str, *wanted: StocktakeStatus) -> Stocktake:
    """This shop's stocktake, in one of these states. Raises NotFound, CountNotSo."""
    count = find_row(ctx.session, Stocktake, stocktake_id, "This stocktake")
    if count.shop_id != ctx.shop_id:
        raise NotFound("This stocktake")
    if count.status not in [status.value for status in wanted]:
        raise CountNotSo(count.number, count.status)
    return count


def _check_category(count: Stocktake, product: Product) -> None:
    if count.category is not None and product.category != count.category:
        raise Invalid({"product_id": f"“{product.name}” is not in “{count.category}”, which is counted"})


def _write_line(
    ctx: Context, count: Stocktake, line_id: str, counted: int, expected: int, *, product_id: str | None = None,
    unit_id: str | None = None, number: str | None = None, keep: bool = False,
) -> bool:  # fmt: skip
    """Write what was found, or replace it (with `keep`: leave it as it was). Answers whether it was there before."""
    line = row_or_none(ctx.session, StocktakeLine, line_id)
    ctx.about("stocktake", count.id)
    if line is None:
        line = StocktakeLine(
            id=line_id, stocktake_id=count.id, shop_id=count.shop_id, product_id=product_id, unit_id=unit_id,
            number=number, counted=counted, expected=expected, at=ctx.now, by_id=ctx.actor.id,
        )  # fmt: skip
        add_rows(ctx.session, line)
        return False
    if not keep:
        line.counted, line.expected, line.at, line.by_id = counted, expected, ctx.now, ctx.actor.id
    return True


def _scanned(
    count: Stocktake, kind: str, number: str, already: bool, note: str | None, product_id: str | None, name: str | None
) -> dict[str, Any]:
    return {
        "stocktake_id": count.id, "kind": kind, "number": number, "already": already, "note": note,
        "product_id": product_id, "product_name": name,
    }  # fmt: skip


def _figures(ctx: Context, form: ApproveCount) -> tuple[int, str]:
    """What the owner is told over the telephone: how far it is off, and which count it is."""
    count = own_count(ctx, form.stocktake_id, StocktakeStatus.SUBMITTED)
    return size_now(ctx, count, uncounted_is_zero=form.uncounted == "zero"), count.number


register_figures("stocktakes.approve", _figures)
