"""The hub is restored from a real backup while shops trade: they bring back what it lost, and all of it is proved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from cloudhub.doctor import check_hub
from cloudhub.hub import Hub
from cloudhub.merge.rebuild import rebuild_tenant
from cloudhub.upkeep.backup import make_backup
from cloudhub.upkeep.restore import restore_backup
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.sales.models import Sale
from shopnode.machine.witnesses import broken_streams, wrong_derived
from shopnode.sync.models import HubLink
from tests.domain.till import Till, open_till
from tests.hub_server import running_hub
from tests.sync.chain_of_shops import Branch, Company, found_company
from tests.sync.sameness import differences


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A server of its own: it is taken away from under everybody."""
    with running_hub() as opened:
        yield opened


@pytest.fixture
def company(hub: Hub, tmp_path: Path) -> Iterator[Company]:
    made = found_company(hub, tmp_path, "Kisura")
    yield made
    made.close()


def sell(till: Till) -> str:
    pay = [{"method": "cash", "amount": 5_000}]
    return str(till.sell({"product_id": till.glass, "quantity": 1}, pay=pay).result["sale_id"])


def settle(*branches: Branch) -> None:
    for _ in range(4):
        for branch in branches:
            branch.sync()


def link_of(branch: Branch) -> HubLink:
    with branch.shop.home.reading() as session:
        return session.get_one(HubLink, 1)


def sales_at(company: Company) -> set[str]:
    with company.hub.home(company.tenant_id).reading() as session:
        return set(session.scalars(select(Sale.id)))


def prove(company: Company, *branches: Branch) -> None:
    """Both doctors, the rebuild, and the comparison of both homes have nothing to say."""
    assert check_hub(company.hub).findings == []
    done = rebuild_tenant(company.hub, company.tenant_id)
    assert (done.wrong, done.differences) == (0, [])
    for branch in branches:
        assert differences(company, branch) == {}
        assert wrong_derived(branch.database) == []
        with branch.shop.home.reading() as session:
            assert broken_streams(session)[1] == []


def test_shops_bring_back_what_a_hub_restored_from_its_backup_had_lost(
    company: Company, hub: Hub, tmp_path: Path
) -> None:
    one, two = company.open_branch("KLA"), company.open_branch("EBB")
    till = open_till(one.shop)
    told = {sell(till)}
    settle(one, two)
    saved = make_backup(hub, tmp_path / "stick")
    settle(one)
    safe = link_of(one).durable_n
    assert safe == link_of(one).accepted_n > 0
    told |= {sell(till), sell(till)}
    perform(company.portal(), "products.update", {"product_id": till.glass, "price_minor": 6_500})
    settle(one, two)
    assert link_of(one).accepted_n > safe
    assert sales_at(company) == told

    done = restore_backup(hub, saved.path)
    hub.notice_life()
    assert sales_at(company) < told
    pay = [{"method": "cash", "amount": 6_500}]
    told.add(str(till.sell({"product_id": till.glass, "quantity": 1}, pay=pay).result["sale_id"]))
    settle(one, two)

    assert sales_at(company) == told
    assert one.shop.row(Product, till.glass).price_minor == 6_500
    assert link_of(one).durable_n >= safe
    assert done.entries == saved.entries
    prove(company, one, two)

    make_backup(hub, tmp_path / "stick")
    settle(one)
    assert link_of(one).durable_n == link_of(one).accepted_n
    assert check_hub(hub).not_durable == 0
