"""Two branches exchange a phone, each of them offline as it suits the road: one holds it, or the owner is told."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cloudhub.merge.conflicts import open_exceptions
from shopnode.domain.handsets.actions import NotInStock
from shopnode.domain.handsets.models import StockUnit, TransferLine, TransferReceipt
from shopnode.domain.handsets.queries import find_unit_by_number
from shopnode.domain.handsets.transfers import CARRIED
from shopnode.domain.handsets.transit import in_transit
from shopnode.domain.sales.errors import UnitNotForSale
from shopnode.domain.sales.models import CounterEvent, Payment, PaymentOutcome, SaleSummary
from shopnode.domain.stock.models import StockLevel
from tests.domain.till import IMEIS, Till, open_till
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.restoring import copy_books, differences, put_back, settle

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


def sell_phone(branch: Branch, till: Till, imei: str = IMEIS[UNIT]) -> None:
    phone = {"imeis": [imei], "product_id": till.phone}
    branch.shop.do("sales.sell", items=[phone], payments=[{"method": "cash", "amount": 640_000}])


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
    sell_phone(jinja, till)
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


# --- a shop whose books were put back


def restored_after(kampala: Branch, jinja: Branch, till: Till) -> Branch:
    """Kampala sends a phone, Jinja receives it, and then Kampala's books are put back to before."""
    copy = copy_books(kampala)
    transfer_id = send(kampala, jinja, till)
    kampala.sync()
    jinja.sync()
    jinja.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[till.units[UNIT]])
    jinja.sync()
    put_back(kampala, copy)
    return kampala


def test_a_restored_shop_that_sells_what_it_had_sent_away_is_told_and_ends_equal(road) -> None:
    company, kampala, jinja, till = road
    restored = restored_after(kampala, jinja, till)
    form = {"items": [{"device_id": till.units[UNIT]}], "payments": [{"method": "cash", "amount": 640_000}]}
    restored.shop.do("sales.sell", form)  # it believes that the phone is still there
    settle(restored, jinja)

    assert set(told(company)) == {"let_go"}
    for branch in (restored, jinja):
        assert differences(company, branch) == []
        assert transit(branch) == []


def test_a_restored_shop_that_sends_a_phone_again_counts_it_once(road) -> None:
    company, kampala, jinja, till = road
    masaka = company.open_branch("MSK")
    restored = restored_after(kampala, jinja, till)
    settle(restored)  # it gets its own lost entries back
    with pytest.raises(NotInStock, match="sent to another shop"):
        send(restored, masaka, till)
    assert levels(restored)[till.phone] == 1
    for branch in (restored, jinja, masaka):
        settle(branch)
        assert differences(company, branch) == []
    assert told(company) == {}


def test_a_phone_sent_again_by_a_restored_shop_before_it_heard_of_anything_is_told(road) -> None:
    company, kampala, jinja, till = road
    restored = restored_after(kampala, jinja, till)
    again = send(restored, jinja, till)
    settle(restored, jinja)

    assert again not in {line.transfer_id for line in at_hub(company, TransferLine)}
    assert set(told(company)) == {"sent_twice"}
    assert (levels(restored)[till.phone], levels(jinja)[till.phone]) == (1, 1)
    for branch in (restored, jinja):
        assert differences(company, branch) == []


def test_a_receiver_that_was_restored_and_receives_again_counts_the_phone_once(road) -> None:
    company, kampala, jinja, till = road
    transfer_id = send(kampala, jinja, till)
    kampala.sync()
    jinja.sync()
    copy = copy_books(jinja)
    ended = {"transfer_id": transfer_id, "unit_ids": [till.units[UNIT]]}
    jinja.shop.do("handsets.receive_transfer", ended)
    jinja.sync()
    put_back(jinja, copy)
    jinja.shop.clock.advance(60_000)
    jinja.shop.do("handsets.receive_transfer", ended)
    settle(jinja, kampala)

    assert levels(jinja)[till.phone] == 1
    assert told(company) == {}
    for branch in (kampala, jinja):
        assert differences(company, branch) == []


