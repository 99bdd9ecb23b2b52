"""A node of an earlier release: protocol 1, schema 1, on a dictionary for a database.

It knows nothing of this house but the ground floor: what travels, how it is hashed and signed. It lacks a table, a
column and a message of today, pushes entries as its schema wrote them, believes no page that it cannot verify, and
keeps what it does not understand of a message to itself, as every version does. `upgrade()` makes it a node of today.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from json import loads
from pathlib import Path
from typing import Any

from sync_protocol.canonical import canonical, parse_canonical
from sync_protocol.chain import genesis, head_message, link, page_message, stream_genesis
from sync_protocol.compression import compress, decompress
from sync_protocol.entries import blocks_of, sealed_bytes
from sync_protocol.keys import public_text, read_private, read_public, sign, verifies
from sync_protocol.lines import check_links, make_line, outcome_blocks
from sync_protocol.messages import EnrolAnswer, ExchangeResponse, Hello, Page, decode
from sync_protocol.shape import Entry, Line
from sync_protocol.signing import NEW_ORIGIN, Request, Response, sign_request, verify_response
from sync_protocol.snapshots import Manifest, fingerprint, open_chunk

EXCHANGE, ENROL, SNAPSHOT = "/sync/v1/exchange", "/sync/v1/enrol", "/sync/v1/snapshot"


def released(schema: int) -> dict[str, set[str]]:
    """Every synced table and column of a schema, as it was released."""
    tables = loads((Path(__file__).parent / f"schema_{schema}.json").read_text())
    return {table: set(columns) for table, columns in tables.items()}


SCHEMA_1, SCHEMA_2 = released(1), released(2)
SHOP_TABLES = {
    "drawer_session", "payment", "sale", "sale_amendment", "sale_decision", "sale_line", "staff_posting",
    "stock_movement", "stock_unit",
}  # fmt: skip

Send = Callable[[str, str, dict[str, str], bytes], Any]  # a transport's `send`
Row = dict[str, Any]


class Told(Exception):
    """The hub refused, in one of the protocol's words."""

    def __init__(self, document: dict[str, Any]):
        super().__init__(document["code"])
        self.code = document["code"]
        self.facts = document


