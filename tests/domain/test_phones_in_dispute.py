"""A phone that may not be sold goes no other way either: reported stolen, held back, or of nobody known."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.errors import ApprovalNeeded, Conflict
from shopnode.domain.handsets.errors import HeldBack
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.usedphones.blocklist import PhoneBlocked
from tests.domain.seller import IMEI as USED
from tests.domain.seller import SECOND, buy, value_phone
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop

OTHER = "004401251000390"
DAY_MS = 86_400_000


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def stolen(till: Till) -> StockUnit:
    till.shop.do("usedphones.block_number", number=IMEIS[0], reason="reported stolen")
    return till.shop.row(StockUnit, till.units[0])


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.OWNER])
def test_rule_14_a_blocked_number_is_not_corrected_away(till: Till, role: Role) -> None:
    handset_id = stolen(till).handset_id
    form = {"handset_id": handset_id, "imei1": OTHER, "reason": "typed wrong"}
    with pytest.raises(PhoneBlocked, match="reported stolen"):
        till.shop.do("handsets.correct", form, role=role)
    till.shop.do("handsets.correct", handset_id=handset_id, colour="Black", reason="not blue", role=role)
    till.shop.do("usedphones.lift_block", number=IMEIS[0])
    assert till.shop.do("handsets.correct", form, role=role)["number"] == OTHER


@pytest.mark.parametrize("action", ["lend", "reserve"])
def test_rule_14_a_blocked_phone_is_lent_and_promised_to_nobody(till: Till, action: str) -> None:
    unit = stolen(till)
    with pytest.raises(PhoneBlocked):
        till.shop.do(f"handsets.{action}", unit_id=unit.id, reason="for a friend")
    with pytest.raises(PhoneBlocked):
        status = {"lend": "lent", "reserve": "reserved"}[action]
        till.shop.do("handsets.change_status", unit_id=unit.id, status=status, reason="for a friend")
    assert till.shop.row(StockUnit, unit.id).status == "in_stock"
    till.shop.do("handsets.set_aside", unit_id=unit.id, reason="kept apart")


@pytest.mark.parametrize("action", ["lend", "reserve"])
def test_rule_19_a_phone_that_is_held_back_is_lent_and_promised_to_nobody(till: Till, action: str) -> None:
    value_phone(till, 300_000)
    unit_id = buy(till).result["unit_id"]
    with pytest.raises(HeldBack, match="bought used and is held until"):
        till.shop.do(f"handsets.{action}", unit_id=unit_id, reason="my cousin")
    till.shop.clock.advance(8 * DAY_MS)
    till.shop.do(f"handsets.{action}", unit_id=unit_id, reason="my cousin")


def used(till: Till, **more: Any) -> dict[str, Any]:
    return {"product_id": till.phone, "imei1": USED, "condition": "used", "grade": "B", "cost_minor": 300_000, **more}


def test_rule_13_a_used_phone_of_nobody_known_needs_a_supervisor_and_is_held_back(till: Till) -> None:
    form = used(till, source="a man at the door")
    with pytest.raises(ApprovalNeeded, match="without a supplier and without its seller's ID"):
        till.shop.do("handsets.receive", form, role=Role.STAFF)
    many = {"product_id": till.phone, "numbers": [USED], "grade": "B"}
    with pytest.raises(ApprovalNeeded):
        till.shop.do("handsets.receive_many", many, role=Role.STAFF)
    approval = till.shop.approval_by(Role.SUPERVISOR)
    done = till.shop.perform("handsets.receive", form, role=Role.STAFF, approval=approval).result
    with pytest.raises(Conflict, match="held until"):
        till.sell({"device_id": done["unit_id"]})


def test_rule_13_a_used_phone_of_a_supplier_comes_in_as_any_other(till: Till) -> None:
    supplier = till.shop.do("suppliers.create", name="Simba Telecom")["id"]
    done = till.shop.do("handsets.receive", used(till, supplier_id=supplier), role=Role.STAFF)
    assert till.shop.row(StockUnit, done["unit_id"]).hold_until is None
    value_phone(till, 300_000)
    bought = buy(till, imei1=SECOND, role=Role.STAFF).result  # whoever buys with an ID needs nobody
    assert till.shop.row(StockUnit, bought["unit_id"]).hold_until is not None
