"""Where somebody is signed in at this node, and ending it from elsewhere.

A session is named by the first half of the hash it is kept under: enough to point at it, useless for getting in.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import NotFound
from shopnode.domain.node import NodeHome
from shopnode.domain.people.models import WebSession

SESSIONS_MAX = 100
GONE = "This session, still open,"


@dataclass(frozen=True)
class OpenSession:
    """A browser or a program that is signed in."""

    id: str
    kind: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None


def public_id(id_hash: str) -> str:
    """What a session is called where it is listed."""
    return str(uuid.UUID(id_hash[:32]))


def open_sessions(home: NodeHome, staff_id: str) -> list[OpenSession]:
    """A person's sessions at this node, the last used first."""
    with home.reading() as session:
        rows = session.scalars(_open(home, staff_id).order_by(WebSession.seen_at.desc()).limit(SESSIONS_MAX))
        return [
            OpenSession(
                public_id(row.id_hash), row.kind, row.created_at, row.seen_at, row.expires_at, row.ip, row.user_agent
            )
            for row in rows
        ]


def end_session(home: NodeHome, staff_id: str, session_id: str) -> None:
    """End one of a person's sessions. Raises NotFound."""
    with home.writing() as session:
        rows = session.scalars(_open(home, staff_id).limit(SESSIONS_MAX))
        row = next((row for row in rows if public_id(row.id_hash) == session_id), None)
        if row is None:
            raise NotFound(GONE)
        row.ended_at = to_datetime(home.clock.wall_ms())


def _open(home: NodeHome, staff_id: str) -> Select[WebSession]:
    now = to_datetime(home.clock.wall_ms())
    return select(WebSession).where(
        WebSession.staff_id == staff_id, WebSession.ended_at.is_(None), WebSession.expires_at > now
    )
