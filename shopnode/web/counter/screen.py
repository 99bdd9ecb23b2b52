"""Drawing the counter: the cart, the pay panel of the step, and both together as the answer to every change."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, redirect
from sqlalchemy import select

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import open_session_or_none
from shopnode.domain.printing.models import JobState
from shopnode.domain.printing.queries import receipt_state
from shopnode.domain.sales.carts import CartBody, change_cart, open_cart, parked_carts
from shopnode.domain.sales.lookup import find_summary, payments_of
from shopnode.domain.sales.models import PaymentKind
from shopnode.web.counter.outcome import outcome_of
from shopnode.web.counter.paying import payment_view
from shopnode.web.counter.pricing import check_cart, price_cart
from shopnode.web.counter.ways import ways_to_pay
from shopnode.web.ui.forms import money_exponent
from shopnode.web.ui.frame import part
from shopnode.web.ui.request import is_htmx, read_again


def my_cart() -> CartBody:
    return open_cart(g.ctx.session, g.ctx.actor.id)


def change(apply: Any) -> CartBody:
    """Change the cart in work and go back to selling. Raises what `apply` or the cart's own check refuses."""

    def selling(body: CartBody) -> None:
        body.step, body.sold_id, body.new_line_id = "sell", None, None
        apply(body)

    return keep(selling)


def keep(apply: Any) -> CartBody:
    """Change the cart in work, whatever the step."""
    body = change_cart(g.ctx, apply, check_cart(g.ctx))
    read_again()
    return body


def drawer_now() -> DrawerSession | None:
    return open_session_or_none(g.ctx.session, g.ctx.shop_id, g.ctx.actor.id)


def state(body: CartBody, *, method: str | None = None) -> dict[str, Any]:
    """Everything the cart and the panel of its step need."""
    view, drawer = price_cart(g.ctx, body), drawer_now()
    step = "drawer" if drawer is None and body.step != "done" else body.step
    values: dict[str, Any] = {
        "cart": view, "session": drawer, "step": step, "parked_count": len(parked_carts(g.ctx.session)),
    }  # fmt: skip
    if step == "pay":
        payment = payment_view(g.ctx, body, view, money_exponent(), method or "cash")
        values |= {"payment": payment, "ways": ways_to_pay(g.ctx, body, view, payment.due)}
    if step == "done" and body.sold_id:
        values["done"] = done_view(body.sold_id)
        values["receipt"] = values["done"]["receipt"]
    if step == "drawer":
        values["last_float_minor"] = last_float_minor()
    return values


def cart_answer(body: CartBody) -> str:
    """The cart, with the panel beside it."""
    return part("counter/_cart_answer.html", **state(body))


def panel(body: CartBody, **more: Any) -> str:
    """The panel of the step alone."""
    return part("counter/_panel.html", **{**state(body, method=more.pop("method", None)), **more})


def done_view(sale_id: str) -> dict[str, Any]:
    """The done screen of a sale this person may see. Raises NotFound."""
    sale = find_summary(g.ctx, sale_id)
    taken = [row for row in payments_of(g.ctx.session, sale_id) if row.kind == PaymentKind.PAYMENT]
    return {
        "sale_id": sale_id, "number": sale.number, "total_minor": sale.total_minor, "sold_at": sale.sold_at,
        "change_minor": sum(row.change_minor or 0 for row in taken),
        "tenders": [{"method": row.method, "amount_minor": row.tendered_minor or row.amount_minor} for row in taken],
        "receipt": receipt_view(sale_id), "outcome": outcome_of(g.ctx, sale_id),
    }  # fmt: skip


def receipt_view(sale_id: str) -> dict[str, Any]:
    """What became of the receipt, as the done screen says it."""
    known = receipt_state(g.ctx.session, sale_id)
    if known is None:
        return {"state": "none", "words": "", "sale_id": sale_id, "copy": 0}
    names = {JobState.SENDING: "printing", JobState.EXPIRED: "failed"}
    name = names.get(known.state, known.state.value)
    if known.state is JobState.QUEUED and known.is_held:
        name = "held"
    return {"state": name, "words": known.words, "sale_id": sale_id, "copy": known.copy_no}


def last_float_minor() -> int | None:
    """The float the drawer was opened with last, to start from."""
    query = select(DrawerSession.opening_float_minor).order_by(DrawerSession.opened_at.desc()).limit(1)
    return g.ctx.session.scalar(query)


def into_sheet(body: str) -> Response:
    """Show an answer as a sheet, wherever the request aimed."""
    response = make_response(body)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#sheet", "innerHTML"
    return response


def into(target: str, body: str, swap: str = "innerHTML") -> Response:
    """Show an answer in another place than the request aimed at."""
    response = make_response(body)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = target, swap
    return response


def gone_to(address: str) -> Response:
    """Go to another page, for htmx and for a plain form alike."""
    if not is_htmx():
        return make_response(redirect(address, 303))
    response = Response(status=200)
    response.headers["HX-Redirect"] = address
    return response
