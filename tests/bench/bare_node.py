"""The node's half of the shortest honest path: an outbox and five tables in bare SQLite, and one HTTP connection."""

from __future__ import annotations

import sqlite3
from http.client import HTTPConnection
from pathlib import Path

import orjson
import zstandard
from sqlalchemy.dialects import sqlite

from tests.bench.records import TABLES, Record, bare_tables, by_table, statements

BATCH_ROWS = 1_000


class BareNode:
    """Sends from its outbox and fetches into its tables; each batch is marked in the same file, with FULL."""

    def __init__(self, path: Path, port: int):
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE outbox (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        self._db.execute("CREATE TABLE mark (acked INTEGER NOT NULL, fetched INTEGER NOT NULL)")
        self._db.execute("INSERT INTO mark VALUES (0, 0)")
        for statement in statements(bare_tables(), sqlite.dialect()):
            self._db.execute(statement)
        self._insert = {table: _insert_statement(table, names) for table, names in TABLES.items()}
        self._http = HTTPConnection("127.0.0.1", port, timeout=30)

    def record(self, records: list[Record]) -> None:
        """What a shop would have written while it sold; not part of what is timed."""
        self._db.execute("BEGIN IMMEDIATE")
        bodies = [(orjson.dumps(record).decode(),) for record in records]
        self._db.executemany("INSERT INTO outbox (body) VALUES (?)", bodies)
        self._db.execute("COMMIT")

    def push(self) -> int:
        """Send everything that waits; how many rows were acknowledged."""
        sent = 0
        while True:
            (acked,) = self._db.execute("SELECT acked FROM mark").fetchone()
            query = "SELECT body FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?"
            bodies = [body for (body,) in self._db.execute(query, (acked, BATCH_ROWS))]
            if not bodies:
                return sent
            plain = ("[" + ",".join(bodies) + "]").encode()
            answer = self._call("POST", f"/push?first={acked + 1}", zstandard.compress(plain))
            self._db.execute("UPDATE mark SET acked = ?", (orjson.loads(answer)["acked"],))
            sent += len(bodies)

    def pull(self) -> int:
        """Fetch and apply everything new; how many rows came."""
        fetched = 0
        while True:
            (cursor,) = self._db.execute("SELECT fetched FROM mark").fetchone()
            plain = zstandard.decompress(self._call("GET", f"/pull?after={cursor}&limit={BATCH_ROWS}"))
            page = orjson.loads(plain)
            if not page["records"]:
                return fetched
            self._db.execute("BEGIN IMMEDIATE")
            for table, rows in by_table(page["records"]).items():
                names = TABLES[table]
                self._db.executemany(self._insert[table], ([row.get(name) for name in names] for row in rows))
            self._db.execute("UPDATE mark SET fetched = ?", (page["cursor"],))
            self._db.execute("COMMIT")
            fetched += len(page["records"])

    def count(self, table: str) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def close(self) -> None:
        self._http.close()
        self._db.close()

    def _call(self, method: str, target: str, body: bytes | None = None) -> bytes:
        self._http.request(method, target, body)
        response = self._http.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"the bare hub answered {response.status}")
        return answer


def _insert_statement(table: str, names: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} (tenant_id, {', '.join(names)}) VALUES ('', {marks}) ON CONFLICT DO NOTHING"
