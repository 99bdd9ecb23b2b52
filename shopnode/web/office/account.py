"""One's own account: how one signs in, where one is signed in, and ending that from here."""

from __future__ import annotations

from flask import current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.errors import Invalid
from shopnode.domain.people.browsers import browser_name
from shopnode.domain.people.queries import find_staff
from shopnode.domain.people.remembering import end_remembered, remembered_browsers
from shopnode.domain.people.second_proof import has_second_proof, recovery_codes_left
from shopnode.domain.phones import show_phone
from shopnode.domain.settings.queries import number_setting
from shopnode.web.office.blueprint import bp
from shopnode.web.office.own_sessions import accounts, this_session
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, aside

KINDS = {"browser": "Browser", "api": "Program"}
PASSWORD_FIELDS = ("current_password", "new_password", "again")


def myself() -> str:
    """Who is signed in, by id."""
    return str(g.ctx.actor.id)


@bp.get("/account")
def account() -> str:
    """My own account."""
    return _screen()


@bp.post("/account/password")
def change_own_password() -> ResponseReturnValue:
    """A new password for the one that is right now; all my sessions end."""
    typed = posted()
    on_refusal(lambda error: _screen(field_errors(error, PASSWORD_FIELDS)))
    if typed.get("new_password", "") != typed.get("again", ""):
        raise Invalid({"again": "is not the same as the new password"})
    mine, form = myself(), {name: typed.get(name, "") for name in ("current_password", "new_password")}
    with accounts().one_try(g.ctx, "password"):
        act("staff.set_password", {"staff_id": mine, **form}, action_id=posted_action_id(typed))
    accounts().end_all(g.ctx, mine)
    return redirect("/", 303)


@bp.post("/account/sessions/end")
def end_own_session() -> ResponseReturnValue:
    """End one of my sessions, or all but this one."""
    chosen, here, mine = posted().get("session_id", ""), this_session(), myself()
    on_refusal(lambda error: _screen(field_errors(error)))
    listed = [one.id for one in accounts().sessions_of(g.ctx, mine)]
    for session_id in [chosen] if chosen else [one for one in listed if one not in here]:
        accounts().end_one(g.ctx, mine, session_id)
    return redirect(url_for("office.account", saved="session"), 303)


@bp.post("/account/browsers/end")
def forget_own_browser() -> ResponseReturnValue:
    """Remember one of my browsers no more."""
    chosen, mine = posted().get("browser_id", ""), myself()
    on_refusal(lambda error: _screen(field_errors(error)))
    aside(lambda ctx: end_remembered(ctx.home, mine, chosen))
    return redirect(url_for("office.account", saved="browser"), 303)


def _screen(errors: dict[str, str] | None = None) -> str:
    ctx, mine = g.ctx, myself()
    person = find_staff(ctx.session, mine)
    here = this_session()
    sessions = [
        {"one": one, "name": browser_name(one.user_agent) if one.kind == "browser" else KINDS.get(one.kind, one.kind),
         "is_here": one.id in here}
        for one in accounts().sessions_of(ctx, mine)
    ]  # fmt: skip
    is_on = has_second_proof(ctx.session, mine)
    return page(
        "office/account.html", person=person, phone=show_phone(person.phone) if person.phone else "",
        sessions=sessions, browsers=remembered_browsers(ctx.session, mine, ctx.now),
        remember_days=number_setting(ctx.session, "remember_days") if ctx.home.is_shop else 0,
        has_proof=is_on, codes_left=recovery_codes_left(ctx.session, mine) if is_on else 0,
        has_profile="auth.profile" in current_app.view_functions, errors=errors or {},
        saved=request.args.get("saved", "") if request.method == "GET" else "", crumbs=[("Your account", None)],
    )  # fmt: skip
