"""Hub and nodes for a test: one embedded server, a database of its own for each test, nodes joined by direct calls."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from cloudhub.app import create_app
from cloudhub.config import HubSettings
from cloudhub.hub import DATABASE, OWNER_ROLE, Hub, connect, prepare_embedded
from cloudhub.migrate import upgrade_hub
from cloudhub.postgres import SUPERUSER, EmbeddedPostgres
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import NewTenant, add_shop, add_tenant
from shopnode.domain import everything  # noqa: F401 — the door knows every action
from shopnode.domain.clock import ManualClock
from shopnode.domain.context import Actor, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.node import NodeHome
from shopnode.domain.permissions import Role
from shopnode.domain.setup import create_installation
from shopnode.sync.enrol import ask_to_enrol, link_row
from shopnode.sync.exchange import Exchanged, Exchanger
from shopnode.sync.line import SignedLine
from shopnode.sync.transport import Answer, LinkDown
from sync_protocol.limits import Batch
from tests.blank_books import blank_books
from tests.shop import Shop

PASSWORD = "a long enough secret"
SOFTWARE = "0.1.0"
NODE_KEY = bytes(range(32))
EXCHANGES_MAX = 50


class Server:
    """One PostgreSQL for the whole test session, with a migrated database to copy."""

    def __init__(self, folder: Path):
        # Nothing here outlives the tests, so nothing needs to survive the plug.
        off = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        self.postgres = EmbeddedPostgres(folder / "pg", **off)
        self.postgres.start()
        prepare_embedded(self.postgres)
        self.clock = ManualClock()
        upgrade_hub(self.postgres.url(OWNER_ROLE, DATABASE), self.clock)
        self._made = 0
        hub = self.open(DATABASE, folder)
        self.kisura = add_tenant(hub, "Kisura Phones", "Sarah", "sarah@kisura.example", PASSWORD)
        self.mallory = add_tenant(hub, "Mallory Mobile", "Mallory", "mallory@other.example", PASSWORD)
        hub.close()  # a database that is copied must have nobody in it

    def open(self, name: str, folder: Path) -> Hub:
        settings = HubSettings(data=folder, database_url=self.owner_url(name), pool=12)
        return Hub(settings, connect(settings, self.owner_url(name)), ManualClock())

    def sql(self, statement: str) -> None:
        url = self.postgres.url(SUPERUSER, SUPERUSER).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def fresh_database(self) -> str:
        """A copy of the migrated database; answers its name."""
        self._made += 1
        name = f"hub_{self._made}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {DATABASE} OWNER {OWNER_ROLE} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def superuser(self, name: str) -> psycopg.Connection:
        url = self.postgres.url(SUPERUSER, name).replace("+psycopg", "")
        return psycopg.connect(url, autocommit=True)

    def owner_url(self, name: str) -> str:
        return self.postgres.url(OWNER_ROLE, name)


class DirectLine:
    """A line to the hub without a socket. `fault` may spoil a request or an answer, or cut the line."""

    def __init__(self, app: Flask):
        self._client: FlaskClient = app.test_client()
        self.sent: list[tuple[str, dict[str, str], bytes]] = []
        self.lose_answers = 0

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        fixed = {"Content-Type": "application/json", **headers}
        self.sent.append((target, fixed, body))
        answer = self._client.open(target, method=method, headers=fixed, data=body)
        if self.lose_answers:
            self.lose_answers -= 1
            raise LinkDown("the answer was lost")
        return Answer(answer.status_code, list(answer.headers.items()), answer.get_data())


@dataclass
class Node(Shop):
    """A shop's node that is joined to the hub."""

    def __init__(self, home: NodeHome, clock: ManualClock, people: dict[str, Actor], line: DirectLine):
        super().__init__(home, clock, people)
        self.node_home = home
        self.line = line
        self.exchanger = Exchanger(SignedLine(home, line, run=home.new_id()), software=SOFTWARE)

    def sync(self, batch: Batch | None = None) -> list[Exchanged]:
        """Exchange until nothing is left either way."""
        done = []
        for _ in range(EXCHANGES_MAX):
            done.append(self.exchanger.exchange(batch or Batch(rows=4_000)))
            if not done[-1].more:
                return done
        raise AssertionError("the exchange does not come to rest")

    def restart(self) -> None:
        """A new run of the same installation."""
        self.exchanger = Exchanger(
            SignedLine(self.node_home, self.line, run=self.node_home.new_id()), software=SOFTWARE
        )


@dataclass
class World:
    """A hub with two businesses. Mallory's is the stranger's."""

    hub: Hub
    app: Flask
    clock: ManualClock
    server: Server
    database: str
    folder: Path
    kisura: NewTenant
    mallory: NewTenant
    nodes: list[NodeDatabase] = field(default_factory=list)

    @property
    def tenant_id(self) -> str:
        return self.kisura.tenant_id

    def line(self) -> DirectLine:
        return DirectLine(self.app)

    def shop(self, code: str = "KLA", tenant: NewTenant | None = None) -> str:
        return add_shop(self.hub, (tenant or self.kisura).tenant_id, f"Shop {code}", code)

    def owner(self, tenant: NewTenant | None = None) -> Context:
        """The owner at the portal."""
        chosen = tenant or self.kisura
        return Context(self.hub.home(chosen.tenant_id), Actor(chosen.owner_id, "Sarah", Role.OWNER), None)

    def enrol(self, code: str = "KLA", tenant: NewTenant | None = None, shop_id: str | None = None) -> Node:
        """A new PC in a shop of that code, enrolled and up to date."""
        chosen = tenant or self.kisura
        shop_id = shop_id or self.shop(code, chosen)
        typed = make_enrol_code(self.hub, chosen.tenant_id, shop_id)
        line = self.line()
        chance = random.Random(len(self.nodes)).randbytes
        joined = ask_to_enrol(
            "http://hub", typed, device=f"PC {code}", software=SOFTWARE, random=chance, transport=line
        )
        folder = self.folder / f"node{len(self.nodes)}"
        folder.mkdir()
        database = blank_books(folder / "shop.db", NODE_KEY)
        self.nodes.append(database)
        database.guard()
        answer = joined.answer
        create_installation(
            database, self.clock, chance, series=answer.series, tenant_id=answer.tenant, node_id=answer.node,
            origin_id=answer.origin, shop_id=answer.shop,
        )  # fmt: skip
        with database.writing() as session:
            session.add(link_row(joined))
        home = NodeHome(database, self.clock, chance)
        owner = Actor(chosen.owner_id, "Sarah", Role.OWNER)
        node = Node(home, self.clock, {"Sarah": owner, "Brian": owner, "Aisha": owner}, line)
        node.sync()
        return node

    def rows(self, statement: str, tenant: NewTenant | None = None, **values: Any) -> list[Any]:
        """What one tenant sees."""
        with self.hub.database.session((tenant or self.kisura).tenant_id, read_only=True) as session:
            return list(session.execute(text(statement), values))

    def count(self, table: str, tenant: NewTenant | None = None) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}", tenant)[0][0])

    def session(self, tenant: NewTenant | None = None) -> Any:
        return self.hub.database.session((tenant or self.kisura).tenant_id)

    def close(self) -> None:
        for database in self.nodes:
            database.close()
        self.hub.close()


def open_world(server: Server, folder: Path) -> World:
    """A fresh hub with its two businesses."""
    name = server.fresh_database()
    hub = server.open(name, folder)
    assert isinstance(hub.clock, ManualClock)
    return World(hub, create_app(hub), hub.clock, server, name, folder, server.kisura, server.mallory)
