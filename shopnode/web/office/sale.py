"""One sale: what it is, what happened, and what may still be done about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from shopnode.documents.escpos import Paper
from shopnode.domain.errors import ShopError
from shopnode.domain.people.models import Shop
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import show_phone
from shopnode.domain.printing.models import JobKind, PrintJob
from shopnode.domain.queries import row_or_none
from shopnode.domain.sales.models import SaleLine, SaleStatus
from shopnode.domain.sales.queries import SaleDetail, sale_detail
from shopnode.domain.sales.rules import UNDONE
from shopnode.receipts import receipt_of_sale
from shopnode.web.office.blueprint import bp
from shopnode.web.office.history import sale_events
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

RESTOCK = [
    ("inspect", "Phones are looked at first"), ("resell", "Back on the shelf, sold as new"), ("scrap", "Scrapped"),
]  # fmt: skip
PREVIEW = Paper(48, "cp1252", True, False)


@bp.get("/sales/<id:sale_id>")
def sale(sale_id: str) -> str:
    """One sale, whole."""
    return sale_page(sale_id)


def sale_page(sale_id: str, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    """The sale's screen, with what was typed where a decision was refused."""
    detail = sale_detail(g.ctx, sale_id)
    view = sale_view(detail)
    return page(
        "office/sale_detail.html", sale=view, can=possible(detail), restock_choices=_restock_choices(detail),
        events=sale_events(g.ctx, detail), errors=errors or {}, typed=typed or {},
        crumbs=[("Sales", url_for("office.sales")), (view["number"], None)],
    )  # fmt: skip


def _restock_choices(detail: SaleDetail) -> list[tuple[str, str]]:
    """Where the goods may go: only phones are inspected, and the portal sees neither them nor the shelf."""
    has_phones = any(line.unit_id for line in detail.lines)
    if not g.ctx.home.is_shop:
        return RESTOCK[:1] if has_phones else RESTOCK[1:2]
    return RESTOCK if has_phones else RESTOCK[1:]


def sale_view(detail: SaleDetail) -> dict[str, Any]:
    """The sale as its screen shows it."""
    summary = detail.summary
    shop = row_or_none(g.ctx.session, Shop, detail.sale.shop_id)
    customer = detail.customer
    phone = show_phone(customer.phone) if customer and customer.phone else ""
    return {
        "id": detail.sale.id, "number": summary.number, "status": summary.status.lower(), "sold_at": summary.sold_at,
        "business_on": summary.business_on, "shop": shop.name if shop else "", "notes": detail.notes,
        "seller": detail.seller.name if detail.seller else "", "till": summary.number.rpartition("-")[0],
        "customer": {"name": customer.name, "phone": phone} if customer else None,
        "subtotal_minor": summary.total_minor + detail.ticket_discount_minor,
        "discount_minor": detail.ticket_discount_minor, "tax_minor": summary.tax_minor,
        "total_minor": summary.total_minor, "paid_minor": summary.paid_minor,
        "refund_due_minor": detail.refund_due_minor, "chain_code": receipt_of_sale(g.ctx, detail.sale.id).chain_code,
        "copies": _copies(detail.sale.id), "lines": [_line(line, detail) for line in detail.lines],
        "payments": [
            {"method": row.method, "amount_minor": row.amount_minor, "tendered_minor": row.tendered_minor,
             "change_minor": row.change_minor or 0, "reference": row.reference, "at": row.at, "kind": row.kind}
            for row in detail.payments
        ],
    }  # fmt: skip


def _line(line: SaleLine, detail: SaleDetail) -> dict[str, Any]:
    until = (detail.sale.sold_at + timedelta(days=line.warranty_days)).date() if line.warranty_days else None
    return {
        "id": line.id, "item_name": line.item_name, "imei": line.imei, "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor, "list_price_minor": line.list_price_minor,
        "discount_minor": line.discount_minor, "warranty_until": until,
        "total_minor": line.quantity * line.unit_price_minor - line.discount_minor,
    }  # fmt: skip


def _copies(sale_id: str) -> int:
    """How many receipts came out after the first; known where the printers are."""
    if not g.ctx.home.is_shop:
        return 0
    query = select(func.max(PrintJob.copy_no)).where(
        PrintJob.subject_id == sale_id, PrintJob.kind == JobKind.RECEIPT.value, PrintJob.sent_at.is_not(None)
    )
    return int(g.ctx.session.scalar(query) or 0)


