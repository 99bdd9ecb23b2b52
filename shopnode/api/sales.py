"""Sales: booked, read, corrected, decided on. Nothing of a sale is ever overwritten or deleted."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import BaseModel

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.sale_reading import sale_rows, whole_sale
from shopnode.api.sale_shapes import ReceiptQuery, SaleChange, SalePage, SaleQuery, SaleWhole, Undoing
from shopnode.api.shapes import Why
from shopnode.documents.receipt_pdf import receipt_pdf
from shopnode.domain.permissions import Permission
from shopnode.domain.sales.forms import NewSale
from shopnode.domain.sales.lookup import find_summary
from shopnode.domain.sales.queries import SaleFilter, list_sales
from shopnode.receipts import receipt_of_sale


@route("POST", "/sales", action="sales.sell", status=201, takes_approval=True)
def create_sale(call: Call, body: NewSale) -> SaleWhole:
    """Book a sale, paid in full. Its id is the idempotency key where that is a UUID."""
    done = call.perform(body)
    return whole_sale(call.ctx, done.result["sale_id"])


@route("GET", "/sales", needs=Permission.SALES_READ)
def list_all_sales(call: Call, query: SaleQuery) -> SalePage:
    """List sales, the latest first. Staff see what they sold or took the money for."""
    wanted = SaleFilter(
        q=query.q, status=query.status.value if query.status else None, on=query.date,
        since=query.date_from, until=query.date_to, shop_id=query.shop_id, seller_id=query.seller_id,
        method=query.payment_method.value if query.payment_method else None,
        customer_id=query.customer_id, total_from=query.amount_from, total_to=query.amount_to,
    )  # fmt: skip
    page = list_sales(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return SalePage(items=sale_rows(call.ctx, page.rows), next_cursor=page.next_cursor)


@route("GET", "/sales/<sale_id>", needs=Permission.SALES_READ)
def get_sale(call: Call, sale_id: str) -> SaleWhole:
    """One sale, whole. Somebody else's is not found where one sees one's own only."""
    return whole_sale(call.ctx, sale_id)


@route("PUT", "/sales/<sale_id>", action="sales.amend", takes_approval=True)
def amend_sale(call: Call, sale_id: str, body: SaleChange) -> SaleWhole:
    """Correct a sale. What was booked stays in its history; goods and money follow the correction."""
    given = body.model_dump(exclude_unset=True)
    if given.keys() <= {"reason"}:
        return whole_sale(call.ctx, sale_id)
    call.perform({"sale_id": sale_id, **given, "reason": body.reason})
    return whole_sale(call.ctx, sale_id)


@route("DELETE", "/sales/<sale_id>", action="sales.void", takes_approval=True)
def void_sale(call: Call, sale_id: str, body: Undoing | None) -> SaleWhole:
    """Void a sale. It keeps its number and its place in the books; goods and money go back."""
    return _decided(call, sale_id, body, default_reason="Voided")


@route("POST", "/sales/<sale_id>/approve", action="sales.approve")
def approve_sale(call: Call, sale_id: str, body: Why | None) -> SaleWhole:
    """Approve a sale."""
    return _decided(call, sale_id, body)


@route("POST", "/sales/<sale_id>/reject", action="sales.reject")
def reject_sale(call: Call, sale_id: str, body: Why | None) -> SaleWhole:
    """Reject a sale; it asks for a correction or a reversal."""
    return _decided(call, sale_id, body)


@route("POST", "/sales/<sale_id>/lock", action="sales.lock")
def lock_sale(call: Call, sale_id: str, body: Why | None) -> SaleWhole:
    """Lock a sale: nobody corrects it any more."""
    return _decided(call, sale_id, body)


@route("POST", "/sales/<sale_id>/unlock", action="sales.unlock")
def unlock_sale(call: Call, sale_id: str, body: Why | None) -> SaleWhole:
    """Unlock a locked sale."""
    return _decided(call, sale_id, body)


@route("POST", "/sales/<sale_id>/reverse", action="sales.reverse", takes_approval=True)
def reverse_sale(call: Call, sale_id: str, body: Undoing | None) -> SaleWhole:
    """Take a sale back, even a locked one."""
    return _decided(call, sale_id, body, default_reason="Reversed")


@route("POST", "/sales/<sale_id>/refund", action="sales.pay_refund")
def pay_refund(call: Call, sale_id: str, body: Why | None) -> SaleWhole:
    """Pay out in cash what a reversal made in the portal left due."""
    return _decided(call, sale_id, body)


@route("GET", "/sales/receipt/<sale_id>", needs=Permission.SALES_READ, media_type="application/pdf")
def get_receipt(call: Call, sale_id: str, query: ReceiptQuery) -> Response:
    """The receipt as a PDF."""
    receipt = receipt_of_sale(call.ctx, sale_id)
    headers = {"Content-Disposition": f'inline; filename="{receipt.number}.pdf"'}
    return Response(receipt_pdf(receipt, query.size), headers=headers, content_type="application/pdf")


def _decided(call: Call, sale_id: str, body: BaseModel | None, default_reason: str | None = None) -> SaleWhole:
    find_summary(call.ctx, sale_id)  # whoever may not see a sale does nothing to it either
    form: dict[str, Any] = body.model_dump(exclude_unset=True) if body else {}
    if default_reason is not None:
        form.setdefault("reason", default_reason)
    call.perform({"sale_id": sale_id, **form})
    return whole_sale(call.ctx, sale_id)
