"""Claims under the warranty of something sold here.

A claim never starts the warranty anew, and there may be any number of them within it (rule 57). What replaces a piece
inherits the days that were left; both are linked by the claim (rule 56). A piece to be repaired stays the customer's:
the claim tells only that it was accepted.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.handsets.queries import find_unit_by_number
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.people.limits import check_refund
from shopnode.domain.people.models import Shop
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.returns.booking import book_return, take_points_back
from shopnode.domain.returns.errors import NothingLeft, NoWarranty
from shopnode.domain.returns.exchanging import exchange_tender, receivable_follows
from shopnode.domain.returns.forms import BackLine, ClaimWarranty, ComesBack
from shopnode.domain.returns.goods import Goods, line_of_number, weigh
from shopnode.domain.returns.models import ClaimOutcome, WarrantyClaim
from shopnode.domain.returns.queries import returned_by_line
from shopnode.domain.returns.rules import covered_until, days_left
from shopnode.domain.sales.actions import book_ticket, need_open_drawer, new_sale_id
from shopnode.domain.sales.errors import NotYourSale, SaleUndone
from shopnode.domain.sales.forms import Item, NewSale
from shopnode.domain.sales.lookup import lines_now
from shopnode.domain.sales.models import SaleLine, SaleStatus, SaleSummary, Tender
from shopnode.domain.sales.rules import UNDONE, Handed
from shopnode.domain.sales.tenders import Ticket
from shopnode.domain.sales.ticket import Line, check_prices, price_lines


@action("returns.claim_warranty", needs=Permission.SALES_RETURN)
def claim_warranty(ctx: Context, form: ClaimWarranty) -> dict[str, Any]:
    """Repair, replace or refuse under the warranty of something sold here.

    Raises NotFound, NoWarranty, NothingLeft, ApprovalNeeded, UnitNotForSale, DrawerClosed, Invalid.
    """
    line, summary = _line_of(ctx, form)
    until = cover_of(ctx, line, summary)
    if until is None:
        raise NoWarranty(line.item_name)
    today = _today(ctx)
    outcome = ClaimOutcome(form.outcome)
    if outcome is not ClaimOutcome.REFUSE and today > until:
        ctx.require_approval(f"The warranty ended on {until:%d %b %Y}.")
    replaced = _replace(ctx, form, line, summary, until, today) if outcome is ClaimOutcome.REPLACE else {}
    claim_id = ctx.new_id()
    claim = {
        "id": claim_id, "shop_id": ctx.shop_id, "sale_line_id": line.id, "unit_id": line.unit_id,
        "outcome": outcome.value, "new_unit_id": replaced.get("new_unit_id"),
        "new_line_id": replaced.get("new_line_id"), "covered_until": until, "reason": form.reason, "at": ctx.now,
        "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, WarrantyClaim, [claim])
    ctx.about("sale", line.sale_id)
    return {"claim_id": claim_id, "outcome": outcome.value, "covered_until": until.isoformat(), **replaced}


def cover_of(ctx: Context, line: SaleLine, summary: SaleSummary) -> date | None:
    """The last day of a line's warranty; of a replacement the day it inherited."""
    query = select(WarrantyClaim.covered_until).where(WarrantyClaim.new_line_id == line.id)
    inherited = ctx.session.scalars(query.limit(1)).first()
    zone = ZoneInfo(find_row(ctx.session, Shop, summary.shop_id, "The shop").timezone)
    return covered_until(summary.sold_at.astimezone(zone).date(), line.warranty_days, inherited)


def _today(ctx: Context) -> date:
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    zone = ZoneInfo(find_row(ctx.session, Shop, ctx.shop_id, "This shop").timezone)
    return ctx.now.astimezone(zone).date()


def _line_of(ctx: Context, form: ClaimWarranty) -> tuple[SaleLine, SaleSummary]:
    """The line that is claimed. Raises NotFound, NotYourSale, SaleUndone, NothingLeft, Invalid."""
    line = line_of_number(ctx, form.imei) if form.imei else find_row(ctx.session, SaleLine, str(form.sale_line_id))
    if form.sale_line_id not in (None, line.id):
        raise Invalid({"imei": "is not of this line: scan the phone that came back"})
    if line.unit_id and not form.imei:
        raise Invalid({"imei": f"is needed: scan the IMEI of the “{line.item_name}” that came back"})
    summary = ctx.session.scalars(select(SaleSummary).where(SaleSummary.sale_id == line.sale_id)).one_or_none()
    if summary is None:
        raise NotFound("This sale")
    if summary.shop_id != ctx.shop_id:
        raise NotYourSale
    if SaleStatus(summary.status) in UNDONE:
        raise SaleUndone(summary.number, summary.status)
    was_corrected_away = line.id not in {now.id for now in lines_now(ctx.session, line.sale_id)}
    if was_corrected_away or returned_by_line(ctx.session, line.sale_id).get(line.id, 0) >= line.quantity:
        raise NothingLeft(line.item_name, 0)
    return line, summary


