"""The shop and the owner undo one sale without seeing each other: it is undone once, and both copies agree."""

from __future__ import annotations

from sqlalchemy import select

from cloudhub.merge.models import HubException
from shopnode.domain.actions import perform
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.sales.models import Payment, SaleDecision, SaleSummary
from shopnode.domain.stock.models import StockLevel, StockMovement
from tests.domain.till import open_till


def at_hub(company, model):
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model)))


def plain(rows, *names):
    return sorted(tuple(getattr(row, name) for name in names) for row in rows)


def test_a_sale_undone_in_the_shop_and_in_the_portal_is_undone_once(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    sale_id = till.sell({"product_id": till.glass, "quantity": 2}, {"device_id": till.units[0]}).result["sale_id"]
    branch.sync()
    branch.line.cut()
    perform(company.portal(), "sales.reverse", {"sale_id": sale_id, "reason": "the owner saw it"})
    branch.shop.do("sales.void", sale_id=sale_id, reason="the cashier saw it", restock="resell")
    branch.line.heal()
    branch.sync()
    branch.sync()

    assert len(at_hub(company, SaleDecision)) == len(branch.shop.rows(SaleDecision)) == 1
    assert plain(at_hub(company, StockLevel), "product_id", "on_hand") == plain(
        branch.shop.rows(StockLevel), "product_id", "on_hand"
    )
    movement = ("id", "kind", "quantity")
    assert plain(at_hub(company, StockMovement), *movement) == plain(branch.shop.rows(StockMovement), *movement)
    money = ("id", "kind", "method", "amount_minor")
    assert plain(at_hub(company, Payment), *money) == plain(branch.shop.rows(Payment), *money)
    assert plain(at_hub(company, StockUnit), "id", "status") == plain(branch.shop.rows(StockUnit), "id", "status")
    (there,), (here,) = at_hub(company, SaleSummary), branch.shop.rows(SaleSummary)
    assert (there.status, there.paid_minor) == (here.status, here.paid_minor)
    assert here.status in ("Voided", "Reversed")
    assert at_hub(company, HubException)  # the two chose differently: the owner is told
