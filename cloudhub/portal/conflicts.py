"""The owner's four inboxes, and the one tap that settles what is in them."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from cloudhub.merge.inboxes import Inbox, count_open
from cloudhub.merge.models import FieldConflict
from cloudhub.merge.outcomes import latest_outcomes
from cloudhub.portal.blueprint import bp
from cloudhub.portal.inbox_rows import Narrowed, Rows, conflict_rows, exception_rows, outcome_rows, trouble_rows
from shopnode.domain.errors import NotFound
from shopnode.domain.people.queries import all_shops
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.request import act, is_htmx

OPEN_SHOWN, SETTLED_SHOWN = 200, 10
Q_MAX = 100
TABS = {
    Inbox.REVIEW: "To review",
    Inbox.EXCEPTIONS: "Exceptions",
    Inbox.TECHNICAL: "Technical",
    Inbox.AUTOMATIC: "Settled by rule",
}


@bp.get("/conflicts")
def conflicts() -> str:
    """One of the inboxes: the one asked for, else the first that has something in it."""
    counts = count_open(g.ctx.session)
    asked = request.args.get("inbox", "")
    inbox = Inbox(asked) if asked in set(Inbox) else _first_open(vars(counts))
    wanted = Narrowed(request.args.get("shop", "")[:36], request.args.get("q", "")[:Q_MAX])
    values: dict[str, Any] = {"inbox": inbox.value, "wanted": wanted, **_content(inbox, wanted)}
    if is_htmx():
        return part("portal/_inbox.html", **values)
    tabs = [(box.value, words, getattr(counts, box.value)) for box, words in TABS.items()]
    shops = [("", "all shops"), *((shop.id, shop.name) for shop in all_shops(g.ctx.session))]
    return page("portal/conflicts.html", tabs=tabs, shops=shops, crumbs=[("Inbox", None)], **values)


@bp.post("/conflicts/<id:conflict_id>")
def resolve_conflict(conflict_id: str) -> ResponseReturnValue:
    """Keep the value in use, or use the other."""
    typed = posted()
    form = {"conflict_id": conflict_id, "use_other": typed.get("use") == "other"}
    act("conflicts.resolve", form, action_id=posted_action_id(typed))
    row = g.ctx.session.scalars(select(FieldConflict).where(FieldConflict.id == conflict_id)).one_or_none()
    if row is None:
        raise NotFound("This conflict")
    return part("portal/_conflict.html", conflict=Rows([row]).conflict(row, swapped=form["use_other"] is True))


@bp.post("/exceptions/<id:exception_id>")
def settle_exception(exception_id: str) -> str:
    """Somebody has looked at it, and says what they did."""
    typed = posted()
    form = {"exception_id": exception_id, "word": typed.get("word")}
    act("exceptions.settle", form, action_id=posted_action_id(typed))
    return ""


def _first_open(counts: dict[str, int]) -> Inbox:
    return next((box for box in TABS if box is not Inbox.AUTOMATIC and counts[box.value]), Inbox.REVIEW)


def _content(inbox: Inbox, wanted: Narrowed) -> dict[str, Any]:
    session = g.ctx.session
    if inbox is Inbox.EXCEPTIONS:
        return {"rows": exception_rows(wanted)}
    if inbox is Inbox.TECHNICAL:
        return {"rows": trouble_rows(wanted)}
    if inbox is Inbox.AUTOMATIC:
        return {"rows": outcome_rows(latest_outcomes(session), wanted)}
    waits = select(FieldConflict).where(FieldConflict.resolved_at.is_(None)).order_by(FieldConflict.changed_at.desc())
    done = select(FieldConflict).where(FieldConflict.resolved_at.is_not(None))
    done = done.order_by(FieldConflict.resolved_at.desc()).limit(SETTLED_SHOWN)
    return {
        "rows": conflict_rows(session.scalars(waits.limit(OPEN_SHOWN)).all(), wanted),
        "done": conflict_rows(session.scalars(done).all(), wanted),
    }
