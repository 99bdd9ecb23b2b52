"""Push and pull through the real parts: a node's worker, signed HTTP, a hub in its own process, and a second node.

Ours and the shortest path take turns with the same sales on the same PostgreSQL. The first node sends them, and makes
its own lines of the feed again from the hub's answer; the second, in the same shop, fetches and applies them. Ratios
are medians of rounds, each of which was measured within seconds of the other side's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg
from sqlalchemy import func, select

from cloudhub.hub import DATABASE, OWNER_ROLE, prepare_embedded
from shopnode.domain.collector import calm_collector
from shopnode.domain.node import Installation
from shopnode.domain.sales.models import Payment, Sale, SaleLine
from shopnode.domain.stock.models import StockMovement
from tests.bench.joined import JoinedNode, join
from tests.bench.records import TABLES, Record, by_table, sales_after
from tests.bench.report import Figure, seconds
from tests.bench.servers import plain_dsn, running_postgres, serving
from tests.bench.shop import open_counter, sell
from tests.bench.shortest import Rates, ShortestPath

SHORTEST_MIN = 0.15  # of one big COPY, or it would be no fair measure
PUSH_MIN = 0.5
PULL_MIN = 1 / 3
ROWS_OF_SALE = 9


@dataclass(frozen=True)
class Round:
    """Rows a second on both sides, within one round."""

    shortest: Rates
    push: float
    pull: float


def push_and_pull(folder: Path, products: int, sales: int, rounds: int) -> list[Figure]:
    """Both ways, after one round that is not counted."""
    folder.mkdir(exist_ok=True)
    with _both(folder) as (path, nodes, hub):
        ids = open_counter(nodes[0].ctx, products)
        calm_collector()  # as `shopnode serve` does
        found = [_round(path, nodes, hub, ids, sales) for _ in range(rounds + 1)][1:]
        for node in nodes:
            node.close()
    rows = f"{sales * ROWS_OF_SALE:,} rows"
    return [_shortest(found, rows), _push(found, rows), _pull(found, rows)]


@contextmanager
def _both(folder: Path) -> Iterator[tuple[ShortestPath, list[JoinedNode], str]]:
    """One PostgreSQL, and beside it the bare hub and ours."""
    data = folder / "hub"
    data.mkdir()
    with running_postgres(folder) as server, psycopg.connect(plain_dsn(server)) as connection:
        prepare_embedded(server)
        url = server.url(OWNER_ROLE, DATABASE)
        with (
            serving("tests.bench.bare_hub", plain_dsn(server)) as bare_port,
            serving("tests.bench.our_hub", str(data), url) as our_port,
        ):
            nodes = join(folder, data / "invitation.json", our_port)
            for node in nodes:
                node.sync()
            yield ShortestPath(connection, bare_port, folder), nodes, plain_dsn(server, DATABASE)


def _round(path: ShortestPath, nodes: list[JoinedNode], hub: str, ids: list[str], sales: int) -> Round:
    sender, reader = nodes
    for node in nodes:
        node.sync()  # nothing but the sales is left to be timed
    with sender.home.reading() as session:
        head = session.scalars(select(Installation.head_n)).one()
    sell(sender.ctx, ids, sales)
    records = sales_after(sender.ctx, head)
    rates = path.measure(records)
    pushed_s = seconds(sender.sync)
    pulled_s = seconds(reader.sync)
    _check(nodes, hub, records)
    return Round(rates, len(records) / pushed_s, len(records) / pulled_s)


def _check(nodes: list[JoinedNode], hub: str, records: list[Record]) -> None:
    """Every row arrived: at the hub, and from there at the second node."""
    expected = {table: len(rows) for table, rows in by_table(records).items()}
    models = {"sale": Sale, "sale_line": SaleLine, "payment": Payment, "stock_movement": StockMovement}
    assert models.keys() | {"entry"} == TABLES.keys()
    counts = []
    for node in nodes:
        with node.home.reading() as session:
            counts.append([session.scalar(select(func.count()).select_from(model)) for model in models.values()])
    with psycopg.connect(hub) as connection:
        counts.append([connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in models])
    assert counts[0] == counts[1] == counts[2], counts
    assert all(count >= expected[name] for name, count in zip(models, counts[0], strict=True)), counts


def _shortest(found: list[Round], rows: str) -> Figure:
    ratio = median(r.shortest.push / r.shortest.copy for r in found)
    detail = f"push {median(r.shortest.push for r in found):,.0f}, COPY {median(r.shortest.copy for r in found):,.0f}"
    return Figure(f"shortest path's push ÷ one big COPY, {rows}", f"{ratio:.2f}", f"at least {SHORTEST_MIN}",
        ratio >= SHORTEST_MIN, f"{detail} rows/s, medians of {len(found)}")  # fmt: skip


def _push(found: list[Round], rows: str) -> Figure:
    ratio = median(r.push / r.shortest.push for r in found)
    detail = f"{median(r.push for r in found):,.0f} rows/s; shortest {median(r.shortest.push for r in found):,.0f}"
    return Figure(
        f"push into the hub ÷ shortest path, {rows}", f"{ratio:.2f}", f"at least {PUSH_MIN}", ratio >= PUSH_MIN, detail
    )


def _pull(found: list[Round], rows: str) -> Figure:
    ratio = median(r.pull / r.shortest.pull for r in found)
    detail = f"{median(r.pull for r in found):,.0f} rows/s; shortest {median(r.shortest.pull for r in found):,.0f}"
    return Figure(
        f"pull and apply ÷ shortest path, {rows}", f"{ratio:.2f}", f"at least {PULL_MIN:.2f}", ratio >= PULL_MIN, detail
    )
