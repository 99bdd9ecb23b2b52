"""PCs that were replaced, withdrawn or put back: they join anew with a code, and nothing that only they had is lost."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy import select

from cloudhub.merge.conflicts import open_exceptions
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.nodes import revoke_node
from cloudhub.tenancy.tenants import add_shop
from shopnode.domain import failpoints
from shopnode.domain.sales.models import Sale
from shopnode.machine.enrolling import AlreadyEnrolled, EnrolmentRefused, enrol_running
from shopnode.sync.line import Refused
from shopnode.sync.renew import gather, renew
from shopnode.sync.worker import SyncWorker
from tests.domain.till import Till, open_till
from tests.sync.chain_of_shops import Branch, Company, Line
from tests.sync.restoring import copy_books, differences, past, put_back, settle


@pytest.fixture(autouse=True)
def direct_line(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopnode.sync.enrol.HttpTransport", lambda url: Line(company.app))


def at_hub(company: Company, model):
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model)))


def again(branch: Branch, till: Till) -> Till:
    return Till(branch.shop, till.glass, till.charger, till.phone, till.units)


def withdraw(company: Company, branch: Branch) -> None:
    revoke_node(company.hub.database, company.tenant_id, branch.shop.home.node_id, company.hub.clock.wall_ms())


def join(company: Company, branch: Branch, shop_id: str | None = None) -> None:
    code = make_enrol_code(company.hub, company.tenant_id, shop_id or branch.shop.home.shop_id)
    node = SimpleNamespace(home=branch.shop.home, sync=branch.worker)
    enrol_running(node, "http://localhost", code)


def test_a_pc_replaced_from_a_backup_joins_anew_and_brings_what_only_the_backup_had(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    branch.line.cut()
    only_here = till.sell().result["sale_id"]
    copy = copy_books(branch)
    branch.line.heal()
    withdraw(company, branch)  # the PC was stolen
    put_back(branch, copy)
    fresh = again(branch, till).sell().result["sale_id"]
    with pytest.raises(Refused, match="withdrawn"):
        branch.worker.run_once()
    join(company, branch)
    settle(branch)

    assert {sale.id for sale in at_hub(company, Sale)} == {only_here, fresh}
    assert branch.shop.home.series == "KLA2"
    assert all(row.settled_at for row in past(branch))
    assert differences(company, branch) == []
    later = again(branch, till).sell()
    assert later.result["number"] == "KLA2-000001"
    settle(branch)
    assert differences(company, branch) == []


def test_a_pc_that_is_connected_well_does_not_join_again(company):
    branch = company.open_branch("KLA")
    with pytest.raises(AlreadyEnrolled):
        join(company, branch)
    assert past(branch) == []


def test_a_code_of_another_shop_is_refused_before_anything_changes(company):
    branch = company.open_branch("KLA")
    withdraw(company, branch)
    other = add_shop(company.hub, company.tenant_id, "Jinja", "JJA")
    before = branch.shop.home.origin_id
    with pytest.raises(EnrolmentRefused, match="books of another shop"):
        join(company, branch, other)
    assert branch.shop.home.origin_id == before
    join(company, branch)


def test_a_shop_that_was_restored_twice_before_it_was_enrolled_brings_everything_in_order(company, alone):
    till = open_till(alone)
    sold = [till.sell().result["number"]]
    for _ in range(2):
        renew(alone.home, "restored")
        sold.append(till.sell().result["number"])
    written = sum(1 for _ in alone.entries())
    prepared = add_shop(company.hub, company.tenant_id, "Kampala Road", "KLA")
    node = SimpleNamespace(
        home=alone.home, sync=SimpleNamespace(status=lambda: SimpleNamespace(state="not-enrolled"), wake=lambda: None)
    )
    enrol_running(node, "http://localhost", make_enrol_code(company.hub, company.tenant_id, prepared))
    worker = SyncWorker(alone.home, transport=Line(company.app))
    for _ in range(3):
        worker.run_once()

    assert worker.status().waiting == 0
    assert sorted(sale.number for sale in at_hub(company, Sale)) == sorted(sold)
    entries = sorted((row for row in alone.entries() if row.origin_id == alone.home.origin_id), key=lambda row: row.n)
    assert len(entries) == written
    assert [row.action for row in entries].index("products.create") < [row.action for row in entries].index(
        "sales.sell"
    )
    with company.hub.home(company.tenant_id).reading() as session:
        assert {row.kind for row in open_exceptions(session)} <= {
            "oversold",
            "made_owner",
        }  # and none of unknown people or goods


def test_gathering_that_was_cut_off_is_begun_again_and_keeps_the_order(alone, monkeypatch):
    monkeypatch.setattr("shopnode.domain.settling.ENTRIES_AT_ONCE", 2)
    till = open_till(alone)
    renew(alone.home, "restored")
    till.sell()
    origin = alone.home.origin_id
    failpoints.arm("renew.entry_moved=raise@4")
    with pytest.raises(failpoints.Injected):
        gather(alone.home)
    failpoints.arm("")
    assert alone.home.origin_id == origin
    till.sell()
    written = [row.entry_id for row in sorted(alone.entries(), key=lambda row: (row.origin_id == origin, row.n))]
    gather(alone.home)
    assert [row.entry_id for row in sorted(alone.entries(), key=lambda row: row.n)] == written
    assert {row.origin_id for row in alone.entries()} == {alone.home.origin_id} != {origin}
