"""Taking a snapshot of the hub's: fetched chunk by chunk, kept here, applied all at once.

A blank PC takes one of its own accord when the feed is long, a PC that was away for longer than the feed is kept when
the hub says so, and a PC that was upgraded takes what was withheld from it before.

Invariants:
  * A chunk is stored only if it is the one the manifest names; what was fetched is not fetched again after a cut.
  * All of a snapshot is applied in one transaction with cursor and witnesses, which also forgets the chunks.
  * A snapshot that the hub no longer keeps, or that is of another schema or origin, is forgotten and begun anew.
"""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.filling import Filler
from shopnode.domain.node import Installation
from shopnode.sync.line import Link, Refused, SignedLine, read_link
from shopnode.sync.models import EntryVerdictRow, HubLink, SnapshotFetch, SnapshotPart, StreamMark
from shopnode.sync.transport import LinkDown
from sync_protocol.messages import decode, encode
from sync_protocol.problems import Malformed
from sync_protocol.snapshots import SHORT_FEED_LINES, Manifest, SnapshotRequest, fingerprint, open_chunk
from sync_protocol.versions import PROTOCOL_VERSION, SCHEMA_VERSION

SNAPSHOT = "/sync/v1/snapshot"
FETCHES_MAX = 3  # begun anew in one round, when the hub keeps none long enough for this line


def complete_books(line: SignedLine) -> None:
    """Before an exchange: go on with a snapshot that was begun, or begin the one these books need, if any."""
    with line.home.reading() as session:
        link = read_link(session)
        if link is None:
            return
        schema = session.scalars(select(HubLink.schema)).one()
        begun = session.scalars(select(SnapshotFetch.schema)).one_or_none()
        seen, head_n = session.execute(select(Installation.seen, Installation.head_n)).one()
    if begun is not None:
        _take(line, link)
    elif schema < SCHEMA_VERSION:
        _take(line, link, since_schema=schema)
    elif seen == head_n == 0:
        _take(line, link, unless_lines=SHORT_FEED_LINES)


def start_over(line: SignedLine, refused: Refused) -> None:
    """The remedy for a feed that no longer reaches back to our cursor. Pending edits stay what they are."""
    with line.home.writing() as session:
        link = read_link(session)
        _forget(session)
    if link is None:
        raise refused
    _take(line, link)


def _take(line: SignedLine, link: Link, *, since_schema: int | None = None, unless_lines: int | None = None) -> None:
    for _ in range(FETCHES_MAX):
        manifest = _begun(line) or _begin(line, link, since_schema, unless_lines)
        if manifest is None:
            return
        try:
            _fetch(line, link, manifest)
        except Refused as refused:
            if refused.problem.code != "snapshot_gone":
                raise
            since_schema = manifest.since_schema
            with line.home.writing() as session:
                _forget(session)
            continue
        _apply(line, manifest)
        return
    raise LinkDown("the hub keeps no snapshot long enough for this line")


def _begun(line: SignedLine) -> Manifest | None:
    """The snapshot that is being fetched; one for another schema counts for nothing, nor does one of another origin.

    A restored file may hold chunks that its earlier life fetched.
    """
    with line.home.reading() as session:
        row = session.get(SnapshotFetch, 1)
    if row is None:
        return None
    if (row.schema, row.origin_id) == (SCHEMA_VERSION, line.home.origin_id):
        return decode(Manifest, row.manifest.encode())
    with line.home.writing() as session:
        _forget(session)
    return None


def _begin(line: SignedLine, link: Link, since_schema: int | None, unless_lines: int | None) -> Manifest | None:
    """Ask for a snapshot; None where the hub has so little to tell that the feed does as well."""
    home = line.home
    home.arriving = "asking the hub"
    with home.reading() as session:
        cursor = session.scalars(select(Installation.seen)).one()
    request = SnapshotRequest(
        protocol=PROTOCOL_VERSION, schema_=SCHEMA_VERSION, node=home.node_id, origin=home.origin_id, run=line.run,
        cursor=cursor, since_schema=since_schema, unless_lines=unless_lines,
    )  # fmt: skip
    manifest = decode(Manifest, line.call(link, "POST", SNAPSHOT, encode(request)))
    if manifest.id is None:
        home.arriving = ""
        return None
    with home.writing() as session:
        _forget(session)
        asked_for = {"origin_id": home.origin_id, "schema": SCHEMA_VERSION}
        session.add(SnapshotFetch(id=1, manifest=encode(manifest).decode(), **asked_for))
    failpoints.hit("snapshot.begun")
    return manifest


def _fetch(line: SignedLine, link: Link, manifest: Manifest) -> None:
    """Fetch the chunks that are not here yet. Raises LinkDown, Refused, Malformed."""
    home = line.home
    with home.reading() as session:
        here = set(session.scalars(select(SnapshotPart.hash)))
    for n, (digest, _, _) in enumerate(manifest.chunks):
        home.arriving = f"{n} of {len(manifest.chunks)} parts are here"
        if digest in here:
            continue
        body = line.call(link, "GET", f"{SNAPSHOT}/{manifest.id}/{n}")
        if fingerprint(body) != digest:
            raise Malformed(f"part {n} of the snapshot is not the one that was promised")
        with home.writing() as session:
            session.add(SnapshotPart(hash=digest, body=body))
        here.add(digest)
        failpoints.hit("snapshot.part_stored")
    home.arriving = "all parts are here and are being put in place"


def _apply(line: SignedLine, manifest: Manifest) -> None:
    with line.home.writing() as session:
        seen = session.scalars(select(Installation.seen)).one()
        is_whole = manifest.since_schema is None
        if not is_whole or manifest.no >= seen:
            _fill(session, manifest, is_whole)
            if is_whole:
                _move_cursor(session, manifest)
            session.execute(update(HubLink).values(schema=SCHEMA_VERSION))
        _forget(session)
        failpoints.hit("snapshot.before_commit")
    line.home.arriving = ""
    failpoints.hit("snapshot.after_commit")


def _fill(session: Session, manifest: Manifest, is_whole: bool) -> None:
    filler = Filler(session, manifest.no)
    if is_whole:
        filler.begin_whole(manifest.accepted, manifest.undecided)
    for digest, _, _ in manifest.chunks:
        filler.add(open_chunk(session.scalars(select(SnapshotPart.body).where(SnapshotPart.hash == digest)).one()))
        failpoints.hit("snapshot.part_applied")
    filler.finish()


def _move_cursor(session: Session, manifest: Manifest) -> None:
    session.execute(update(Installation).values(seen=manifest.no))
    session.execute(update(HubLink).values(epoch=manifest.epoch))
    # Of entries that are in the snapshot nothing is open any more.
    decided = EntryVerdictRow.n <= manifest.accepted, EntryVerdictRow.n.not_in(manifest.undecided)
    session.execute(update(EntryVerdictRow).where(*decided).values(verdict="merged"))
    session.execute(delete(StreamMark))
    for stream, (no, digest) in manifest.streams.items():
        session.add(StreamMark(stream=stream, no=no, hash=digest))
    session.flush()


def _forget(session: Session) -> None:
    session.execute(delete(SnapshotPart))
    session.execute(delete(SnapshotFetch))
