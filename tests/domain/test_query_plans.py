"""What a sale asks of the books is looked up, never read through: a shop sells as fast after ten years."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.domain.till import open_till
from tests.shop import Shop

# A handful of rows each, however old the shop.
SMALL = {"installation", "setting", "business", "shop", "printer", "json_each", "CONSTANT"}


@pytest.mark.parametrize("what", ["glass", "phone"])
def test_a_sale_reads_no_table_through(counter: Shop, what: str) -> None:
    till = open_till(counter)
    item = {"product_id": till.glass} if what == "glass" else {"device_id": till.units[0]}
    asked: list[str] = []
    raw = _writer(counter)
    raw.set_trace_callback(asked.append)
    try:
        till.sell(item, action_id=counter.home.new_id())
    finally:
        raw.set_trace_callback(None)
    reads = sorted({statement for statement in asked if re.match(r"\s*(SELECT|UPDATE)", statement)})
    assert len(reads) > 5
    for statement in reads:
        for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall():
            scanned = re.match(r"SCAN (\w+)", step)
            assert scanned is None or scanned[1] in SMALL, (step, statement)


def _writer(shop: Shop) -> Any:
    """The driver's connection that this home writes with."""
    with shop.home.writing() as session:
        return session.connection().connection.driver_connection
