"""The hub's half of the shortest honest path: no signatures, no chain, no rules; a log, five tables, a cursor.

A process of its own, as the hub is: `python -m tests.bench.bare_hub DSN` prints its port and serves until it is
stopped. Every batch is one transaction, and what was sent twice is stored once; less would lose or double sales.

The statements are the quickest that were found (see docs/performance.md): a batch goes to PostgreSQL as one JSON
text for each table and is taken apart there.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import orjson
import psycopg
import waitress
import zstandard
from sqlalchemy.dialects import postgresql

from shopnode.domain.collector import calm_collector
from tests.bench.records import TABLES, bare_tables, by_table, statements

SCHEMA = "bare"
TENANT = "01a20368-2534-7fc0-a1c1-19f31fa6d024"
ORIGIN = "01a20368-269a-7429-96ac-4243e6eb7a2d"

# What a log of changes needs in any hub: whose, in which order, from where, about what.
LOG = """
CREATE TABLE bare.{name} (
  tenant_id uuid NOT NULL, seq bigint NOT NULL, origin_id uuid NOT NULL, n bigint NOT NULL,
  entity text NOT NULL, row_id uuid NOT NULL, body jsonb NOT NULL,
  PRIMARY KEY (tenant_id, seq), UNIQUE (tenant_id, origin_id, n)
)
"""
LOG_INDEX = "CREATE INDEX ON bare.{name} (tenant_id, entity, row_id)"
TO_LOG = """
INSERT INTO bare.log (tenant_id, seq, origin_id, n, entity, row_id, body)
SELECT %(tenant)s::uuid, %(first)s + place - 1, %(origin)s::uuid, %(first)s + place - 1, r->>'table',
  (r->'row'->>'id')::uuid, r
FROM jsonb_array_elements(%(records)s::jsonb) WITH ORDINALITY AS batch (r, place)
ON CONFLICT DO NOTHING
"""
FROM_LOG = "SELECT seq, body::text FROM bare.log WHERE tenant_id = %s AND seq > %s ORDER BY seq LIMIT %s"

Answer = Callable[[str, list[tuple[str, str]]], Any]


def make_tables(connection: psycopg.Connection[Any]) -> None:
    """Empty tables, and an empty log for the one big COPY."""
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for name in ("log", "copied"):
        connection.execute(LOG.format(name=name))
        connection.execute(LOG_INDEX.format(name=name))
    for statement in statements(bare_tables(SCHEMA), postgresql.dialect()):
        connection.execute(statement)
    connection.commit()


class BareHub:
    """Two calls over one database connection a thread."""

    def __init__(self, dsn: str):
        self._connection = psycopg.connect(dsn)
        self._merge = {table: _merge_statement(table) for table in TABLES}

    def __call__(self, environ: dict[str, Any], start_response: Answer) -> Iterable[bytes]:
        query = {name: int(values[0]) for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        if environ["REQUEST_METHOD"] == "POST":
            plain = zstandard.decompress(environ["wsgi.input"].read())
            answer = self.take(query["first"], plain)
        else:
            answer = zstandard.compress(self.give(query["after"], query["limit"]))
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    def take(self, first: int, plain: bytes) -> bytes:
        """Log and merge a batch; commit; say how far we are."""
        records = orjson.loads(plain)
        values = {"tenant": TENANT, "origin": ORIGIN, "first": first, "records": plain.decode()}
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(TO_LOG, values)
            for table, rows in by_table(records).items():
                cursor.execute(self._merge[table], [TENANT, orjson.dumps(rows).decode()])
        return orjson.dumps({"acked": first + len(records) - 1})

    def give(self, after: int, limit: int) -> bytes:
        """The records after a cursor, and the new cursor."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            rows = cursor.execute(FROM_LOG, [TENANT, after, limit]).fetchall()
        records = ",".join(body for _, body in rows)
        last = rows[-1][0] if rows else after
        return f'{{"cursor":{last},"records":[{records}]}}'.encode()


def _merge_statement(table: str) -> str:
    names = ", ".join(TABLES[table])
    kinds = bare_tables(SCHEMA).tables[f"{SCHEMA}.{table}"].columns
    typed = ", ".join(f"{name} {kinds[name].type.compile(dialect=postgresql.dialect())}" for name in TABLES[table])
    later = ", ".join(f"{name} = excluded.{name}" for name in TABLES[table][1:])
    return (
        f"INSERT INTO {SCHEMA}.{table} (tenant_id, {names}) SELECT %s::uuid, {names} "
        f"FROM jsonb_to_recordset(%s::jsonb) AS r ({typed}) ON CONFLICT (tenant_id, id) DO UPDATE SET {later}"
    )


def main(dsn: str) -> None:
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # one thread always has a queue
    hub = BareHub(dsn)  # one thread, so one connection
    server = waitress.create_server(hub, host="127.0.0.1", port=0, threads=1)
    calm_collector()
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    main(sys.argv[1])
