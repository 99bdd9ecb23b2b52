"""Applications behind a real server on a free port of this computer, and the whole company for the browser's story."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waitress.server import create_server

from cloudhub.app import create_app as create_hub_app
from cloudhub.hub import Hub
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import NewTenant, add_shop, add_tenant
from shopnode.app import create_app
from shopnode.config import Settings, data_folder
from shopnode.devices.fake_printer import FakePrinter
from shopnode.domain.actions import perform
from shopnode.domain.clock import SystemClock
from shopnode.domain.context import CONSOLE, Actor, Context
from shopnode.domain.people.pins import set_pin
from shopnode.domain.permissions import Role
from shopnode.enrolling import enrol_new
from shopnode.runtime import Node
from tests.shop import PASSWORD, PHONES, PINS
from tests.web.goods import IMEIS

OWNER_EMAIL, OWNER_PASSWORD = "sarah@kisura.example", "a long enough secret"


@contextmanager
def served(app: Any, threads: int = 8) -> Iterator[str]:
    """The application's address while it is served."""
    server = create_server(app, host="127.0.0.1", port=0, threads=threads, channel_request_lookahead=1, ident=None)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        server.task_dispatcher.shutdown()
        thread.join(5)


@dataclass
class Company:
    """A hub, one enrolled shop with its printer, and the addresses of both."""

    hub: Hub
    tenant: NewTenant
    node: Node
    printer: FakePrinter
    shop_url: str
    hub_url: str
    cable: str
    phone: str

    def do(self, name: str, /, **params: Any) -> dict[str, Any]:
        return perform(Context(self.node.home, CONSOLE, self.node.home.shop_id), name, params).result


@contextmanager
def company(hub: Hub, folder: Path) -> Iterator[Company]:
    """Sarah's business at the hub and her shop in Kampala, with a cable and two phones on the shelf."""
    with ExitStack() as running:
        hub_url = running.enter_context(served(create_hub_app(hub)))
        tenant = add_tenant(hub, "Kisura Phones", "Sarah", OWNER_EMAIL, OWNER_PASSWORD)
        shop_id = add_shop(hub, tenant.tenant_id, "Kampala Road", "KLA")
        code = make_enrol_code(hub, tenant.tenant_id, shop_id)
        clock, settings = SystemClock(), Settings(ballast_bytes=0, disk_reserve_bytes=0)
        place = data_folder(folder / "shop")
        enrol_new(place, settings, hub_url, code, clock, hub.random)
        node = running.enter_context(Node.open(place.path, settings, clock=clock))
        node.sync.run_once()
        printer = running.enter_context(FakePrinter())
        made = Company(hub, tenant, node, printer, "", hub_url, "", "")
        stock(made)
        node.start()
        made.shop_url = running.enter_context(served(create_app(node)))
        yield made


def stock(made: Company) -> None:
    """People, goods and a printer."""
    do, home = made.do, made.node.home
    for name, role in (("Brian", Role.SUPERVISOR), ("Aisha", Role.STAFF)):
        person = do("staff.add", name=name, role=role.value, phone=PHONES[name], password=PASSWORD)["id"]
        set_pin(Context(home, Actor(None, "Console", Role.OWNER), home.shop_id), person, PINS[name])
    made.cable = do(
        "products.create", name="USB-C cable", category="Chargers", barcode="6160000010004", price_minor=8_000,
        cost_minor=3_000, is_preloaded=True,
    )["id"]  # fmt: skip
    made.phone = do(
        "products.create", name="Tecno Spark 40", category="New phones", price_minor=640_000, cost_minor=500_000,
        floor_minor=610_000, warranty_days=365, is_serialised=True,
    )["id"]  # fmt: skip
    do("stock.adjust", product_id=made.cable, quantity=50, reason="opening count", kind="opening")
    for number in IMEIS:
        do("handsets.receive", product_id=made.phone, imei1=number, cost_minor=500_000)
    address = f"127.0.0.1:{made.printer.port}"
    do("printing.save_printer", name="Counter", transport="tcp", address=address, kicks_drawer=True)
