"""One tenant's books during one admission: reads and bulk writes, and notes of what happened for what follows.

Notes are taken attempt by attempt: those of an attempt that was rolled back are dropped with it. Feed numbers are
not known yet while rows are written; versions get theirs when the lines are numbered.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy.orm import Session

from cloudhub.merge.models import WHOLE_ROW
from cloudhub.merge.tables import entity_tables, read_statement
from cloudhub.merge.work import NeedsCare, Work
from shopnode.domain.projections import Changed
from sync_protocol.merge import FieldState, FieldWrite
from sync_protocol.personal import SALT_BYTES

FieldKey = tuple[str, str, str]  # entity, row id, field


@dataclass(frozen=True)
class Version:
    """Who set a field. `work` is None once the version has a feed number."""

    no: int
    origin: str
    n: int
    at_ms: int
    by_owner: bool
    actor_id: str | None
    work: Work | None = None

    def state(self, value: Any, seen_no: int) -> FieldState:
        """The field as a writer finds it who had seen number `seen_no` of it.

        Lines repeat a value that stands (an outcome tells what was kept), so whoever saw this number or a later one
        had the value before their eyes.
        """
        no = seen_no if self.no and seen_no >= self.no else self.no
        return FieldState(value, no, self.origin, self.n, self.at_ms, self.by_owner)


@dataclass(frozen=True)
class Clash:
    """Two edits of one watched field that did not know of each other."""

    work: Work
    written: FieldWrite
    standing: FieldState
    standing_by: str | None
    won: bool


@dataclass(frozen=True)
class Oddity:
    """Something for the owner to look at; the same one is listed once."""

    kind: str
    entity: str
    row_id: str
    origin_id: str
    n: int
    shop_id: str | None
    other_id: str | None = None
    key: str | None = None


@dataclass
class Notes:
    """What one attempt wrote."""

    changed: Changed = field(default_factory=Changed)
    versions: dict[FieldKey, Version] = field(default_factory=dict)
    clashes: dict[FieldKey, Clash] = field(default_factory=dict)  # of watched fields: an owner looks at them
    settled: dict[FieldKey, Clash] = field(default_factory=dict)  # of others: the rule's word is the last
    oddities: list[Oddity] = field(default_factory=list)

    def absorb(self, later: Notes) -> None:
        for entity, rows in later.changed.inserts.items():
            self.changed.inserts.setdefault(entity, []).extend(rows)
        for entity, ids in later.changed.updates.items():
            self.changed.updates.setdefault(entity, set()).update(ids)
        self.versions.update(later.versions)
        self.clashes.update(later.clashes)
        self.settled.update(later.settled)
        self.oddities += later.oddities


class Books:
    """One tenant's tables inside one transaction."""

    def __init__(self, session: Session, tenant_id: str, writer: tuple[str, int] = ("", 0), *, careful: bool = True):
        self.session = session
        self.careful = careful  # each entry can be taken back alone
        self.writer = writer  # the origin at work and its last entry, named in what is listed for the owner
        self.tenant_id = tenant_id
        self.notes = Notes()
        self._attempt: Notes | None = None
        self._stored: dict[tuple[str, str], dict[str, Version]] = {}
        self._shops: dict[tuple[str, str], str] = {}
        self._owners: set[str] | None = None
        connection = session.connection().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        self._connection = connection
        self._cursor = connection.cursor()
        # Lists of ids are long; as text each of them would be searched for signs to escape.
        self._cursor.adapters.register_dumper(list, ListBinaryDumper)

    def salt(self) -> bytes:
        """For a personal value that the hub itself must seal."""
        return secrets.token_bytes(SALT_BYTES)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All that becomes of some entries, up to their lines, or nothing. What was noted before is done with."""
        self.notes, self._owners = Notes(), None
        self._stored.clear()
        self._shops.clear()
        if not self.careful:  # the whole transaction is done again with care: savepoints cost each push a tenth
            yield
            return
        with self.session.begin_nested():
            self.session.connection()  # now, not with the session's first own statement
            yield

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """All of it is written, or nothing: neither rows nor notes."""
        self._attempt = Notes()
        # The driver's own statements: the session's nested transaction begins only with a statement of its own.
        self._cursor.execute("SAVEPOINT attempt")
        try:
            yield
        except Exception:
            self._cursor.execute("ROLLBACK TO SAVEPOINT attempt")
            self._owners = None
            raise
        else:
            self.notes.absorb(self._attempt)
        finally:
            self._attempt = None
            if not self._broken():
                self._cursor.execute("RELEASE SAVEPOINT attempt")

    def _broken(self) -> bool:
        """Whether the line to the database is gone, so that nothing can be said any more."""
        return self._cursor.connection.closed

    @property
    def _open(self) -> Notes:
        return self._attempt if self._attempt is not None else self.notes

    # rows

    def write(self, statement: str, *values: Any) -> int:
        """Run a bulk statement; lists are handed over as one JSON text. Returns how many rows it wrote."""
        self._cursor.execute(statement, [_json(value) if type(value) is list else value for value in values])  # type: ignore[arg-type]
        return self._cursor.rowcount

    @contextmanager
    def writing_meanwhile(self, statements: Iterable[tuple[str, list[Any]]]) -> Iterator[None]:
        """Insert many rows (statement, rows) while the caller goes on with what needs no database.

        Raises NeedsCare at the end unless every row was written, or what the database had against it.
        """
        queued: list[tuple[psycopg.Cursor[Any], int]] = []
        with self._connection.pipeline() as pipeline:
            for statement, rows in statements:
                cursor = self._connection.cursor()
                # Not prepared: of a pipeline that fails, the driver would remember statements the server never saw.
                cursor.execute(statement, [self.tenant_id, _json(rows)], prepare=False)  # type: ignore[arg-type]
                queued.append((cursor, len(rows)))
            yield
            pipeline.sync()
        if any(cursor.rowcount != count for cursor, count in queued):
            raise NeedsCare

    def run(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> int:
        """Run a statement whose lists are arrays. Returns how many rows it wrote."""
        return self._cursor.execute(statement, values).rowcount  # type: ignore[arg-type]

    def rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        """The rows a query finds, as tuples."""
        return self._cursor.execute(statement, values).fetchall()  # type: ignore[arg-type]

    def read(self, entity: str, columns: Sequence[str], ids: Sequence[str], *, lock: bool = False) -> dict[str, Any]:
        """Row id → values of these columns (the first is the id), in wire form."""
        statement = read_statement(entity, tuple(columns), lock)
        return {row[0]: list(row) for row in self.rows(statement, [self.tenant_id, list(ids)])}

    def note_inserts(self, entity: str, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
        """Remember new rows for the projections, with every column they may ask for."""
        left_out = [name for name in entity_tables()[entity].columns if name not in columns]
        names, empty = (*columns, *left_out), [None] * len(left_out)
        self._forget_owners(entity)
        noted = self._open.changed.inserts.setdefault(entity, [])
        noted.extend(dict(zip(names, row + empty, strict=True)) for row in rows)

    def note_updates(self, entity: str, ids: Mapping[str, Any]) -> None:
        self._forget_owners(entity)
        self._open.changed.updates.setdefault(entity, set()).update(ids)

    def remember_shops(self, entity: str, shops: Mapping[str, str]) -> None:
        """Whose shop these rows belong to, for the streams their changes go to."""
        self._shops.update({(entity, row_id): shop_id for row_id, shop_id in shops.items()})

    def shop_of(self, entity: str, row_id: str) -> str:
        """The shop of a row that was changed. Raises KeyError for one that was not read."""
        return self._shops[entity, row_id]

    def is_owner(self, staff_id: str | None) -> bool:
        """Whether a person of the staff is an owner; a command typed at a shop's PC is nobody's."""
        if self._owners is None:
            rows = self.rows("SELECT id::text FROM staff WHERE tenant_id = %s AND role = 'Owner'", [self.tenant_id])
            self._owners = {row[0] for row in rows}
        return staff_id in self._owners

    def _forget_owners(self, entity: str) -> None:
        if entity == "staff":
            self._owners = None

    # versions of register fields

    def load_versions(self, rows: Mapping[str, Sequence[str]]) -> None:
        """Read the versions of register rows whose locks are held."""
        for entity, ids in rows.items():
            self._stored.update({(entity, row_id): {} for row_id in ids})
            found = self.rows(_VERSIONS, [self.tenant_id, entity, list(ids)])
            for row_id, name, *version in found:
                self._stored[entity, row_id][name] = Version(*version)

    def version(self, entity: str, row_id: str, name: str) -> Version | None:
        """Who set this field last; for a field nobody changed since, who inserted the row."""
        for asked in (name, WHOLE_ROW):
            key = (entity, row_id, asked)
            for notes in (self._open, self.notes):
                if key in notes.versions:
                    return notes.versions[key]
            stored = self._stored.get((entity, row_id), {}).get(asked)
            if stored is not None:
                return stored
        return None

    def set_version(self, entity: str, row_id: str, name: str, state: FieldState, work: Work) -> None:
        actor = work.entry.get("actor")
        version = Version(0, state.origin, state.n, state.at_ms, state.by_owner, actor, work)
        self._open.versions[entity, row_id, name] = version

    # what an owner is told

    def note_clash(
        self, key: FieldKey, work: Work, write: FieldWrite, state: FieldState | None, *, won: bool, watched: bool
    ) -> None:
        """Remember a concurrent edit of a field, before its new version is set."""
        standing = self.version(*key)
        assert state is not None and standing is not None
        found = self._open.clashes if watched else self._open.settled
        found[key] = Clash(work, write, state, standing.actor_id, won)

    def raise_exception(self, kind: str, entity: str, row_id: str, work: Work, **more: str | None) -> None:
        """List something for the owner."""
        shop_id = work.sender.shop_id or work.entry.get("shop")
        oddity = Oddity(kind, entity, row_id, work.origin_id, work.n, shop_id)
        self._open.oddities.append(replace(oddity, **more))  # type: ignore[arg-type]


_VERSIONS = """
SELECT row_id::text, field, no, origin_id::text, n, at_ms, by_owner, actor_id::text FROM register_version
WHERE tenant_id = %s AND entity = %s AND row_id = ANY (%s::uuid[])
"""


def _json(rows: list[Any]) -> str:
    return orjson.dumps(rows).decode()
