"""What a node does by itself when its history and the hub's do not fit, and before and after every exchange.

Invariants:
  * A remedy changes only what this node remembers of the exchange; entries that were written stay as they are.
  * Each is safe to be cut off anywhere and begun again.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import update

from shopnode.sync.blobs import exchange_photos
from shopnode.sync.bootstrap import complete_books, start_over
from shopnode.sync.digest import compare_daily
from shopnode.sync.line import Refused, SignedLine
from shopnode.sync.models import HubLink
from sync_protocol.problems import Action

Remedy = Callable[[SignedLine, Refused], None]
Step = Callable[[SignedLine], bool | None]  # True: it has more to do soon


def resend(line: SignedLine, refused: Refused) -> None:
    """The hub misses entries: offer them again from the one it expects."""
    expected = refused.facts.get("expected")
    if not isinstance(expected, int):
        raise refused
    with line.home.writing() as session:
        session.execute(update(HubLink).where(HubLink.accepted_n >= expected).values(accepted_n=expected - 1))


REMEDIES: dict[Action, Remedy] = {Action.RESEND: resend, Action.BOOTSTRAP: start_over}
BEFORE: list[Step] = [complete_books]  # at the start of every exchange; cheap when there is nothing to do
AFTER: list[Step] = [compare_daily, exchange_photos]  # when all that waited is through
