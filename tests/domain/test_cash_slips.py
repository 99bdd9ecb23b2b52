"""Pay-in, pay-out, safe and bank, and drawers that are off (rules 82 and 83)."""

from __future__ import annotations

import base64
import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shopnode.domain.cash.errors import DifferenceSettled, DrawerClosed, NotClosedYet
from shopnode.domain.cash.models import DrawerSession, MoneyMove
from shopnode.domain.cash.slips import DepositConfirmed, safe_minor
from shopnode.domain.closures.models import BankConfirmation
from shopnode.domain.commissions.models import StaffEntry
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotFound, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.photos.store import photo_or_none, shown
from shopnode.domain.settings.rules import CHOICES
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def move(till: Till, action: str, amount: int, **form: Any) -> dict[str, Any]:
    role = form.pop("role", Role.STAFF)
    return till.shop.do(f"cash.{action}", {"amount": amount, **form}, role=role)


def close(till: Till, counted: int) -> dict[str, Any]:
    return till.shop.do("cash.close_drawer", counted=counted, role=Role.STAFF)


def accept(till: Till, drawer: str, role: Role = Role.SUPERVISOR, **form: Any) -> dict[str, Any]:
    told = {"drawer_session_id": drawer, "explanation": "A 50,000 note was given as 5,000", **form}
    approval = told.pop("approval", None)
    return till.shop.perform("cash.accept_difference", told, role=role, approval=approval).result


def slip() -> str:
    file = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_rule_82_what_is_put_in_and_taken_out_has_a_slip_and_is_expected(till: Till) -> None:
    first = move(till, "pay_in", 20_000, reason="coins from the bank")
    move(till, "pay_out", 7_000, reason="water")
    move(till, "drop_to_safe", 30_000)
    assert first["number"] == "KLA1-M000001"
    closed = close(till, FLOAT + 20_000 - 7_000 - 30_000)
    assert closed["difference"] == 0
    with pytest.raises(DrawerClosed):
        move(till, "pay_in", 1, reason="nobody counts")


