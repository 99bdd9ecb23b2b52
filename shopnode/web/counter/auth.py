"""Signing in with a password, switching person by PIN, locking, signing out."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from shopnode.domain.errors import Invalid, ShopError, TooManyTries
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import Colleague, staff_of_shop
from shopnode.domain.people.remembering import forget, remember, whose
from shopnode.domain.people.sessions import SignedIn, sign_in, sign_out, switch_by_pin
from shopnode.domain.people.sessions import lock as lock_session
from shopnode.domain.settings.queries import number_setting
from shopnode.web.counter.home import COOKIE, this_node
from shopnode.web.counter.remembered import drop_cookie, keep_cookie, kept_token, known_person, lasts_s
from shopnode.web.ui.forms import posted
from shopnode.web.ui.frame import part
from shopnode.web.ui.refusals import asks_code, code_errors, on_refusal, own_path
from shopnode.web.ui.request import channel

bp = Blueprint("auth", __name__, template_folder="templates")


@bp.get("/")
def start() -> ResponseReturnValue:
    """To the counter, by way of signing in."""
    return redirect(url_for("counter.sell"))


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Sign in with telephone number or e-mail address and password."""
    onward = own_path(request.args.get("next"))
    if request.method == "GET":
        return _door(onward)
    typed = posted()
    who, password = typed.get("who", ""), typed.get("password", "")
    shown = {"who": who, "remember": typed.get("remember", "")}
    on_refusal(lambda error: _login_screen(onward, code_errors(error), shown, asks_code=asks_code(error)))
    missing = {name: "is needed" for name, text in (("who", who.strip()), ("password", password)) if not text}
    if missing:
        raise Invalid(missing)
    home = this_node().home
    signed_in = sign_in(home, who, password, channel(), code=typed.get("code"))
    if typed.get("remember") != "true":
        return admit(signed_in, onward)
    kept = remember(home, signed_in.actor, channel(), instead_of=kept_token())
    return keep_cookie(admit(signed_in, onward), kept)


def _door(onward: str) -> ResponseReturnValue:
    """Who is remembered here comes back by their PIN, unless they ask for the password."""
    if "password" not in request.args and known_person() is not None:
        return redirect(url_for("auth.back", next=onward), 303)
    return _login_screen(onward, {}, {})


def _login_screen(onward: str, errors: dict[str, str], typed: dict[str, str], *, asks_code: bool = False) -> str:
    with this_node().home.reading() as session:
        people = any(person.has_pin for person in _people(session)) and _is_known_screen()
        return part(
            "counter/login.html", shop=_shop(session), people=people, next=onward, errors=errors, typed=typed,
            asks_code=asks_code, remember_days=number_setting(session, "remember_days"),
            forgotten="forgotten" in request.args and request.method == "GET",
        )  # fmt: skip


@bp.route("/pin", methods=["GET", "POST"])
def pin() -> ResponseReturnValue:
    """Say who is at the screen, by PIN. Only where somebody signed in with a password before."""
    onward = own_path(request.args.get("next"))
    if not _is_known_screen():
        return redirect(url_for("auth.login", next=onward), 303)
    if request.method == "GET":
        return _pin_screen(onward, _last_person())
    typed = posted()
    staff_id = typed.get("staff_id", "")
    on_refusal(lambda error: _pin_screen(onward, staff_id, error))
    token = request.cookies.get(COOKIE)
    signed_in = switch_by_pin(this_node().home, token, staff_id, typed.get("pin", ""), channel())
    return admit(signed_in, onward)


def _pin_screen(onward: str, chosen: str | None, error: ShopError | None = None) -> str:
    wait_s = error.wait_s if isinstance(error, TooManyTries) else 0
    with this_node().home.reading() as session:
        people = [person for person in _people(session) if person.has_pin]
        words = str(error) if error else None
        return part(
            "counter/pin.html", shop=_shop(session), people=people, chosen=chosen, error=words, wait_s=wait_s,
            next=onward,
        )  # fmt: skip


@bp.post("/lock")
def lock() -> ResponseReturnValue:
    """Lock the screen at once; a PIN opens it."""
    lock_session(this_node().home, request.cookies.get(COOKIE, ""))
    return redirect(url_for("auth.pin", next=own_path(request.args.get("next"))), 303)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session of this screen."""
    home, token, kept = this_node().home, request.cookies.get(COOKIE), kept_token()
    if token:
        sign_out(home, token)
    response = make_response(redirect(url_for("auth.login"), 303))
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
    if kept and whose(kept) == _last_person():
        # Who signs out wants to be asked again; a colleague who was handed the screen ends nothing of theirs.
        forget(home, kept)
        drop_cookie(response)
    return response


def admit(signed_in: SignedIn, onward: str) -> Response:
    """On to where they wanted, with the session's cookie."""
    response = make_response(redirect(onward, 303))
    lasts = lasts_s(signed_in.expires_at)
    response.set_cookie(COOKIE, signed_in.token, max_age=lasts, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def _is_known_screen() -> bool:
    return g.ctx is not None or g.get("locked_for") is not None


def _last_person() -> str | None:
    return g.ctx.actor.id if g.ctx is not None else g.get("locked_for")


def _people(session: Session) -> list[Colleague]:
    return staff_of_shop(session, this_node().home.shop_id or "")


def _shop(session: Session) -> Shop | dict[str, str]:
    from shopnode.domain.queries import row_or_none

    return row_or_none(session, Shop, this_node().home.shop_id or "") or {"name": current_app.name}
