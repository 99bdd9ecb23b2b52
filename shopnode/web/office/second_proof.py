"""Setting up one's second proof: a picture for the authenticator, the first code, and recovery codes shown once.

What is shown once stands in the answer of the form that made it, and in no address: going back shows it no more.
"""

from __future__ import annotations

from flask import Response, g, make_response, redirect, url_for
from flask.typing import ResponseReturnValue

from shopnode.documents.raster import qr_matrix
from shopnode.domain.people.second_proof import (
    Offered,
    confirm_second_proof,
    drop_second_proof,
    has_second_proof,
    offer_second_proof,
    recovery_codes_left,
)
from shopnode.web.office.account import myself
from shopnode.web.office.blueprint import bp
from shopnode.web.office.own_sessions import accounts
from shopnode.web.ui.forms import posted
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import aside

QUIET = 4  # squares of white around a code


@bp.get("/account/second-proof")
def second_proof() -> str:
    """Whether I have one, and what to do about it."""
    return _screen()


@bp.post("/account/second-proof")
def offer_own_second_proof() -> Response:
    """A new secret for an authenticator; it counts once a code of it was given."""
    on_refusal(lambda error: _screen(field_errors(error)))
    return _once(_screen(offered=aside(offer_second_proof)))


@bp.post("/account/second-proof/confirm")
def confirm_own_second_proof() -> Response:
    """The first code: from now on signing in needs one. Shows the recovery codes, this once."""
    code = posted().get("code", "")
    on_refusal(lambda error: _screen(field_errors(error, {"code"}), confirming=True))
    with accounts().one_try(g.ctx, "second-proof"):
        codes = aside(lambda ctx: confirm_second_proof(ctx, code))
    return _once(_screen(codes=codes))


@bp.post("/account/second-proof/drop")
def drop_own_second_proof() -> ResponseReturnValue:
    """Ask me for it no more."""
    code = posted().get("code", "")
    on_refusal(lambda error: _screen(field_errors(error, {"code"})))
    with accounts().one_try(g.ctx, "second-proof"):
        aside(lambda ctx: drop_second_proof(ctx, code))
    return redirect(url_for("office.account", saved="proof"), 303)


def _once(body: str) -> Response:
    response = make_response(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def _screen(
    errors: dict[str, str] | None = None,
    *,
    offered: Offered | None = None,
    confirming: bool = False,
    codes: list[str] | None = None,
) -> str:
    session, mine = g.ctx.session, myself()
    return page(
        "office/second_proof.html", is_on=has_second_proof(session, mine), left=recovery_codes_left(session, mine),
        offered=offered, picture=_picture(offered.uri) if offered else None, confirming=confirming or bool(offered),
        codes=codes, errors=errors or {},
        crumbs=[("Your account", url_for("office.account")), ("Second proof", None)],
    )  # fmt: skip


def _picture(payload: str) -> tuple[int, str]:
    """The code as one path of squares, and how many squares a side it has with its quiet zone."""
    rows = qr_matrix(payload)
    squares = [f"M{x + QUIET} {y + QUIET}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark]
    return len(rows) + 2 * QUIET, "".join(squares)
