"""What troubles the machinery and no figure shows: entries that wait or were set aside, computers in doubt.

Nothing here is decided by a person but which of two computers lives; the rest goes away by itself, or is news.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from cloudhub.merge.models import Origin, WaitingEntry
from cloudhub.merge.sentences import Speaker
from cloudhub.tenancy.models import Node
from shopnode.domain.journal import JournalEntry

NEWS_FOR = timedelta(days=30)  # how long a restored computer is told of
LIST_MAX = 200


@dataclass(frozen=True)
class Trouble:
    """One thing that troubles, in a sentence. Its kind, row and shop are what `Speaker` needs for it."""

    kind: str
    row_id: str
    shop_id: str | None
    at: datetime
    key: str | None = None
    other_id: str | None = None
    reason: str | None = None  # for whoever mends it
    sentence: str = field(default="")
    is_open: bool = True  # not only news


def troubles(session: Session, now: datetime) -> list[Trouble]:
    """Everything that troubles, newest first; what needs a person before what is only news."""
    found = [*_clones(session), *_waiting(session), *_restored(session, now)]
    speaker = Speaker(session, found)
    said = [replace(trouble, sentence=speaker.sentence(trouble)) for trouble in found]
    return sorted(said, key=lambda trouble: (not trouble.is_open, -trouble.at.timestamp()))


def count_troubles(session: Session) -> int:
    """How many are open; news is not counted."""
    waiting = select(func.count()).select_from(WaitingEntry)
    clones = select(func.count()).select_from(Node).where(Node.clone_suspected_at.is_not(None))
    return session.scalars(waiting).one() + session.scalars(clones).one()


def _waiting(session: Session) -> list[Trouble]:
    query = (
        select(WaitingEntry, JournalEntry.entry_id, JournalEntry.action, Origin.shop_id)
        .join(JournalEntry, (JournalEntry.origin_id == WaitingEntry.origin_id) & (JournalEntry.n == WaitingEntry.n))
        .join(Origin, Origin.id == WaitingEntry.origin_id)
        .order_by(WaitingEntry.since_at.desc(), WaitingEntry.n.desc())
    )
    return [
        Trouble(row.verdict, entry_id, shop_id, row.since_at, action, row.missing_id, row.reason)
        for row, entry_id, action, shop_id in session.execute(query.limit(LIST_MAX))
    ]


def _clones(session: Session) -> list[Trouble]:
    query = select(Node).where(Node.clone_suspected_at.is_not(None)).order_by(Node.clone_suspected_at.desc())
    return [
        Trouble("clone_suspected", node.id, node.shop_id, node.clone_suspected_at, node.series)
        for node in session.scalars(query)
        if node.clone_suspected_at is not None
    ]


def _restored(session: Session, now: datetime) -> list[Trouble]:
    """Computers whose books were put back to an earlier state: they went on under another origin."""
    earlier = aliased(Origin)
    before = select(earlier.id).where(earlier.node_id == Origin.node_id, earlier.opened_at < Origin.opened_at)
    query = (
        select(Origin, Node.series)
        .join(Node, Node.id == Origin.node_id)
        .where(before.exists(), Origin.opened_at > now - NEWS_FOR)
        .order_by(Origin.opened_at.desc())
    )
    return [
        Trouble("node_restored", origin.id, origin.shop_id, origin.opened_at, series, is_open=False)
        for origin, series in session.execute(query.limit(LIST_MAX))
    ]
