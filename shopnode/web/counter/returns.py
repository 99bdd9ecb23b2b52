"""Goods that come back: find the sale, choose what comes back and where it goes, and give the money back or exchange.

A phone is named by what is scanned on it. An exchange puts the goods into the cart, where they pay for what is sold
instead; everything is weighed and booked by the domain.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.customers.queries import search_customers
from shopnode.domain.errors import Conflict, Invalid, ShopError
from shopnode.domain.params import read_params
from shopnode.domain.phones import show_phone
from shopnode.domain.queries import find_row
from shopnode.domain.returns.finding import BackWhole, sales_to_take_back, what_may_come_back
from shopnode.domain.returns.forms import ComesBack
from shopnode.domain.returns.goods import Goods, weigh
from shopnode.domain.returns.leaving import money_back, really_leaves, turned_into
from shopnode.domain.returns.queries import find_return, return_lines
from shopnode.domain.sales.carts import CartBack, CartBackLine, CartBody
from shopnode.domain.sales.models import MONEY, Sale, Tender
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.brought import RESTOCK_WORDS, lines_of, one_at_a_time
from shopnode.web.counter.outcome import paid_back_with
from shopnode.web.counter.screen import change, drawer_now, gone_to
from shopnode.web.ui.forms import asked_money, asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

RESTOCKS = [(key, words[:1].upper() + words[1:]) for key, words in RESTOCK_WORDS.items()]
FOR_PHONES = frozenset({"bench", "supplier"})
RESTOCKS_COUNTED = [choice for choice in RESTOCKS if choice[0] not in FOR_PHONES]  # of what has no number
WAYS_BACK = [
    ("original", "The way it was paid"), ("cash", "In cash"), ("store_credit", "As store credit"),
]  # fmt: skip
FIELDS = {"reason", "fee_amount", "customer_id", "customer_phone", "refund_reference"}


@bp.get("/returns")
def returns() -> str:
    """Find the sale: by receipt, by the phone itself, or by customer."""
    text = request.args.get("q", "").strip()
    found = sales_to_take_back(g.ctx, text)
    values: dict[str, Any] = {"q": text, "found": found, "imei": text if text.isdigit() else ""}
    if request.headers.get("HX-Target", "").endswith("found-sales"):
        return part("counter/_return_hits.html", **values)
    return page("counter/returns.html", session=drawer_now(), crumbs=[("Returns", None)], **values)


@bp.get("/returns/of/<id:sale_id>")
def return_of(sale_id: str) -> str:
    """One sale, and what of it comes back."""
    typed = {"had_receipt": "true"}
    scanned = request.args.get("imei", "")
    if scanned:
        typed["scanned"] = scanned
    return _page(sale_id, typed)


def _page(sale_id: str, typed: dict[str, str]) -> str:
    values = _values(sale_id, typed, {})
    crumbs = [("Returns", url_for("counter.returns")), (values["sale"].number, None)]
    return page("counter/return.html", crumbs=crumbs, **values)


def _values(sale_id: str, typed: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    sale = what_may_come_back(g.ctx, sale_id, today_of(g.ctx))
    scanned = typed.get("scanned")
    phones = [line for line in sale.lines if line.is_phone and line.left]
    if scanned:
        for line in phones:
            if line.imei_end and scanned.endswith(line.imei_end):
                typed.setdefault(f"imei_{line.line_id}", scanned)
    return {
        "sale": sale, "by_network": [METHOD_NAMES[tender] for tender in by_network(sale)],
        "paid_by": [(METHOD_NAMES[tender], amount) for tender, amount in sale.paid_by],
        "restocks": RESTOCKS, "restocks_counted": RESTOCKS_COUNTED, "ways_back": WAYS_BACK, "typed": typed,
        "errors": errors, "session": drawer_now(),
    }  # fmt: skip


def by_network(sale: BackWhole) -> list[Tender]:
    """By which tenders money may go back as a transaction with an id of its own."""
    return [tender for tender, amount in sale.paid_by if tender in MONEY and tender is not Tender.CASH and amount > 0]


@bp.post("/returns/of/<id:sale_id>/worth")
def return_worth(sale_id: str) -> str:
    """What the customer would get for what is chosen so far."""
    typed = posted()
    on_refusal(lambda error: part("counter/_return_worth.html", goods=None, words=_words(error)))
    form = _form(what_may_come_back(g.ctx, sale_id, today_of(g.ctx)), typed)
    if not form["lines"]:
        return part("counter/_return_worth.html", goods=None, words="")
    form["reason"] = form["reason"] or "to be told"
    goods = weigh(g.ctx, read_params(ComesBack, form))
    return part("counter/_return_worth.html", goods=goods, lines=lines_of(goods), words="", parts=_parts(goods, typed))


def _parts(goods: Goods, typed: dict[str, str]) -> list[tuple[str, int]]:
    """By which tenders the money would leave."""
    out = money_back(g.ctx, goods.sale.id, goods.refund_minor)
    to = typed.get("refund_to", "original")
    if to != "original":
        out = turned_into(g.ctx, out, Tender.CASH if to == "cash" else Tender.STORE_CREDIT)
    return [(METHOD_NAMES[one.method], one.amount_minor) for one in really_leaves(out)]


@bp.post("/returns/of/<id:sale_id>")
def take_back_goods(sale_id: str) -> str | Response:
    """Take the goods back for their money, or into the cart for an exchange."""
    typed = posted()
    on_refusal(lambda error: part("counter/_return_form.html", **_values(sale_id, typed, _errors(error))))
    sale = what_may_come_back(g.ctx, sale_id, today_of(g.ctx))
    form = _form(sale, typed)
    if not form["lines"]:
        raise Invalid({"": "Choose what comes back: scan the phone, or say how many pieces."})
    if "exchange" in typed:
        return _into_cart(sale, form)
    wish = Wish("returns.take_back", {**form, **_way_back(sale, typed)})

    def refused(error: ShopError) -> str | Response:
        if is_about_approval(error, typed):
            return approval_slot(wish, error, typed)
        return part("counter/_return_form.html", **_values(sale_id, typed, _errors(error)))

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    done = act("returns.take_back", wish.form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("counter.returned", return_id=done.result["return_id"]))


def _into_cart(sale: BackWhole, form: dict[str, Any]) -> Response:
    """An exchange: what comes back pays for what is sold next."""
    checked = read_params(ComesBack, form)
    weigh(g.ctx, checked)
    back = CartBack(**{**form, "lines": [CartBackLine(**line) for line in form["lines"]]})

    def put(body: CartBody) -> None:
        words = one_at_a_time(body)
        if words is not None:
            raise Conflict(words)
        body.back = back
        body.customer_id = body.customer_id or sale.customer_id

    change(put)
    return gone_to(url_for("counter.sell"))


def _form(sale: BackWhole, typed: dict[str, str]) -> dict[str, Any]:
    """What was chosen, as the domain takes it. Raises Invalid."""
    lines: list[dict[str, Any]] = []
    for line in sale.lines:
        restock = typed.get(f"restock_{line.line_id}", "new")
        if line.is_phone:
            imei = typed.get(f"imei_{line.line_id}", "").strip()
            if imei:
                lines.append({"sale_line_id": line.line_id, "imei": imei, "restock": restock})
            continue
        quantity = asked_number(typed, f"quantity_{line.line_id}", default=0) or 0
        if quantity:
            lines.append({"sale_line_id": line.line_id, "quantity": quantity, "restock": restock})
    form: dict[str, Any] = {
        "sale_id": sale.sale_id, "lines": lines, "reason": typed.get("reason", "").strip(),
        "had_receipt": typed.get("had_receipt") == "true",
    }  # fmt: skip
    fee = asked_money(typed, "fee_amount")
    return form if fee is None else {**form, "fee_amount": fee}


def _way_back(sale: BackWhole, typed: dict[str, str]) -> dict[str, Any]:
    """How the money goes back; store credit of a sale without a customer needs one. Raises Invalid."""
    to = typed.get("refund_to", "original")
    reference = typed.get("refund_reference", "").strip()
    if to == "original" and reference:
        return {"refund_to": to, "refund_reference": reference}
    if to != "store_credit" or sale.customer_id is not None:
        return {"refund_to": to}
    phone = typed.get("customer_phone", "").strip()
    found = search_customers(g.ctx.session, phone, limit=2).rows if phone else []
    if len(found) == 1:
        return {"refund_to": to, "customer_id": found[0].id}
    if found:
        names = ", ".join(f"{row.name} {show_phone(row.phone) if row.phone else ''}".strip() for row in found)
        raise Invalid({"customer_phone": f"is of several people ({names}): type the whole number"})
    raise Invalid({"customer_phone": "is needed: the number of a customer who is written down"})


def _errors(error: ShopError) -> dict[str, str]:
    """By field; what belongs to a line is said by its own sentence."""
    if not isinstance(error, Invalid):
        return field_errors(error)
    return field_errors(Invalid(_plain(error)), FIELDS)


def _plain(error: Invalid) -> dict[str, str]:
    return {"" if name.startswith("lines.") else name: text for name, text in error.fields.items()}


def _words(error: ShopError) -> str:
    return " ".join(_errors(error).values())


@bp.get("/returns/<id:return_id>")
def returned(return_id: str) -> str:
    """A return that was made: what came back and what the customer got."""
    row = find_return(g.ctx.session, return_id)
    sale = find_row(g.ctx.session, Sale, row.sale_id, "This sale")
    lines = [
        {"name": name, "imei": imei, "quantity": line.quantity, "worth_minor": line.refund_minor,
         "restock": RESTOCK_WORDS[line.restock]}
        for line, name, imei in return_lines(g.ctx.session, [row.id])[row.id]
    ]  # fmt: skip
    return page(
        "counter/returned.html", row=row, lines=lines, paid=paid_back_with(g.ctx, row), number=sale.number,
        crumbs=[("Returns", url_for("counter.returns")), (row.number, None)],
    )  # fmt: skip
