"""The capture guard: what the database saw being written must be what the journal entry says.

Capture by the session could be passed by (raw SQL, a bulk statement). So AFTER triggers list every touched row of
every synced table, and `verify_guard` compares that list with the entry before commit. A difference aborts.

On SQLite the triggers and the list are temporary objects of the writer's connection. On PostgreSQL the hub's
migration installs triggers that write to `touched` (see cloudhub/migrations).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from shopnode.domain.db import synced_columns, synced_models

Touched = tuple[str, str, str]  # entity, row id, "i" or "u" or "d"


class CaptureBypassed(RuntimeError):
    """A synced row was written past the journal. The transaction must not be committed."""


def install_guard(connection: Connection) -> None:
    """Create the list and the triggers on this SQLite connection."""
    connection.exec_driver_sql("CREATE TEMP TABLE IF NOT EXISTS touched (entity TEXT, row_id TEXT, op TEXT)")
    for entity, model in synced_models().items():
        columns = ", ".join(synced_columns(model.__table__, model.__sync__))  # type: ignore[arg-type]
        events = {"i": ("INSERT", "NEW"), "u": (f"UPDATE OF {columns}", "NEW"), "d": ("DELETE", "OLD")}
        for op, (when, row) in events.items():
            connection.exec_driver_sql(
                f"CREATE TEMP TRIGGER IF NOT EXISTS guard_{entity}_{op} AFTER {when} ON main.{entity} BEGIN "
                f"INSERT INTO touched VALUES ('{entity}', {row}.id, '{op}'); END"
            )


def verify_guard(connection: Connection, written: Iterable[Touched]) -> None:
    """Compare the touched rows with what was captured, and empty the list.

    Raises CaptureBypassed, naming the rows that differ; nothing may be committed then.
    """
    seen = {(row[0], str(row[1]), row[2]) for row in _take(connection)}
    expected = set(written)
    inserted = {(entity, row_id) for entity, row_id, op in expected if op == "i"}
    # A row inserted and then changed in the same transaction is one insert in the entry.
    seen -= {(entity, row_id, "u") for entity, row_id in inserted}
    if seen != expected:
        odd = sorted(seen ^ expected)[:5]
        raise CaptureBypassed(f"written past the journal, or journalled but not written: {odd}")


def forget_touched(connection: Connection) -> None:
    """Empty the list after rows were applied that came from the hub and need no entry."""
    connection.exec_driver_sql("DELETE FROM touched")


def _take(connection: Connection) -> Iterable[tuple[str, object, str]]:
    cursor = connection.connection.cursor()
    cursor.execute(_TAKE)
    rows: Iterable[tuple[str, object, str]] = cursor.fetchall()
    return rows


_TAKE = "DELETE FROM touched RETURNING entity, row_id, op"
