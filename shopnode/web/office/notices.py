"""Notices: what one should know, the badge of every screen, and going to what a notice is about."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.notices.kinds import KINDS
from shopnode.domain.notices.queries import NoticeView, list_notices, mark_read, notice_view
from shopnode.domain.paging import PAGE_DEFAULT
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import shop_names
from shopnode.web.ui.frame import page, part, unread_notices
from shopnode.web.ui.request import aside

# What a notice is about → the pages that show it, the first that this home has and this person may open.
PAGES = {
    "expense": ("office.expense",), "expenses": ("office.expenses",), "sale": ("office.sale",),
    "sales": ("office.sales",), "product": ("office.product",), "low-stock": ("office.reorder", "office.products"),
    "repair": ("counter.repair", "portal.repair"), "closure": ("office.closure", "counter.closure"),
    "z-report": ("office.z_report", "counter.z_report"), "drawer": ("counter.drawer",),
}  # fmt: skip


@bp.get("/notices")
def notices() -> ResponseReturnValue:
    """The notices for whoever is signed in, the latest first."""
    unread = request.args.get("show") == "new"
    found = list_notices(g.ctx, unread=unread, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    filters: dict[str, Any] = {"show": "new"} if unread else {}
    next_url = url_for("office.notices", cursor=found.next_cursor, **filters) if found.next_cursor else None
    values = {"rows": found.rows, "next_url": next_url, "shops": shop_names(), "kinds": KINDS}
    if "cursor" in request.args:
        return part("office/_notice_rows.html", **values)
    return page("office/notices.html", only_new=unread, crumbs=[("Notices", None)], **values)


@bp.get("/notices/badge")
def notice_badge() -> str:
    """How many are new, for the poll of every screen."""
    return part("ui/_bell.html", unread=unread_notices() or 0)


@bp.post("/notices/read")
def read_all_notices() -> ResponseReturnValue:
    """All of them are read."""
    aside(mark_read)
    return redirect(url_for("office.notices"), 303)


@bp.get("/notices/<id:notice_id>")
def notice(notice_id: str) -> ResponseReturnValue:
    """It is read by being opened: go to what it is about."""
    found = notice_view(g.ctx, notice_id)
    aside(lambda ctx: mark_read(ctx, [notice_id]))
    return redirect(address_of(found) or url_for("office.notices"), 303)


def address_of(found: NoticeView) -> str | None:
    """Where what a notice is about is shown here, if anywhere."""
    about, _, row_id = (found.link or "").partition("/")
    for endpoint in PAGES.get(about, ()):
        if endpoint not in current_app.view_functions or current_app.extensions["access"].get(endpoint) not in g.may:
            continue
        names = next(current_app.url_map.iter_rules(endpoint)).arguments
        values: dict[str, Any] = dict.fromkeys(names, row_id)
        return url_for(endpoint, **values)
    return None
