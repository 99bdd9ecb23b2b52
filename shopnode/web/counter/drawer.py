"""The drawer: open it with its float, count it and close it. What should be in it is shown only after the count."""

from __future__ import annotations

from typing import Any

from flask import Response, g, redirect, url_for
from sqlalchemy import func, select

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.people.queries import names_of
from shopnode.domain.sales.models import Sale
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.screen import drawer_now, last_float_minor
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

NAMES = {"opening_float": "opening_float_minor", "counted": "counted_minor"}


@bp.get("/drawer")
def drawer() -> str:
    """What is open, or how it was closed last."""
    return _screen()


def _screen(errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    now, closed = drawer_now(), _last_closed()
    people = names_of(g.ctx.session, {row for row in (now and now.opened_by, closed and closed.closed_by) if row})
    return page(
        "counter/drawer.html", session=_open_view(now, people), closed=_closed_view(closed, people),
        last_float_minor=last_float_minor(), errors=errors or {}, typed=typed or {},
        crumbs=[("Drawer", None)],
    )  # fmt: skip


def _open_view(now: DrawerSession | None, people: dict[str, str]) -> dict[str, Any] | None:
    if now is None:
        return None
    sales = g.ctx.session.scalar(select(func.count()).where(Sale.drawer_session_id == now.id))
    return {
        "opened_at": now.opened_at, "opened_by": people.get(now.opened_by or "", ""), "sales_count": sales,
        "opening_float_minor": now.opening_float_minor, "business_on": now.business_on,
    }  # fmt: skip


def _closed_view(closed: DrawerSession | None, people: dict[str, str]) -> dict[str, Any] | None:
    if closed is None:
        return None
    return {
        "closed_at": closed.closed_at, "closed_by": people.get(closed.closed_by or "", ""),
        "expected_minor": closed.expected_minor or 0, "counted_minor": closed.counted_minor or 0,
    }  # fmt: skip


def _last_closed() -> DrawerSession | None:
    query = select(DrawerSession).where(DrawerSession.closed_at.is_not(None))
    query = query.where(DrawerSession.shop_id == g.ctx.shop_id).order_by(DrawerSession.closed_at.desc()).limit(1)
    return g.ctx.session.scalars(query).first()


@bp.post("/drawer/open")
def open_drawer_session() -> Response:
    """Open the drawer and start selling."""
    typed = posted()
    on_refusal(lambda error: _screen(_errors(error), typed))
    opening = asked_money(typed, "opening_float_minor")
    if opening is None:
        raise Invalid({"opening_float_minor": "is needed; write 0 for an empty drawer"})
    act("cash.open_drawer", {"opening_float": opening}, action_id=posted_action_id(typed))
    return redirect(url_for("counter.sell"), 303)  # type: ignore[return-value]


@bp.post("/drawer/close")
def close_drawer_session() -> Response:
    """Close the drawer by a count. Any count is taken; the difference is written down."""
    typed = posted()
    on_refusal(lambda error: _screen(_errors(error), typed))
    counted = asked_money(typed, "counted_minor")
    if counted is None:
        raise Invalid({"counted_minor": "is needed; write 0 for an empty drawer"})
    act("cash.close_drawer", {"counted": counted}, action_id=posted_action_id(typed))
    return redirect(url_for("counter.drawer"), 303)  # type: ignore[return-value]


def _errors(error: ShopError) -> dict[str, str]:
    return {NAMES.get(name, name): text for name, text in field_errors(error).items()}
