"""One's own password and PIN."""

from __future__ import annotations

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.people.pins import set_pin as keep_pin
from shopnode.domain.people.queries import find_staff, staff_of_shop
from shopnode.domain.people.sessions import change_password
from shopnode.domain.phones import show_phone
from shopnode.web.counter.auth import bp
from shopnode.web.ui.forms import posted
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal


@bp.get("/profile")
def profile() -> str:
    """Who I am here, and how I sign in."""
    return _screen()


def _screen(errors: dict[str, str] | None = None) -> str:
    ctx = g.ctx
    person = find_staff(ctx.session, ctx.actor.id)
    colleagues = staff_of_shop(ctx.session, ctx.shop_id)
    has_pin = any(colleague.id == person.id and colleague.has_pin for colleague in colleagues)
    return page(
        "counter/profile.html", person=person, phone=show_phone(person.phone) if person.phone else "",
        has_pin=has_pin, errors=errors or {}, saved=request.args.get("saved", ""),
        crumbs=[("Profile", None)],
    )  # fmt: skip


@bp.post("/profile/password")
def set_password() -> ResponseReturnValue:
    """A new password; every screen of mine asks for it afterwards."""
    typed = posted()
    on_refusal(lambda error: _screen(_errors(error)))
    if typed.get("new_password", "") != typed.get("again", ""):
        raise Invalid({"again": "is not the same as the new password"})
    change_password(g.ctx, typed.get("current_password", ""), typed.get("new_password", ""))
    return redirect(url_for("auth.login"), 303)


@bp.post("/profile/pin")
def set_pin() -> ResponseReturnValue:
    """A new PIN for switching at this shop's counters."""
    typed = posted()
    on_refusal(lambda error: _screen(_errors(error, {"password": "pin_password"})))
    keep_pin(g.ctx, g.ctx.actor.id, typed.get("pin", ""), password=typed.get("pin_password", ""))
    return redirect(url_for("auth.profile", saved="pin"), 303)


def _errors(error: ShopError, names: dict[str, str] | None = None) -> dict[str, str]:
    return {(names or {}).get(name, name): text for name, text in field_errors(error).items()}
