"""What was set aside at the hub while its shop's computer was restored: it is not the last word when it is taken."""

from __future__ import annotations

from typing import Any
from unittest import mock

from sqlalchemy import select

import cloudhub.merge.work as hub_work
from cloudhub.merge.retry import retry_after_upgrade
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from tests.domain.till import Till, open_till
from tests.sync.chain_of_shops import Company
from tests.sync.restoring import copy_books, differences, put_back, settle


def test_an_entry_that_waited_does_not_undo_what_the_restored_shop_did_since(company: Company):
    """Seed 20004: a sale was set aside at the hub, and its correction with it. The phone was sold again under the
    shop's new origin; then the two were taken, and the phone stood in stock."""
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    judged = hub_work._examine_block

    def choke(sender: Any, entity: str, op: str, columns: list[str], rows: list[list[Any]]) -> None:
        if any("☠" in str(value) for row in rows for value in row):
            raise hub_work.Unfit("a sign this version cannot write")
        judged(sender, entity, op, columns, rows)

    with mock.patch.object(hub_work, "_examine_block", choke):
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
