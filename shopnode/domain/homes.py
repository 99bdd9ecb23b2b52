"""Where actions run: a shop's node or the cloud hub. The door sees only this.

A home opens sessions, makes ids, numbers entries and keeps the journal; the node's home is in `node.py`, the
hub's in `cloudhub/merge`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from shopnode.domain.clock import Clock, RandomBytes
from shopnode.domain.journal import EntryDraft

T = TypeVar("T")


class Where(StrEnum):
    """Where an action may run."""

    SHOP = "SHOP"  # only the node whose books they are
    ANYWHERE = "ANYWHERE"


@dataclass(frozen=True)
class Appended:
    """An entry's place in the journal of its origin."""

    n: int
    hash: str


@dataclass(frozen=True)
class ChainHead:
    """How far an origin's chain must be whole here."""

    origin_id: str
    series: str  # what its receipts start with; empty for the owner's portal
    shop_id: str | None
    n: int
    hash: str | None  # of entry n, where it was written down
    is_current: bool  # it still grows


class Home(Protocol):
    is_shop: bool
    shop_id: str | None  # the shop of a node; None at the hub
    origin_id: str  # whose journal its entries go to
    series: str  # what receipt numbers of this installation start with; empty at the hub
    clock: Clock
    random: RandomBytes  # for keys and nonces; ids come from `new_id`

    def reading(self) -> AbstractContextManager[Session]: ...

    def writing(self) -> AbstractContextManager[Session]: ...

    def again(self, work: Callable[[], T]) -> T:
        """Do a whole transaction; where it lost a race with another, do it once more. A node has one writer."""
        ...

    def new_id(self) -> str: ...

    def take_turn(self, session: Session) -> None:
        """Called when an action has written its rows, before derived rows are computed from them.

        Where several write at once (the hub), the others wait from here until commit, so that what is derived has
        seen everything. A node has one writer and nothing to do.
        """
        ...

    def check_ready(self, session: Session) -> None:
        """Raises a ShopError while no action may run here: the books are not complete yet."""
        ...

    def append(self, session: Session, draft: EntryDraft, fingerprint: str, result: str) -> Appended:
        """Write the entry of what this session captured, and check it against the guard."""
        ...

    def heads(self, session: Session) -> list[ChainHead]:
        """The chains that must be whole here, those that were left included."""
        ...

    def fingerprint(self, content: bytes) -> str:
        """A keyed hash of what was asked, hex; so a stored request can be compared and not guessed."""
        ...

    def next_number(self, session: Session, series: str) -> int:
        """The next number of a series, gapless, taken in this transaction."""
        ...

    def committed(self) -> None:
        """Called after a commit: wake whoever prints and sends."""
        ...
