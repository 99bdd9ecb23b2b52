"""The three marks of the header: saved in the shop, sent to the cloud, printed. Each says only what it knows."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.clock import to_datetime
from shopnode.domain.printing.models import JobKind, JobState, PrintJob
from shopnode.domain.printing.queries import printer_trouble_or_none, printers
from shopnode.sync.models import HubLink
from shopnode.web.counter.home import this_node
from shopnode.web.ui.frame import part

bp = Blueprint("status", __name__)

WORDS = {"offline": "No internet.", "stopped": "Sending has stopped.", "sending": "They are on their way."}


@bp.get("/status/link")
def link() -> str:
    """The marks, for the poll of every screen. Short, with a length: the connection stays open."""
    return part("ui/_link.html", link=link_view(g.ctx.session))


@bp.get("/health")
def health() -> Response:
    """That this process answers, for whatever started it."""
    return jsonify({"ok": True})


def link_view(session: Session) -> dict[str, Any]:
    """What the marks show."""
    return {**_saved(), **_sent(session), **_printed(session)}


def _saved() -> dict[str, Any]:
    troubles = this_node().troubles()
    return {"saved": not troubles, "saved_words": " ".join(troubles)}


def _sent(session: Session) -> dict[str, Any]:
    known = this_node().sync.status()
    hub = session.scalars(select(HubLink)).one_or_none()
    return {
        "enrolled": known.state != "not-enrolled",
        "waiting": known.waiting,
        "since": to_datetime(known.since_ms) if known.since_ms else None,
        "trouble": known.message or WORDS.get(known.state),
        "state": known.state,
        "sent_at": hub.last_ok_at if hub else None,
    }


def _printed(session: Session) -> dict[str, Any]:
    if not printers(session):
        return {"printer": "none", "printer_words": "", "jobs": 0}
    waits = (JobState.QUEUED.value, JobState.SENDING.value)
    query = select(PrintJob.state, func.count()).where(PrintJob.state.in_(waits), PrintJob.kind != JobKind.DRAWER.value)
    counts = {row[0]: int(row[1]) for row in session.execute(query.group_by(PrintJob.state))}
    trouble = printer_trouble_or_none(session)
    state = "failed" if trouble else "printing" if counts else "ready"
    return {"printer": state, "printer_words": trouble or "", "jobs": sum(counts.values())}
