"""One sale through the door, committed with FULL, against the same rows written by bare `sqlite3`.

The bare side gets what the door wrote, row by row as it stands in the tables, with its statements prepared and the
same journal entry, into a plain file with the same journal mode and durability.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import text

from shopnode.domain.actions import perform
from shopnode.domain.collector import calm_collector
from shopnode.domain.context import Context
from tests.bench.report import Figure, p50, seconds
from tests.bench.shop import ticket

TABLES = ("sale", "sale_line", "payment", "stock_movement", "sale_summary", "journal_entry")
WARM_UP = 30
RATIO_MAX = 4


def sale_through_the_door(ctx: Context, ids: list[str], folder: Path, rounds: int) -> Figure:
    """The median of many sales on both sides, taken in turns."""
    calm_collector()  # as `shopnode serve` does
    bare = BareShop(ctx, folder / "bare.db")
    door_times, bare_times = [], []
    for i in range(WARM_UP + rounds):
        action_id = ctx.home.new_id()
        took = seconds(lambda i=i, action_id=action_id: perform(ctx, "sales.sell", ticket(ids, i), action_id=action_id))
        rows = bare.rows_of(action_id)
        bare_took = seconds(lambda rows=rows: bare.write(rows))
        if i >= WARM_UP:
            door_times.append(took)
            bare_times.append(bare_took)
    ratio = p50(door_times) / p50(bare_times)
    detail = f"door {p50(door_times) * 1000:.2f} ms, bare {p50(bare_times) * 1000:.2f} ms, median of {rounds}"
    return Figure(
        "one sale through the door ÷ bare sqlite3", f"{ratio:.2f}", f"at most {RATIO_MAX}", ratio <= RATIO_MAX, detail
    )


class BareShop:
    """The same tables, keys and indexes in a plain SQLite file."""

    def __init__(self, ctx: Context, path: Path):
        self._ctx = ctx
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        with ctx.home.reading() as session:
            marks = ", ".join(f"'{name}'" for name in (*TABLES, "stock_level"))
            found = session.execute(
                text(f"SELECT sql FROM sqlite_master WHERE tbl_name IN ({marks}) AND sql IS NOT NULL")
            )
            for (sql,) in found:
                self._db.execute(sql)
        self._db.execute("PRAGMA foreign_keys = OFF")  # the catalogue is not copied; this only helps the bare side

    def rows_of(self, action_id: str) -> dict[str, list[tuple[Any, ...]]]:
        """What the door wrote for one sale."""
        with self._ctx.home.reading() as session:
            rows: dict[str, list[tuple[Any, ...]]] = {}
            for table in TABLES:
                key = {"sale": "id", "journal_entry": "entry_id"}.get(table, "sale_id")
                query = text(f"SELECT * FROM {table} WHERE {key} = :id")
                rows[table] = [tuple(row) for row in session.execute(query, {"id": action_id})]
            return rows

    def write(self, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for table, values in rows.items():
            marks = ",".join("?" * len(values[0]))
            self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
        levels = "INSERT INTO stock_level (shop_id, product_id, on_hand, tenant_id) VALUES (?, ?, ?, '')"
        levels += " ON CONFLICT DO UPDATE SET on_hand = on_hand + excluded.on_hand"
        self._db.executemany(levels, [(row[0], row[1], -1) for row in rows["stock_movement"]])
        self._db.execute("COMMIT")
