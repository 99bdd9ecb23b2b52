"""Kill -9 of the node at every step of push and pull, over real HTTP: one effect of every sale, no line skipped.

The hub runs in this process behind waitress; the node that dies is a forked child. Judged from the test's own list
of what was sold. Faults 4, 5 and 6 of the list of dangers.
"""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from waitress.server import create_server

from cloudhub.hub import Hub
from shopnode.domain import failpoints
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import SystemClock
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import FieldState, NodeHome
from shopnode.domain.sales.models import Payment, Sale, SaleLine
from shopnode.domain.stock.models import StockLevel, StockMovement
from shopnode.sync.models import HubLink
from shopnode.sync.transport import HttpTransport
from shopnode.sync.worker import SyncWorker
from tests.domain.till import open_till
from tests.faults.children import in_child
from tests.hub_server import running_hub
from tests.shop import Shop, open_database
from tests.sync.chain_of_shops import Company, found_company

# Every place an exchange passes that sends and fetches something, in order.
STEPS = (
    "push.read",
    "push.signed",
    "push.answered",
    "push.ack_stored",
    "pull.line_applied",
    "pull.before_cursor",
    "pull.before_commit",
    "pull.after_commit",
)


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as opened:
        yield opened


@pytest.fixture
def company(hub: Hub, tmp_path: Path) -> Iterator[Company]:
    made = found_company(hub, tmp_path, f"Killed{random.Random(str(tmp_path)).randrange(10**9)}")
    yield made
    made.close()


@pytest.fixture
def address(company: Company) -> Iterator[str]:
    """The hub behind a real socket."""
    server = create_server(company.app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()
    thread.join(5)


def exchange(folder: Path, address: str, plan: str = "") -> None:
    """Open the shop's file as a process of its own would, and exchange once."""
    database = open_database(folder)
    database.guard()
    failpoints.arm(plan)
    home = NodeHome(database, SystemClock())
    SyncWorker(home, transport=HttpTransport(address)).run_once()
    database.close()


def count_at_hub(company: Company, model: type) -> int:
    with company.hub.home(company.tenant_id).reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("step", STEPS)
def test_kill_of_the_node_at_every_step_of_push_and_pull(company, address, step):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    told = [till.sell({"product_id": till.glass, "quantity": 1}).result["number"] for _ in range(3)]
    perform(company.portal(), "products.update", {"product_id": till.charger, "price_minor": 41_000})
    folder = branch.database.path.parent
    branch.database.checkpoint()
    branch.database.close()

    killed_by, _ = in_child(lambda: exchange(folder, address, f"{step}=kill"))
    assert killed_by == signal.SIGKILL
    exchange(folder, address)
    exchange(folder, address)

    judge(company, folder, till, told)


def judge(company: Company, folder: Path, till, told: list[str]) -> None:
    database = open_database(folder)
    assert database.verify() == []
    home = NodeHome(database, SystemClock())
    shop = Shop(home, None, {"Sarah": None, "Brian": None, "Aisha": None})  # type: ignore[arg-type,dict-item]
    assert sorted(sale.number for sale in shop.rows(Sale)) == told
    assert shop.row(Product, till.charger).price_minor == 41_000
    assert shop.rows(HubLink)[0].accepted_n == len(shop.entries())
    assert [state for state in shop.rows(FieldState) if state.pending_n is not None] == []
    for model in (Sale, SaleLine, Payment, StockMovement):
        assert count_at_hub(company, model) == len(shop.rows(model))
    with company.hub.home(company.tenant_id).reading() as session:
        numbers = sorted(session.scalars(select(Sale.number)))
        heads = session.execute(
            select(JournalEntry.n, JournalEntry.hash).where(JournalEntry.origin_id == home.origin_id)
        ).all()
        level = session.scalar(select(StockLevel.on_hand).where(StockLevel.product_id == till.glass))
    assert numbers == told
    assert sorted(tuple(row) for row in heads) == [(entry.n, entry.hash) for entry in shop.entries()]
    assert level == shop.rows(StockLevel, product_id=till.glass)[0].on_hand == 10 - len(told)
    database.close()


def test_no_step_of_an_exchange_is_forgotten(company, address):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    till.sell()
    perform(company.portal(), "products.update", {"product_id": till.charger, "price_minor": 41_000})
    passed: list[str] = []
    failpoints.watch(passed.append)
    try:
        branch.worker.run_once()
    finally:
        failpoints.watch(None)
    ours = [name for name in passed if name.startswith(("push.", "pull."))]  # the hub's own run in this process too
    assert tuple(dict.fromkeys(ours)) == STEPS
