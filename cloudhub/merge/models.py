"""What merging needs to remember: chain heads, the feed, versions of fields, and what waits for somebody.

The raw inbox is `journal_entry`, which the hub shares with the nodes.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from cloudhub.base import HubBase, TenantRow
from shopnode.domain.db import Id, UtcTime

WHOLE_ROW = ""  # the field name that stands for all fields not written since the row's insert


class Origin(TenantRow):
    """The head of one origin's chain, as far as the hub has it."""

    __tablename__ = "origin"
    app = "SELECT, INSERT, UPDATE"

    id: Mapped[Id] = mapped_column(primary_key=True)
    node_id: Mapped[Id | None]  # None for the owner's portal
    shop_id: Mapped[Id | None]
    public_key: Mapped[str | None] = mapped_column(String(43))
    head_n: Mapped[int]
    head_hash: Mapped[str] = mapped_column(String(64))
    head_sig: Mapped[str | None] = mapped_column(String(86))  # the origin's own signature of its head
    durable_n: Mapped[int]  # covered by a verified backup elsewhere
    opened_at: Mapped[UtcTime]


class HubLife(HubBase):
    """One life of the hub, from one restore of its database to the next. The first has no row."""

    __tablename__ = "hub_life"
    gate = "SELECT"

    epoch: Mapped[str] = mapped_column(String(36), primary_key=True)
    began_at: Mapped[UtcTime]
    reason: Mapped[str] = mapped_column(String(40))


class TenantFeed(TenantRow):
    """The last feed number of a tenant. Its row is taken last: whoever holds it numbers and commits.

    epoch    of the hub when these numbers were given; None in its first life
    base_no  where the numbers of this life began: what has a greater one and is not here was lost
    """

    __tablename__ = "tenant_feed"
    app = "SELECT, INSERT, UPDATE"
    gate = "SELECT (tenant_id, seq)"  # whether a feed has moved, for those who wait at the bell

    seq: Mapped[int]
    moved_at: Mapped[UtcTime | None]
    epoch: Mapped[str | None] = mapped_column(String(36))
    base_no: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    # Who has not read up to here takes a snapshot.
    floor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class FeedStream(TenantRow):
    """The last line of one stream: "t", or "s:" and a shop's id."""

    __tablename__ = "feed_stream"
    app = "SELECT, INSERT, UPDATE"

    stream: Mapped[str] = mapped_column(String(38), primary_key=True)
    no: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class FeedLine(TenantRow):
    """The outcome of one entry in one stream, as the bytes that are sent."""

    __tablename__ = "feed_line"
    __table_args__ = (Index("ix_feed_line_stream_no", "tenant_id", "stream", "no"),)
    app = "SELECT, INSERT, UPDATE (personal, body)"

    no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(String(38))
    prev: Mapped[int]  # the stream's number before this one
    origin_id: Mapped[Id]
    n: Mapped[int]
    as_written: Mapped[bool] = mapped_column(Boolean)  # its writer can make the line itself
    hash: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int]
    body: Mapped[str | None] = mapped_column(Text)  # canonical, personal values as markers; NULL below the log's floor
    personal: Mapped[str | None] = mapped_column(Text)  # what reveals them; NULL once erased


class ReturnedLine(TenantRow):
    """A line that the hub had lost and a node gave back, and the entry of the portal that says it again.

    no  the number under which it was known before
    """

    __tablename__ = "returned_line"
    __table_args__ = (Index("ix_returned_line_origin_id_n", "tenant_id", "origin_id", "n"),)
    app = "SELECT, INSERT"

    id: Mapped[Id] = mapped_column(primary_key=True)  # of the entry; follows from the lost entry's id and the stream
    origin_id: Mapped[Id]
    n: Mapped[int] = mapped_column(BigInteger)
    no: Mapped[int] = mapped_column(BigInteger)
    given_by: Mapped[Id]  # the node
    given_at: Mapped[UtcTime]


class RegisterVersion(TenantRow):
    """Who set a register's field, and under which feed number. One row stands for a whole insert."""

    __tablename__ = "register_version"
    app = "SELECT, INSERT, UPDATE"

    entity: Mapped[str] = mapped_column(String(40), primary_key=True)
    row_id: Mapped[Id] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(String(40), primary_key=True)
    no: Mapped[int]
    origin_id: Mapped[Id]
    n: Mapped[int]
    at_ms: Mapped[int]  # corrected time
    by_owner: Mapped[bool] = mapped_column(Boolean)
    actor_id: Mapped[Id | None]


