"""Two branches exchange a phone, each of them offline as it suits the road: one holds it, or the owner is told."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cloudhub.merge.conflicts import open_exceptions
from shopnode.domain.handsets.models import StockUnit, TransferReceipt
from shopnode.domain.handsets.queries import find_unit_by_number
from shopnode.domain.handsets.transit import in_transit
from shopnode.domain.stock.models import StockLevel
from tests.domain.till import IMEIS, Till, open_till
from tests.sync.chain_of_shops import Branch, Company

UNIT = 0


@pytest.fixture
def road(company: Company) -> tuple[Company, Branch, Branch, Till]:
    """Kampala with two phones, Jinja with none, both up to date."""
    kampala, jinja = company.open_branch("KLA"), company.open_branch("JJA")
    till = open_till(kampala.shop)
    kampala.sync()
    jinja.sync()
    return company, kampala, jinja, till


def send(kampala: Branch, jinja: Branch, till: Till) -> str:
    form = {"to_shop_id": jinja.shop.home.shop_id, "unit_ids": [till.units[UNIT]]}
    transfer_id: str = kampala.shop.do("handsets.send", form)["transfer_id"]
    return transfer_id


def transit(branch: Branch) -> list[str]:
    with branch.shop.reading() as ctx:
        return [line.number for view in in_transit(ctx) for line in view.on_the_way]


def levels(branch: Branch) -> dict[str, int]:
    return {row.product_id: row.on_hand for row in branch.shop.rows(StockLevel)}


def at_hub(company: Company, model):
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model)))


def told(company: Company) -> dict[str, str]:
    with company.hub.home(company.tenant_id).reading() as session:
        return {row.kind: row.sentence for row in open_exceptions(session)}


def test_a_phone_changes_shop_though_both_were_offline_in_between(road) -> None:
    company, kampala, jinja, till = road
    kampala.line.cut()
    jinja.line.cut()
    transfer_id = send(kampala, jinja, till)
    assert (transit(kampala), transit(jinja)) == ([IMEIS[UNIT]], [])  # Jinja has not heard of it

    kampala.line.heal()
    kampala.sync()
    jinja.line.heal()
    jinja.sync()
    jinja.line.cut()
    assert transit(jinja) == [IMEIS[UNIT]]
    jinja.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[till.units[UNIT]])
    assert (transit(kampala), transit(jinja)) == ([IMEIS[UNIT]], [])  # Kampala has not heard that it arrived

    jinja.line.heal()
    jinja.sync()
    kampala.sync()
    assert transit(kampala) == transit(jinja) == []
    with jinja.shop.reading() as ctx:
        assert find_unit_by_number(ctx, IMEIS[UNIT]).status.value == "in_stock"
    assert (levels(kampala)[till.phone], levels(jinja)[till.phone]) == (1, 1)
    assert sorted(unit.status for unit in at_hub(company, StockUnit)) == ["in_stock", "in_stock", "sent"]
    assert told(company) == {}


def test_the_receiver_sells_what_it_received_before_its_sender_heard_of_it(road) -> None:
    company, kampala, jinja, till = road
    transfer_id = send(kampala, jinja, till)
    kampala.sync()
    jinja.sync()
    jinja.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[till.units[UNIT]])
    jinja.shop.do("cash.open_drawer", opening_float=0)
    form = {
        "items": [{"imeis": [IMEIS[UNIT]], "product_id": till.phone}],
        "payments": [{"method": "cash", "amount": 640_000}],
    }
    jinja.shop.do("sales.sell", form)
    jinja.sync()
    kampala.sync()
    assert levels(jinja)[till.phone] == 0
    assert told(company) == {}


def test_received_and_taken_back_at_once_is_told_to_the_owner_and_ends_equal(road) -> None:
    company, kampala, jinja, till = road
    transfer_id = send(kampala, jinja, till)
    kampala.sync()
    jinja.sync()
    ended = {"transfer_id": transfer_id, "unit_ids": [till.units[UNIT]]}
    jinja.shop.do("handsets.receive_transfer", ended)
    kampala.shop.do("handsets.take_back", {**ended, "reason": "the driver came back"})
    for branch in (kampala, jinja, kampala):
        branch.sync()

    (receipt,) = at_hub(company, TransferReceipt)
    assert receipt.kind == "taken_back"
    for branch in (kampala, jinja):
        (here,) = branch.shop.rows(TransferReceipt)
        assert (here.kind, here.shop_id, here.unit_id) == (receipt.kind, receipt.shop_id, receipt.unit_id)
    said = told(company)
    assert said["received_and_taken_back"] == (
        f"The phone {IMEIS[UNIT]} was received at Shop JJA and taken back at Shop KLA. Only one of them can have it."
    )
    assert f"The phone {IMEIS[UNIT]} is in stock in two places" in said["two_stays"]
