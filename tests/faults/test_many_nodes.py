"""Eight computers of one business sell and send at once while its owner changes prices: nobody misses a line.

Four shops of two computers each, every one with its own sync thread and connection to a hub that is a process of its
own; the owner acts through another connection to the same database. Judged by the totals and prices noted here. Fault
33 of the list of dangers; `PHONESHOP_LONG=1` trades for a minute.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cloudhub.hub import Hub
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.sales.models import Sale
from shopnode.sync.models import FeedLine
from sync_protocol.lines import TENANT_STREAM, shop_stream
from tests.faults.processes import HubProcess, wait_until
from tests.faults.shops import PRICE, Business, Counter, found_business, judge

SHOPS = ("KLA", "NTI", "JJA", "MBR")
TRADE_S = 60.0 if os.environ.get("PHONESHOP_LONG") else 3.0


@pytest.fixture
def business(inside: Hub) -> Business:
    return found_business(inside, "Crowded")


@pytest.fixture
def counters(business: Business, hub_process: HubProcess, tmp_path: Path) -> Iterator[list[Counter]]:
    """Two computers in each shop; the first one opened it."""
    made = []
    for code in SHOPS:
        shop_id = business.add_shop(code)
        for place in (1, 2):
            made.append(business.counter(shop_id, hub_process.url, tmp_path / f"{code}{place}.db"))
            if place == 1:
                business.open_shop(made[-1])
    for counter in made:
        counter.worker.run_once()
    yield made
    for counter in made:
        counter.close()


@pytest.mark.timeout(400)
def test_eight_computers_push_at_once_while_the_portal_edits(
    business: Business, counters: list[Counter], hub_process: HubProcess
) -> None:
    prices: list[int] = []
    until = time.monotonic() + TRADE_S
    work = [threading.Thread(target=_sell, args=(business, counter, until)) for counter in counters]
    work.append(threading.Thread(target=_edit, args=(business, prices, until)))
    for counter in counters:
        counter.worker.start()
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    wait_until(lambda: all(c.worker.status().waiting == 0 for c in counters), 60, "everything is sent")
    wait_until(lambda: all(_has_everything(business, c) for c in counters), 60, "every computer has every line")

    judge(business, counters, sold=sum(total // PRICE for counter in counters for total in counter.told.values()))
    for counter in counters:
        assert _price(counter) == prices[-1]
        in_shop = [c for c in counters if c.home.shop_id == counter.home.shop_id]
        assert _receipts(counter) == sorted(number for c in in_shop for number in c.told)
        assert _lines(counter, FeedLine.action == "products.update") == len(prices)
    assert min(len(counter.told) for counter in counters) > 1
    assert len(prices) > 1
    assert "deadlock detected" not in (hub_process.data / "pg" / "log").read_text()


def _sell(business: Business, counter: Counter, until: float) -> None:
    chance = random.Random(counter.home.series)
    while time.monotonic() < until:
        counter.sell(business.product_id, chance.randint(1, 3))
        counter.worker.wake()
        time.sleep(chance.random() / 10)


def _edit(business: Business, prices: list[int], until: float) -> None:
    for price in count(PRICE + 1):
        if time.monotonic() >= until:
            return
        perform(business.portal(), "products.update", {"product_id": business.product_id, "price_minor": price})
        prices.append(price)
        time.sleep(0.02)


def _has_everything(business: Business, counter: Counter) -> bool:
    """Every number of its streams that the hub has given out."""
    streams = (TENANT_STREAM, shop_stream(counter.home.shop_id or ""))
    query = "SELECT count(*) FROM feed_line WHERE stream IN (:a, :b)"
    counter.worker.wake()
    there = business.at_hub(query, a=streams[0], b=streams[1])
    return _lines(counter) == there


def _lines(counter: Counter, *conditions: object) -> int:
    with counter.home.reading() as session:
        return session.scalar(select(func.count()).select_from(FeedLine).where(*conditions)) or 0  # type: ignore[arg-type]


def _price(counter: Counter) -> int:
    with counter.home.reading() as session:
        return session.scalars(select(Product.price_minor)).one()


def _receipts(counter: Counter) -> list[str]:
    with counter.home.reading() as session:
        return sorted(session.scalars(select(Sale.number)))
