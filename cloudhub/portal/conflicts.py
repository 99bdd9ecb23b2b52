"""Two values for one thing, set without knowing of each other: which one is in use, and one tap for the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from flask import g, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from cloudhub.merge import conflicts as conflict_list
from cloudhub.merge.conflicts import open_exceptions
from cloudhub.merge.models import FieldConflict, Origin
from cloudhub.portal.blueprint import bp, this_hub
from shopnode.domain.db import synced_models
from shopnode.domain.errors import NotFound
from shopnode.domain.people.queries import all_shops, names_of
from shopnode.web.office.history import LABELS
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.request import act, read_again

OPEN_SHOWN, SETTLED_SHOWN = 200, 10
PORTAL = "the portal"
PLACES = {"product": "office.product"}


@bp.get("/conflicts")
def conflicts() -> str:
    """What waits for a word, and what was settled last."""
    session = g.ctx.session
    waits = select(FieldConflict).where(FieldConflict.resolved_at.is_(None)).order_by(FieldConflict.changed_at.desc())
    done = select(FieldConflict).where(FieldConflict.resolved_at.is_not(None))
    done = done.order_by(FieldConflict.resolved_at.desc()).limit(SETTLED_SHOWN)
    return page(
        "portal/conflicts.html", conflicts=_views(session.scalars(waits.limit(OPEN_SHOWN)).all()),
        done=_views(session.scalars(done).all()), exceptions=open_exceptions(session), crumbs=[("Conflicts", None)],
    )  # fmt: skip


@bp.post("/conflicts/<id:conflict_id>")
def resolve_conflict(conflict_id: str) -> ResponseReturnValue:
    """Keep the value in use, or use the other."""
    typed = posted()
    form = {"conflict_id": conflict_id, "use_other": typed.get("use") == "other"}
    act("conflicts.resolve", form, action_id=posted_action_id(typed))
    row = g.ctx.session.scalars(select(FieldConflict).where(FieldConflict.id == conflict_id)).one_or_none()
    if row is None:
        raise NotFound("This conflict")
    (view,) = _views([row], swapped=form["use_other"] is True)
    return part("portal/_conflict.html", conflict=view)


@bp.post("/exceptions/<id:exception_id>")
def settle_exception(exception_id: str) -> str:
    """Somebody has looked at it. No row of any shop changes, so nothing is journalled."""
    g.opened.close()  # no request holds two connections
    with this_hub().database.session(g.ctx.home.tenant_id) as session:
        conflict_list.settle_exception(session, exception_id, g.ctx.actor.id, g.ctx.home.clock.wall_ms())
    read_again()
    return ""


def _views(rows: Sequence[FieldConflict], *, swapped: bool = False) -> list[dict[str, Any]]:
    session = g.ctx.session
    people = names_of(session, {who for row in rows for who in (row.standing_by, row.other_by, row.resolved_by) if who})
    shops = {shop.id: shop.name for shop in all_shops(session)}
    origins = {row.id: shops.get(row.shop_id or "", PORTAL) for row in session.scalars(select(Origin))}
    return [_view(row, people, origins, swapped) for row in rows]


def _view(row: FieldConflict, people: dict[str, str], origins: dict[str, str], swapped: bool) -> dict[str, Any]:
    def side(value: str | None, who: str | None, at: Any, origin: str | None) -> dict[str, Any]:
        said = None if value is None else orjson.loads(value)
        return {"value": "nothing" if said is None else said, "by": people.get(who or "", "somebody"), "at": at,
                "place": origins.get(origin or "", PORTAL)}  # fmt: skip

    kept = side(row.standing_value, row.standing_by, row.standing_at, row.standing_origin)
    other = side(row.other_value, row.other_by, row.other_at, row.other_origin)
    if swapped:  # the row still tells them as they stood; what is in use now is the other
        kept, other = other, kept
    endpoint = PLACES.get(row.entity)
    place: dict[str, Any] = {f"{row.entity}_id": row.row_id}
    return {
        "id": row.id, "what": _record(row), "field": LABELS.get(row.field, row.field.replace("_", " ").capitalize()),
        "url": url_for(endpoint, **place) if endpoint else None,
        "is_money": row.field.endswith("_minor") and all(isinstance(one["value"], int) for one in (kept, other)),
        "kept": kept, "other": other, "settled_at": row.resolved_at,
        "settled_by": people.get(row.resolved_by or "", "somebody"),
    }  # fmt: skip


def _record(row: FieldConflict) -> str:
    """What people call the record."""
    model: Any = synced_models()[row.entity]
    found = g.ctx.session.scalars(select(model).where(model.id == row.row_id)).one_or_none()
    return str(getattr(found, "name", None) or getattr(found, "key", None) or row.row_id)
