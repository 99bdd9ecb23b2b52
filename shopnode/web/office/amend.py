"""Correcting a sale by an amendment: other quantities, prices, discounts or notes. What was sold stays readable."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.context import Approval
from shopnode.domain.errors import ApprovalNeeded, Invalid, ShopError
from shopnode.domain.people.queries import staff_of_shop
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.sales.queries import SaleDetail, sale_detail
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.office.blueprint import bp
from shopnode.web.office.sale import sale_view
from shopnode.web.ui.forms import asked_money, asked_number, posted, posted_action_id
from shopnode.web.ui.frame import part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

METHODS = [(tender.value, name) for tender, name in METHOD_NAMES.items()]


@bp.route("/sales/<id:sale_id>/amend", methods=["GET", "POST"])
def amend_sale(sale_id: str) -> ResponseReturnValue:
    """Correct a sale."""
    if request.method == "GET":
        return _sheet(sale_id, {}, {})
    typed = posted()
    on_refusal(lambda error: _refused(sale_id, error, typed))
    detail = sale_detail(g.ctx, sale_id)
    items, changed = _items(detail, typed)
    form: dict[str, Any] = {"sale_id": sale_id, "reason": typed.get("reason", "")}
    if changed:
        form["items"] = items
    notes = typed.get("notes", "").strip()
    if notes != (detail.notes or ""):
        form["notes"] = notes
    more = asked_money(typed, "more_minor", default=0) or 0
    if more:
        form["payments"] = _payments(detail, typed, more)
    if not changed and "notes" not in form and not more:
        raise Invalid({"": "Nothing was changed."})
    act("sales.amend", form, action_id=posted_action_id(typed), approval=_approval(typed))
    done = make_response("")
    done.headers["HX-Redirect"] = url_for("office.sale", sale_id=sale_id)
    return done


def _items(detail: SaleDetail, typed: dict[str, str]) -> tuple[list[dict[str, Any]], bool]:
    """Every line as it shall be, and whether anything differs."""
    items, changed = [], False
    for position, line in enumerate(detail.lines):
        place = f"items.{position}."
        quantity = asked_number(typed, place + "quantity", default=line.quantity)
        price = asked_money(typed, place + "unit_price_minor", default=line.unit_price_minor)
        discount = asked_money(typed, place + "discount_minor", default=0)
        changed |= (quantity, price, discount) != (line.quantity, line.unit_price_minor, line.discount_minor)
        items.append({**_thing(line), "quantity": quantity, "unit_price": price, "discount_amount": discount})
    return items, changed


def _thing(line: SaleLine) -> dict[str, Any]:
    if line.unit_id:
        return {"device_id": line.unit_id}
    if line.product_id:
        return {"product_id": line.product_id}
    return {"item_name": line.item_name, "category": line.category, "unit_cost": line.cost_minor}


def _payments(detail: SaleDetail, typed: dict[str, str], more_minor: int) -> list[dict[str, Any]]:
    """What was paid so far, by tender and reference, and what is paid now on top."""
    net: dict[tuple[str, str | None], int] = {}
    for row in detail.payments:
        net[row.method, row.reference] = net.get((row.method, row.reference), 0) + row.amount_minor
    method, reference = typed.get("more_method", "cash"), typed.get("more_reference", "").strip() or None
    key = (method, None if method == "cash" else reference)
    net[key] = net.get(key, 0) + more_minor
    return [
        {"method": method, "amount": amount, "reference": reference}
        for (method, reference), amount in net.items()
        if amount > 0
    ]


def _approval(typed: dict[str, str]) -> Approval | None:
    return Approval(typed.get("approver_id", ""), typed["approver_pin"]) if "approver_pin" in typed else None


def _sheet(sale_id: str, errors: dict[str, str], typed: dict[str, str]) -> str:
    view = sale_view(sale_detail(g.ctx, sale_id))
    return part("office/_amend.html", sale=view, methods=METHODS, errors=errors, typed=typed)


def _refused(sale_id: str, error: ShopError, typed: dict[str, str]) -> Response | str:
    needs_second = isinstance(error, ApprovalNeeded) or "approver_pin" in typed
    body = _approval_sheet(sale_id, error, typed) if needs_second else _sheet(sale_id, _errors(error), typed)
    response = make_response(body)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#sheet", "innerHTML"
    return response


def _errors(error: ShopError) -> dict[str, str]:
    """The action's names as the sheet has them."""
    names = {"unit_price": "unit_price_minor", "discount_amount": "discount_minor", "payments": "more_minor"}
    found = {}
    for place, text in field_errors(error).items():
        head, _, last = place.rpartition(".")
        found[f"{head}.{names.get(last, last)}" if head else names.get(last, last)] = text
    placed = {
        name: text for name, text in found.items() if name in {"reason", "notes", "more_minor", ""} or "." in name
    }
    return placed if len(placed) == len(found) else {"": " ".join(found.values())}


def _approval_sheet(sale_id: str, error: ShopError, typed: dict[str, str]) -> str:
    ctx = g.ctx
    approvers = [
        person
        for person in staff_of_shop(ctx.session, ctx.shop_id)
        if person.has_pin and person.id != ctx.actor.id and person.may_approve
    ]
    asked = {"approver_id", "approver_pin", "approval_reason", "approval_why"}
    approval = {
        "why": "\n".join(error.reasons) if isinstance(error, ApprovalNeeded) else typed.get("approval_why", ""),
        "url": url_for("office.amend_sale", sale_id=sale_id), "target": "#sheet", "approvers": approvers,
        "fields": {name: text for name, text in typed.items() if name not in asked},
    }  # fmt: skip
    errors = {} if isinstance(error, ApprovalNeeded) and "approver_pin" not in typed else {"": str(error)}
    return part("counter/_approval.html", approval=approval, errors=errors, typed=typed)
