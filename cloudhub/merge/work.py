"""One entry on its way through admission, and why one may not pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cloudhub.merge.tables import entity_tables
from sync_protocol.entries import blocks_of
from sync_protocol.merge import Clock
from sync_protocol.personal import check_reveals, is_marker
from sync_protocol.problems import ProtocolError
from sync_protocol.returned import READMIT, lost_no_of
from sync_protocol.shape import ENTRY_BYTES_MAX, Block, Entry, check_rows
from sync_protocol.versions import UPCASTERS

OK = None
MERGED = "merged"
CONFLICT = "conflict"
DUPLICATE = "duplicate"
HELD = "held"
QUARANTINED = "quarantined"


class Unfit(Exception):
    """A deterministic technical fault: the entry is kept whole and set aside, and tried again after an upgrade."""


class Missing(Exception):
    """A row the entry builds on has not arrived; the entry is held until it does."""

    def __init__(self, entity: str, row_id: str):
        super().__init__(f"waits for {entity} {row_id}")
        self.entity = entity
        self.row_id = row_id


class NeedsCare(Exception):
    """The quick way does not do for these entries; look at each of them."""


@dataclass(frozen=True)
class Sender:
    """Whose entries these are."""

    origin_id: str
    shop_id: str | None
    node_id: str | None
    clock: Clock  # as it stood when they were sent
    received_ms: int


@dataclass
class Work:
    """An entry, what it wants to write, and what becomes of it.

    as_written  nothing was left out or changed, so its writer can make the feed lines itself
    blocks      what it writes, personal values revealed, brought to today's schema
    taken       what is left to write once duplicates are out
    told        what its feed lines say instead, when it was not taken as written: the values that stand now
    """

    n: int
    entry: Entry
    sealed: bytes
    hash: str
    sender: Sender
    blocks: list[Block] = field(default_factory=list)
    verdict: str | None = OK
    reason: str | None = None
    missing: Missing | None = None
    as_written: bool = True
    taken: list[Block] = field(default_factory=list)
    told: list[Block] = field(default_factory=list)
    reveals: dict[str, list[Any]] = field(default_factory=dict)
    streams: dict[str, list[Block]] | None = None  # its rows by stream, once they have been sorted
    is_translated: bool = False  # an older schema wrote it: others are sent its rows as they are called today
    inbox: tuple[Any, ...] = ()  # its row of the inbox, all but the verdict
    waited: bool = False  # held or set aside before; later entries of its origin may have been taken meanwhile
    returned: frozenset[str] = frozenset()  # streams of which its line came back before it did (returned.py)

    def __post_init__(self) -> None:
        self.reveals = dict(self.entry.get("personal", {}))

    @property
    def origin_id(self) -> str:
        return self.sender.origin_id

    @property
    def lost_no(self) -> int | None:
        """For a line that came back, the number under which it was known. Only the hub itself makes such entries."""
        if self.sender.node_id is not None or self.entry["action"] != READMIT:
            return None
        return lost_no_of(self.entry)

    @property
    def written(self) -> list[Block]:
        """Its rows as it wrote them; as they are called today where an older schema did."""
        rows: list[Block] = self.blocks if self.is_translated else self.entry["rows"]
        return rows

    @property
    def applies(self) -> bool:
        return self.verdict not in (HELD, QUARANTINED)

    def anew(self) -> Work:
        """The same entry, of which nothing has been tried yet."""
        return Work(self.n, self.entry, self.sealed, self.hash, self.sender, waited=self.waited)

    def set_aside(self, reason: str) -> None:
        self.verdict, self.reason = QUARANTINED, reason[:200]

    def hold(self, missing: Missing) -> None:
        self.verdict, self.reason, self.missing = HELD, str(missing), missing


def examine_all(works: list[Work]) -> None:
    """Read the rows of all entries, and set those aside that are not what the tables take. Needs no database.

    Blocks of one kind are judged together, whatever entries they come from; only where something is wrong is each
    entry looked at by itself.
    """
    try:
        for work in works:
            _read(work)
        for (entity, op, columns), rows in _by_kind(works).items():
            _examine_block(works[0].sender, entity, op, list(columns), rows)
    except (ProtocolError, Unfit):
        for work in works:
            examine(work)


def examine(work: Work) -> None:
    """The same for one entry."""
    try:
        _read(work)
        for block in work.blocks:
            _examine_block(work.sender, *block)
    except (ProtocolError, Unfit) as fault:
        work.set_aside(str(fault))


def _read(work: Work) -> None:
    if len(work.sealed) > ENTRY_BYTES_MAX:
        raise Unfit("the entry is too large")
    check_rows(work.entry["rows"])
    if "personal" in work.entry:
        check_reveals(work.entry["personal"])
    entry = UPCASTERS.upcast(work.entry)
    work.is_translated = entry["rows"] != work.entry["rows"]
    work.blocks = [without_erased(block) for block in blocks_of(entry)]


def _by_kind(works: list[Work]) -> dict[tuple[str, str, tuple[str, ...]], list[list[Any]]]:
    found: dict[tuple[str, str, tuple[str, ...]], list[list[Any]]] = {}
    for work in works:
        for entity, op, columns, rows in work.blocks:
            found.setdefault((entity, op, tuple(columns)), []).extend(rows)
    return found


def without_erased(block: Block) -> Block:
    """A personal value that was erased before it got here is written as nothing; only its marker is left."""
    entity, op, columns, rows = block
    table = entity_tables().get(entity)
    if table is None or table.sync.personal.isdisjoint(columns):
        return block
    places = [place for place, name in enumerate(columns) if name in table.sync.personal]
    blanks = {place: "" if table.columns[columns[place]].required else None for place in places}

    def clear(value: Any, blank: Any) -> Any:
        if type(value) is list:
            return [clear(part, blank) for part in value]
        return blank if is_marker(value) else value

    cleared = [[clear(v, blanks[i]) if i in blanks else v for i, v in enumerate(row)] for row in rows]
    return [entity, op, columns, cleared]


def _examine_block(sender: Sender, entity: str, op: str, columns: list[str], rows: list[list[Any]]) -> None:
    table = entity_tables().get(entity)
    if table is None:
        raise Unfit(f"unknown table {entity}")
    if op == "u" and table.kind in ("fact", "decision"):
        raise Unfit(f"a row of {entity} never changes")
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        column = table.columns.get(name)
        if column is None:
            raise Unfit(f"unknown column {entity}.{name}")
        if name == "id":
            continue  # the entry's shape vouches for it
        if op == "u":
            values = tuple(change[1] for change in values)
        if not column.fits(values) or (column.required and None in values):
            raise Unfit(f"a wrong value in {entity}.{name}")
    if op == "i":
        lacking = table.required - set(columns)
        if lacking:
            raise Unfit(f"{entity} lacks {min(lacking)}")
        if table.holds_shop:
            _examine_shop(sender, entity, columns, rows)


def _examine_shop(sender: Sender, entity: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A node writes the books of its own shop; the portal may write any shop's."""
    if sender.shop_id is None or "shop_id" not in columns:
        return
    place = columns.index("shop_id")
    if any(row[place] != sender.shop_id for row in rows):
        raise Unfit(f"a row of {entity} belongs to another shop")
