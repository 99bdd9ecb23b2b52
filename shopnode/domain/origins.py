"""Origins that this installation has left: it was restored from a copy, so its journal goes on under another name.

Invariants:
  * A series that was left is never printed again; a past origin never grows.
  * While a past origin is unsettled, edits of its entries that wait for a verdict carry a mark below zero
    (`past_mark`), so they are never taken for entries of the current one.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shopnode.domain.clock import RandomBytes
from shopnode.domain.db import Id, LocalRow, UtcTime

SERIES_SIGNS = 5
PLACES = 1 << 40  # more entries than any origin will have
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class PastOrigin(LocalRow):
    """An origin that was left. `id` counts from 1 in the order in which they were.

    sent_n    the hub was known to have its entries up to here
    common_n  how far the hub's entries and ours are the same; NULL until somebody has compared them
    """

    __tablename__ = "past_origin"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin_id: Mapped[Id]
    series: Mapped[str] = mapped_column(String(32))
    head_n: Mapped[int] = mapped_column(BigInteger)
    head_hash: Mapped[str] = mapped_column(String(64))
    sent_n: Mapped[int] = mapped_column(BigInteger)
    common_n: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(20))  # restored, forked, enrolled
    left_at: Mapped[UtcTime]
    settled_at: Mapped[UtcTime | None]


def past_mark(past_id: int, n: int) -> int:
    """Entry `n` of a past origin as a mark of a pending field."""
    return -(past_id * PLACES + n)


def renewed_series(series: str, random: RandomBytes) -> str:
    """KLA1, or KLA1-K7Q2M, with five signs drawn anew: no receipt number of before is ever printed again."""
    signs = "".join(_CROCKFORD[byte & 31] for byte in random(SERIES_SIGNS))
    return f"{series.partition('-')[0]}-{signs}"


def unsettled(session: Session) -> list[PastOrigin]:
    """Past origins that are still to be compared or moved, the oldest first."""
    query = select(PastOrigin).where(PastOrigin.settled_at.is_(None)).order_by(PastOrigin.id)
    return list(session.scalars(query))


def origins_left(session: Session) -> set[str]:
    """Every origin that this installation has left."""
    return set(session.scalars(select(PastOrigin.origin_id)))
