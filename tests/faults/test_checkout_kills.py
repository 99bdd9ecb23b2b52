"""Kill -9 at every step of a checkout: what was told is there exactly once, what was not told is whole or absent.

Each case forks after the imports are done, so the process that dies is a real one and the test stays fast. What
happened is judged from the test's own notes (the pipe the child writes what it would have shown to the cashier).
Faults 1, 3 and 34 of the list of dangers.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from shopnode.domain import failpoints
from shopnode.domain.actions import perform
from shopnode.domain.cash.queries import drawer_figures, open_session_or_none
from shopnode.domain.clock import ManualClock
from shopnode.domain.context import Actor, Channel, Context
from shopnode.domain.node import NodeHome
from shopnode.domain.printing.models import PrintJob
from shopnode.domain.sales.models import Payment, Sale, SaleLine, SaleSummary
from shopnode.domain.stock.models import StockLevel
from shopnode.domain.stock.queries import stock_differences
from sync_protocol import chain
from tests.domain.till import FLOAT, Till, open_till
from tests.faults.children import in_child
from tests.shop import STARTED_MS, Shop, build_template, open_copy, open_database

SALE_ID = "0190a000-0000-7000-8000-00000000c0de"
TOLD = b"paid"

# The places a checkout passes, in order; `test_no_step_of_checkout_is_forgotten` keeps this list true.
STEPS = (
    "perform.before_begin",
    "sell.numbered",
    "sell.lines_written",
    "perform.rows_written",
    "perform.journalled",
    "perform.before_commit",
    "perform.after_commit",
)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Actor], Till]:
    """A shop with an open till and a printer, built once; each case works on a copy of its file."""
    template = tmp_path_factory.mktemp("template")
    people = build_template(template)
    folder = tmp_path_factory.mktemp("ready")
    shop, database = open_copy(template, folder, people)
    till = open_till(shop)
    _add_printer(shop)
    database.checkpoint()
    database.close()
    return folder, people, till


def _add_printer(shop: Shop) -> None:
    from shopnode.domain.printing.models import Printer

    with shop.home.writing() as session:
        session.add(
            Printer(
                id=shop.home.new_id(), name="Counter", transport="tcp", address="127.0.0.1:9", paper_mm=58, columns=32,
                code_page="cp1252", is_default=True, kicks_drawer=True, cuts=False, asks_status=True, qr_as_image=False,
                created_at=shop.ctx().now,
            )
        )  # fmt: skip


def reopen(folder: Path, people: dict[str, Actor]) -> Shop:
    database = open_database(folder)
    assert database.verify() == []
    database.guard()
    home = NodeHome(database, ManualClock(STARTED_MS + 120_000), random.Random(9).randbytes)
    return Shop(home, home.clock, dict(people))  # type: ignore[arg-type]


def checkout(shop: Shop, till: Till) -> dict[str, Any]:
    ctx = Context(shop.home, shop.cashier, shop.home.shop_id, Channel("192.168.1.31", "tablet"))
    form = {
        "items": [{"product_id": till.glass, "quantity": 2}, {"device_id": till.units[0]}],
        "payments": [{"method": "cash", "amount": 650_000}],
    }
    return perform(ctx, "sales.sell", form, action_id=SALE_ID).result


def judge(shop: Shop, till: Till, sales: int) -> None:
    """A1, E1, M2, S1, S2, H1 and R1, added up anew from what the test knows."""
    assert len(shop.rows(Sale)) == len(shop.rows(SaleSummary)) == sales
    assert len(shop.rows(SaleLine)) == 2 * sales
    assert sum(row.amount_minor for row in shop.rows(Payment)) == 650_000 * sales
    assert [row.number for row in shop.rows(Sale)] == ["KLA1-000001"] * sales
    assert shop.rows(StockLevel, product_id=till.glass)[0].on_hand == 10 - 2 * sales
    assert shop.rows(StockLevel, product_id=till.phone)[0].on_hand == 2 - sales
    receipts = [job for job in shop.rows(PrintJob) if job.kind == "receipt"]
    assert [job.subject_id for job in receipts] == [SALE_ID] * sales
    with shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        drawer = open_session_or_none(ctx.session, ctx.shop_id or "")
        assert drawer is not None
        assert drawer_figures(ctx.session, drawer).expected_minor == FLOAT + 650_000 * sales
    hash_n = chain.genesis(shop.home.origin_id)
    for entry in shop.entries():
        hash_n = chain.link(hash_n, entry.body.encode())
        assert entry.hash == hash_n
    assert [entry.entry_id for entry in shop.entries()].count(SALE_ID) == sales


@pytest.mark.parametrize("step", STEPS)
def test_kill_at_every_step_of_checkout(ready, tmp_path, step):
    folder, people, till = ready
    shutil.copy(folder / "shop.db", tmp_path / "shop.db")

    def child() -> None:
        failpoints.arm(f"{step}=kill")
        shop = reopen(tmp_path, people)
        checkout(shop, till)
        sys.stdout.flush()
        os.write(1, TOLD)

    killed_by, told = in_child(child)
    assert killed_by == signal.SIGKILL
    assert told == b""

    shop = reopen(tmp_path, people)
    judge(shop, till, 1 if step == "perform.after_commit" else 0)
    answer = checkout(shop, till)  # the tablet tries again, with the same key
    judge(shop, till, 1)
    assert checkout(shop, till) == answer
    judge(shop, till, 1)
    shop.home.database.close()  # type: ignore[attr-defined]


def test_what_was_told_is_there_after_a_kill(ready, tmp_path):
    """D1: the cashier saw "paid", then the plug was pulled."""
    folder, people, till = ready
    shutil.copy(folder / "shop.db", tmp_path / "shop.db")

    def child() -> None:
        checkout(reopen(tmp_path, people), till)
        os.write(1, TOLD)
        os.kill(os.getpid(), signal.SIGKILL)

    killed_by, told = in_child(child)
    assert (killed_by, told) == (signal.SIGKILL, TOLD)
    shop = reopen(tmp_path, people)
    judge(shop, till, 1)
    shop.home.database.close()  # type: ignore[attr-defined]


def test_no_step_of_checkout_is_forgotten(ready, tmp_path):
    """Every failpoint a checkout passes is in STEPS, in that order."""
    folder, people, till = ready
    shutil.copy(folder / "shop.db", tmp_path / "shop.db")
    shop = reopen(tmp_path, people)
    passed: list[str] = []
    failpoints.watch(passed.append)
    try:
        checkout(shop, till)
    finally:
        failpoints.watch(None)
    assert tuple(passed) == STEPS
    shop.home.database.close()  # type: ignore[attr-defined]
