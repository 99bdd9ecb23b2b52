"""One decision: this record is the same as that one, which is kept."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.clock import act_id
from shopnode.domain.db import Id, Kind, Stream, Sync, SyncedRow, UtcTime, look_up, one_of


class Merged(StrEnum):
    """What can be merged; the word is the table's name."""

    CUSTOMER = "customer"
    PRODUCT = "product"


class Alias(SyncedRow):
    """A duplicate and the record it is read as from now on.

    What holds is a fold over these in feed order (rules.py); its outcome stands in `merged_into` of the duplicate,
    derived at every home. The id follows from the duplicate (`merge_id`): it is merged once, whoever does it.
    """

    __tablename__ = "alias"
    __table_args__ = (
        one_of("entity", Merged),
        CheckConstraint("duplicate_id <> into_id", name="of_another"),
        look_up("alias", "entity"),
    )
    __sync__ = Sync(Kind.DECISION, Stream.TENANT, derived=frozenset({"feed_no"}), since=2)

    entity: Mapped[str] = mapped_column(String(20))
    duplicate_id: Mapped[Id]
    into_id: Mapped[Id]
    reason: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
    nth: Mapped[int]  # how many of its entity its writer knew, itself included: orders them before the feed does
    feed_no: Mapped[int | None] = mapped_column(BigInteger)


def merge_id(entity: Merged, duplicate_id: str) -> str:
    return act_id("merge", entity.value, duplicate_id)
