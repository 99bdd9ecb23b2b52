"""What should be ordered now, by the supplier it is usually bought from, and orders made of it in one step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.errors import Invalid
from shopnode.domain.paging import ID
from shopnode.domain.stock.reorder import SPEED_DAYS, Suggestion, suggestions
from shopnode.web.office.blueprint import bp
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

LINES_SHOWN = 100  # whoever is further down the list is opened by a click
NOBODY = "none"  # stands for the products whose supplier is not known


@bp.route("/reorder", methods=["GET", "POST"])
def reorder() -> ResponseReturnValue:
    """What to order; posted, drafts are made for the ticked suppliers."""
    if request.method == "GET":
        file = asked_file()
        if file is not None:
            titles = ["Supplier", "Product", "Here", "Coming", f"Sold in {SPEED_DAYS} days", "Warn below",
                      "Delivers in days", "Order", "Cost of one"]  # fmt: skip
            return table_answer("to order", file, titles, _file_rows())
        return _page({})
    typed = posted()
    on_refusal(lambda error: _page(field_errors(error)))
    chosen = [text for text in request.form.getlist("supplier_id") if ID.fullmatch(text)]
    if not chosen:
        raise Invalid({"": "Tick whom you want to order from."})
    done = act("orders.order_suggested", {"supplier_ids": chosen}, action_id=posted_action_id(typed))
    made = done.result["order_ids"]
    if len(made) == 1:
        return redirect(url_for("office.order", order_id=made[0]), 303)
    return redirect(url_for("office.orders", state="draft"), 303)


def _page(errors: dict[str, str]) -> str:
    """All suppliers; the products of the first of them, or of the one that is asked for."""
    groups: dict[str, dict[str, Any]] = {}
    for line in suggestions(g.ctx):
        group = groups.setdefault(
            line.supplier_id or "", {"id": line.supplier_id, "name": line.supplier_name, "lines": []}
        )
        group["lines"].append(line)
    ordered = sorted(groups.values(), key=lambda group: (group["id"] is None, group["name"] or ""))
    whose, left = request.args.get("supplier"), LINES_SHOWN
    for group in ordered:
        group["total_minor"] = _total(group["lines"])
        group["open"] = whose == (group["id"] or NOBODY) if whose else left > 0
        left -= len(group["lines"])
    return page(
        "office/reorder.html", groups=ordered, errors=errors, speed_days=SPEED_DAYS, filters={},
        may_order=g.ctx.home.is_shop, nobody=NOBODY, crumbs=[("To order", None)],
    )  # fmt: skip


def _total(lines: list[Suggestion]) -> int | None:
    """What it costs together, None for those who may not see it."""
    costs = [line.quantity * line.unit_cost_minor for line in lines if line.unit_cost_minor is not None]
    return sum(costs) if len(costs) == len(lines) else None


def _file_rows() -> Iterator[list[Any]]:
    for line in suggestions(g.ctx):
        cost = None if line.unit_cost_minor is None else plain_amount(line.unit_cost_minor)
        yield [line.supplier_name, line.product_name, line.on_hand, line.coming, line.sold, line.min_level,
               line.lead_days, line.quantity, cost]  # fmt: skip
