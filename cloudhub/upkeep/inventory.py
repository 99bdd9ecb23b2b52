"""What a database of the hub holds: by it a backup is compared with what was restored from it.

Read inside one snapshot, table by table: for each tenant the number of rows and a sum of their hashes, which does not
depend on their order; the heads of all origins; the last number of each feed; whose hub it is.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from sync_protocol.keys import public_text, read_private

Inventory = dict[str, Any]

LISTED_MAX = 3


def take_inventory(connection: psycopg.Connection) -> Inventory:
    """Everything that is compared, ready for JSON. The connection sees all rows."""
    identity = connection.execute("SELECT private_key, audience, epoch FROM hub_identity").fetchone()
    if identity is None:
        raise ValueError("this database is not a hub's")
    origins: dict[str, dict[str, list[Any]]] = {}
    for tenant, origin, n, digest in connection.execute(_ORIGINS):
        origins.setdefault(tenant, {})[origin] = [n, digest]
    return {
        "hub": public_text(read_private(bytes(identity[0]))),
        "audience": identity[1],
        "epoch": identity[2],
        "tables": {table: _count(connection, table, scoped) for table, scoped in connection.execute(_TABLES)},
        "origins": origins,
        "feeds": dict(connection.execute("SELECT tenant_id::text, seq FROM tenant_feed ORDER BY 1").fetchall()),
    }


def _count(connection: psycopg.Connection, table: str, scoped: bool) -> dict[str, list[Any]]:
    """Tenant ("" in tables that have none) → rows, sum of their hashes."""
    query = sql.SQL(_ROWS).format(sql.SQL("tenant_id::text") if scoped else sql.Literal(""), sql.Identifier(table))
    return {tenant: [count, digest] for tenant, count, digest in connection.execute(query)}


def differences(expected: Inventory, found: Inventory) -> list[str]:
    """Where two inventories differ, in words without any value of a row."""
    wrong = [f"the hub's {name}" for name in ("hub", "audience", "epoch") if expected[name] != found[name]]
    for table in sorted(expected["tables"].keys() | found["tables"].keys()):
        wanted, there = expected["tables"].get(table), found["tables"].get(table)
        if wanted != there:
            wrong.append(f"table {table} ({_rows(wanted)} rows expected, {_rows(there)} found)")
    wrong += [f"the {name}" for name in ("origins", "feeds") if expected[name] != found[name]]
    return wrong


def in_words(wrong: list[str]) -> str:
    more = f" and {len(wrong) - LISTED_MAX} more" if len(wrong) > LISTED_MAX else ""
    return "; ".join(wrong[:LISTED_MAX]) + more


def entries_in(inventory: Inventory) -> int:
    """How many entries of all origins it covers."""
    return _rows(inventory["tables"].get("journal_entry"))


def _rows(counts: dict[str, list[Any]] | None) -> int:
    return sum(count for count, _ in (counts or {}).values())


_TABLES = """
SELECT c.relname, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1
"""
_ORIGINS = "SELECT tenant_id::text, id::text, head_n, head_hash FROM origin ORDER BY 1, 2"
# The first sixty bits of each row's hash, added up: MD5 is there against mistakes, not against an enemy, whom the
# envelope keeps out.
_ROWS = """
SELECT {}, count(*), sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint)::text FROM {} AS t
GROUP BY 1 ORDER BY 1
"""
