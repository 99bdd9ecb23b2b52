"""Two records of one person: found, looked at side by side, and read as one; and forgetting a person for good."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.accounts.queries import balances
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.owned import lifetime_value, owned_devices
from shopnode.domain.customers.queries import find_customer, look_alikes, search_customers
from shopnode.domain.errors import Invalid
from shopnode.web.office.blueprint import bp
from shopnode.web.office.customers import customer_crumbs, kept_customer, shown_phone
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

HITS = 10


@bp.route("/customers/<id:customer_id>/merge", methods=["GET", "POST"])
def merge_customer(customer_id: str) -> ResponseReturnValue:
    """Find the other record, look at both, say which one is kept."""
    row = kept_customer(customer_id)
    if request.method == "GET" and is_htmx():
        return part("office/_merge_hits.html", who=row, hits=_hits(row), q=request.args.get("q", ""))
    if request.method == "GET":
        return _merge_page(row, request.args.get("other"))
    typed = posted()
    other_id = typed.get("other_id", "")
    on_refusal(lambda error: _merge_page(
        find_customer(g.ctx.session, row.id), other_id, field_errors(error, {"reason", "keep"}), typed
    ))  # fmt: skip
    keep = typed.get("keep", "")
    if keep not in (row.id, other_id):
        raise Invalid({"keep": "is needed: say which of the two is kept"})
    form = {"duplicate_id": other_id if keep == row.id else row.id, "into_id": keep,
            "reason": typed.get("reason") or None}  # fmt: skip
    act("customers.merge", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.customer", customer_id=keep, saved=1), 303)


def _hits(row: Customer) -> list[dict[str, Any]]:
    words = request.args.get("q", "").strip()[:200]
    found = search_customers(g.ctx.session, words, limit=HITS).rows if words else []
    return [_hit(other) for other in found if other.id != row.id]


def _hit(other: Customer) -> dict[str, Any]:
    return {"id": other.id, "name": other.name, "phone": shown_phone(other)}


def _merge_page(
    row: Customer, other_id: str | None, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None
) -> str:
    other = kept_customer(other_id) if other_id else None
    both = [_side(one) for one in (row, other)] if other is not None and other.id != row.id else []
    return page(
        "office/customer_merge.html", who=row, phone=shown_phone(row), both=both, errors=errors or {},
        typed=typed or {}, alike=[_hit(one) for one in look_alikes(g.ctx.session, row)], hits=[], q="",
        total={name: sum(side[name] for side in both) for name in SUMS}, crumbs=customer_crumbs(row, ("Merge", None)),
    )  # fmt: skip


SUMS = ("owes_minor", "store_credit_minor", "points", "sales", "lifetime_minor", "devices")


def _side(row: Customer) -> dict[str, Any]:
    """One of the two, as far as it helps to tell them apart."""
    session = g.ctx.session
    has, worth = balances(session, row.id), lifetime_value(session, row.id)
    return {
        "id": row.id, "name": row.name, "phone": shown_phone(row), "email": row.email, "address": row.address,
        "since": row.created_at, "last_on": worth.last_on, "owes_minor": has.owes_minor,
        "store_credit_minor": has.store_credit_minor, "points": has.points, "sales": worth.sales,
        "lifetime_minor": worth.lifetime_minor, "devices": len(owned_devices(session, row.id)),
    }  # fmt: skip


@bp.route("/customers/<id:customer_id>/erase", methods=["GET", "POST"])
def erase_customer(customer_id: str) -> ResponseReturnValue:
    """Forget a person at their own wish, once it was read what that means."""
    row = kept_customer(customer_id)
    if request.method == "GET":
        return _erase_page(row)
    typed = posted()
    on_refusal(lambda error: _erase_page(kept_customer(customer_id), field_errors(error, {"reason", "sure"}), typed))
    if typed.get("sure") != "true":
        raise Invalid({"sure": "must be ticked: it cannot be taken back"})
    form = {"customer_id": row.id, "reason": typed.get("reason", "")}
    act("customers.erase", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.customer", customer_id=row.id), 303)


def _erase_page(row: Customer, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    return page(
        "office/customer_erase.html", who=row, phone=shown_phone(row), has=balances(g.ctx.session, row.id),
        errors=errors or {}, typed=typed or {}, crumbs=customer_crumbs(row, ("Erase", None)),
    )  # fmt: skip
