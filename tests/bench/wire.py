"""What a nine-row sale weighs on the line: the whole body of a real exchange, over the number of its sales.

Who asks, where it stands in the feed and two signatures are in it too; only the headers are not.
"""

from __future__ import annotations

import secrets
from contextlib import suppress

from sqlalchemy import select, update

from shopnode.domain.actions import perform
from shopnode.domain.context import Context
from shopnode.domain.node import Installation, NodeHome
from shopnode.sync.enrol import Enrolment, adopt
from shopnode.sync.exchange import Exchanger
from shopnode.sync.line import SignedLine
from shopnode.sync.models import HubLink, StreamMark
from shopnode.sync.transport import Answer, LinkDown
from sync_protocol.keys import public_text, read_private
from sync_protocol.limits import ROWS_MAX, Batch
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.messages import EnrolAnswer
from tests.bench.report import Figure
from tests.bench.shop import ticket

BYTES_MAX = {1: 1_100, 10: None, 100: 500}


class Scales:
    """A line that keeps what is sent and is then cut."""

    body = b""

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        self.body = body
        raise LinkDown("weighed")


def sale_on_the_wire(ctx: Context, ids: list[str]) -> list[Figure]:
    """A figure for each size of batch, as a shop that is enrolled and has read some of the feed would send it."""
    _pretend_enrolled(ctx.home)
    return [_figure(ctx, ids, count, bytes_max) for count, bytes_max in BYTES_MAX.items()]


def _figure(ctx: Context, ids: list[str], count: int, bytes_max: int | None) -> Figure:
    _pretend_all_sent(ctx.home)
    for i in range(count):
        perform(ctx, "sales.sell", ticket(ids, i))
    scales = _weigh(ctx.home)
    weight = len(scales.body) / count
    budget = f"at most {bytes_max:,}" if bytes_max else "—"
    what = f"bytes of a nine-row sale, {count} in a request"
    detail = f"the whole body is {len(scales.body):,} bytes"
    return Figure(what, f"{weight:,.0f}", budget, bytes_max is None or weight <= bytes_max, detail)


def _weigh(home: NodeHome) -> Scales:
    scales = Scales()
    with suppress(LinkDown):
        Exchanger(SignedLine(home, scales, run=home.new_id()), software="phoneshop 0.1.0").exchange(
            Batch(rows=ROWS_MAX)
        )
    return scales


def _pretend_enrolled(home: NodeHome) -> None:
    secret = secrets.token_bytes(32)
    streams = [TENANT_STREAM, shop_stream(home.shop_id or "")]
    answer = EnrolAnswer(
        node=home.node_id, origin=home.origin_id, tenant=home.new_id(), shop=home.shop_id, series=home.series,
        streams=streams, audience=f"hub-{home.new_id()}", epoch=home.new_id(),
        hub_key=public_text(read_private(secret)), time=home.clock.wall_ms(),
    )  # fmt: skip
    adopt(home, Enrolment("http://127.0.0.1", answer, secrets.token_bytes(32)))
    with home.writing() as session:
        session.add_all(StreamMark(stream=stream, no=40_000, hash=secrets.token_hex(32)) for stream in streams)
        session.execute(update(Installation).values(clock_offset_ms=-1_234, seen=40_000))


def _pretend_all_sent(home: NodeHome) -> None:
    with home.writing() as session:
        head = session.scalars(select(Installation.head_n)).one()
        session.execute(update(HubLink).values(accepted_n=head))
