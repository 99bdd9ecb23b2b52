"""Kill -9 of the node at every step of a renewal, of settling it, and of a change of keys; the hub's steps likewise.

The node that dies is a forked child that speaks real HTTP; the hub runs here. Judged from the test's own list.
"""

from __future__ import annotations

import random
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from waitress.server import create_server

from cloudhub.tenancy.models import Node
from cloudhub.tenancy.rotation import ask_for_new_key
from shopnode.domain import failpoints
from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import SystemClock
from shopnode.domain.node import FieldState, Installation, NodeHome
from shopnode.domain.origins import PastOrigin, unsettled
from shopnode.domain.sales.models import Sale
from shopnode.machine.examinations import chain_breaks
from shopnode.sync.models import HubLink
from shopnode.sync.renew import renew
from shopnode.sync.transport import HttpTransport
from shopnode.sync.worker import SyncWorker
from sync_protocol.keys import public_text, read_private
from tests.domain.till import Till, open_till
from tests.faults.children import in_child
from tests.shop import Shop, open_database
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.restoring import copy_books, differences

RENEWAL = ("renew.origin_begun",)
SETTLING = (
    "fork.asked",
    "fork.answered",
    "fork.compared",
    "renew.marks_released",
    "renew.before_commit",
    "renew.settled",
)
# The first exchange brings the command, the second keeps the key, the third uses it.
ROTATION = (
    "rotate.drawn=kill",
    "pull.after_commit=kill",
    "push.signed=kill@2",
    "push.answered=kill@2",
    "rotate.changed=kill",
    "pull.after_commit=kill@2",
    "push.signed=kill@3",
    "push.answered=kill@3",
)


@pytest.fixture
def address(company: Company) -> Iterator[str]:
    server = create_server(company.app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()
    thread.join(5)


def run_node(folder: Path, address: str, *, plan: str = "", restored: bool = False) -> None:
    """One start of the node: what the fence would find, then an exchange."""
    failpoints.arm(plan)
    database = open_database(folder)
    database.guard()
    home = NodeHome(database, SystemClock(), random.SystemRandom().randbytes)
    if restored:
        with home.reading() as session:
            begun = unsettled(session)
        if not begun:
            renew(home, "restored")
    worker = SyncWorker(home, transport=HttpTransport(address), software="tests")
    for _ in range(3):
        worker.run_once()
    database.close()


def restored_shop(company: Company) -> tuple[Branch, Till, list[str]]:
    """A shop put back to a copy that has sales the hub lacks and lacks sales that the hub has."""
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    branch.line.cut()
    told = [till.sell().result["sale_id"]]
    till.shop.do("products.update", product_id=till.glass, price_minor=5_500)
    copy = copy_books(branch)
    branch.line.heal()
    till.shop.do("products.update", product_id=till.charger, price_minor=36_000)
    told.append(till.sell(pay=[{"method": "cash", "amount": 5_500}]).result["sale_id"])
    branch.sync()  # all of it is with the hub now
    branch.database.close()
    for name in ("shop.db-wal", "shop.db-shm"):
        branch.database.path.with_name(name).unlink(missing_ok=True)
    shutil.copy(copy, branch.database.path)
    reopened = open_database(branch.database.path.parent)
    reopened.guard()
    home = NodeHome(reopened, branch.shop.clock, random.Random(5).randbytes)
    branch.database, branch.shop = reopened, Shop(home, branch.shop.clock, branch.shop.people)
    mine = Till(branch.shop, till.glass, till.charger, till.phone, till.units)
    return branch, mine, told


@pytest.mark.parametrize("step", [*RENEWAL, *SETTLING])
def test_kill_of_the_node_at_every_step_of_a_restore(company, address, step):
    branch, till, told = restored_shop(company)
    if step not in RENEWAL:
        renew(branch.shop.home, "restored")
        told.append(till.sell(pay=[{"method": "cash", "amount": 5_500}]).result["sale_id"])
    folder = branch.database.path.parent
    branch.database.checkpoint()
    branch.database.close()

    killed_by, _ = in_child(lambda: run_node(folder, address, plan=f"{step}=kill", restored=True))
    assert killed_by == signal.SIGKILL
    run_node(folder, address, restored=step in RENEWAL)
    judge(company, branch, till, told)


@pytest.mark.parametrize("visit", [1, 2, 3])
def test_kill_between_any_two_entries_that_move(company, address, visit):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    told = [till.sell().result["sale_id"] for _ in range(3)]
    renew(branch.shop.home, "restored")
    folder = branch.database.path.parent
    branch.database.checkpoint()
    branch.database.close()
    killed_by, _ = in_child(lambda: run_node(folder, address, plan=f"renew.entry_moved=kill@{visit}"))
    assert killed_by == signal.SIGKILL
    run_node(folder, address)
    judge(company, branch, till, told)


def judge(company: Company, branch: Branch, till: Till, told: list[str]) -> None:
    database = open_database(branch.database.path.parent)
    home = NodeHome(database, SystemClock())
    shop = Shop(home, branch.shop.clock, branch.shop.people)
    branch.database, branch.shop = database, shop
    assert database.verify() == []
    assert sorted(sale.id for sale in shop.rows(Sale)) == sorted(told)
    numbers = [sale.number for sale in shop.rows(Sale)]
    assert len(numbers) == len(set(numbers))
    assert differences(company, branch) == []
    assert [state for state in shop.rows(FieldState) if state.pending_n is not None] == []
    assert all(row.settled_at for row in shop.rows(PastOrigin))
    assert shop.rows(HubLink)[0].accepted_n == shop.rows(Installation)[0].head_n
    with home.reading() as session:
        assert chain_breaks(session)[1] == []
    assert shop.row(Product, till.glass).id == till.glass


@pytest.mark.parametrize("plan", ROTATION)
def test_kill_of_the_node_at_every_step_of_a_change_of_keys(company, address, plan):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    told = [till.sell().result["sale_id"]]
    node_id, folder = branch.shop.home.node_id, branch.database.path.parent
    ask_for_new_key(company.hub.database, company.tenant_id, node_id, company.hub.clock.wall_ms())
    branch.database.checkpoint()
    branch.database.close()
    killed_by, _ = in_child(lambda: run_node(folder, address, plan=plan))
    assert killed_by == signal.SIGKILL
    for _ in range(2):
        run_node(folder, address)
    database = open_database(folder)
    link = Shop(NodeHome(database, SystemClock()), branch.shop.clock, branch.shop.people).rows(HubLink)[0]
    with company.hub.database.session(company.tenant_id) as session:
        node = session.scalars(select(Node).where(Node.id == node_id)).one()
    assert node.public_key == public_text(read_private(link.private_key))
    assert (node.next_public_key, node.rotate_asked_at, link.next_private_key) == (None, None, None)
    assert node.past_public_key is not None
    database.close()
    judge(company, branch, till, told)


@pytest.mark.parametrize("step", ["hub.forked", "hub.met", "hub.answered"])
def test_a_hub_that_fails_at_a_step_of_a_fork_is_asked_again(company, step):
    branch, till, told = restored_shop(company)
    renew(branch.shop.home, "restored")
    told.append(till.sell(pay=[{"method": "cash", "amount": 5_500}]).result["sale_id"])
    branch.worker = SyncWorker(branch.shop.home, transport=branch.line, software="tests", chance=lambda: 0.5)
    failpoints.arm(f"{step}=raise")
    try:
        with pytest.raises(Exception, match="busy or restarting"):
            branch.worker.run_once()
    finally:
        failpoints.arm("")
    for _ in range(3):
        branch.worker.run_once()
    branch.database.close()
    judge(company, branch, till, told)
