"""What a shop's day costs on the line: an idle day, and a day on which every sale is sent as it is made.

A node's own worker and the hub's own application talk over a real socket, and a proxy counts every byte, headers
included. The clocks of both are moved by hand to where the hub said to ask again, so a day takes seconds. A connection
that would have been quiet for longer than the hub keeps one is hung up, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudhub.app import create_app
from cloudhub.config import HubSettings
from cloudhub.hub import open_hub
from cloudhub.serve import CHANNEL_TIMEOUT_S
from shopnode.domain.actions import perform
from shopnode.domain.clock import ManualClock, SystemClock
from shopnode.sync.transport import Answer, HttpTransport
from shopnode.sync.worker import SyncWorker
from tests.bench.joined import JoinedNode, one
from tests.bench.our_hub import invite
from tests.bench.report import Figure
from tests.bench.shop import open_counter, ticket
from tests.faults.bad_link import BadLink
from tests.faults.shops import serving_here

IDLE_KB_MAX = 200
SALE_BYTES_MAX = 240 * 1024 // 200  # 200 sales in 240 KB
OPEN_MS, DAY_MS = 10 * 3_600_000, 24 * 3_600_000
PRODUCTS = 40


class Counting:
    """A node's line that adds up what bodies weigh."""

    def __init__(self, url: str):
        self._line = HttpTransport(url)
        self.requests = self.answers = 0

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        answer = self._line.send(method, target, headers, body)
        self.requests += len(body)
        self.answers += len(answer.body)
        return answer


@dataclass
class QuietShop:
    """A shop in accelerated time, and the line it uses."""

    node: JoinedNode
    link: BadLink
    clock: ManualClock
    ids: list[str]

    @property
    def carried(self) -> int:
        return self.link.up.carried + self.link.down.carried

    def ask(self) -> int:
        """One round with the hub; how long it wants to be left alone, in ms."""
        return self.node.worker.run_once().next_poll_ms

    def pass_time(self, ms: int) -> None:
        self.clock.advance(ms)
        if ms > CHANNEL_TIMEOUT_S * 1000:
            self.link.hang_up()


def bytes_of_a_day(folder: Path, sales: int) -> list[Figure]:
    """Both figures, of the same shop."""
    with _quiet_shop(folder) as shop:
        figures = [_sales_as_made(shop, sales), _idle_day(shop)]
        shop.node.close()
    return figures


def _idle_day(shop: QuietShop) -> Figure:
    """The drawer is opened in the morning and closed in the evening; nobody buys anything."""
    shop.ask()
    begun_ms, carried, connections = shop.clock.wall_ms(), shop.carried, shop.link.connections
    rounds, is_closed = 0, False
    while (passed_ms := shop.clock.wall_ms() - begun_ms) < DAY_MS:
        if passed_ms >= OPEN_MS and not is_closed:
            perform(shop.node.ctx, "cash.close_drawer", {"counted": 100_000})
            is_closed = True
        shop.pass_time(shop.ask())
        rounds += 1
    weight_kb = (shop.carried - carried) / 1024
    detail = f"{rounds} rounds in 24 hours, {shop.link.connections - connections} connections; the shop open for 10"
    return Figure("bytes of an idle day, headers included", f"{weight_kb:.0f} KB", f"at most {IDLE_KB_MAX} KB",
        weight_kb <= IDLE_KB_MAX, detail)  # fmt: skip


def _sales_as_made(shop: QuietShop, sales: int) -> Figure:
    """Every sale is sent at once and alone; what is asked for in between is not counted here."""
    line = Counting(shop.link.url)
    shop.node.worker = SyncWorker(shop.node.home, transport=line)
    shop.ask()
    line.requests, line.answers, carried = 0, 0, shop.carried
    for i in range(sales):
        perform(shop.node.ctx, "sales.sell", ticket(shop.ids, i))
        shop.ask()
        shop.pass_time(1_000)
    requests_kb, answers_kb, max_kb = line.requests / 1024, line.answers / 1024, sales * SALE_BYTES_MAX / 1024
    detail = f"answers {answers_kb:.0f} KB, everything with headers {(shop.carried - carried) / 1024:.0f} KB"
    return Figure(f"bodies of {sales} nine-row sales sent as made", f"{requests_kb:.0f} KB", f"at most {max_kb:.0f} KB",
        requests_kb <= max_kb, detail)  # fmt: skip


@contextmanager
def _quiet_shop(folder: Path) -> Iterator[QuietShop]:
    clock = ManualClock(SystemClock().wall_ms())
    data = folder / "hub"
    data.mkdir()
    with open_hub(HubSettings(data=data), clock) as hub, serving_here(create_app(hub)) as port, BadLink(port) as link:
        invite(hub, data)
        node = one(folder, data / "invitation.json", 0, link.port, clock)
        node.sync()
        yield QuietShop(node, link, clock, open_counter(node.ctx, PRODUCTS))
