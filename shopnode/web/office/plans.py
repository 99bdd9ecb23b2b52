"""Plans as the office looks at them: all of them in every state, what is late, and what is owed for goods kept.

Paying, handing over and ending a plan is done at the counter, where the money and the goods are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import NotFound
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import show_phone
from shopnode.domain.plans.models import PlanStatus
from shopnode.domain.plans.queries import PlanRow, deposits_owed, list_plans, plan_view
from shopnode.web.office.blueprint import bp
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.request import is_htmx

STATES = [("open", "open"), ("passed", "whose day has gone by"), ("completed", "handed over"),
          ("cancelled", "called off"), ("forfeited", "given up"), ("all", "in any state")]  # fmt: skip
KINDS = {"layaway": "Layaway", "instalment": "Instalments", "reservation": "Reservation"}
TITLES = ["plan", "kind", "state", "customer", "total", "paid", "open", "kept_until", "opened"]


@bp.get("/plans")
def all_plans() -> ResponseReturnValue:
    """Plans, the newest first."""
    state = request.args.get("state", "open")
    state = state if state in dict(STATES) else "open"
    wanted = asked_file()
    if wanted is not None:
        return table_answer("plans", wanted, TITLES, _file_rows(state))
    found = _plans(state, PAGE_DEFAULT, request.args.get("cursor"))
    next_url = url_for("office.all_plans", state=state, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {
        "rows": found.rows, "next_url": next_url, "kinds": KINDS, "state": state, "filters": {"state": state}
    }  # fmt: skip
    if "cursor" in request.args:
        return part("office/_plan_rows.html", **values)
    if is_htmx():
        return part("office/_plans.html", **values)
    owed = deposits_owed(g.ctx.session, g.ctx.shop_id) if g.ctx.may(Permission.REPORTS_EXPORT) else None
    return page("office/plans.html", states=STATES, owed=owed, crumbs=[("Plans", None)], **values)


def _plans(state: str, limit: int, cursor: str | None) -> Any:
    status = PlanStatus(state) if state in {status.value for status in PlanStatus} else None
    return list_plans(g.ctx, status=status, passed=state == "passed", limit=limit, cursor=cursor)


def _file_rows(state: str) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = _plans(state, PAGE_MAX, cursor)
        for row in found.rows:
            yield _file_row(row)
        cursor = found.next_cursor
        if cursor is None:
            return


def _file_row(row: PlanRow) -> list[Any]:
    amounts = (row.total_minor, row.paid_minor, row.open_minor)
    return [row.number, KINDS[row.kind.value], row.status.value, row.customer, *map(plain_amount, amounts),
            row.keep_until, row.opened_at]  # fmt: skip


@bp.get("/plans/<id:plan_id>")
def plan(plan_id: str) -> str:
    """One plan: its goods, its days, what was paid and what is late."""
    view = plan_view(g.ctx, plan_id)
    if g.ctx.shop_id not in (None, view.row.shop_id):
        raise NotFound("This plan")
    who = find_customer(g.ctx.session, view.row.customer_id)
    return page(
        "office/plan_detail.html", plan=view, row=view.row, kind=KINDS[view.row.kind.value],
        phone=show_phone(who.phone) if who.phone else None, today=today_of(g.ctx), is_shop=g.ctx.home.is_shop,
        crumbs=[("Plans", url_for("office.all_plans")), (view.row.number, None)],
    )  # fmt: skip