@dataclass
class OlderNode:
    """One installation of an earlier release.

    columns  the tables it knows, and of each the columns; None for all there are
    rows     table → id → row, as far as it was told
    """

    send: Send
    now_ms: Callable[[], int]
    chance: random.Random
    columns: dict[str, set[str]] | None
    protocol: int = 1
    schema: int = 1
    node: str = ""
    origin: str = ""
    shop: str = ""
    run: str = ""
    epoch: str = ""
    hub_key: str = ""
    audience: str = ""
    secret: bytes = b""
    cursor: int = 0
    sent: int = 0
    marks: dict[str, tuple[int, str]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    withheld: int = 0  # pages that lacked something
    unknown: list[str] = field(default_factory=list)  # what came that it should not have been sent

    # its identity

    def enrol(self, code: str) -> None:
        """Become a node of the shop that the code is for."""
        self.secret, self.run = self.chance.randbytes(32), self.new_id()
        hello = decode(Hello, self.send("GET", "/sync/hello", {}, b"").body)
        self.hub_key, self.audience = hello.hub_key, hello.audience
        asked = {
            "protocol": self.protocol, "schema": self.schema, "code": code, "public_key": public_text(self._key),
            "device": "Old PC", "software": "0.1.0",
        }  # fmt: skip
        plain = self._call("POST", ENROL, canonical(asked), keyid=public_text(self._key), origin=NEW_ORIGIN)
        answer = decode(EnrolAnswer, plain)
        self.node, self.origin, self.shop, self.epoch = answer.node, answer.origin, answer.shop, answer.epoch

    def new_id(self) -> str:
        digits = f"{self.now_ms():012x}{self.chance.randbytes(10).hex()}"
        return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-8{digits[17:20]}-{digits[20:32].ljust(12, '0')}"

    # its journal

    def write(self, *blocks: list[Any], action: str = "tests.act", **more: Any) -> Entry:
        """Journal one entry of its own with these blocks, and show its rows at once."""
        n = len(self.entries) + 1
        entry: Entry = {
            "action": action, "actor": None, "at": self.now_ms(), "boot": "0000000a", "id": self.new_id(),
            "mono": self.now_ms() % 2**40, "n": n, "rows": list(blocks), "schema": self.schema, "seen": self.cursor,
            "shop": self.shop, **more,
        }  # fmt: skip
        self.entries.append(entry)
        self.hashes.append(link(self._hash_of(n - 1), sealed_bytes(entry)))
        self._apply(outcome_blocks(blocks_of(entry)))
        return entry

    def waiting(self) -> int:
        return len(self.entries) - self.sent

    def _hash_of(self, n: int) -> str:
        return self.hashes[n - 1] if n else genesis(self.origin)

    # its line

    def sync(self) -> None:
        """Exchange until nothing is left either way. Raises Told."""
        while self.exchange().more or self.waiting():
            continue

    def exchange(self, **more: Any) -> Page:
        """One round trip: all that waits goes up, a page comes down and is believed only if everything fits."""
        push = None
        if self.waiting():
            last = len(self.entries)
            push = {
                "first": self.sent + 1, "prev": self._hash_of(self.sent), "entries": self.entries[self.sent :],
                "sig": sign(self._key, head_message(self.origin, last, self._hash_of(last))),
            }  # fmt: skip
        clock = {"wall": self.now_ms(), "mono": self.now_ms() % 2**40, "boot": "0000000a"}
        have = {"epoch": self.epoch, "cursor": self.cursor, "streams": self.marks}
        message = {
            **self._named(), "clock": clock, "have": have, "push": push, "pull": {"rows": 500, "bytes": 500_000},
            "health": {"outbox": self.waiting()}, **more,
        }  # fmt: skip
        answer = decode(ExchangeResponse, self._call("POST", EXCHANGE, canonical(message)))
        assert answer.ack.hash == self._hash_of(answer.ack.accepted)
        assert answer.pull is not None
        self.sent = answer.ack.accepted
        self._read(answer.pull, answer.page_sig or "", answer.epoch)
        return answer.pull

    def upgrade(self) -> Manifest:
        """Install today's release, and fetch what was withheld from the one before."""
        came_from, self.protocol, self.schema, self.columns = self.schema, 2, 2, None
        self.run = self.new_id()
        asked = {**self._named(), "cursor": self.cursor, "since_schema": came_from}
        manifest = decode(Manifest, self._call("POST", SNAPSHOT, canonical(asked)))
        for n, (digest, _, _) in enumerate(manifest.chunks):
            chunk = self._call("GET", f"{SNAPSHOT}/{manifest.id}/{n}", b"")
            assert fingerprint(chunk) == digest
            self._apply(open_chunk(chunk))
        return manifest

    def _named(self) -> dict[str, Any]:
        return {
            "protocol": self.protocol, "schema": self.schema, "node": self.node, "origin": self.origin, "run": self.run,
        }  # fmt: skip

    @property
    def _key(self) -> Any:
        return read_private(self.secret)

    def _call(self, method: str, target: str, plain: bytes, *, keyid: str = "", origin: str = "") -> bytes:
        encoding, body = ("identity", b"") if not plain else compress(plain, "gzip")  # what it had at hand
        asked = Request(method, target, body)
        headers = sign_request(
            self._key, keyid or self.node, asked, encoding, self.audience, origin or self.origin, self.now_ms() // 1000
        )
        answer = self.send(method, target, {"Accept-Encoding": "zstd", **headers}, body)
        verify_response(
            Response(answer.status, answer.body, answer.headers), read_public(self.hub_key), headers["Signature"]
        )
        told = decompress(answer.body, answer.header("content-encoding") or "identity")
        if answer.status != 200:
            raise Told(parse_canonical(told))
        return told

    # its books

    def _read(self, page: Page, signature: str, epoch: str) -> None:
        """Verify links, hashes and the page's signature, then apply it."""
        numbers = check_links({stream: no for stream, (no, _) in self.marks.items()}, page.lines, self.cursor)
        ends = {stream: digest for stream, (_, digest) in self.marks.items()}
        hashes = []
        for line in page.lines:
            stream = line["stream"]
            named = line.get("hash") if page.withheld else None
            before = ends.get(stream) or stream_genesis(stream)
            ends[stream] = named or link(before, sealed_bytes(self._whole(line)))
            hashes.append(ends[stream])
        message = page_message(epoch, self.node, page.from_no, page.to_no, hashes)
        assert verifies(read_public(self.hub_key), message, signature), "the page is not the hub's"
        self.withheld += bool(page.withheld)
        for line in page.lines:
            self._apply(blocks_of(line))
        self.marks = {stream: (numbers[stream], ends[stream]) for stream in ends}
        self.cursor, self.epoch = max(self.cursor, page.to_no), epoch

    def _whole(self, line: Line) -> Line:
        """A line of its own that was sent as its place alone, made again from its journal."""
        if "rows" in line:
            return line
        entry = self.entries[line["n"] - 1]
        mine = [block for block in entry["rows"] if (block[0] in SHOP_TABLES) == (line["stream"] != "t")]
        return make_line(entry, line["origin"], line["no"], line["prev"], line["stream"], outcome_blocks(mine))

    def _apply(self, blocks: list[Any]) -> None:
        for entity, op, columns, rows in blocks:
            known = set(columns) if self.columns is None else self.columns.get(entity, set())
            self.unknown += [f"{entity}.{name}" for name in columns if name not in known]
            table = self.rows.setdefault(entity, {})
            for row in rows:
                values = {name: value for name, value in zip(columns, row, strict=True) if name in known}
                if op == "i" and values:
                    table[row[0]] = {**values, **table.get(row[0], {})} if row[0] in table else values
                elif row[0] in table:
                    table[row[0]].update(values)
