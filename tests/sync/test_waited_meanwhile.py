"""What was set aside at the hub while its shop's computer was restored: it is not the last word when it is taken."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import select, text

import cloudhub.merge.work as hub_work
from cloudhub.merge.retry import retry_after_upgrade
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from tests.domain.till import Till, open_till
from tests.sync.chain_of_shops import Company
from tests.sync.restoring import copy_books, differences, put_back, settle


def setting_aside_what_is_odd() -> AbstractContextManager[Any]:
    """A hub of a version that cannot write a certain sign: what holds it waits for the next version."""
    judged = hub_work._examine_block

    def choke(sender: Any, entity: str, op: str, columns: list[str], rows: list[list[Any]]) -> None:
        if any("☠" in str(value) for row in rows for value in row):
            raise hub_work.Unfit("a sign this version cannot write")
        judged(sender, entity, op, columns, rows)

    return mock.patch.object(hub_work, "_examine_block", choke)


def test_an_entry_that_waited_does_not_undo_what_the_restored_shop_did_since(company: Company):
    """Seed 20004: a sale was set aside at the hub, and its correction with it. The phone was sold again under the
    shop's new origin; then the two were taken, and the phone stood in stock."""
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    with setting_aside_what_is_odd():
        first = till.sell({"device_id": till.units[0]}, notes="☠", role=Role.OWNER).result["sale_id"]
        branch.sync()
        branch.shop.do("sales.void", sale_id=first, reason="brought back", restock="resell")
        branch.sync()
        put_back(branch, copy_books(branch))
        again = Till(branch.shop, till.glass, till.charger, till.phone, till.units)
        again.sell({"device_id": till.units[0]}, role=Role.OWNER)
        settle(branch)
    retry_after_upgrade(company.hub, "the next version")
    settle(branch)

    (at_shop,) = branch.shop.rows(StockUnit, id=till.units[0])
    with company.hub.home(company.tenant_id).reading() as session:
        unit = session.scalars(select(StockUnit).where(StockUnit.id == till.units[0])).one()
    assert (unit.status, unit.sold_line_id) == (at_shop.status, at_shop.sold_line_id)
    assert unit.status == "sold"
    assert differences(company, branch) == []


def test_a_shop_that_did_not_know_of_a_sale_that_waited_is_not_believed_in_silence(company: Company):
    """Seed 30111: a sale was set aside at the hub, the shop's computer was put back to before it, and there the phone
    was missing at the next count. The sale was taken after that: two movements, and nobody was told."""
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    before = copy_books(branch)
    with setting_aside_what_is_odd():
        till.sell({"device_id": till.units[0]}, notes="☠", role=Role.OWNER)
        branch.sync()
        put_back(branch, before)
        branch.shop.do("handsets.report_missing", unit_id=till.units[0], reason="not on the shelf")
        settle(branch)
    retry_after_upgrade(company.hub, "the next version")
    settle(branch)

    with company.hub.home(company.tenant_id).reading() as session:
        unit = session.scalars(select(StockUnit).where(StockUnit.id == till.units[0])).one()
        told = session.execute(text("SELECT row_id::text, key FROM hub_exception WHERE kind = 'let_go'")).all()
    assert unit.status == "missing"
    assert [tuple(row) for row in told] == [(till.units[0], "sold")]
    assert differences(company, branch) == []


@pytest.mark.parametrize("counted", [2, 3])
def test_a_count_that_two_copies_of_a_computer_approve_moves_goods_and_phones_once(company: Company, counted: int):
    """Seed 30149: a phone was not found, and both copies took the count into their books before they met."""
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    count = branch.shop.do("stocktakes.start")["stocktake_id"]
    branch.shop.do("stocktakes.count", stocktake_id=count, product_id=till.glass, counted=2)
    branch.shop.do("stocktakes.submit", stocktake_id=count)
    branch.sync()
    before = copy_books(branch)
    branch.shop.do("stocktakes.approve", stocktake_id=count)
    branch.sync()
    put_back(branch, before)
    if counted != 2:
        branch.shop.do("stocktakes.reopen", stocktake_id=count)
        branch.shop.do("stocktakes.count", stocktake_id=count, product_id=till.glass, counted=counted)
        branch.shop.do("stocktakes.submit", stocktake_id=count)
    branch.shop.do("stocktakes.approve", stocktake_id=count)
    settle(branch)

    with company.hub.home(company.tenant_id).reading() as session:
        levels = dict(session.execute(text("SELECT product_id::text, on_hand FROM stock_level")).all())
        pieces = session.scalar(text("SELECT sum(quantity) FROM stock_movement WHERE unit_id IS NOT NULL"))
        told = session.scalars(text("SELECT entity FROM hub_exception WHERE kind = 'acted_twice'")).all()
    assert (levels[till.glass], pieces) == (2, 0)
    assert told == ([] if counted == 2 else ["stock_movement"])
    assert differences(company, branch) == []


def test_a_restored_shop_that_sells_what_was_put_aside_is_told(company: Company):
    """Seed 30111: the phone was sold and brought back, to be looked at; the shop was put back to before and sold it."""
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    before = copy_books(branch)
    first = till.sell({"device_id": till.units[0]}, role=Role.OWNER).result["sale_id"]
    branch.shop.do("sales.reverse", sale_id=first, reason="does not charge", restock="inspect")
    branch.sync()
    put_back(branch, before)
    again = Till(branch.shop, till.glass, till.charger, till.phone, till.units)
    again.sell({"device_id": till.units[0]}, role=Role.OWNER)
    settle(branch)

    with company.hub.home(company.tenant_id).reading() as session:
        told = session.execute(text("SELECT row_id::text, key FROM hub_exception WHERE kind = 'let_go'")).all()
    assert [tuple(row) for row in told] == [(till.units[0], "inspect")]
    assert differences(company, branch) == []
