"""Signing in to the portal and out of it."""

from __future__ import annotations

from flask import g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from cloudhub.portal.blueprint import COOKIE, bp, this_hub
from cloudhub.tenancy.logins import sign_in, sign_out
from cloudhub.tenancy.resets import ask_for_reset, use_reset
from shopnode.domain.errors import Invalid
from shopnode.web.ui.forms import posted
from shopnode.web.ui.frame import part
from shopnode.web.ui.refusals import asks_code, code_errors, field_errors, on_refusal, own_path
from shopnode.web.ui.request import channel


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Sign in with e-mail address and password."""
    onward = own_path(request.args.get("next"))
    if request.method == "GET":
        return part("portal/login.html", next=onward)
    typed = posted()
    who, password = typed.get("who", ""), typed.get("password", "")
    on_refusal(
        lambda error: part(
            "portal/login.html", next=onward, errors=code_errors(error), typed={"who": who}, asks_code=asks_code(error)
        )
    )
    missing = {name: "is needed" for name, text in (("who", who.strip()), ("password", password)) if not text}
    if missing:
        raise Invalid(missing)
    hub, came_from = this_hub(), channel()
    secret = sign_in(hub, who, password, ip=came_from.ip, user_agent=came_from.user_agent, code=typed.get("code"))
    response = make_response(redirect(onward, 303))
    response.set_cookie(
        COOKIE, secret, httponly=True, samesite="Lax", secure=hub.settings.cookie_secure or request.is_secure
    )
    return response


@bp.route("/forgot", methods=["GET", "POST"])
def forgot() -> ResponseReturnValue:
    """Have a link for a new password mailed; the page says the same whoever asks."""
    if request.method == "GET":
        return part("portal/forgot.html", token=None)
    typed = posted()
    on_refusal(lambda error: part("portal/forgot.html", token=None, errors=field_errors(error), typed=typed))
    if not typed.get("who", "").strip():
        raise Invalid({"who": "is needed"})
    ask_for_reset(this_hub(), typed["who"], ip=channel().ip)
    return part("portal/forgot.html", token=None, is_sent=True)


@bp.route("/reset/<token>", methods=["GET", "POST"])
def reset(token: str) -> ResponseReturnValue:
    """Choose a new password by the link from the mail."""
    if request.method == "GET":
        return part("portal/forgot.html", token=token)
    typed = posted()
    on_refusal(lambda error: part("portal/forgot.html", token=token, errors=_of_link(field_errors(error))))
    use_reset(this_hub(), token, typed.get("new_password", ""), ip=channel().ip)
    return redirect(url_for("portal.login"), 303)


def _of_link(errors: dict[str, str]) -> dict[str, str]:
    """What is wrong with the link is wrong with no field of the form."""
    return {"": "This link is no longer good. Ask for a new one."} if "token" in errors else errors


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """End this session."""
    if g.ctx is not None:
        sign_out(this_hub(), g.portal_user)
    response = make_response(redirect(url_for("portal.login"), 303))
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
    return response
