"""The ground every world starts from: one PostgreSQL, and two businesses whose shops are open and have traded.

Built once in a process and copied for each world, so that a world begins within a tenth of a second and always alike.
"""

from __future__ import annotations

import random
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from cloudhub.hub import Hub
from shopnode.domain import clock
from shopnode.domain.actions import perform
from shopnode.domain.context import Actor, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.migrate import upgrade_node
from shopnode.domain.people import passwords
from shopnode.domain.permissions import Role
from tests.hub.world import NODE_KEY, Node, Server, World, open_world
from tests.simulator.plugs import cheap_hashes

CODES = ("KLA", "EBB", "JIN")
GROUND = "sim_ground"
PHONES_EACH = 3  # of each model in each shop
FLOAT_MINOR = 50_000
CREDIT_MINOR = 400_000
# Used phones are sold in the very run that bought them, and a photo of an ID is no part of what is simulated.
TERMS = {"used_hold_days": 0, "used_id_photos": 0, "points_per_1000_minor": 1}


@dataclass(frozen=True)
class Ware:
    """One product of the catalogue, as people know it."""

    id: str
    price_minor: int
    is_phone: bool


@dataclass(frozen=True)
class Premises:
    """A shop that is open: its computer's file, its people and the phones on its shelf."""

    code: str
    shop_id: str
    file: Path
    people: dict[str, Actor]
    units: tuple[str, ...]


@dataclass(frozen=True)
class Business:
    """A tenant of the hub with its shops."""

    tenant_id: str
    owner: Actor
    shops: tuple[Premises, ...]
    wares: tuple[Ware, ...]
    customers: tuple[str, ...] = ()  # who may owe something
    supplier_id: str = ""


@dataclass(frozen=True)
class Ground:
    """What a world is copied from."""

    server: Server
    folder: Path
    now_ms: int
    ours: Business
    stranger: Business
    blank: Path  # books with nothing in them


@contextmanager
def standing_ground() -> Iterator[Ground]:
    """The server with the founded businesses, for as long as worlds are run on it."""
    # The server's own user must be able to walk to its folder, and pytest closes its folders to everybody else.
    folder = Path(tempfile.mkdtemp(prefix="simulator-"))
    with cheap_hashes():
        with drawn_from(random.Random(20_260_921)):  # ids sort alike in every process, or a seed would not be a run
            server = Server(folder)
        try:
            with drawn_from(random.Random(20_260_922)):
                ground = _found(server, folder)
            yield ground
        finally:
            server.postgres.stop()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def drawn_from(chance: random.Random) -> Iterator[None]:
    """Ids and keys come from this chance instead of the system's."""
    drawn = secrets.token_bytes
    with ExitStack() as held:
        for function in (clock.new_id, Hub.__init__):
            values = tuple(chance.randbytes if value is drawn else value for value in function.__defaults__ or ())
            held.enter_context(mock.patch.object(function, "__defaults__", values))
        held.enter_context(mock.patch.object(secrets, "token_bytes", chance.randbytes))
        yield


def imei_of(number: int) -> str:
    """A telephone's number with its check digit."""
    body = f"35{number:012d}"
    doubled = [int(sign) * (2 if place % 2 else 1) for place, sign in enumerate(body)]
    total = sum(digit - 9 if digit > 9 else digit for digit in doubled)
    return f"{body}{-total % 10}"


def _found(server: Server, folder: Path) -> Ground:
    world = open_world(server, folder)
    nodes = {code: world.enrol(code) for code in CODES}
    stranger_node = world.enrol("MAL", world.mallory)
    for code, node in nodes.items():
        _hire(node, code)
        node.sync()
    owner = Context(world.hub.home(world.tenant_id), nodes["KLA"].owner, None)
    wares, partners = _stock_catalogue(owner), _agree_terms(owner)
    strange = _stock_catalogue(Context(world.hub.home(world.mallory.tenant_id), stranger_node.owner, None))
    everybody = [*nodes.values(), stranger_node]
    for node in everybody:
        node.sync()
    shops = []
    for place, (code, node) in enumerate([*nodes.items(), ("MAL", stranger_node)]):
        units = _fill_shelves(node, wares if code in CODES else strange, place)
        shops.append((code, node, units))
    for node in everybody * 2:
        node.sync()
    premises = [_premises(world, place, *shop) for place, shop in enumerate(shops)]
    now_ms = world.clock.wall_ms()
    world.close()
    server.sql(f"ALTER DATABASE {world.database} RENAME TO {GROUND}")
    ours = Business(world.tenant_id, nodes["KLA"].owner, tuple(premises[:-1]), wares, *partners)
    theirs = Business(world.mallory.tenant_id, stranger_node.owner, (premises[-1],), strange)
    return Ground(server, folder, now_ms, ours, theirs, _blank_books(folder))


