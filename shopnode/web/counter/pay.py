"""Taking payment: tenders, completing the sale, the done screen, and the receipt's fate.

One payment, one sale: the id of the sale is made when payment begins and kept in the cart. A double click, a second
tab or a lost answer asks for the same id again and is shown the same sale.
"""

from __future__ import annotations

from flask import Response, g, url_for
from sqlalchemy import select

from shopnode.domain.actions import perform
from shopnode.domain.cash.errors import DrawerClosed
from shopnode.domain.errors import Conflict, Invalid, ShopError
from shopnode.domain.sales.carts import CartBody, CartTender, finish_cart
from shopnode.domain.sales.lookup import find_summary
from shopnode.domain.sales.models import Sale
from shopnode.web.counter.approving import (
    Wish,
    approval_in,
    approval_sheet,
    approval_slot,
    asks_by_telephone,
    is_about_approval,
    one_sentence,
)
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.brought import back_form
from shopnode.web.counter.paying import Due, due_of, new_sale
from shopnode.web.counter.pricing import price_cart
from shopnode.web.counter.screen import done_view, drawer_now, into, keep, my_cart, panel, receipt_view, state
from shopnode.web.counter.selling_phone import SELLER_PICTURES_MAX, seller_refused, seller_sheet, trade_form
from shopnode.web.counter.ways import DOLLARS, check_tender, in_dollars
from shopnode.web.ui.forms import asked_money, posted, posted_action_id, read_money
from shopnode.web.ui.frame import part
from shopnode.web.ui.pictures import allow_pictures
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, read_again

DOLLAR_PLACES = 2
NOTHING_SOLD = "Add what is sold instead. Goods alone come back under Returns."


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
        raise Conflict(NOTHING_SOLD if view.brought else "The cart is empty: add what is sold first.")
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
    due = due_of(g.ctx, body, price_cart(g.ctx, body))
    if due.is_paid:
        return panel(body)
    tender = _tender(typed, method, due)

    def put(cart: CartBody) -> None:
        _begin_payment(cart)
        cart.add_tender(tender)

    return panel(keep(put))


def _tender(typed: dict[str, str], method: str, due: Due) -> CartTender:
    """What was entered. Raises Invalid."""
    if method == DOLLARS:
        cents = read_money(typed.get("dollars"), DOLLAR_PLACES)
        if not isinstance(cents, int):
            raise Invalid({"dollars": "must be an amount, such as 100"})
        return in_dollars(g.ctx, g.ctx.new_id(), cents)
    amount = asked_money(typed, "amount_minor", default=due.cash_minor if method == "cash" else due.exact_minor) or 0
    if amount <= 0:
        raise Invalid({"amount_minor": "must be more than nothing"})
    reference, about = typed.get("reference", "")[:60], typed.get("about_id") or None
    tender = CartTender(id=g.ctx.new_id(), method=method, amount=amount, reference=reference, about_id=about)
    return check_tender(g.ctx, my_cart(), tender, due)


@bp.post("/sell/tenders/<id:tender_id>/remove")
def remove_tender(tender_id: str) -> str:
    """Take a payment back before the sale is complete."""

    def take_back(body: CartBody) -> None:
        _begin_payment(body)
        body.remove_tender(tender_id)

    return panel(keep(take_back))


@bp.post("/sell/complete")
def complete() -> str | Response:
    """Book the sale, once; with goods that come back it is an exchange, with a used phone a trade-in."""
    allow_pictures(SELLER_PICTURES_MAX)  # with photos of a seller's ID
    typed = posted()
    action_id = posted_action_id(typed)
    if action_id is None:
        raise Invalid({"": "This payment has no number. Go back to the cart and take payment again."})
    body = my_cart()
    if "seller_name" in typed:
        on_refusal(seller_refused)
    wish = _wish(body, typed)
    on_refusal(lambda error: _refused(error, typed, body, wish))
    if not _is_booked(action_id):
        if body.action_id != action_id:
            raise Conflict("This cart has changed hands. Go back to the cart and take payment again.")
        if drawer_now() is None:
            raise DrawerClosed
        if body.trade is not None and "seller_name" not in typed:
            return seller_sheet(body, action_id)
        if asks_by_telephone(typed):
            return _ask(body, wish, None, typed)
        act(wish.action, wish.form, action_id=action_id, approval=approval_in(typed))
    finish_cart(g.ctx, action_id)
    read_again()
    values = {**state(my_cart()), "done": done_view(action_id)}
    return part("counter/_done_answer.html", **values)


def _is_booked(action_id: str) -> bool:
    return g.ctx.session.scalar(select(Sale.id).where(Sale.id == action_id)) is not None


def _wish(body: CartBody, typed: dict[str, str]) -> Wish:
    """The action this cart is, with its form."""
    sale = new_sale(body)
    reason = typed.get("approval_reason", "").strip()
    if reason:
        sale["notes"] = " · ".join(dict.fromkeys(text for text in (sale.get("notes"), reason) if text))
    action, form = "sales.sell", sale
    if body.back is not None:
        action, form = "returns.exchange", {**back_form(body.back), "sale": sale}
    elif body.trade is not None:
        action, form = "usedphones.trade_in", trade_form(body.trade, sale, typed)
    return Wish(
        action, form, url_for("counter.complete"), "#pay", {"action_id": typed.get("action_id", "")}, asks_reason=True
    )


def _refused(error: ShopError, typed: dict[str, str], body: CartBody, wish: Wish) -> Response | str:
    """Where a second person is needed or was refused they are asked; else the words in the payment panel."""
    if is_about_approval(error, typed):
        return _ask(body, wish, error, typed)
    if "seller_name" in typed:
        return seller_refused(error)
    values = {**state(my_cart()), "errors": {"": one_sentence(error)}, "cart_oob": True}
    return into("#pay", part("counter/_panel_answer.html", **values), "outerHTML")


def _ask(body: CartBody, wish: Wish, error: ShopError | None, typed: dict[str, str]) -> Response:
    if body.trade is not None:  # the sheet holds the seller and the photos: it stays as it is
        return approval_slot(wish, error, typed)
    return approval_sheet(wish, error, typed)


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
    perform(ctx, "printing.print_receipt", {"sale_id": sale_id})
    read_again()
    return part("counter/_print_state.html", receipt=receipt_view(sale_id))