def _replace(
    ctx: Context, form: ClaimWarranty, line: SaleLine, summary: SaleSummary, until: date, today: date
) -> dict[str, Any]:
    """Another piece for the one that came back, at what was paid for it: nothing changes hands.

    Raises ApprovalNeeded, Invalid, UnitNotForSale.
    """
    if line.product_id is None or (line.unit_id and not form.new_imei):
        raise Invalid({"new_imei": "is needed: scan the phone that is given instead"})
    drawer = need_open_drawer(ctx)
    restock = form.restock or ("supplier" if line.unit_id else "scrap")
    asked = BackLine(sale_line_id=line.id, imei=form.imei, restock=restock)
    goods = weigh(ctx, ComesBack(sale_id=line.sale_id, lines=[asked], reason=form.reason, fee_amount=0))
    check_refund(ctx, goods.worth_minor)
    number, sale_id = next_document_number(ctx, Document.RETURN), new_sale_id(ctx)
    sold = _sell_instead(ctx, form, line, goods, number, sale_id, summary.customer_id, days_left(until, today))
    return_id = book_return(
        ctx, goods, form.reason, True, number, drawer, exchange_sale_id=sale_id, phones_alone=True
    )  # fmt: skip
    exchange_tender(ctx, goods, goods.worth_minor, number, drawer)
    receivable_follows(ctx, goods, sale_id)
    new_ticket = Ticket(sale_id, sold["number"], summary.customer_id, sold["total"])
    take_points_back(ctx, goods, goods.worth_minor, new_ticket)
    new_line = ctx.session.scalars(select(SaleLine).where(SaleLine.sale_id == sale_id)).one()
    return {
        "return_id": return_id, "return_number": number, "sale_id": sale_id, "number": sold["number"],
        "new_line_id": new_line.id, "new_unit_id": new_line.unit_id,
    }  # fmt: skip


def _sell_instead(
    ctx: Context, form: ClaimWarranty, line: SaleLine, goods: Goods, number: str, sale_id: str,
    customer_id: str | None, days: int,
) -> dict[str, Any]:  # fmt: skip
    """The ticket of the piece that is given instead, with the days that are left of the warranty."""
    worth = goods.worth_minor
    named: dict[str, Any] = {"product_id": line.product_id}
    if form.new_imei:
        named = {"device_id": find_unit_by_number(ctx, form.new_imei).unit_id}
    new = NewSale(items=[Item(**named, unit_price=worth)], customer_id=customer_id, notes=f"Warranty, {number}")

    def agree(lines: list[Line]) -> None:
        for made in lines:
            _check_instead(ctx, line, worth, made)
            made.warranty_days, made.warranty_terms = days, line.warranty_terms

    given = [Handed(Tender.EXCHANGE, worth, number)] if worth else []
    return book_ticket(ctx, new, given, sale_id=sale_id, agreed=agree)


def _check_instead(ctx: Context, line: SaleLine, worth_minor: int, made: Line) -> None:
    """The like of what came back is given without asking; anything else is a sale at that price, and a second person's.

    Raises ApprovalNeeded, NotPermitted.
    """
    is_alike = _kept(ctx, _product_of(ctx, line)) == _kept(ctx, made.unit.product_id if made.unit else made.product_id)
    has_own_price = made.unit is not None and made.unit.price_minor is not None
    if is_alike and not (has_own_price and made.list_price_minor > line.list_price_minor):
        return
    if not is_alike:
        ctx.require_approval(
            f"“{made.name}” for {made.list_price_minor:,} is not the “{line.item_name}” that came back, which was "
            f"{worth_minor:,}."
        )
    check_refund(ctx, max(worth_minor, made.list_price_minor))
    check_prices(ctx, [made], 0)


def _product_of(ctx: Context, line: SaleLine) -> str | None:
    """Of a bundle the phone in it: that is what failed."""
    return (
        find_row(ctx.session, StockUnit, line.unit_id, "The sold phone").product_id if line.unit_id else line.product_id
    )


def _kept(ctx: Context, product_id: str | None) -> str | None:
    """The product as which this one is sold, if it was merged into another."""
    product = row_or_none(ctx.session, Product, product_id) if product_id else None
    return product.merged_into or product.id if product else product_id


def _figures(ctx: Context, form: ClaimWarranty) -> tuple[int, str]:
    """What the owner is told over the telephone: what the dearer is worth, the piece that came back or the one that is
    given; and on which receipt."""
    line, summary = _line_of(ctx, form)
    given = 0
    if form.outcome == "replace" and form.new_imei:
        item = Item(device_id=find_unit_by_number(ctx, form.new_imei).unit_id)
        given = price_lines(ctx, [item])[0].list_price_minor
    return max(line.unit_price_minor, given), summary.number


register_figures("returns.claim_warranty", _figures)
