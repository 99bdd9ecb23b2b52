"""What became of our entries at the hub, where it was not plainly accepted; and which of them nobody has decided yet.

Invariants:
  * An entry that the hub holds or has set aside was sent, and is in nobody's books but ours: screens tell it apart.
  * It is decided once its own line comes: the hub publishes an entry when it is taken, however late.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shopnode.sync.models import EntryVerdictRow

ASIDE, HELD = "quarantined", "held"
DECIDED = "merged"


@dataclass(frozen=True)
class Undecided:
    """How many of our entries reached the hub and are not in the books there."""

    aside: int = 0  # it could not enter them
    held: int = 0  # they wait for a row that somebody else has to send

    @property
    def words(self) -> str:
        """Both in a sentence each; nothing when everything was decided."""
        told = []
        if self.aside:
            told.append(f"{entries(self.aside)} reached the hub and could not be entered in the books there.")
        if self.held:
            wait = "waits" if self.held == 1 else "wait"
            told.append(f"{entries(self.held)} reached the hub and {wait} there for what another computer has to send.")
        return " ".join(told)


def entries(count: int) -> str:
    """As people count them."""
    return "1 entry" if count == 1 else f"{count} entries"


def undecided(session: Session) -> Undecided:
    """How much of what was sent is not in the owner's books."""
    query = select(EntryVerdictRow.verdict, func.count()).where(EntryVerdictRow.verdict.in_((ASIDE, HELD)))
    counts = {row[0]: int(row[1]) for row in session.execute(query.group_by(EntryVerdictRow.verdict))}
    return Undecided(counts.get(ASIDE, 0), counts.get(HELD, 0))


def note_taken(session: Session, numbers: Collection[int]) -> None:
    """Lines of these entries of ours came: what the hub held or had set aside is in the books."""
    if numbers:
        late = EntryVerdictRow.verdict.in_((ASIDE, HELD)), EntryVerdictRow.n.in_(numbers)
        session.execute(update(EntryVerdictRow).where(*late).values(verdict=DECIDED, reason=None))
