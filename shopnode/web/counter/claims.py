"""Claims under the warranty of something sold here: repaired, replaced for the days that are left, or refused."""

from __future__ import annotations

from typing import Any

from flask import Response, g, url_for
from sqlalchemy import select

from shopnode.domain.errors import Invalid, NotFound, ShopError
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.queries import tickets_of_claims
from shopnode.domain.returns.claims import cover_of
from shopnode.domain.returns.queries import claims_of_line
from shopnode.domain.sales.errors import NotYourSale
from shopnode.domain.sales.models import SaleLine, SaleSummary
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.returns import RESTOCKS, RESTOCKS_COUNTED
from shopnode.web.counter.screen import drawer_now, gone_to
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

OUTCOMES = [
    ("repair", "Repair: it stays the customer's"), ("replace", "Replace it by another"), ("refuse", "Refuse the claim"),
]  # fmt: skip
OUTCOME_WORDS = {"repair": "Accepted for repair", "replace": "Replaced", "refuse": "Refused"}
FIELDS = {"outcome", "imei", "new_imei", "restock", "reason"}


@bp.get("/returns/claim/<id:line_id>")
def warranty(line_id: str) -> str:
    """One sold line under its warranty, with every claim so far."""
    values = _values(line_id, {}, {})
    crumbs = [("Returns", url_for("counter.returns")), (f"Warranty, {values['sale'].number}", None)]
    return page("counter/claim.html", crumbs=crumbs, **values)


def _values(line_id: str, typed: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    line = find_row(g.ctx.session, SaleLine, line_id, "This line of a sale")
    summary = g.ctx.session.scalars(select(SaleSummary).where(SaleSummary.sale_id == line.sale_id)).one_or_none()
    if summary is None:
        raise NotFound("This sale")
    if summary.shop_id != g.ctx.shop_id:
        raise NotYourSale
    found = claims_of_line(g.ctx.session, line.id)
    mended_on = tickets_of_claims(g.ctx.session, [row.id for row in found])
    claims = [
        {"id": row.id, "outcome": OUTCOME_WORDS[row.outcome], "at": row.at, "reason": row.reason,
         "ticket": mended_on.get(row.id), "to_mend": row.outcome == "repair" and row.id not in mended_on}
        for row in found
    ]  # fmt: skip
    return {
        "line": line, "sale": summary, "until": cover_of(g.ctx, line, summary), "claims": claims, "typed": typed,
        "errors": errors, "outcomes": OUTCOMES, "restocks": RESTOCKS if line.unit_id else RESTOCKS_COUNTED,
        "session": drawer_now(),
    }  # fmt: skip


@bp.post("/returns/claim/<id:line_id>")
def claim_warranty(line_id: str) -> str | Response:
    """Repair, replace or refuse."""
    typed = posted()
    form: dict[str, Any] = {
        "sale_line_id": line_id,
        "outcome": typed.get("outcome", ""),
        "reason": typed.get("reason", ""),
    }
    form |= {name: typed[name].strip() for name in ("imei", "new_imei") if typed.get(name, "").strip()}
    if typed.get("restock"):
        form["restock"] = typed["restock"]
    wish = Wish("returns.claim_warranty", form)

    def refused(error: ShopError) -> str | Response:
        if is_about_approval(error, typed):
            return approval_slot(wish, error, typed)
        return part("counter/_claim_form.html", **_values(line_id, typed, _errors(error)))

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    done = act(wish.action, form, action_id=posted_action_id(typed), approval=approval_in(typed)).result
    if "sale_id" in done:
        return gone_to(url_for("office.sale", sale_id=done["sale_id"]))
    return gone_to(url_for("counter.warranty", line_id=line_id))


def _errors(error: ShopError) -> dict[str, str]:
    if isinstance(error, Invalid):
        return field_errors(error, FIELDS)
    return field_errors(error)
