"""A hub, an enrolled shop and a printer as they really run, for a browser to look at.

Hub and node are processes behind ports, started by the commands people type; they can be killed and started again at
the same address. What is slow to type (a business, an enrolment, a day of trade) is prepared in this process.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from cloudhub.hub import Hub
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import add_shop, add_tenant
from shopnode.config import Settings, data_folder
from shopnode.devices.fake_printer import FakePrinter
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import SystemClock
from shopnode.domain.context import Actor, Context
from shopnode.domain.demo import add_demo_printer, fill_demo
from shopnode.domain.demo_cast import BUSINESS, SHOP_NAMES, STAFF
from shopnode.domain.permissions import Role
from shopnode.domain.repairs.following import public_code
from shopnode.domain.repairs.models import RepairTicket
from shopnode.machine.commands import console
from shopnode.machine.enrolling import enrol_new
from shopnode.machine.runtime import Node
from tests.hub_server import running_hub

READY_S = 60
SEED, DAYS, SALES = 1, 1, 8
PHONE = "Tecno Spark 40 8/256"
IMEIS = ("004401551550136", "004401551550144", "004401551550151", "004401551550169", "004401551550185")
TWIN = {"name": "SIM ejector tool", "category": "Accessories", "price_minor": 1_000, "sku": "SIM-1"}
REPAIR = {
    "customer_phone": "0772 123 456", "customer_name": "Nakato Prossy", "device_brand": "Tecno",
    "device_model": "Spark 10", "repair_type": "Screen", "issue_description": "fell, screen is black",
    "estimated_cost": 150_000,
}  # fmt: skip
DISPUTED = "Oraimo 18 W charger"


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    name: str
    who: str
    password: str
    pin: str = ""


GRACE, IVAN, AISHA = (Person(member.name, member.phone, member.password, member.pin) for member in STAFF)
SARAH = Person("Sarah Mukasa", "sarah@kisakye.example", "sarah-browser-2026")


class Part:
    """One process of the product. It keeps its address when it is killed and started again."""

    def __init__(self, program: str, data: Path):
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        words = ["serve", "--data", str(data), "--port", str(self.port)]
        self._command = [sys.executable, "-c", f"from {program}.cli import main; main(prog_name={program!r})", *words]
        self._log = data.with_name(f"{program}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> Part:
        """Start it; `wait_ready` says when it answers."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("SHOPNODE_", "CLOUDHUB_"))}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=plain)
        return self

    def wait_ready(self) -> None:
        assert self._process is not None
        ends_s = time.monotonic() + READY_S
        while time.monotonic() < ends_s and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"{self._command[2]} did not come up:\n{self._log.read_text()[-3000:]}")

    def start(self) -> None:
        self.begin().wait_ready()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """As a power cut does: no farewell."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(15)

    def stop(self) -> None:
        if self._process is not None and self.is_running:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass(frozen=True)
class Town:
    """Everything that runs, and the phones that are for sale."""

    hub: Part
    node: Part
    printer: FakePrinter
    repair: str  # what the public address of a repair that the hub knows of ends in
    imeis: tuple[str, ...] = IMEIS  # of PHONE, in stock


@contextmanager
def running_town(folder: Path) -> Iterator[Town]:
    """The hub with one enrolled shop that has traded since yesterday; its drawer is closed, its printer ready."""
    with ExitStack() as running:
        printer = running.enter_context(FakePrinter())
        hub = running.enter_context(running_hub())
        served = Part("cloudhub", hub.settings.data).begin()
        running.callback(served.stop)
        owner, code = _found_business(hub)
        served.wait_ready()
        shop = folder / "shop"
        enrol_new(data_folder(shop), Settings(), served.address, code, SystemClock(), secrets.token_bytes)
        repair = _fill_shop(shop, printer)
        _dispute_a_price(owner)
        node = Part("shopnode", shop)
        running.callback(node.stop)
        node.start()
        yield Town(served, node, printer, repair)


def _found_business(hub: Hub) -> tuple[Context, str]:
    """The owner at her portal, and a code for her shop's computer."""
    made = add_tenant(hub, BUSINESS, SARAH.name, SARAH.who, SARAH.password)
    shop_id = add_shop(hub, made.tenant_id, SHOP_NAMES[0], "KLA")
    owner = Context(hub.home(made.tenant_id), Actor(made.owner_id, SARAH.name, Role.OWNER), None)
    return owner, make_enrol_code(hub, made.tenant_id, shop_id)


def _fill_shop(folder: Path, printer: FakePrinter) -> str:
    """The demo's goods, a few sales and a repair, sent to the hub; then phones and a price that it has not heard of.

    Answers the public code of the repair.
    """
    with Node.open(folder) as node:
        node.sync.run_once()
        fill_demo(node.home, seed=SEED, days=DAYS, sales=SALES, tell=lambda done, total, words: None)
        add_demo_printer(node.home, printer.address)
        perform(console(node), "cash.close_drawer", {"counted": 0})
        ticket_id = perform(console(node), "repairs.take_in", REPAIR).result["ticket_id"]
        node.sync.run_once()
        with node.home.reading() as session:
            code = public_code(session.scalars(select(RepairTicket).where(RepairTicket.id == ticket_id)).one())
            ids = dict(iter(session.execute(select(Product.name, Product.id))))
        for imei in IMEIS:
            form = {"product_id": ids[PHONE], "imei1": imei, "cost_minor": 560_000}
            perform(console(node), "handsets.receive", form)
        changed = {"product_id": ids[DISPUTED], "price_minor": 36_000, "brand": "Oraimo Uganda"}
        perform(console(node), "products.update", changed)
        perform(console(node), "products.create", TWIN)
    return code


def _dispute_a_price(owner: Context) -> None:
    """The owner changes the same price at the hub, before she hears of the shop's: a conflict for the portal.

    And the same brand, which a rule settles, and a new product under a SKU that the shop uses, too: an exception.
    """
    with owner.home.reading() as session:
        product_id = session.scalars(select(Product.id).where(Product.name == DISPUTED)).one()
    perform(owner, "products.update", {"product_id": product_id, "price_minor": 34_000, "brand": "Oraimo Ltd"})
    perform(owner, "products.create", {**TWIN, "name": "SIM tool with a key ring"})


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