def test_a_phone_that_a_restored_shop_received_and_sold_again_stays_sold(road) -> None:
    """Seed 3133: its first receipt came back and put the phone on the shelf, from which it had just been sold."""
    company, kampala, jinja, till = road
    transfer_id = send(kampala, jinja, till)
    jinja.shop.do("cash.open_drawer", opening_float=0)
    kampala.sync()
    jinja.sync()
    copy = copy_books(jinja)
    ended = {"transfer_id": transfer_id, "unit_ids": [till.units[UNIT]]}
    jinja.shop.do("handsets.receive_transfer", ended)
    sell_phone(jinja, till)
    jinja.sync()
    put_back(jinja, copy)
    jinja.shop.do("handsets.receive_transfer", ended)
    sell_phone(jinja, till)
    settle(jinja, kampala)

    assert [unit.status for unit in jinja.shop.rows(StockUnit) if unit.shop_id == jinja.shop.home.shop_id] == ["sold"]
    for branch in (kampala, jinja):
        assert differences(company, branch) == []


def test_rule_19_what_is_known_of_a_phone_arrives_with_it_in_the_other_shop(road) -> None:
    company, kampala, jinja, till = road
    known = {
        "condition": "used", "grade": "B", "battery_pct": 81, "vat_scheme": "margin", "price_minor": 620_000,
        "hold_until": "2027-10-20T09:00:00Z", "supplier_warranty_until": "2027-01-31", "notes": "small scratch",
    }  # fmt: skip
    imei = "004401251000390"
    unit_id = kampala.shop.do("handsets.receive", product_id=till.phone, imei1=imei, **known)["unit_id"]
    form = {"to_shop_id": jinja.shop.home.shop_id, "unit_ids": [unit_id]}
    transfer_id = kampala.shop.do("handsets.send", form)["transfer_id"]
    kampala.sync()
    jinja.sync()
    jinja.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[unit_id])
    jinja.sync()

    before = kampala.shop.row(StockUnit, unit_id)
    (there,) = [unit for unit in at_hub(company, StockUnit) if unit.id != unit_id and unit.battery_pct == 81]
    (here,) = [unit for unit in jinja.shop.rows(StockUnit) if unit.battery_pct == 81]
    for name in (*CARRIED, "grade", "cost_minor"):
        assert getattr(before, name) == getattr(here, name) == getattr(there, name), name
    jinja.shop.do("cash.open_drawer", opening_float=0)
    with pytest.raises(UnitNotForSale, match="held until"):
        sell_phone(jinja, till, imei)


def test_what_is_told_at_a_counter_and_of_money_that_is_coming_reaches_the_owner(road) -> None:
    company, kampala, _, till = road
    kampala.shop.do("settings.change", key="momo_pending_max_minor", value=10_000)
    removed = {"kind": "line_removed", "lines": [{"product_id": till.glass}]}
    kampala.shop.do("sales.tell_removed", removed)
    sold = till.sell(pay=[{"method": "mtn_momo", "amount": 5_000, "state": "pending"}]).result
    (payment,) = kampala.shop.rows(Payment, sale_id=sold["sale_id"])
    kampala.shop.do("sales.tell_money", payment_id=payment.id, state="failed")
    kampala.sync()

    assert [(row.kind, row.item_name, row.amount_minor) for row in at_hub(company, CounterEvent)] == [
        ("line_removed", "Tempered glass", 5_000)
    ]
    assert [row.state for row in at_hub(company, PaymentOutcome)] == ["failed"]
    (summary,) = [row for row in at_hub(company, SaleSummary) if row.sale_id == sold["sale_id"]]
    assert summary.paid_minor == 0
    assert differences(company, kampala) == []
