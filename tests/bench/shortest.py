"""The shortest honest path, timed: one big COPY, then the same records pushed and pulled without anything in between.

Every round has new tables and a new node, counts what arrived, and is compared with what was measured beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg

from tests.bench.bare_hub import ORIGIN, TENANT, make_tables
from tests.bench.bare_node import BareNode
from tests.bench.records import TABLES, Record, by_table
from tests.bench.report import seconds


@dataclass(frozen=True)
class Rates:
    """Rows a second."""

    copy: float
    push: float
    pull: float


class ShortestPath:
    """Against one running bare hub."""

    def __init__(self, connection: psycopg.Connection, port: int, folder: Path):
        self._connection = connection
        self._port = port
        self._folder = folder
        self._rounds = 0

    def measure(self, records: list[Record]) -> Rates:
        """One round of all three. Raises AssertionError when a row is missing at the end."""
        self._rounds += 1
        make_tables(self._connection)
        copied_s = seconds(lambda: self._copy(records))
        sender = self._node("sends")
        sender.record(records)
        pushed_s = seconds(lambda: _all(sender.push(), records))
        self._connection.execute("ANALYZE bare.log")
        self._connection.commit()
        reader = self._node("reads")
        pulled_s = seconds(lambda: _all(reader.pull(), records))
        self._check(reader, records)
        sender.close()
        reader.close()
        count = len(records)
        return Rates(count / copied_s, count / pushed_s, count / pulled_s)

    def _node(self, name: str) -> BareNode:
        return BareNode(self._folder / f"bare-{name}-{self._rounds}.db", self._port)

    def _copy(self, records: list[Record]) -> None:
        """The upper bound: no line, no merge, one commit."""
        cursor = self._connection.cursor()
        with self._connection.transaction(), cursor.copy("COPY bare.copied FROM STDIN") as copy:
            for seq, record in enumerate(records, 1):
                body = orjson.dumps(record).decode()
                copy.write_row((TENANT, seq, ORIGIN, seq, record["table"], record["row"]["id"], body))

    def _check(self, reader: BareNode, records: list[Record]) -> None:
        groups = by_table(records)
        tables = {"bare.log": len(records), "bare.copied": len(records)}
        tables |= {f"bare.{table}": len(groups[table]) for table in TABLES}
        for table, expected in tables.items():
            found = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert found == (expected,), table
        self._connection.commit()
        for table in TABLES:
            assert reader.count(table) == len(groups[table]), table


def _all(count: int, records: list[Record]) -> None:
    assert count == len(records)
