"""What is kept about one person of the staff: taken along as a file, and forgotten once they left (rule 91)."""

from __future__ import annotations

import re

import orjson
from flask import Response, g, redirect, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.people.own_data import data_of
from shopnode.domain.people.queries import find_staff
from shopnode.web.office.account import myself
from shopnode.web.office.blueprint import bp
from shopnode.web.office.staff import person_page
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.request import act


@bp.get("/account/data")
def own_data() -> Response:
    """All that this home keeps about me, as a file."""
    return _file(myself())


@bp.get("/staff/<id:staff_id>/data")
def data_of_person(staff_id: str) -> Response:
    """All that this home keeps about somebody who asks for it."""
    return _file(staff_id)


@bp.post("/staff/<id:staff_id>/erase")
def erase_person(staff_id: str) -> ResponseReturnValue:
    """Forget somebody who left, but for their name in the books."""
    typed = posted()
    on_refusal(lambda error: person_page(staff_id, error, {**typed, "open": "erase"}, ("reason",)))
    form = {"staff_id": staff_id, "reason": typed.get("reason", "")}
    act("staff.erase", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.person", staff_id=staff_id, saved="erased"), 303)


def _file(staff_id: str) -> Response:
    """That it was taken is written down before anything is told."""
    act("staff.export_data", {"staff_id": staff_id})
    told = orjson.dumps(data_of(g.ctx, staff_id), option=orjson.OPT_INDENT_2)
    name = re.sub(r"[^a-z0-9]+", "-", find_staff(g.ctx.session, staff_id).name.lower()).strip("-") or "person"
    response = Response(told, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
    response.headers["Cache-Control"] = "no-store"
    return response
