"""Keys for programs: made with what they may, shown once, revoked."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.people.keys import NO_SCOPES, KeyView, all_keys, make_key
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.own_sessions import accounts
from shopnode.web.ui.forms import asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, aside

FIELDS = ("name", "scopes", "days")
ENDS = [("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("", "Until it is revoked")]


@bp.get("/account/keys")
def api_keys() -> str:
    """The keys of programs at this home, open ones first."""
    return _screen()


@bp.post("/account/keys")
def make_api_key() -> Response:
    """Make a key; it is in this answer and nowhere else."""
    typed, chosen = posted(), request.form.getlist("scopes")
    on_refusal(lambda error: _screen(field_errors(error, FIELDS), typed, chosen))
    name, days, action_id = typed.get("name", ""), asked_number(typed, "days"), posted_action_id(typed)
    made = aside(lambda ctx: make_key(ctx, name, chosen, days, action_id))
    key = made.secret and accounts().key_text(g.ctx, made.secret)
    response = make_response(_screen(made=made, key=key))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/account/keys/<id:key_id>/revoke")
def revoke_api_key(key_id: str) -> ResponseReturnValue:
    """The next call with it is refused."""
    typed = posted()
    on_refusal(lambda error: _screen(field_errors(error)))
    act("keys.revoke", {"key_id": key_id}, action_id=posted_action_id(typed))
    return redirect(url_for("office.api_keys", saved="revoked"), 303)


def _screen(
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    chosen: list[str] | None = None,
    *,
    made: KeyView | None = None,
    key: str | None = None,
) -> str:
    keys = all_keys(g.ctx.session)
    return page(
        "office/api_keys.html", keys=[(one, _state(one)) for one in keys], ends=ENDS,
        names=names_of(g.ctx.session, {one.staff_id for one in keys}), areas=_areas(chosen or []), made=made, key=key,
        errors=errors or {}, typed=typed or {}, saved=request.args.get("saved", "") if request.method == "GET" else "",
        crumbs=[("Your account", url_for("office.account")), ("Keys for programs", None)],
    )  # fmt: skip


def _state(key: KeyView) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "over" if key.expires_at is not None and key.expires_at <= g.ctx.now else "open"


def _areas(chosen: list[str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """What a key may be given, by area."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for key in sorted(key.value for key in Permission if key not in NO_SCOPES):
        area, _, verb = key.partition(":")
        row = {"key": key, "label": verb.replace("-", " ").replace("_", " ").capitalize(), "on": key in chosen}
        areas.setdefault(area.replace("-", " ").capitalize(), []).append(row)
    return list(areas.items())
