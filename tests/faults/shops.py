"""Businesses at a real hub and their shops' computers, for tests of faults; and the judge that adds everything up anew.

The hub is a process (`processes.HubProcess`). This process looks into its database through a `Hub` of its own, which
serves nobody: so codes can be made, an owner can act in the portal, and rows can be counted while the hub is dead.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from waitress.server import create_server

from cloudhub.config import HubSettings
from cloudhub.hub import DATABASE, OWNER_ROLE, Hub, open_hub
from cloudhub.postgres import EmbeddedPostgres
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import add_shop, add_tenant
from shopnode.config import Settings, data_folder
from shopnode.domain.actions import perform
from shopnode.domain.clock import SystemClock
from shopnode.domain.context import Actor, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import NodeHome
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment, Sale, SaleLine, SaleSummary
from shopnode.domain.setup import create_installation
from shopnode.domain.stock.models import StockLevel, StockMovement
from shopnode.machine.enrolling import enrol_new
from shopnode.machine.runtime import Node
from shopnode.sync.enrol import ask_to_enrol, link_row
from shopnode.sync.transport import HttpTransport
from shopnode.sync.worker import SyncWorker
from tests.blank_books import blank_books
from tests.blank_hub import blank_hub
from tests.shop import KEY, PASSWORD, PHONES

PRICE, STOCK = 5_000, 1_000  # of every product here
FACTS = (Sale, SaleLine, Payment, StockMovement)


@contextmanager
def hub_folder() -> Iterator[Path]:
    """The database's own user must be able to walk to its folder, and pytest closes its folders to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="hub-"))
    try:
        blank_hub(folder)
        yield folder
    finally:
        _stop_orphan(EmbeddedPostgres(folder / "pg"))
        shutil.rmtree(folder, ignore_errors=True)


def _stop_orphan(server: EmbeddedPostgres) -> None:
    """A hub that a failing test left dead has left its database running."""
    if server.is_running():
        server.start()
        server.stop()


@contextmanager
def looking_into(folder: Path) -> Iterator[Hub]:
    """A hub of this process on the database of a running one, which it neither starts nor stops."""
    url = EmbeddedPostgres(folder / "pg").url(OWNER_ROLE, DATABASE)
    with open_hub(HubSettings(data=folder, database_url=url)) as opened:
        yield opened


@contextmanager
def serving_here(app: Any) -> Iterator[int]:
    """An application behind a real socket of this process; yields its port."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield int(server.effective_port)
    finally:
        server.close()
        server.task_dispatcher.shutdown()


@dataclass
class Counter:
    """A shop's computer in this process: its books, and the worker that exchanges over real HTTP."""

    database: NodeDatabase
    home: NodeHome
    worker: SyncWorker
    owner: Actor
    told: dict[str, int] = field(default_factory=dict)  # receipt number → total, as it was said to a customer

    def ctx(self) -> Context:
        return Context(self.home, self.owner, self.home.shop_id)

    def sell(self, product_id: str, quantity: int = 1) -> str:
        items = [{"product_id": product_id, "quantity": quantity, "unit_price": PRICE}]
        form = {"items": items, "payments": [{"method": "cash", "amount": PRICE * quantity}], "print_receipt": False}
        done = perform(self.ctx(), "sales.sell", form)
        self.told[done.result["number"]] = PRICE * quantity
        return str(done.result["sale_id"])

    def count(self, model: type) -> int:
        with self.home.reading() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def close(self) -> None:
        self.worker.stop()
        self.database.close()


