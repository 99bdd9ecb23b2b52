"""What this node remembers of its exchange with the hub. Local rows."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, LocalRow, UtcTime
from sync_protocol.versions import SCHEMA_VERSION


class HubLink(LocalRow):
    """The hub this node is enrolled with: one row, none before enrolment. There is no "busy" mark to get stuck."""

    __tablename__ = "hub_link"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    url: Mapped[str] = mapped_column(Text)
    audience: Mapped[str] = mapped_column(String(200))
    hub_key: Mapped[str] = mapped_column(String(43))  # pinned at enrolment
    private_key: Mapped[bytes] = mapped_column(LargeBinary)  # this node's Ed25519 key; the file is encrypted
    next_private_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # drawn, and not yet kept by the hub
    past_private_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # for a hub that was restored to before it
    epoch: Mapped[str] = mapped_column(String(200))
    accepted_n: Mapped[int] = mapped_column(BigInteger)  # the hub has our entries up to here
    durable_n: Mapped[int] = mapped_column(BigInteger)  # and a verified backup of them up to here
    whole_until: Mapped[int | None] = mapped_column(BigInteger)  # after a rewind: what we show up to here may be stale
    last_ok_at: Mapped[UtcTime | None]
    schema: Mapped[int] = mapped_column(default=SCHEMA_VERSION)  # that the hub's rows were sent for; older: some lack
    checked_at: Mapped[UtcTime | None]  # when the books here were last compared with the hub's
    check_report: Mapped[str | None] = mapped_column(Text)  # what came of it, as JSON


class EnrolAttempt(LocalRow):
    """The key this node asked to be enrolled with and has no answer for yet: one row at most."""

    __tablename__ = "enrol_attempt"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    private_key: Mapped[bytes] = mapped_column(LargeBinary)


class StreamMark(LocalRow):
    """The last line applied of one stream, with its hash: the witness of our cursor."""

    __tablename__ = "stream_mark"

    stream: Mapped[str] = mapped_column(String(40), primary_key=True)
    no: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


class FeedLine(LocalRow):
    """A line as it was applied. Of another origin it is kept whole, as it came: the history people read here, and what
    can be given back to a hub that lost it. Of our own only its place and hash are: the journal has the rest.
    """

    __tablename__ = "feed_line"

    no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(String(40), primary_key=True)
    origin_id: Mapped[Id]
    n: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str | None] = mapped_column(String(80))
    actor_id: Mapped[Id | None]
    at: Mapped[UtcTime | None]
    body: Mapped[str | None] = mapped_column(Text)
    personal: Mapped[str | None] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))


class FeedPage(LocalRow):
    """A page as it was applied: the hub's word for its lines, whose hashes stand with them.

    accepted_n  how far the hub had our entries then
    hashes      as JSON, once not all of its lines are here any more
    """

    __tablename__ = "feed_page"

    to_no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    from_no: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[str] = mapped_column(String(200))
    sig: Mapped[str] = mapped_column(String(86))
    at: Mapped[UtcTime]
    accepted_n: Mapped[int] = mapped_column(BigInteger)
    hashes: Mapped[str | None] = mapped_column(Text)


class StreamBegin(LocalRow):
    """The line that the first one kept here follows, where a snapshot took the place of what came before."""

    __tablename__ = "stream_begin"

    stream: Mapped[str] = mapped_column(String(40), primary_key=True)
    no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))


class ReturnedPage(LocalRow):
    """A page of which the hub lost lines. `hashes` is the list that it signed, as JSON."""

    __tablename__ = "returned_page"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_no: Mapped[int] = mapped_column(BigInteger)
    to_no: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[str] = mapped_column(String(200))
    sig: Mapped[str] = mapped_column(String(86))
    hashes: Mapped[str] = mapped_column(Text)
    lost_at: Mapped[UtcTime]


class ReturnedLine(LocalRow):
    """A line that the hub lost, to be given back. Of our own only the place is kept: the entry is sent again."""

    __tablename__ = "returned_line"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    page_id: Mapped[int] = mapped_column(index=True)
    place: Mapped[int]  # in its page
    no: Mapped[int] = mapped_column(BigInteger)
    stream: Mapped[str] = mapped_column(String(40))
    origin_id: Mapped[Id]
    n: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str | None] = mapped_column(Text)
    personal: Mapped[str | None] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64))  # of the stream's line before it
    given_at: Mapped[UtcTime | None]


class EntryVerdictRow(LocalRow):
    """What became of an entry of ours that the hub did not plainly accept."""

    __tablename__ = "entry_verdict"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    verdict: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(200))
    at: Mapped[UtcTime]


class SnapshotFetch(LocalRow):
    """The snapshot this node is fetching: one row at most."""

    __tablename__ = "snapshot_fetch"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin_id: Mapped[Id]  # who asked for it, and for which schema
    schema: Mapped[int]
    manifest: Mapped[str] = mapped_column(Text)  # canonical JSON, as the hub signed it on the line


class SnapshotPart(LocalRow):
    """A chunk that is here already, by its hash."""

    __tablename__ = "snapshot_part"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class PhotoSent(LocalRow):
    """A photo that the hub has whole, in the life of the hub named by `epoch`."""

    __tablename__ = "photo_sent"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(200))


class PhotoPace(LocalRow):
    """What photos have cost today, and when the hub is asked about them next: one row, none before the first."""

    __tablename__ = "photo_pace"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(BigInteger)  # days since 1970, by the shop's clock
    bytes: Mapped[int] = mapped_column(BigInteger)
    asked_for: Mapped[str] = mapped_column(String(64))  # a hash over the names: other ones are asked for at once
    fruitless: Mapped[int] = mapped_column(BigInteger)  # times in a row that nothing came of asking
    ask_at: Mapped[UtcTime]
