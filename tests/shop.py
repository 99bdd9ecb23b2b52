"""A whole shop for a test: an encrypted node in a temporary folder, with the fixed cast, and a clock moved by hand.

Sarah owns it, Brian supervises, Aisha sells. Building it once and copying the file
makes each test start from the same bytes in a few milliseconds.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select

from shopnode.domain import everything  # noqa: F401 — the door knows every action
from shopnode.domain.actions import Done, perform
from shopnode.domain.clock import ManualClock
from shopnode.domain.context import Actor, Approval, Channel, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.homes import Home
from shopnode.domain.journal import JournalEntry
from shopnode.domain.migrate import upgrade_node
from shopnode.domain.node import NodeHome
from shopnode.domain.people.pins import set_pin
from shopnode.domain.permissions import Role
from shopnode.domain.setup import create_installation, found_business

KEY = bytes(range(32))
PASSWORD = "correct horse battery"
PINS = {"Sarah": "2580", "Brian": "1470", "Aisha": "3690"}
PHONES = {"Sarah": "+256798000001", "Brian": "+256798000002", "Aisha": "+256798000003"}
STARTED_MS = 1_790_000_000_000  # Monday 21 September 2026, 16:13 in Kampala

T = TypeVar("T")

if TYPE_CHECKING:
    from tests.hub.world import World


@dataclass(frozen=True)
class Change:
    """A row as an entry tells it: the new values of an insert, or only the changed ones of an update."""

    action: str
    op: str
    id: str
    fields: dict[str, Any]


class Shop:
    """A home with people in it. `do` performs as one of them; what travels is read back by `changes`."""

    def __init__(self, home: Home, clock: ManualClock, people: dict[str, Actor]):
        self.home, self.clock, self.people = home, clock, people
        self.owner, self.supervisor, self.cashier = people["Sarah"], people["Brian"], people["Aisha"]

    def actor(self, role: Role) -> Actor:
        return {Role.OWNER: self.owner, Role.SUPERVISOR: self.supervisor, Role.STAFF: self.cashier}[role]

    def ctx(self, role: Role = Role.OWNER) -> Context:
        channel = Channel("192.168.1.20", "tests")
        return Context(self.home, self.actor(role), self.home.shop_id, channel)

    def perform(
        self,
        action: str,
        form: Mapping[str, Any] | None = None,
        /,
        *,
        role: Role = Role.OWNER,
        action_id: str | None = None,
        approval: Approval | None = None,
        **params: Any,
    ) -> Done:
        """Perform as the person of that role; fields by name, or as a form."""
        content = {**(form or {}), **params}
        return perform(self.ctx(role), action, content, action_id=action_id, approval=approval)

    def do(self, action: str, form: Mapping[str, Any] | None = None, /, **params: Any) -> dict[str, Any]:
        """Perform, and answer what the action answered."""
        return self.perform(action, form, **params).result

    def approval_by(self, role: Role) -> Approval:
        actor = self.actor(role)
        return Approval(actor.id or "", PINS[actor.name])

    @contextmanager
    def reading(self, role: Role = Role.OWNER) -> Iterator[Context]:
        """A context with an open read-only session, as views have it."""
        with self.home.reading() as session:
            yield self.ctx(role).inside(session)

    def rows(self, model: type[T], **wanted: Any) -> list[T]:
        with self.home.reading() as session:
            return list(session.scalars(select(model).filter_by(**wanted)))

    def row(self, model: type[T], row_id: str) -> T:
        (found,) = self.rows(model, id=row_id)
        return found

    def entries(self) -> list[JournalEntry]:
        with self.home.reading() as session:
            return list(session.scalars(select(JournalEntry).order_by(JournalEntry.n)))

    def changes(self, entity: str) -> list[Change]:
        """Every row of one table that the journal tells of, oldest first."""
        found = []
        for entry in self.entries():
            for name, op, columns, rows in json.loads(entry.body)["rows"]:
                for values in rows if name == entity else []:
                    fields = dict(zip(columns, values, strict=True))
                    row_id = fields.pop("id")
                    told = fields if op == "i" else {column: pair[1] for column, pair in fields.items()}
                    found.append(Change(entry.action, op, row_id, told))
        return found


def build_template(folder: Path) -> dict[str, Actor]:
    """Write a node's file with the business and the cast into a folder; answers the cast."""
    clock, chance = ManualClock(STARTED_MS), random.Random(20260921).randbytes
    database = open_database(folder)
    upgrade_node(database)
    database.guard()
    create_installation(database, clock, chance, series="KLA1")
    home = NodeHome(database, clock, chance)
    sarah = found_business(
        home,
        business_name="Kisura Phones",
        shop_name="Kampala Road",
        shop_code="KLA",
        owner_name="Sarah",
        owner_phone=PHONES["Sarah"],
        owner_password=PASSWORD,
    )
    people = {"Sarah": Actor(sarah, "Sarah", Role.OWNER)}
    ctx = Context(home, people["Sarah"], home.shop_id)
    for name, role in (("Brian", Role.SUPERVISOR), ("Aisha", Role.STAFF)):
        form = {"name": name, "role": role.value, "phone": PHONES[name], "password": PASSWORD}
        people[name] = Actor(perform(ctx, "staff.add", form).result["id"], name, role)
    for name, actor in people.items():
        set_pin(ctx, actor.id or "", PINS[name])
    database.checkpoint()
    database.close()
    return people


def open_copy(template: Path, folder: Path, people: dict[str, Actor]) -> tuple[Shop, NodeDatabase]:
    """A shop of its own, from the template's bytes. Close the database when done."""
    shutil.copy(template / "shop.db", folder / "shop.db")
    database = open_database(folder)
    database.guard()
    clock = ManualClock(STARTED_MS + 60_000)
    home = NodeHome(database, clock, random.Random(7).randbytes)
    return Shop(home, clock, dict(people)), database


def open_database(folder: Path) -> NodeDatabase:
    return NodeDatabase(folder / "shop.db", KEY)


def portal_shop(world: World) -> Shop:
    """A new business at the hub, with its shop and the cast."""
    from cloudhub.tenancy.tenants import add_shop, add_tenant

    business = add_tenant(world.hub, "Kisura Phones", "Sarah", "sarah@kisura.example", PASSWORD)
    shop_id = add_shop(world.hub, business.tenant_id, "Kampala Road", "KLA")
    sarah = Actor(business.owner_id, "Sarah", Role.OWNER)
    shop = Shop(world.hub.home(business.tenant_id), world.clock, {"Sarah": sarah, "Brian": sarah, "Aisha": sarah})
    for name, role in (("Brian", Role.SUPERVISOR), ("Aisha", Role.STAFF)):
        form = {"name": name, "role": role.value, "phone": PHONES[name], "shop_ids": [shop_id]}
        shop.people[name] = Actor(shop.do("staff.add", form)["id"], name, role)
    shop.supervisor, shop.cashier = shop.people["Brian"], shop.people["Aisha"]
    return shop
