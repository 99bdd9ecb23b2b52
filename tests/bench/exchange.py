"""Push and pull through the real parts: a node's exchanger, signed HTTP, a hub of its own process, and a second node.

Ours and the shortest path take turns with the same sales on the same PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

import psycopg

from tests.bench.records import sales_after
from tests.bench.report import Figure
from tests.bench.servers import plain_dsn, running_postgres, serving
from tests.bench.shop import new_shop, sell
from tests.bench.shortest import Rates, ShortestPath

SHORTEST_MIN = 0.15  # of one big COPY, or it would be no fair measure
PUSH_MIN = 0.5
PULL_MIN = 1 / 3


def push_and_pull(folder: Path, products: int, sales: int, rounds: int) -> list[Figure]:
    ctx, ids = new_shop(folder, products)
    found: list[Rates] = []
    with running_postgres(folder) as server, psycopg.connect(plain_dsn(server)) as connection:
        sell(ctx, ids, sales)
        records = sales_after(ctx, 0)
        with serving("tests.bench.bare_hub", plain_dsn(server)) as port:
            path = ShortestPath(connection, port, folder)
            found += [path.measure(records) for _ in range(rounds)]
    return [_shortest(found)]


def _shortest(found: list[Rates]) -> Figure:
    ratio = median(rates.push / rates.copy for rates in found)
    detail = f"push {median(r.push for r in found):,.0f}, pull {median(r.pull for r in found):,.0f}, "
    detail += f"COPY {median(r.copy for r in found):,.0f} rows/s, median of {len(found)}"
    return Figure(
        "shortest path's push ÷ one big COPY", f"{ratio:.2f}", f"at least {SHORTEST_MIN}", ratio >= SHORTEST_MIN, detail
    )
