"""A shop far away: 1 Mbit/s each way and 300 ms there and back, between a node's own worker and the served hub.

The line delays and narrows (`tests/faults/bad_link.py`); it has no slow start and no TLS, and opening a connection
costs one round trip. A worker begins with small batches, as after a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from cloudhub.hub import DATABASE, OWNER_ROLE, prepare_embedded
from shopnode.domain.collector import calm_collector
from shopnode.domain.db import synced_models
from shopnode.sync.worker import SyncWorker
from tests.bench.joined import JoinedNode, one
from tests.bench.report import Figure, seconds
from tests.bench.servers import running_postgres, serving
from tests.bench.shop import open_counter, sell
from tests.faults.bad_link import FAIR, BadLink, Weather

FAR = Weather(delay_s=0.15, bytes_per_s=125_000)
CATCH_UP_S, CATCH_UP_SALES = 60, 6_000  # thirty days
BOOTSTRAP_S, BOOTSTRAP_ROWS = 30, 15_000


def far_shop(folder: Path, products: int, earlier: int, offline: int) -> list[Figure]:
    """A blank PC joins a shop that has sold so many times; then the shop comes back from so many sales offline."""
    with _far_hub(folder) as (link, invitation):
        node = one(folder, invitation, 0, link.port)
        node.sync()
        ids = open_counter(node.ctx, products)
        sell(node.ctx, ids, earlier)
        node.sync()
        calm_collector()
        figures = [_bootstrap(folder, node, link, invitation)]
        sell(node.ctx, ids, offline)
        figures.append(_catch_up(node, link, offline))
        node.close()
    return figures


@contextmanager
def _far_hub(folder: Path) -> Iterator[tuple[BadLink, Path]]:
    data = folder / "hub"
    data.mkdir()
    with running_postgres(folder) as server:
        prepare_embedded(server)
        url = server.url(OWNER_ROLE, DATABASE)
        with serving("tests.bench.our_hub", str(data), url) as port, BadLink(port) as link:
            yield link, data / "invitation.json"


def _catch_up(node: JoinedNode, link: BadLink, sales: int) -> Figure:
    """All that was sold offline goes up, and its places in the feed come back."""
    node.worker = SyncWorker(node.home)
    link.change(FAR)
    up, down = link.up.carried, link.down.carried
    took_s = seconds(node.sync)
    assert node.worker.status().waiting == 0
    carried = f"{(link.up.carried - up) / 1024:,.0f} KB up, {(link.down.carried - down) / 1024:,.0f} KB down"
    is_whole = sales >= CATCH_UP_SALES
    budget = f"under {CATCH_UP_S} s" if is_whole else f"— (under {CATCH_UP_S} s for {CATCH_UP_SALES:,})"
    return Figure(f"shop back after {sales:,} sales offline, 1 Mbit/s, 300 ms", f"{took_s:.1f} s", budget,
        not is_whole or took_s < CATCH_UP_S, carried)  # fmt: skip


def _bootstrap(folder: Path, first: JoinedNode, link: BadLink, invitation: Path) -> Figure:
    """From enrolment to the last row of everything the shop has."""
    rows, down = _rows(first), link.down.carried
    link.change(FAR)
    second: list[JoinedNode] = []

    def join() -> None:
        second.append(one(folder, invitation, 1, link.port))
        second[0].sync()

    took_s = seconds(join)
    assert _rows(second[0]) == rows
    second[0].close()
    link.change(FAIR)
    is_whole = rows >= BOOTSTRAP_ROWS
    budget = f"under {BOOTSTRAP_S} s" if is_whole else f"— (under {BOOTSTRAP_S} s for {BOOTSTRAP_ROWS:,})"
    return Figure(f"blank PC with {rows:,} rows, 1 Mbit/s, 300 ms", f"{took_s:.1f} s", budget,
        not is_whole or took_s < BOOTSTRAP_S, f"{(link.down.carried - down) / 1024:,.0f} KB down")  # fmt: skip


def _rows(node: JoinedNode) -> int:
    """How many rows travel: of all synced tables."""
    with node.home.reading() as session:
        counts = [session.scalar(select(func.count()).select_from(model)) or 0 for model in synced_models().values()]
    return sum(counts)
