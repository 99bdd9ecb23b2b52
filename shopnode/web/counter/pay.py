"""Taking payment: tenders, completing the sale, the done screen, and the receipt's fate.

One payment, one sale: the id of the sale is made when payment begins and kept in the cart. A double click, a second
tab or a lost answer asks for the same id again and is shown the same sale.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g
from sqlalchemy import select

from shopnode.domain.cash.actions import DrawerClosed
from shopnode.domain.context import Approval
from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid, ShopError
from shopnode.domain.people.queries import staff_of_shop
from shopnode.domain.permissions import ROLE_PERMISSIONS, Permission
from shopnode.domain.printing.queue import queue_receipt
from shopnode.domain.sales.carts import CartBody, CartTender, finish_cart
from shopnode.domain.sales.lookup import find_summary
from shopnode.domain.sales.models import Sale
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.paying import check_tender, new_sale, payment_view
from shopnode.web.counter.pricing import price_cart
from shopnode.web.counter.screen import (
    done_view,
    drawer_now,
    into,
    into_sheet,
    keep,
    my_cart,
    panel,
    receipt_view,
    state,
)
from shopnode.web.ui.forms import asked_money, money_exponent, posted, posted_action_id
from shopnode.web.ui.frame import part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, read_again


@bp.get("/sell/summary")
def summary() -> str:
    """Back to selling; after a sale, on to the next one."""
    body = my_cart()
    if body.step != "sell" or body.new_line_id:
        body = keep(_back_to_selling)
    return panel(body)


def _back_to_selling(body: CartBody) -> None:
    body.step, body.sold_id, body.new_line_id = "sell", None, None


@bp.get("/sell/pay")
def pay() -> str:
    """Begin taking payment."""
    view = price_cart(g.ctx, my_cart())
    if not view.lines:
        raise Conflict("The cart is empty: add what is sold first.")
    if view.is_blocked:
        raise Conflict("A line cannot be sold as it is. Mend it or take it off, then take payment.")
    return panel(keep(_begin_payment))


def _begin_payment(body: CartBody) -> None:
    body.step, body.sold_id, body.new_line_id = "pay", None, None
    body.action_id = body.action_id or g.ctx.new_id()


@bp.post("/sell/tenders")
def add_tender() -> str:
    """Money handed over. Another one is added until nothing is due."""
    typed, body = posted(), my_cart()
    method = typed.get("method", "cash")
    on_refusal(lambda error: panel(my_cart(), errors=field_errors(error), typed=typed, method=method))
    due = payment_view(body, price_cart(g.ctx, body).total_minor, money_exponent()).due_minor
    amount = asked_money(typed, "amount_minor", default=due) or 0
    if amount <= 0:
        raise Invalid({"amount_minor": "must be more than nothing"})
    if due == 0:
        return panel(body)
    tender = CartTender(id=g.ctx.new_id(), method=method, amount=amount, reference=typed.get("reference", "")[:60])
    tender = check_tender(g.ctx, body, tender, due)

    def put(cart: CartBody) -> None:
        _begin_payment(cart)
        cart.add_tender(tender)

    return panel(keep(put))


@bp.post("/sell/tenders/<id:tender_id>/remove")
def remove_tender(tender_id: str) -> str:
    """Take a payment back before the sale is complete."""

    def take_back(body: CartBody) -> None:
        _begin_payment(body)
        body.remove_tender(tender_id)

    return panel(keep(take_back))


@bp.post("/sell/complete")
def complete() -> str | Response:
    """Book the sale, once."""
    typed = posted()
    action_id = posted_action_id(typed)
    if action_id is None:
        raise Invalid({"": "This payment has no number. Go back to the cart and take payment again."})
    on_refusal(lambda error: _refused(error, typed))
    if not _is_booked(action_id):
        body = my_cart()
        if body.action_id != action_id:
            raise Conflict("This cart has changed hands. Go back to the cart and take payment again.")
        if drawer_now() is None:
            raise DrawerClosed
        act("sales.sell", _sale_of(body, typed), action_id=action_id, approval=_approval(typed))
    finish_cart(g.ctx, action_id)
    read_again()
    values = {**state(my_cart()), "done": done_view(action_id)}
    return part("counter/_done_answer.html", **values)


def _is_booked(action_id: str) -> bool:
    return g.ctx.session.scalar(select(Sale.id).where(Sale.id == action_id)) is not None


def _sale_of(body: CartBody, typed: dict[str, str]) -> dict[str, Any]:
    sale = new_sale(body)
    reason = typed.get("approval_reason", "").strip()
    if reason:
        sale["notes"] = " · ".join(dict.fromkeys(text for text in (sale.get("notes"), reason) if text))
    return sale


def _approval(typed: dict[str, str]) -> Approval | None:
    if "approver_pin" not in typed:
        return None
    return Approval(typed.get("approver_id", ""), typed["approver_pin"])


def _refused(error: ShopError, typed: dict[str, str]) -> Response | str:
    """The approval sheet where a second person is needed or was refused; else the words in the payment panel."""
    if isinstance(error, ApprovalNeeded) or "approver_pin" in typed:
        return into_sheet(_approval_sheet(error, typed))
    body = my_cart()
    values = {**state(body), "errors": {"": _one_sentence(error)}, "cart_oob": True}
    return into("#pay", part("counter/_panel_answer.html", **values), "outerHTML")


def _one_sentence(error: ShopError) -> str:
    if isinstance(error, Invalid):
        return " ".join(field_errors(error).values())
    return str(error)


def _approval_sheet(error: ShopError, typed: dict[str, str]) -> str:
    ctx = g.ctx
    approvers = [
        person
        for person in staff_of_shop(ctx.session, ctx.shop_id)
        if person.has_pin and person.id != ctx.actor.id and Permission.LIMITS_APPROVE in ROLE_PERMISSIONS[person.role]
    ]
    first = isinstance(error, ApprovalNeeded) and "approver_pin" not in typed
    view = price_cart(ctx, my_cart())
    reason = error.reason if isinstance(error, ApprovalNeeded) else next(
        (line.objection for line in view.lines if line.objection), "It is above your own limit."
    )  # fmt: skip
    approval = {
        "words": reason, "why": "A supervisor or the owner enters their own PIN. It counts for this sale only.",
        "url": "/sell/complete", "target": "#pay", "approvers": approvers,
        "fields": {"action_id": typed.get("action_id", "")},
    }  # fmt: skip
    errors = {} if first else {"approver_pin" if error.code == "wrong-pin" else "": _one_sentence(error)}
    kept = {"approver_id": typed.get("approver_id", ""), "approval_reason": typed.get("approval_reason", "")}
    return part("counter/_approval.html", approval=approval, errors=errors, typed=kept)


@bp.get("/sell/printed/<id:sale_id>")
def print_state(sale_id: str) -> str:
    """Whether the receipt came out."""
    find_summary(g.ctx, sale_id)
    return part("counter/_print_state.html", receipt=receipt_view(sale_id))


@bp.post("/sales/<id:sale_id>/print")
def reprint(sale_id: str) -> str:
    """Print the receipt again, as a COPY if one came out before."""
    ctx = g.ctx
    find_summary(ctx, sale_id)
    with ctx.home.writing() as session:
        queue_receipt(ctx.inside(session), sale_id)
    ctx.home.committed()
    read_again()
    return part("counter/_print_state.html", receipt=receipt_view(sale_id))
