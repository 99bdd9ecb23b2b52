"""What is counted and reported of drawer sessions and days.

Invariants:
  * A count, a Z report and a day's closure never change. What was wrong or came late is another one (rules 79, 80, 84).
  * Every session that was closed has one Z report; money belongs to the session it names, so it is in one Z.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, Kind, LocalDate, MinorUnits, Stream, Sync, SyncedRow, UtcTime, look_up, one_of, refs


class CountKind(StrEnum):
    OPENING = "opening"
    HANDOVER = "handover"
    CLOSING = "closing"


class ClosureStatus(StrEnum):
    SUBMITTED = "Submitted"
    REVIEWED = "Reviewed"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    LOCKED = "Locked"


class ClosureDecisionKind(StrEnum):
    REVIEW = "review"
    APPROVE = "approve"
    REJECT = "reject"
    LOCK = "lock"


class DrawerCount(SyncedRow):
    """What somebody counted, before they were shown what was expected (rule 79)."""

    __tablename__ = "drawer_count"
    __table_args__ = (
        *refs("drawer_session_id:drawer_session"),
        one_of("kind", CountKind),
        look_up("drawer_count", "drawer_session_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    drawer_session_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    nth: Mapped[int]  # 2 for the one recount
    notes_counted: Mapped[str] = mapped_column(Text)  # JSON: value of a note or coin in minor units → how many
    cash_minor: Mapped[MinorUnits]
    foreign_counted: Mapped[str] = mapped_column(Text)  # JSON: currency → its minor units
    others_counted: Mapped[str] = mapped_column(Text)  # JSON: tender or float → minor units, by its phone or slips
    expected: Mapped[str] = mapped_column(Text)  # JSON: the same, as the events said at that moment
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class ZReport(SyncedRow):
    """The report that ended a drawer session, numbered in its installation's series (rule 80)."""

    __tablename__ = "z_report"
    __table_args__ = (
        *refs("drawer_session_id:drawer_session"),
        look_up("z_report", "drawer_session_id"),
        look_up("z_report", "business_on"),
        look_up("z_report", "at", "id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    drawer_session_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-Z000041
    business_on: Mapped[LocalDate]
    till: Mapped[str | None] = mapped_column(String(20))
    body: Mapped[str] = mapped_column(Text)  # JSON: see reports.py
    expected_minor: Mapped[MinorUnits]  # cash
    counted_minor: Mapped[MinorUnits]  # cash
    difference_minor: Mapped[MinorUnits]  # over all that was counted
    since_inception_minor: Mapped[MinorUnits]  # all money taken in this series of Z reports, this one with it
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class DayClosure(SyncedRow):
    """A day of a shop as its Z reports add up, submitted by somebody. A correction is another one (`corrects_id`)."""

    __tablename__ = "day_closure"
    __table_args__ = (look_up("day_closure", "business_on"), look_up("day_closure", "at", "id"))
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    business_on: Mapped[LocalDate]
    nth: Mapped[int]  # of this day
    corrects_id: Mapped[Id | None]
    cash_minor: Mapped[MinorUnits]
    mtn_minor: Mapped[MinorUnits]
    airtel_minor: Mapped[MinorUnits]
    card_minor: Mapped[MinorUnits]
    bank_minor: Mapped[MinorUnits]
    other_minor: Mapped[MinorUnits]
    collected_minor: Mapped[MinorUnits]
    expected_minor: Mapped[MinorUnits]
    variance_minor: Mapped[MinorUnits]
    body: Mapped[str] = mapped_column(Text)  # JSON: the Z reports and the floats it is made of
    notes: Mapped[str | None] = mapped_column(Text)
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class ClosureDecision(SyncedRow):
    """Review, approve, reject or lock. What holds is a fold over these in feed order."""

    __tablename__ = "closure_decision"
    __table_args__ = (
        *refs("closure_id:day_closure"),
        one_of("kind", ClosureDecisionKind),
        look_up("closure_decision", "closure_id"),
    )
    __sync__ = Sync(Kind.DECISION, Stream.SHOP, derived=frozenset({"feed_no"}), since=3)

    closure_id: Mapped[Id]
    shop_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
    nth: Mapped[int]  # how many its writer knew of this closure, itself included: orders them before the feed does
    feed_no: Mapped[int | None] = mapped_column(BigInteger)


class BankConfirmation(SyncedRow):
    """The bank says that a deposit arrived (rule 82). The id follows from the deposit."""

    __tablename__ = "bank_confirmation"
    __table_args__ = (*refs("money_move_id:money_move"), look_up("bank_confirmation", "money_move_id"))
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    money_move_id: Mapped[Id]
    amount_minor: Mapped[MinorUnits]
    reference: Mapped[str | None] = mapped_column(String(60))
    confirmed_on: Mapped[LocalDate]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
