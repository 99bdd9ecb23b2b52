"""The owner's four inboxes: what rules settled, what asks for a word, what does not go together, what troubles.

Nothing waits for any of them: the rules have decided, and the shops go on selling.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudhub.merge.models import FieldConflict, HubException
from cloudhub.merge.outcomes import count_outcomes
from cloudhub.merge.technical import count_troubles


class Inbox(StrEnum):
    REVIEW = "review"  # two values for a watched field
    EXCEPTIONS = "exceptions"
    TECHNICAL = "technical"
    AUTOMATIC = "automatic"


@dataclass(frozen=True)
class Counts:
    """How much is open in each; what was settled automatically is open to nobody."""

    review: int
    exceptions: int
    technical: int
    automatic: int

    @property
    def open(self) -> int:
        return self.review + self.exceptions + self.technical


def count_open(session: Session) -> Counts:
    """What the session can reach."""
    review = select(func.count()).select_from(FieldConflict).where(FieldConflict.resolved_at.is_(None))
    exceptions = select(func.count()).select_from(HubException).where(HubException.settled_at.is_(None))
    return Counts(
        session.scalars(review).one(), session.scalars(exceptions).one(), count_troubles(session),
        count_outcomes(session),
    )  # fmt: skip