def possible(detail: SaleDetail) -> set[str]:
    """What is permitted and sensible now."""
    may, status, is_shop = g.may, SaleStatus(detail.summary.status), g.ctx.home.is_shop
    can = {"pdf"} | ({"reprint"} if is_shop and Permission.PRINTERS_USE in may else set())
    if is_shop and Permission.SALES_RETURN in may and status not in UNDONE:
        can.add("take_back")
    if is_shop and detail.refund_due_minor > 0 and Permission.SALES_CREATE in may:
        can.add("pay_refund")
    if status in UNDONE:
        return can
    open_now = status is not SaleStatus.LOCKED
    wishes = {
        "approve": Permission.SALES_APPROVE in may and status in (SaleStatus.SUBMITTED, SaleStatus.REJECTED),
        "reject": Permission.SALES_APPROVE in may and status in (SaleStatus.SUBMITTED, SaleStatus.APPROVED),
        "lock": Permission.SALES_LOCK in may and open_now,
        "unlock": Permission.SALES_LOCK in may and not open_now,
        "amend": Permission.SALES_UPDATE in may and open_now and is_shop,
        "void": Permission.SALES_DELETE in may and open_now,
        "reverse": Permission.SALES_REVERSE in may,
    }
    return can | {name for name, is_possible in wishes.items() if is_possible}


@bp.post("/sales/<id:sale_id>/approve")
def approve_sale(sale_id: str) -> ResponseReturnValue:
    return _decide(sale_id, "sales.approve")


@bp.post("/sales/<id:sale_id>/reject")
def reject_sale(sale_id: str) -> ResponseReturnValue:
    return _decide(sale_id, "sales.reject")


@bp.post("/sales/<id:sale_id>/lock")
def lock_sale(sale_id: str) -> ResponseReturnValue:
    return _decide(sale_id, "sales.lock")


@bp.post("/sales/<id:sale_id>/unlock")
def unlock_sale(sale_id: str) -> ResponseReturnValue:
    return _decide(sale_id, "sales.unlock")


@bp.post("/sales/<id:sale_id>/refund")
def pay_refund(sale_id: str) -> ResponseReturnValue:
    """Pay out in cash what a reversal made in the portal left due."""
    return _decide(sale_id, "sales.pay_refund")


@bp.post("/sales/<id:sale_id>/void")
def void_sale(sale_id: str) -> ResponseReturnValue:
    """The sale never happened; its goods are in the shop."""
    return _decide(sale_id, "sales.void", restock="resell")


@bp.post("/sales/<id:sale_id>/reverse")
def reverse_sale(sale_id: str) -> ResponseReturnValue:
    """The goods come back, and so does the money."""
    return _decide(sale_id, "sales.reverse", restock=request.form.get("restock", "inspect"))


def _decide(sale_id: str, name: str, **more: str) -> ResponseReturnValue:
    typed = posted()
    on_refusal(lambda error: _refused(sale_id, error, typed))
    form: dict[str, Any] = {"sale_id": sale_id, **more}
    if typed.get("reason", "").strip():
        form["reason"] = typed["reason"]
    act(name, form, action_id=posted_action_id(typed))
    return redirect(url_for("office.sale", sale_id=sale_id), 303)


def _refused(sale_id: str, error: ShopError, typed: dict[str, str]) -> str | None:
    if error.status == 404:
        return None
    words = " ".join(field_errors(error).values())
    if "reason" in field_errors(error):
        words = "Say why: a reason is kept with the decision, at least 3 letters."
    return sale_page(sale_id, {"": words}, typed)


@bp.get("/sales/<id:sale_id>/receipt.png")
def receipt_png(sale_id: str) -> Response:
    """The receipt as the printer prints it."""
    from shopnode.documents.escpos_preview import preview_png
    from shopnode.documents.receipt_escpos import receipt_bytes

    data = receipt_bytes(receipt_of_sale(g.ctx, sale_id), PREVIEW)
    return Response(preview_png(data, PREVIEW), content_type="image/png")


@bp.get("/sales/<id:sale_id>/receipt.pdf")
def receipt_pdf(sale_id: str) -> Response:
    """The receipt as a page to file and send."""
    from shopnode.documents.receipt_pdf import receipt_pdf as write_pdf

    receipt = receipt_of_sale(g.ctx, sale_id)
    response = make_response(write_pdf(receipt))
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{receipt.number}.pdf"'
    return response