class FieldConflict(TenantRow):
    """Two people changed a watched field without seeing each other's change. One open row for each field."""

    __tablename__ = "field_conflict"
    __table_args__ = (
        Index(
            "uq_field_conflict_open", "tenant_id", "entity", "row_id", "field",
            unique=True, postgresql_where=text("resolved_at IS NULL"),
        ),
    )  # fmt: skip
    app = "SELECT, INSERT, UPDATE"

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[Id]
    field: Mapped[str] = mapped_column(String(40))
    standing_value: Mapped[str | None] = mapped_column(Text)  # canonical JSON
    standing_by: Mapped[Id | None]
    standing_at: Mapped[UtcTime | None]
    standing_origin: Mapped[Id | None]
    other_value: Mapped[str | None] = mapped_column(Text)
    other_by: Mapped[Id | None]
    other_at: Mapped[UtcTime | None]
    other_origin: Mapped[Id | None]
    opened_at: Mapped[UtcTime]
    changed_at: Mapped[UtcTime]
    resolved_at: Mapped[UtcTime | None]
    resolved_by: Mapped[Id | None]


class RuleOutcome(TenantRow):
    """Two edits that did not know of each other and were settled by a rule: nobody is asked, and nobody need be told.

    One row for each field, of its latest; kept for a season (`outcomes.KEPT_DAYS`). Of a personal field no value is
    kept, for what is erased elsewhere must not stand here.
    """

    __tablename__ = "rule_outcome"
    __table_args__ = (Index("ix_rule_outcome_at", "tenant_id", "at"),)
    app = "SELECT, INSERT, UPDATE, DELETE"

    entity: Mapped[str] = mapped_column(String(40), primary_key=True)
    row_id: Mapped[Id] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(String(40), primary_key=True)
    rule: Mapped[str] = mapped_column(String(20))
    standing_value: Mapped[str | None] = mapped_column(Text)  # canonical JSON; NULL where it is personal
    standing_by: Mapped[Id | None]
    standing_origin: Mapped[Id | None]
    other_value: Mapped[str | None] = mapped_column(Text)
    other_by: Mapped[Id | None]
    other_origin: Mapped[Id | None]
    at: Mapped[UtcTime]


class HubException(TenantRow):
    """Something an owner should look at: nothing was refused, but two facts do not go together."""

    __tablename__ = "hub_exception"
    __table_args__ = (Index("ix_hub_exception_opened_at", "tenant_id", "opened_at"),)
    app = "SELECT, INSERT, UPDATE"

    id: Mapped[Id] = mapped_column(primary_key=True)  # follows from kind and rows, so it is listed once
    kind: Mapped[str] = mapped_column(String(40))
    entity: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[Id]
    other_id: Mapped[Id | None]
    shop_id: Mapped[Id | None]
    origin_id: Mapped[Id]
    n: Mapped[int]
    key: Mapped[str | None] = mapped_column(String(200))  # the number or code that clashes
    opened_at: Mapped[UtcTime]
    settled_at: Mapped[UtcTime | None]
    settled_by: Mapped[Id | None]
    settled_word: Mapped[str | None] = mapped_column(String(200))  # what was done about it


class WaitingEntry(TenantRow):
    """An entry that was kept but not applied: held until a parent row arrives, or quarantined for a technical fault."""

    __tablename__ = "waiting_entry"
    __table_args__ = (Index("ix_waiting_entry_missing_id", "tenant_id", "missing_id"),)
    app = "SELECT, INSERT, UPDATE, DELETE"

    origin_id: Mapped[Id] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    verdict: Mapped[str] = mapped_column(String(20))  # held or quarantined
    reason: Mapped[str] = mapped_column(String(200))
    missing_entity: Mapped[str | None] = mapped_column(String(40))
    missing_id: Mapped[Id | None]
    since_at: Mapped[UtcTime]
    clock: Mapped[str] = mapped_column(Text)  # the node's clock when it was sent, as JSON, for its time to be corrected
    software: Mapped[str] = mapped_column(String(40))  # of the hub that could not apply it
