"""The hub's database is put back to an earlier state: nothing that any shop or the owner did is lost, or done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from cloudhub.hub import Hub
from cloudhub.merge.conflicts import open_conflicts, open_exceptions
from cloudhub.merge.lives import begin_new_life
from cloudhub.merge.models import FieldConflict, HubLife, Origin
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.people.models import Staff
from shopnode.domain.sales.models import Sale, SaleDecision, SaleSummary
from shopnode.sync.models import HubLink
from shopnode.sync.models import ReturnedLine as KeptLine
from tests.domain.till import Till, open_till
from tests.hub_server import copy_hub, put_back
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.sameness import differences

BACKUP = "the_backup"
Restore = Callable[[], None]


@pytest.fixture(params=["announced", "unannounced"])
def restore(request: pytest.FixtureRequest, hub: Hub) -> Restore:
    """Put the hub back to its backup; with `cloudhub restore` a life begins, on its own it does not."""

    def put() -> None:
        put_back(hub, BACKUP)
        if request.param == "announced":
            begin_new_life(hub, "restored")

    return put


def at_hub(company: Company, model: Any, *conditions: Any) -> list[Any]:
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model).where(*conditions)))


def lives(hub: Hub) -> int:
    with hub.database.gate() as session:
        return session.scalars(select(func.count()).select_from(HubLife)).one()


def sell(till: Till, price_minor: int = 5_000) -> str:
    pay = [{"method": "cash", "amount": price_minor}]
    return str(till.sell({"product_id": till.glass, "quantity": 1}, pay=pay).result["sale_id"])


def set_price(company: Company, till: Till, price_minor: int) -> None:
    perform(company.portal(), "products.update", {"product_id": till.glass, "price_minor": price_minor})


def settle(*branches: Branch) -> None:
    """Until nothing moves any more."""
    for _ in range(4):
        for branch in branches:
            branch.sync()


def assert_calm(company: Company) -> None:
    """Nothing for the owner to look at."""
    with company.hub.home(company.tenant_id).reading() as session:
        assert open_conflicts(session) == []
        assert [found.kind for found in open_exceptions(session)] == []


def test_sales_the_hub_lost_are_sent_again_once(company: Company, hub: Hub, restore: Restore) -> None:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    sell(till)
    branch.sync()
    copy_hub(hub, BACKUP)
    lost = sell(till)
    branch.sync()
    restore()
    offline = sell(till)

    settle(branch)

    assert {row.id for row in at_hub(company, Sale)} >= {lost, offline}
    assert len(at_hub(company, Sale)) == 3
    assert differences(company, branch) == {}
    assert branch.worker.status().waiting == 0
    assert_calm(company)


def test_what_the_owner_decided_comes_back_from_the_shop(company: Company, hub: Hub, restore: Restore) -> None:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    sale = sell(till)
    other = sell(till)
    branch.sync()
    copy_hub(hub, BACKUP)
    lived = lives(hub)
    set_price(company, till, 7_000)
    perform(company.portal(), "sales.approve", {"sale_id": sale})
    perform(company.portal(), "sales.void", {"sale_id": other, "reason": "tried it out", "restock": "resell"})
    aisha = branch.shop.people["Aisha"].id
    perform(company.portal(), "staff.suspend", {"staff_id": aisha})
    branch.sync()
    restore()

    settle(branch)

    (glass,) = at_hub(company, Product, Product.id == till.glass)
    assert glass.price_minor == 7_000
    assert {row.kind for row in at_hub(company, SaleDecision)} == {"approve", "void"}
    assert at_hub(company, Staff, Staff.id == aisha)[0].suspended_at is not None
    assert differences(company, branch) == {}
    assert_calm(company)
    with branch.shop.home.reading() as session:
        waiting = (
            select(func.count()).select_from(KeptLine).where(KeptLine.given_at.is_(None), KeptLine.body.is_not(None))
        )
        assert session.scalars(waiting).one() == 0
        assert session.scalars(select(HubLink.whole_until)).one() is None
        assert session.scalars(select(HubLink.epoch)).one() == hub.identity.epoch
    assert lives(hub) == lived + 1


def test_a_lost_line_that_two_shops_give_back_is_taken_once(company: Company, hub: Hub, restore: Restore) -> None:
    here, there = company.open_branch("KLA"), company.open_branch("JJA")
    till = open_till(here.shop)
    settle(here, there)
    copy_hub(hub, BACKUP)
    lived = lives(hub)
    set_price(company, till, 7_000)
    settle(here, there)
    restore()

    settle(here, there)

    assert [at_hub(company, Product, Product.id == till.glass)[0].price_minor] == [7_000]
    assert differences(company, here) == {} == differences(company, there)
    portal = hub.home(company.tenant_id).origin_id
    assert at_hub(company, Origin, Origin.id == portal)[0].head_n == 1
    assert lives(hub) == lived + 1
    assert_calm(company)


@pytest.mark.parametrize("order", [("KLA", "JJA"), ("JJA", "KLA")])
def test_a_product_known_from_another_shop_is_not_doubled_by_its_own(
    company: Company, hub: Hub, restore: Restore, order: tuple[str, str]
) -> None:
    branches = {code: company.open_branch(code) for code in ("KLA", "JJA")}
    till = open_till(branches["KLA"].shop)
    settle(*branches.values())
    copy_hub(hub, BACKUP)
    glass = {"product_id": till.glass}
    branches["KLA"].shop.do("products.update", **glass, price_minor=6_000)
    settle(*branches.values())
    set_price(company, till, 7_000)
    settle(*branches.values())
    branches["KLA"].shop.do("products.update", **glass, price_minor=8_000)
    branches["KLA"].shop.do(
        "products.create", name="A case", category="Accessories", price_minor=9_000, cost_minor=1_000, sku="CASE-1"
    )
    settle(*branches.values())
    restore()

    for _ in range(4):
        for code in order:
            branches[code].sync()

    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 8_000
    assert len(at_hub(company, Product, Product.sku == "CASE-1")) == 1
    for branch in branches.values():
        assert differences(company, branch) == {}
    assert_calm(company)


def test_a_price_of_the_new_life_stands_against_one_that_comes_back(
    company: Company, hub: Hub, restore: Restore
) -> None:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    copy_hub(hub, BACKUP)
    set_price(company, till, 7_000)
    branch.sync()
    restore()
    set_price(company, till, 9_000)

    settle(branch)

    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 9_000
    assert branch.shop.row(Product, till.glass).price_minor == 9_000
    assert differences(company, branch) == {}
    assert_calm(company)


def test_a_shop_that_was_never_behind_goes_on(company: Company, hub: Hub, restore: Restore) -> None:
    quiet, busy = company.open_branch("KLA"), company.open_branch("JJA")
    till = open_till(busy.shop)
    settle(quiet, busy)
    copy_hub(hub, BACKUP)
    sell(till)
    busy.sync()  # nothing for the other shop's streams
    restore()

    settle(quiet, busy)

    assert differences(company, quiet) == {} == differences(company, busy)
    with quiet.shop.home.reading() as session:
        assert session.scalars(select(HubLink.epoch)).one() == hub.identity.epoch
        assert session.scalars(select(func.count()).select_from(KeptLine)).one() == 0
    assert_calm(company)


def test_a_hub_that_was_put_back_twice_is_given_everything_twice(company: Company, hub: Hub, restore: Restore) -> None:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    copy_hub(hub, BACKUP)
    set_price(company, till, 7_000)
    sell(till)
    branch.sync()
    restore()
    settle(branch)
    sell(till, 7_000)
    perform(company.portal(), "products.update", {"product_id": till.charger, "price_minor": 33_000})
    branch.sync()
    restore()

    settle(branch)

    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 7_000
    assert at_hub(company, Product, Product.id == till.charger)[0].price_minor == 33_000
    assert len(at_hub(company, Sale)) == 2
    assert differences(company, branch) == {}
    assert_calm(company)


def test_decisions_hold_in_the_order_in_which_they_were_made(company: Company, hub: Hub, restore: Restore) -> None:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    sale = sell(till)
    branch.sync()
    copy_hub(hub, BACKUP)
    branch.shop.do("sales.approve", sale_id=sale)
    branch.sync()
    perform(company.portal(), "sales.lock", {"sale_id": sale})
    branch.sync()
    perform(company.portal(), "sales.unlock", {"sale_id": sale, "reason": "to be corrected"})
    branch.sync()
    statuses = {row.sale_id: (row.status, row.locked_at) for row in branch.shop.rows(SaleSummary)}
    restore()

    settle(branch)

    assert {row.sale_id: (row.status, row.locked_at) for row in branch.shop.rows(SaleSummary)} == statuses
    assert differences(company, branch) == {}
    assert_calm(company)


def test_conflicts_of_before_are_listed_as_they_were(company: Company, hub: Hub, restore: Restore) -> None:
    """A true conflict stays one: what was lost with it is found again, and listed once."""
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    copy_hub(hub, BACKUP)
    set_price(company, till, 7_000)
    branch.shop.do("products.update", product_id=till.glass, price_minor=6_500)
    branch.sync()
    restore()

    settle(branch)

    assert len(at_hub(company, FieldConflict)) <= 1
    assert differences(company, branch) == {}


@pytest.mark.parametrize("first", ["writer", "reader"])
def test_an_edit_on_top_of_one_that_is_sent_again_is_no_conflict(
    company: Company, hub: Hub, restore: Restore, first: str
) -> None:
    """The second shop had seen the first one's price under a number that is gone."""
    writer, reader = company.open_branch("KLA"), company.open_branch("JJA")
    till = open_till(writer.shop)
    settle(writer, reader)
    copy_hub(hub, BACKUP)
    writer.shop.do("products.update", product_id=till.glass, price_minor=6_000)
    settle(writer, reader)
    reader.shop.clock.advance(60_000)
    reader.shop.do("products.update", product_id=till.glass, price_minor=7_000)
    restore()

    settle(*((writer, reader) if first == "writer" else (reader, writer)))

    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 7_000
    assert differences(company, writer) == {} == differences(company, reader)
    assert_calm(company)
