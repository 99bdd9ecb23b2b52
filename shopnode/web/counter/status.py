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
from shopnode.sync.verdicts import Undecided, entries
from shopnode.sync.worker import SyncStatus
from shopnode.web.counter.home import this_node
from shopnode.web.ui.frame import manner, part
from shopnode.web.ui.words import moment

bp = Blueprint("status", __name__)

GOES_ON = "Selling goes on."
KEPT = "Tell whoever looks after the hub: it is kept, and tried again when the hub is updated."


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
    head, text = _words(known, session)
    return {
        "enrolled": known.state != "not-enrolled",
        "kind": _kind(known),
        "aside": known.aside,
        "held": known.held,
        "told": _told(known),
        "waiting": known.waiting,
        "since": to_datetime(known.since_ms) if known.since_ms else None,
        "state": known.state,
        "head": head,
        "text": text,
    }


def _kind(known: SyncStatus) -> str:
    """What has to be said first: why nothing goes, then what waits here, then what the hub did not take."""
    if known.state in ("not-enrolled", "stopped"):
        return known.state
    if known.waiting:
        return "waiting"
    if known.aside:
        return "aside"
    return "held" if known.held else "sent"


def _told(known: SyncStatus) -> str | None:
    """What a person has to see to before anything is sent again; None while it goes by itself."""
    return _goes_on(known.message) if known.state == "stopped" else None


def _words(known: SyncStatus, session: Session) -> tuple[str, str]:
    """How sending stands, in a few words and in sentences."""
    waits = entries(known.waiting) + (" waits" if known.waiting == 1 else " wait")
    since = f" since {moment(known.since_ms, manner())}" if known.since_ms else ""
    apart = Undecided(known.aside, known.held).words
    match _kind(known):
        case "not-enrolled":
            return "No cloud", "This shop is not connected to a hub. It keeps its own books."
        case "stopped":
            return "Sending has stopped", " ".join(
                filter(None, (_goes_on(known.message), f"{waits}{since}." if known.waiting else "", apart))
            )
        case "waiting":
            return f"{waits}{since}", " ".join(filter(None, (_goes_on(known.message), apart)))
        case "aside":
            return f"{entries(known.aside)} not in the owner's books", f"{apart} {KEPT}"
        case "held":
            return f"{entries(known.held)} held at the hub", apart
    hub = session.scalars(select(HubLink)).one_or_none()
    sent_at = hub.last_ok_at if hub else None
    seen = f"The owner has seen everything up to {moment(sent_at, manner())}." if sent_at else ""
    return "All sent", " ".join(filter(None, (seen, _goes_on(known.message) if known.state == "offline" else "")))


def _goes_on(words: str) -> str:
    """The words, and that nobody has to stop working."""
    ended = words.rstrip("….") + "."
    return ended if "elling goes on" in words else f"{ended} {GOES_ON}"


def _printed(session: Session) -> dict[str, Any]:
    if not printers(session):
        return {"printer": "none", "printer_words": "", "jobs": 0}
    waits = (JobState.QUEUED.value, JobState.SENDING.value)
    query = select(PrintJob.state, func.count()).where(PrintJob.state.in_(waits), PrintJob.kind != JobKind.DRAWER.value)
    counts = {row[0]: int(row[1]) for row in session.execute(query.group_by(PrintJob.state))}
    trouble = printer_trouble_or_none(session)
    state = "failed" if trouble else "printing" if counts else "ready"
    return {"printer": state, "printer_words": trouble or "", "jobs": sum(counts.values())}
