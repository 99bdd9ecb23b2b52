"""A PC that was enrolled in a shop and has not spoken with the hub since, and what stands in its books."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from cloudhub.tenancy.codes import make_enrol_code
from shopnode.domain.catalogue.models import ProductSearch
from shopnode.domain.clock import ManualClock
from shopnode.domain.context import Context
from shopnode.domain.db import synced_models
from shopnode.domain.node import NodeHome
from shopnode.domain.sales.models import SaleSummary
from shopnode.domain.setup import create_installation
from shopnode.domain.stock.models import StockLevel
from shopnode.sync.enrol import ask_to_enrol, link_row
from shopnode.sync.transport import Answer
from shopnode.sync.worker import SyncWorker
from tests.blank_books import blank_books
from tests.shop import KEY
from tests.sync.chain_of_shops import Company, Line

DERIVED = (SaleSummary, StockLevel, ProductSearch)


class TracedLine(Line):
    """Remembers what was asked for."""

    targets: list[str]

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        self.targets = [*getattr(self, "targets", []), target]
        return super().send(method, target, headers, body)


@dataclass
class BlankPC:
    """A node without people; it only syncs."""

    company: Company
    home: NodeHome
    line: TracedLine
    worker: SyncWorker

    def sync(self) -> None:
        self.worker.run_once()
        self.worker.run_once()

    def restart(self) -> None:
        """The process was killed and begins again."""
        self.home = NodeHome(self.home.database, self.home.clock, self.home.random)
        self.worker = SyncWorker(self.home, software="tests", transport=self.line, chance=lambda: 0.5)

    def context(self) -> Context:
        return Context(self.home, self.company.owner, self.home.shop_id)

    def rows(self, model: type[Any]) -> list[Any]:
        with self.home.reading() as session:
            return list(session.scalars(select(model)))


@contextmanager
def blank_pc(company: Company, shop_id: str | None, name: str = "NEW") -> Iterator[BlankPC]:
    """Another PC in a shop."""
    assert shop_id is not None
    line = TracedLine(company.app)
    chance = random.Random(name).randbytes
    code = make_enrol_code(company.hub, company.tenant_id, shop_id)
    enrolment = ask_to_enrol("http://hub.test", code, device=name, software="tests", random=chance, transport=line)
    folder = company.folder / name
    folder.mkdir()
    database = blank_books(folder / "shop.db", KEY)
    database.guard()
    clock, answer = ManualClock(company.hub.clock.wall_ms()), enrolment.answer
    create_installation(
        database, clock, chance, series=answer.series, node_id=answer.node, origin_id=answer.origin,
        shop_id=answer.shop, awaits_books=True,
    )  # fmt: skip
    with database.writing() as session:
        session.add(link_row(enrolment))
    pc = BlankPC(company, NodeHome(database, clock, chance), line, None)  # type: ignore[arg-type]
    pc.restart()
    yield pc
    database.close()


def contents(home: NodeHome) -> dict[str, list[list[str]]]:
    """Every synced row with its place in the feed, and what follows from them."""
    models = {**synced_models(), **{model.__tablename__: model for model in DERIVED}}
    with home.reading() as session:
        return {name: sorted(_texts(session, model)) for name, model in models.items()}


def _texts(session: Any, model: Any) -> list[list[str]]:
    columns = [column for column in model.__table__.columns if column.name != "tenant_id"]
    return [[str(value) for value in row] for row in session.execute(select(*columns))]
