"""The drawer: open it with its float, count it blind, close it. What should be in it is shown only after the count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, g, redirect, url_for
from sqlalchemy import func, select

from shopnode.domain.cash.counting import difference_of, expected_now, live_counts, within_limit
from shopnode.domain.cash.differences import waits, z_of_session
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import forgotten_sessions
from shopnode.domain.cash.rules import COUNTS_MAX, NOTES
from shopnode.domain.closures.queries import latest_of_day
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.people.queries import currency_of, names_of
from shopnode.domain.sales.models import Sale
from shopnode.domain.settings.queries import number_setting
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.screen import drawer_now, last_float_minor
from shopnode.web.ui.forms import asked_money, asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

NAMES = {"opening_float": "opening_float_minor", "counted": "counted_minor"}
WALLETS = (
    ("mtn_momo", "MTN MoMo taken"), ("airtel_money", "Airtel Money taken"), ("card", "Card slips"),
    ("bank", "Came by bank"), ("airtime_float", "Airtime float"), ("agent_float", "Agent float"),
)  # fmt: skip


@bp.get("/drawer")
def drawer() -> str:
    """What is open, or how it was closed last."""
    return drawer_page()


def drawer_page(errors: dict[str, str] | None = None, typed: Mapping[str, str] | None = None) -> str:
    """The drawer, after a refusal with what was typed: the page, or what htmx replaces of it."""
    now, closed = drawer_now(), _last_closed()
    ids = {now and (now.cashier_id or now.opened_by), closed and closed.closed_by}
    people = names_of(g.ctx.session, {row for row in ids if row})
    values = {
        "session": _open_view(now, people), "closed": _closed_view(closed, people), "day": _day_view(now, closed),
        "last_float_minor": last_float_minor(), "notes": _notes(), "wallets": WALLETS,
        "takes_dollars": _has_dollars(now), "errors": errors or {}, "typed": typed or {},
    }  # fmt: skip
    if is_htmx():
        return part("counter/_drawer_body.html", **values)
    return page("counter/drawer.html", crumbs=[("Drawer", None)], **values)


def _has_dollars(now: DrawerSession | None) -> bool:
    """Whether dollars are counted: they are taken now, or some lie there since they were."""
    if number_setting(g.ctx.session, "usd_rate_minor") > 0:
        return True
    return now is not None and "USD" in expected_now(g.ctx.session, now).foreign


def _open_view(now: DrawerSession | None, people: dict[str, str]) -> dict[str, Any] | None:
    if now is None:
        return None
    sales = g.ctx.session.scalar(select(func.count()).where(Sale.drawer_session_id == now.id))
    forgotten = {row.id for row in forgotten_sessions(g.ctx.session, now.shop_id, g.ctx.now)}
    return {
        "id": now.id, "till": now.till, "opened_at": now.opened_at, "sales_count": sales,
        "cashier": people.get(now.cashier_id or now.opened_by or "", ""), "is_forgotten": now.id in forgotten,
        "is_mine": g.ctx.actor.id in (now.cashier_id or now.opened_by, None),
        "opening_float_minor": now.opening_float_minor, "business_on": now.business_on, "count": _kept_count(now),
    }  # fmt: skip


def _kept_count(now: DrawerSession) -> dict[str, Any] | None:
    """The last count that still holds: whether it agrees, and nothing else of it."""
    holding = live_counts(g.ctx.session, now, expected_now(g.ctx.session, now))
    if not holding:
        return None
    agrees = within_limit(g.ctx.session, difference_of(g.ctx.session, holding[-1]))
    return {"nth": len(holding), "agrees": agrees, "may_again": len(holding) < COUNTS_MAX}


def _closed_view(closed: DrawerSession | None, people: dict[str, str]) -> dict[str, Any] | None:
    if closed is None:
        return None
    z_report = z_of_session(g.ctx.session, closed.id)
    body = orjson.loads(z_report.body) if z_report else None
    return {
        "id": closed.id, "closed_at": closed.closed_at, "closed_by": people.get(closed.closed_by or "", ""),
        "expected_minor": closed.expected_minor or 0, "counted_minor": closed.counted_minor or 0,
        "z_number": z_report.number if z_report else None, "z_id": z_report.id if z_report else None,
        "others": _others(body) if body else [],
        "waits": body is not None and waits(closed, body), "explanation": closed.explanation,
    }  # fmt: skip


def _others(body: dict[str, Any]) -> list[tuple[str, int]]:
    """Wallets that are off, with the sign of it."""
    names = dict(WALLETS)
    return [(names[name], off) for name, off in body["difference"]["others"].items() if off]


def _day_view(now: DrawerSession | None, closed: DrawerSession | None) -> dict[str, Any] | None:
    """The day of the last drawer: whether it was submitted, and whether something came since."""
    if now is not None or closed is None or z_of_session(g.ctx.session, closed.id) is None:
        return None
    known = latest_of_day(g.ctx.session, closed.shop_id, closed.business_on)
    may_submit = known is None or bool(known.late_z_numbers) or known.status == "Rejected"
    return {
        "on": closed.business_on, "status": known.status.value if known else None, "may_submit": may_submit,
        "closure_id": known.row.id if known else None,
    }  # fmt: skip


def _last_closed() -> DrawerSession | None:
    query = select(DrawerSession).where(DrawerSession.closed_at.is_not(None))
    query = query.where(DrawerSession.shop_id == g.ctx.shop_id).order_by(DrawerSession.closed_at.desc()).limit(1)
    return g.ctx.session.scalars(query).first()


def _notes() -> tuple[int, ...]:
    return NOTES.get(currency_of(g.ctx.session), ())


@bp.post("/drawer/open")
def open_drawer_session() -> Response:
    """Open the drawer and start selling."""
    typed = posted()
    on_refusal(lambda error: drawer_page(_errors(error), typed))
    opening = asked_money(typed, "opening_float_minor")
    if opening is None:
        raise Invalid({"opening_float_minor": "is needed; write 0 for an empty drawer"})
    act("cash.open_drawer", {"opening_float": opening}, action_id=posted_action_id(typed))
    return redirect(url_for("counter.sell"), 303)  # type: ignore[return-value]


@bp.post("/drawer/count")
def keep_drawer_count() -> Response:
    """Keep a count, which says only whether it agrees. It may be made once more."""
    typed = posted()
    on_refusal(lambda error: drawer_page(_errors(error), typed))
    act("cash.count_drawer", _asked_count(typed), action_id=posted_action_id(typed))
    return redirect(url_for("counter.drawer"), 303)  # type: ignore[return-value]


@bp.post("/drawer/close")
def close_drawer_session() -> Response:
    """Close the drawer by a count, or by the one that was kept. Any count is taken; the difference is written down."""
    typed = posted()
    on_refusal(lambda error: drawer_page(_errors(error), typed))
    form = {"drawer_session_id": typed.get("drawer_session_id") or None} if typed.get("kept") else _asked_count(typed)
    act("cash.close_drawer", form, action_id=posted_action_id(typed))
    return redirect(url_for("counter.drawer"), 303)  # type: ignore[return-value]


def _asked_count(typed: Mapping[str, str]) -> dict[str, Any]:
    """What was counted, as it was typed: one sum, or notes and coins; wallets and dollars where they were filled in."""
    form: dict[str, Any] = {"drawer_session_id": typed.get("drawer_session_id") or None}
    counted = asked_money(typed, "counted_minor")
    pieces = {value: asked_number(typed, f"n_{value}") for value in _notes()}
    if counted is not None:
        form["counted"] = counted
    if any(count is not None for count in pieces.values()):
        form["denominations"] = [{"value": value, "pieces": count or 0} for value, count in pieces.items()]
    elif counted is None:
        raise Invalid({"counted_minor": "is needed; write 0 for an empty drawer"})
    wallets = {name: asked_money(typed, f"w_{name}") for name, _ in WALLETS}
    form["wallets"] = [{"tender": name, "amount": amount} for name, amount in wallets.items() if amount is not None]
    dollars = asked_number(typed, "usd")
    form["foreign"] = [{"currency": "USD", "amount": dollars * 100}] if dollars is not None else []
    return form


def _errors(error: ShopError) -> dict[str, str]:
    """Beside the field they are about; what is about a row of a list stands on top."""
    told = {NAMES.get(name, name): text for name, text in field_errors(error).items()}
    listed = next((text for name, text in told.items() if "." in name), None)
    return {**told, "": listed} if listed and "" not in told else told
