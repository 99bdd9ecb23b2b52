"""The database of every release is opened, upgraded and synced by the release of today."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, select

import tests.fixtures
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import add_shop
from shopnode.domain.actions import perform
from shopnode.domain.clock import ManualClock
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.db import synced_models
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.journal import JournalEntry
from shopnode.domain.migrate import upgrade_node
from shopnode.domain.node import Installation, NodeHome
from shopnode.domain.sales.models import Sale
from shopnode.domain.stock.models import StockLevel, StockMovement
from shopnode.machine.examinations import chain_breaks
from shopnode.sync.digest import compare
from shopnode.sync.enrol import adopt, ask_to_enrol, standalone_of
from shopnode.sync.worker import SyncWorker
from sync_protocol.versions import SCHEMA_VERSION
from tests.shop import KEY
from tests.sync.chain_of_shops import Line

FOLDER = Path(tests.fixtures.__file__).parent
RECORDED = sorted(file.stem for file in FOLDER.glob("node-schema-*.db"))


@pytest.fixture(params=RECORDED)
def recorded(request, hub, tmp_path):
    """The file of one release, opened by this one, and what its release said of it."""
    shutil.copy(FOLDER / f"{request.param}.db", tmp_path / "shop.db")
    database = NodeDatabase(tmp_path / "shop.db", KEY)
    upgrade_node(database)
    database.guard()
    home = NodeHome(database, ManualClock(hub.clock.wall_ms()), random.Random(5).randbytes)
    yield home, json.loads((FOLDER / f"{request.param}.json").read_text())
    database.close()


def test_every_schema_but_the_first_was_recorded():
    assert [f"node-schema-{schema}" for schema in range(2, SCHEMA_VERSION + 1)] == RECORDED


def test_a_recorded_file_holds_what_was_written(recorded):
    home, told = recorded
    assert home.database.verify() == []
    with home.reading() as session:
        head = session.execute(select(Installation.head_n, Installation.head_hash)).one()
        assert tuple(head) == (told["head_n"], told["head_hash"])
        assert chain_breaks(session) == (told["head_n"], [])
        models = synced_models()
        for name, count in told["rows"].items():
            assert session.scalar(select(func.count()).select_from(models[name])) == count, name


def test_a_recorded_file_knows_what_its_stock_is_worth(recorded):
    home, _ = recorded
    worth = func.sum(StockMovement.quantity * StockMovement.unit_cost_minor)
    with home.reading() as session:
        moved = session.execute(select(StockMovement.product_id, worth).group_by(StockMovement.product_id)).all()
        levels = session.execute(select(StockLevel.product_id, StockLevel.worth_minor)).all()
    assert len(levels) >= 2
    assert sorted(map(tuple, levels)) == sorted(map(tuple, moved))


def test_a_recorded_file_syncs_and_goes_on_selling(recorded, company):
    home, told = recorded
    prepared = add_shop(company.hub, company.tenant_id, "Kampala Road", "KLA")
    line = Line(company.app)
    enrolment = ask_to_enrol(
        "http://hub.test", make_enrol_code(company.hub, company.tenant_id, prepared), device="PC", software="tests",
        random=random.Random(3).randbytes, standalone=standalone_of(home), transport=line,
    )  # fmt: skip
    adopt(home, enrolment)
    worker = SyncWorker(home, transport=line, chance=lambda: 0.5)
    worker.run_once()
    perform(Context(home, CONSOLE, home.shop_id), "products.create", product())
    worker.run_once()
    worker.run_once()
    with company.hub.home(company.tenant_id).reading() as session:
        mine = select(JournalEntry.verdict).where(JournalEntry.origin_id == home.origin_id)
        verdicts = session.scalars(mine).all()
        assert len(verdicts) == told["head_n"] + 1
        assert set(verdicts) <= {None, "merged"}  # the business is there already, and some of it is known better
        assert session.scalar(select(func.count()).select_from(Sale)) == told["rows"]["sale"]
    assert compare(worker._signed_line()).is_whole


def product():
    return {"name": "New case", "category": "Accessories", "cost_minor": 1_000, "price_minor": 3_000}