def _blank_books(folder: Path) -> Path:
    file = folder / "blank.db"
    database = NodeDatabase(file, NODE_KEY)
    upgrade_node(database)
    database.checkpoint()
    database.close()
    return file


def _hire(node: Node, code: str) -> None:
    """Brian and Aisha start in this shop; each shop has its own."""
    for place, (name, role) in enumerate((("Brian", Role.SUPERVISOR), ("Aisha", Role.STAFF))):
        form = {"name": f"{name} of {code}", "role": role.value, "phone": f"+25679800{CODES.index(code)}{place}11"}
        node.people[name] = Actor(node.do("staff.add", form)["id"], name, role)
    node.supervisor, node.cashier = node.people["Brian"], node.people["Aisha"]


def _stock_catalogue(ctx: Context) -> tuple[Ware, ...]:
    goods: list[dict[str, Any]] = [
        {"name": "Tempered glass", "price_minor": 5_000, "cost_minor": 1_500},
        {"name": "Oraimo charger", "price_minor": 35_000, "cost_minor": 22_000},
        {"name": "Cable", "price_minor": 8_000, "cost_minor": 3_000},
        {"name": "Tecno Spark 40", "price_minor": 640_000, "cost_minor": 560_000, "is_serialised": True},
        {"name": "Itel A70", "price_minor": 320_000, "cost_minor": 280_000, "is_serialised": True},
    ]
    wares = []
    for form in goods:
        made = perform(ctx, "products.create", {"category": "Goods", **form}).result["id"]
        wares.append(Ware(made, form["price_minor"], form.get("is_serialised", False)))
    return tuple(wares)


def _agree_terms(ctx: Context) -> tuple[tuple[str, ...], str]:
    """Who buys on account, and from whom the shops buy: customers' ids, and the supplier's."""
    for key, value in TERMS.items():
        perform(ctx, "settings.change", {"key": key, "value": value})
    customers = []
    for name in ("Nakato", "Okello", "Namubiru"):
        made = perform(ctx, "customers.create", {"name": name}).result["id"]
        perform(ctx, "accounts.set_credit", {"customer_id": made, "credit_limit": CREDIT_MINOR})
        customers.append(made)
    supplier = {"name": "Kampala Mobile Wholesale", "terms_days": 14, "lead_days": 3}
    return tuple(customers), perform(ctx, "suppliers.create", supplier).result["id"]


def _fill_shelves(node: Node, wares: tuple[Ware, ...], place: int) -> tuple[str, ...]:
    units = []
    for model, ware in enumerate(wares):
        if not ware.is_phone:
            node.do("stock.adjust", product_id=ware.id, quantity=200, reason="opening stock", kind="opening")
            continue
        for piece in range(PHONES_EACH):
            imei = imei_of(place * 1_000 + model * 100 + piece)
            units.append(node.do("handsets.receive", product_id=ware.id, imei1=imei)["unit_id"])
    node.do("cash.open_drawer", opening_float=FLOAT_MINOR)
    return tuple(units)


def _premises(world: World, place: int, code: str, node: Node, units: tuple[str, ...]) -> Premises:
    database = world.nodes[place]
    database.checkpoint()
    shop_id = node.home.shop_id
    assert shop_id is not None
    return Premises(code, shop_id, database.path, dict(node.people), units)


assert passwords  # its hasher is what `cheap_hashes` replaces
