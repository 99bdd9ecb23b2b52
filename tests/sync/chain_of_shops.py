"""A hub on real PostgreSQL and shops that sync with it, in one process: the line between them is a function call,
so a test can cut, delay or falsify it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from cloudhub.app import create_app
from cloudhub.hub import Hub
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import add_shop, add_tenant
from shopnode.domain.actions import perform
from shopnode.domain.clock import ManualClock
from shopnode.domain.context import Actor, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.node import NodeHome
from shopnode.domain.people.models import Staff
from shopnode.domain.people.pins import set_pin
from shopnode.domain.permissions import Role
from shopnode.domain.setup import create_installation
from shopnode.sync.enrol import Enrolment, ask_to_enrol, link_row
from shopnode.sync.transport import Answer, LinkDown
from shopnode.sync.worker import SyncWorker
from tests.blank_books import blank_books
from tests.shop import KEY, Shop

PASSWORD = "correct horse battery"


class Line:
    """The way to the hub as a function call. `fault` may replace, cut or hold back what passes."""

    def __init__(self, app: Flask):
        self._app = app
        self.fault: Callable[[str, Callable[[], Answer]], Answer] | None = None
        self.sent: list[bytes] = []

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        def through() -> Answer:
            client = self._app.test_client()
            sent = {"Content-Type": "application/json", **headers}
            answer = client.open(target, method=method, headers=sent, data=body)
            return Answer(answer.status_code, list(answer.headers.items()), answer.get_data())

        self.sent.append(body)
        return self.fault(target, through) if self.fault else through()

    def cut(self) -> None:
        def nothing(target: str, through: Callable[[], Answer]) -> Answer:
            raise LinkDown("cut")

        self.fault = nothing

    def lose_replies(self) -> None:
        def lost(target: str, through: Callable[[], Answer]) -> Answer:
            through()
            raise LinkDown("reply lost")

        self.fault = lost

    def heal(self) -> None:
        self.fault = None


@dataclass
class Branch:
    """One shop's node and its line."""

    shop: Shop
    line: Line
    worker: SyncWorker
    database: NodeDatabase

    def sync(self) -> None:
        """Exchange until both sides have everything."""
        self.worker.run_once()
        self.worker.run_once()


@dataclass
class Company:
    """One tenant: its portal and its shops."""

    hub: Hub
    tenant_id: str
    owner: Actor
    folder: Path
    app: Flask
    branches: list[Branch] = field(default_factory=list)

    def portal(self) -> Context:
        return Context(self.hub.home(self.tenant_id), self.owner, None)

    def open_branch(self, code: str) -> Branch:
        """A new shop with its node, enrolled and up to date."""
        shop_id = add_shop(self.hub, self.tenant_id, f"Shop {code}", code)
        line = Line(self.app)
        chance = random.Random(code).randbytes
        enrolment = ask_to_enrol(
            "http://hub.test", make_enrol_code(self.hub, self.tenant_id, shop_id), device="PC", software="tests",
            random=chance, transport=line,
        )  # fmt: skip
        return self.branch_of(enrolment, line, code)

    def branch_of(self, enrolment: Enrolment, line: Line, code: str) -> Branch:
        folder = self.folder / code
        folder.mkdir()
        database = blank_books(folder / "shop.db", KEY)
        database.guard()
        clock = ManualClock(self.hub.clock.wall_ms())
        chance = random.Random(code + "home").randbytes
        answer = enrolment.answer
        create_installation(
            database, clock, chance, series=answer.series, node_id=answer.node, origin_id=answer.origin,
            shop_id=answer.shop, awaits_books=True,
        )  # fmt: skip
        with database.writing() as session:
            session.add(link_row(enrolment))
        home = NodeHome(database, clock, chance)
        worker = SyncWorker(home, software="tests", transport=line, chance=lambda: 0.5)
        worker.run_once()
        branch = Branch(self.staffed(home, clock), line, worker, database)
        worker.run_once()
        self.branches.append(branch)
        return branch

    def staffed(self, home: NodeHome, clock: ManualClock) -> Shop:
        """The shop with its owner as the hub knows her, and two people added there."""
        with home.reading() as session:
            sarah = session.scalars(select(Staff).where(Staff.role == Role.OWNER.value)).first()
        assert sarah is not None
        people = {"Sarah": Actor(sarah.id, "Sarah", Role.OWNER)}
        ctx = Context(home, people["Sarah"], home.shop_id)
        for name, role in (("Brian", Role.SUPERVISOR), ("Aisha", Role.STAFF)):
            phone = f"+256798{zlib.crc32(f'{home.shop_id}{name}'.encode()) % 10**6:06d}"
            form = {"name": name, "role": role.value, "phone": phone, "password": PASSWORD}
            people[name] = Actor(perform(ctx, "staff.add", form).result["id"], name, role)
        set_pin(ctx, sarah.id, "2580")
        return Shop(home, clock, people)

    def close(self) -> None:
        for branch in self.branches:
            branch.database.close()


def found_company(hub: Hub, folder: Path, name: str) -> Company:
    made = add_tenant(hub, name, "Sarah", f"{name.lower()}@example.com", PASSWORD)
    return Company(hub, made.tenant_id, Actor(made.owner_id, "Sarah", Role.OWNER), folder, create_app(hub))