def test_rule_82_staff_take_out_more_than_the_limit_with_a_second_person(till: Till) -> None:
    with pytest.raises(ApprovalNeeded):
        move(till, "pay_out", 100_001, reason="rent")
    form = {"amount": 100_001, "reason": "rent"}
    with pytest.raises(NotPermitted):
        till.shop.perform("cash.pay_out", form, role=Role.STAFF, approval=till.shop.approval_by(Role.STAFF))
    till.shop.perform("cash.pay_out", form, role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    move(till, "pay_out", 500_000, reason="rent", role=Role.SUPERVISOR)


def test_rule_82_the_safe_gives_back_what_was_put_into_it(till: Till) -> None:
    move(till, "drop_to_safe", 30_000)
    with pytest.raises(NotPermitted):
        move(till, "take_from_safe", 10_000)
    with pytest.raises(Invalid, match="more than was put"):
        move(till, "take_from_safe", 30_001, role=Role.SUPERVISOR)
    move(till, "take_from_safe", 10_000, role=Role.SUPERVISOR)
    with till.shop.reading() as ctx:
        assert safe_minor(ctx.session, ctx.shop_id or "") == 20_000
    assert close(till, FLOAT - 20_000)["difference"] == 0


def test_rule_82_a_deposit_has_its_slip_and_the_bank_confirms_it_once(till: Till) -> None:
    made = move(till, "deposit_at_bank", 40_000, reference="STB-7781", image=slip())
    row = till.shop.row(MoneyMove, made["money_move_id"])
    assert (row.amount_minor, row.note) == (-40_000, "Slip STB-7781")
    with till.shop.reading() as ctx:
        assert photo_or_none(ctx.session, row.photo or "") is not None
        assert shown(ctx.session, [row.photo or ""]) == {row.photo}
    told = {"money_move_id": row.id, "amount": 39_000, "confirmed_on": date(2026, 9, 22)}
    with pytest.raises(NotPermitted):
        till.shop.do("cash.confirm_deposit", told, role=Role.STAFF)
    assert till.shop.do("cash.confirm_deposit", told, role=Role.SUPERVISOR)["difference"] == -1_000
    with pytest.raises(DepositConfirmed):
        till.shop.do("cash.confirm_deposit", told)
    assert len(till.shop.rows(BankConfirmation)) == 1
    assert close(till, FLOAT - 40_000)["difference"] == 0


def test_rule_82_what_is_no_deposit_is_not_confirmed(till: Till) -> None:
    other = move(till, "pay_in", 5, reason="found it")
    with pytest.raises(NotFound):
        till.shop.do("cash.confirm_deposit", money_move_id=other["money_move_id"], amount=5, confirmed_on="2026-09-21")
    made = move(till, "deposit_at_bank", 5)
    with pytest.raises(Invalid, match="future"):
        till.shop.do("cash.confirm_deposit", money_move_id=made["money_move_id"], amount=5, confirmed_on="2027-01-01")


def test_rule_82_a_deposit_out_of_the_safe_leaves_the_drawer_as_it_is(till: Till) -> None:
    move(till, "drop_to_safe", 30_000)
    with pytest.raises(Invalid, match="supervisors"):
        move(till, "deposit_at_bank", 30_000, from_safe=True)
    move(till, "deposit_at_bank", 30_000, from_safe=True, role=Role.SUPERVISOR)
    with till.shop.reading() as ctx:
        assert safe_minor(ctx.session, ctx.shop_id or "") == 0
    assert close(till, FLOAT - 30_000)["difference"] == 0


def test_rule_83_a_large_difference_is_explained_and_accepted_by_another(till: Till) -> None:
    closed = close(till, FLOAT - 45_000)
    drawer = closed["drawer_session_id"]
    assert closed["is_within_limit"] is False
    with pytest.raises(ApprovalNeeded):
        accept(till, drawer, Role.STAFF)
    with pytest.raises(NotPermitted):
        accept(till, drawer, Role.STAFF, approval=till.shop.approval_by(Role.STAFF))
    told = accept(till, drawer, Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    row = till.shop.row(DrawerSession, drawer)
    assert (told["difference"], row.approved_by) == (-45_000, till.shop.supervisor.id)
    assert row.explanation == "A 50,000 note was given as 5,000"
    with pytest.raises(DifferenceSettled):
        accept(till, drawer, Role.OWNER)


def test_rule_83_nobody_accepts_a_large_difference_of_their_own_drawer(till: Till) -> None:
    close(till, FLOAT)
    till.shop.do("cash.open_drawer", opening_float=100_000, role=Role.SUPERVISOR)
    drawer = till.shop.do("cash.close_drawer", counted=40_000, role=Role.SUPERVISOR)["drawer_session_id"]
    with pytest.raises(ApprovalNeeded):
        accept(till, drawer)
    accept(till, drawer, Role.OWNER)
    assert till.shop.row(DrawerSession, drawer).approved_by == till.shop.owner.id


def test_rule_83_above_a_supervisors_limit_the_owner_accepts(till: Till) -> None:
    drawer = close(till, FLOAT + 200_001)["drawer_session_id"]
    with pytest.raises(ApprovalNeeded):
        accept(till, drawer)
    with pytest.raises(NotPermitted):
        accept(till, drawer, Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    accept(till, drawer, approval=till.shop.approval_by(Role.OWNER))
    assert till.shop.row(DrawerSession, drawer).approved_by == till.shop.owner.id


def test_rule_83_what_was_missing_may_be_owed_by_a_person(till: Till) -> None:
    drawer = close(till, FLOAT - 45_000)["drawer_session_id"]
    with pytest.raises(Invalid, match="more than was missing, 45,000"):
        accept(till, drawer, charge_to=till.shop.cashier.id, charge=45_001)
    with pytest.raises(Invalid, match="who owes it"):
        accept(till, drawer, charge=45_000)
    accept(till, drawer, charge_to=till.shop.cashier.id, charge=25_000)
    (owed,) = till.shop.rows(StaffEntry)
    assert (owed.kind, owed.amount_minor, owed.staff_id) == ("shortage", 25_000, till.shop.cashier.id)
    assert owed.about_id == drawer


def test_rule_83_a_surplus_is_owed_by_nobody(till: Till) -> None:
    drawer = close(till, FLOAT + 45_000)["drawer_session_id"]
    with pytest.raises(Invalid, match="nothing was missing"):
        accept(till, drawer, charge_to=till.shop.cashier.id)


def test_rule_83_an_open_drawer_has_no_difference_yet(till: Till) -> None:
    (drawer,) = till.shop.rows(DrawerSession)
    with pytest.raises(NotClosedYet):
        accept(till, drawer.id)


def test_the_pages_limits_are_the_settings_defaults() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules" / "cash-control.md").read_text()
    told = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", page, re.MULTILINE)
    assert len(told) == 4
    assert [(key, int(number.replace(",", ""))) for key, number in told] == [(k, CHOICES[k].default) for k, _ in told]
