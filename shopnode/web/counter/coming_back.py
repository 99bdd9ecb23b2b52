"""A remembered browser: its person comes back by their PIN. The cookie's token changes with each use."""

from __future__ import annotations

from flask import Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.errors import Invalid, ShopError, TooManyTries
from shopnode.domain.people.models import Shop
from shopnode.domain.people.remembering import KnownPerson, NotRemembered, come_back, forget
from shopnode.domain.queries import row_or_none
from shopnode.web.counter.auth import admit, bp
from shopnode.web.counter.home import this_node
from shopnode.web.counter.remembered import drop_cookie, keep_cookie, kept_token, known_person
from shopnode.web.ui.forms import posted
from shopnode.web.ui.frame import part
from shopnode.web.ui.refusals import on_refusal, own_path
from shopnode.web.ui.request import channel


@bp.route("/login/back", methods=["GET", "POST"])
def back() -> ResponseReturnValue:
    """Come back by one's PIN where one is remembered."""
    onward = own_path(request.args.get("next"))
    known = known_person()
    if request.method == "GET":
        return _screen(known, onward) if known else redirect(url_for("auth.login", next=onward), 303)
    typed = posted()
    on_refusal(lambda error: _refused(error, onward))
    if known and known.asks_code and not typed.get("code", "").strip():
        raise Invalid({"code": "is needed"})
    pin, code = typed.get("pin", ""), typed.get("code")
    signed_in, fresh = come_back(this_node().home, kept_token(), pin, channel(), code=code)
    return keep_cookie(admit(signed_in, onward), fresh)


@bp.post("/login/forget")
def forget_me() -> ResponseReturnValue:
    """Remember this browser no more, for whoever stands before it."""
    forget(this_node().home, kept_token())
    return drop_cookie(make_response(redirect(url_for("auth.login", next=own_path(request.args.get("next"))), 303)))


def _refused(error: ShopError, onward: str) -> str | Response:
    known = known_person()
    if known is None or isinstance(error, NotRemembered):
        return drop_cookie(make_response(redirect(url_for("auth.login", next=onward, forgotten=1), 303)))
    return _screen(known, onward, error)


def _screen(known: KnownPerson, onward: str, error: ShopError | None = None) -> str:
    with this_node().home.reading() as session:
        shop = row_or_none(session, Shop, this_node().home.shop_id or "")
        name = shop.name if shop else ""
    wait_s = error.wait_s if isinstance(error, TooManyTries) else 0
    return part(
        "counter/back.html", shop={"name": name}, known=known, wait_s=wait_s, next=onward,
        error="The code is needed, too." if isinstance(error, Invalid) else str(error) if error else None,
    )  # fmt: skip