@dataclass
class Business:
    """One tenant of the hub, and a product that all its shops sell."""

    hub: Hub
    tenant_id: str
    owner: Actor
    product_id: str = ""

    def portal(self) -> Context:
        return Context(self.hub.home(self.tenant_id), self.owner, None)

    def add_shop(self, code: str) -> str:
        return add_shop(self.hub, self.tenant_id, f"Shop {code}", code)

    def counter(self, shop_id: str, url: str, file: Path) -> Counter:
        """A new computer of the shop, enrolled over that address, with what the hub has for it."""
        code = make_enrol_code(self.hub, self.tenant_id, shop_id)
        enrolment = ask_to_enrol(url, code, device="PC", software="tests", random=secrets.token_bytes)
        answer = enrolment.answer
        database = blank_books(file, KEY)
        database.guard()
        clock = SystemClock()
        create_installation(
            database, clock, secrets.token_bytes, series=answer.series, node_id=answer.node, origin_id=answer.origin,
            shop_id=answer.shop,
        )  # fmt: skip
        with database.writing() as session:
            session.add(link_row(enrolment))
        home = NodeHome(database, clock)
        worker = SyncWorker(home, software="tests", transport=HttpTransport(url))
        worker.run_once()
        return Counter(database, home, worker, self.owner)

    def open_shop(self, counter: Counter) -> None:
        """Goods on the shelf and money in the drawer, told to the hub."""
        form = {"product_id": self.product_id, "quantity": STOCK, "reason": "opening stock", "kind": "opening"}
        perform(counter.ctx(), "stock.adjust", form)
        perform(counter.ctx(), "cash.open_drawer", {"opening_float": 50_000})
        counter.worker.run_once()

    def at_hub(self, query: str, **values: Any) -> Any:
        """One value out of the hub's database, of this business."""
        with self.hub.database.session(self.tenant_id, read_only=True) as session:
            return session.execute(text(query), values).scalar()

    def count(self, model: type) -> int:
        with self.hub.home(self.tenant_id).reading() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


def found_business(hub: Hub, name: str) -> Business:
    """A business with one product, as its owner made it in the portal."""
    made = add_tenant(hub, name, "Sarah", f"{name.lower()}@example.com", PASSWORD)
    business = Business(hub, made.tenant_id, Actor(made.owner_id, "Sarah", Role.OWNER))
    form = {"name": "Tempered glass", "category": "Accessories", "price_minor": PRICE, "cost_minor": 1_500}
    business.product_id = str(perform(business.portal(), "products.create", form).result["id"])
    return business


def make_shop_folder(business: Business, code: str, url: str, folder: Path) -> str:
    """A shop on disk, as `shopnode enrol` makes it, with a cashier, goods and an open drawer; the cashier's phone."""
    enrol_code = make_enrol_code(business.hub, business.tenant_id, business.add_shop(code))
    enrol_new(data_folder(folder), Settings(), url, enrol_code, SystemClock(), secrets.token_bytes)
    with Node.open(folder) as node:
        node.sync.run_once()
        counter = Counter(node.database, node.home, node.sync, business.owner)
        cashier = {"name": "Aisha", "role": Role.STAFF.value, "phone": PHONES["Aisha"], "password": PASSWORD}
        perform(counter.ctx(), "staff.add", cashier)
        business.open_shop(counter)
    return PHONES["Aisha"]


def judge(business: Business, counters: list[Counter], sold: int) -> None:
    """Everything that was told is at the hub once, and nothing else is; and the shops' own books say the same.

    sold  how many pieces left the shelves, in all shops together
    """
    judge_hub(business, {number: total for counter in counters for number, total in counter.told.items()}, sold)
    with business.hub.home(business.tenant_id).reading() as session:
        levels = dict(session.execute(select(StockLevel.shop_id, StockLevel.on_hand)).all())
    for counter in counters:
        judge_chain(business, counter)
        with counter.home.reading() as session:
            assert session.scalars(select(StockLevel.on_hand)).one() == levels[counter.home.shop_id]


def judge_hub(business: Business, told: dict[str, int], sold: int) -> None:
    """The hub's rows, added up from a test's own list of receipts and their totals."""
    totals = select(Sale.number, SaleSummary.total_minor).join_from(Sale, SaleSummary, SaleSummary.sale_id == Sale.id)
    moved = select(func.sum(StockMovement.quantity)).where(StockMovement.sale_id.is_not(None))
    with business.hub.home(business.tenant_id).reading() as session:
        assert dict(session.execute(totals).all()) == told
        assert session.scalar(select(func.count()).select_from(Sale)) == len(told)
        assert (session.scalar(select(func.sum(Payment.amount_minor))) or 0) == sum(told.values())
        assert -(session.scalar(moved) or 0) == sold
        levels = list(session.scalars(select(StockLevel.on_hand)))
    assert sum(levels) == STOCK * len(levels) - sold


def judge_chain(business: Business, counter: Counter) -> None:
    """The hub has this computer's journal, entry by entry."""
    mine = select(JournalEntry.n, JournalEntry.hash).where(JournalEntry.origin_id == counter.home.origin_id)
    with counter.home.reading() as session:
        here = sorted(tuple(row) for row in session.execute(mine))
    with business.hub.home(business.tenant_id).reading() as session:
        assert sorted(tuple(row) for row in session.execute(mine)) == here
