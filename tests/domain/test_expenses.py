"""Expenses: who asks, who decides, when they are paid, and what a budget says. Nobody decides their own."""

from __future__ import annotations

import base64
import io
from datetime import date
from typing import Any

import pytest
from PIL import Image

from shopnode.domain.cash.actions import DrawerClosed
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.cash.queries import drawer_figures, open_session_or_none
from shopnode.domain.context import Actor
from shopnode.domain.errors import Invalid, NotFound, NotPermitted, ReusedActionId
from shopnode.domain.expenses.actions import ExpenseNot
from shopnode.domain.expenses.models import Expense, ExpenseDecision, ExpenseStatus
from shopnode.domain.expenses.queries import expense_view, list_expenses, month_sums
from shopnode.domain.permissions import Role
from shopnode.domain.photos.models import Blob
from shopnode.domain.photos.store import shown
from tests.shop import PASSWORD, Shop

TODAY = date(2026, 9, 21)
WATER = {"category": "Meals", "description": "Water for the shop", "amount": 12_000}
FLOAT = 50_000


def ask(shop: Shop, role: Role = Role.STAFF, **more: Any) -> str:
    shop.clock.advance(1_000)
    made: str = shop.do("expenses.request", {**WATER, **more}, role=role)["expense_id"]
    return made


def status(shop: Shop, expense_id: str) -> ExpenseStatus:
    with shop.reading() as ctx:
        return expense_view(ctx, expense_id).status


def second_owner(shop: Shop) -> None:
    """From now on somebody else owns the shop, too: Okello decides where Sarah asked."""
    form = {"name": "Okello", "role": "Owner", "phone": "+256798000009", "password": PASSWORD}
    shop.owner = Actor(shop.do("staff.add", form)["id"], "Okello", Role.OWNER)


def open_drawer(shop: Shop) -> None:
    shop.do("cash.open_drawer", role=Role.STAFF, opening_float=FLOAT)


def expected_cash(shop: Shop) -> int:
    with shop.reading() as ctx:
        drawer = open_session_or_none(ctx.session, ctx.shop_id or "")
        assert drawer is not None
        return drawer_figures(ctx.session, drawer).expected_minor


def test_an_expense_is_asked_for_decided_by_an_owner_and_paid_from_the_drawer(shop: Shop) -> None:
    open_drawer(shop)
    expense_id = ask(shop)
    assert status(shop, expense_id) is ExpenseStatus.PENDING
    with pytest.raises(ExpenseNot, match="KLA1-E000001 is pending; only what was approved is paid"):
        shop.do("expenses.pay", expense_id=expense_id, role=Role.STAFF)
    shop.do("expenses.approve", expense_id=expense_id)
    assert status(shop, expense_id) is ExpenseStatus.APPROVED

    paid = shop.do("expenses.pay", expense_id=expense_id, role=Role.STAFF)
    assert status(shop, expense_id) is ExpenseStatus.PAID
    (move,) = shop.rows(MoneyMove)
    assert (move.kind, move.amount_minor, move.method, move.about_id) == ("expense", -12_000, "cash", expense_id)
    assert paid["slip"] == move.number
    assert expected_cash(shop) == FLOAT - 12_000
    with pytest.raises(ExpenseNot, match="is paid"):
        shop.do("expenses.pay", expense_id=expense_id)
    assert len(shop.rows(MoneyMove)) == 1


def test_a_wallet_pays_by_its_transaction(shop: Shop) -> None:
    open_drawer(shop)
    expense_id = ask(shop, payment_method="MTN MoMo")
    shop.do("expenses.approve", expense_id=expense_id)
    with pytest.raises(Invalid) as refusal:
        shop.do("expenses.pay", expense_id=expense_id)
    assert refusal.value.fields.keys() == {"reference"}
    shop.do("expenses.pay", expense_id=expense_id, reference="27183141592", fee=500, fee_borne_by="shop")
    (move,) = shop.rows(MoneyMove)
    assert (move.method, move.reference, move.fee_minor) == ("mtn_momo", "27183141592", 500)
    assert expected_cash(shop) == FLOAT


def test_nothing_is_paid_while_the_drawer_is_shut(shop: Shop) -> None:
    expense_id = ask(shop, Role.OWNER)
    with pytest.raises(DrawerClosed):
        shop.do("expenses.pay", expense_id=expense_id)
    assert status(shop, expense_id) is ExpenseStatus.APPROVED


def test_rule_89_nobody_decides_their_own_expense(shop: Shop) -> None:
    shop.do("settings.change", key="expense_limit_supervisor_minor", value=0)
    expense_id = ask(shop, Role.OWNER)
    for act, more in (("approve", {}), ("reject", {"reason": "too much"})):
        with pytest.raises(NotPermitted, match="Nobody decides their own expense"):
            shop.do(f"expenses.{act}", expense_id=expense_id, **more)
    (decided,) = shop.rows(ExpenseDecision)
    assert (decided.by_id, decided.reason) == (None, "Within the limit of whoever asked.")
    second_owner(shop)
    shop.do("expenses.reject", expense_id=expense_id, reason="not now")
    assert status(shop, expense_id) is ExpenseStatus.REJECTED


def test_rule_89_an_old_approval_sent_again_by_who_asked_approves_nothing(shop: Shop) -> None:
    first, second = ask(shop), ask(shop)
    key = shop.home.new_id()
    shop.perform("expenses.approve", expense_id=first, action_id=key)
    replay = shop.perform("expenses.approve", expense_id=first, action_id=key)
    assert replay.replayed
    for role, expense_id in ((Role.STAFF, first), (Role.STAFF, second), (Role.OWNER, second)):
        with pytest.raises(ReusedActionId):
            shop.perform("expenses.approve", expense_id=expense_id, action_id=key, role=role)
    assert status(shop, second) is ExpenseStatus.PENDING


@pytest.mark.parametrize("role", [Role.STAFF, Role.SUPERVISOR])
@pytest.mark.parametrize("act", ["approve", "reject", "change", "remove", "set_budget", "add_recurring"])
def test_only_owners_decide_change_and_plan(shop: Shop, role: Role, act: str) -> None:
    with pytest.raises(NotPermitted):
        shop.do(f"expenses.{act}", role=role)


def test_what_is_within_ones_limit_needs_no_decision(shop: Shop) -> None:
    shop.do("settings.change", key="expense_limit_staff_minor", value=12_000)
    assert status(shop, ask(shop)) is ExpenseStatus.APPROVED
    assert status(shop, ask(shop, amount=12_001)) is ExpenseStatus.PENDING
    assert status(shop, ask(shop, Role.SUPERVISOR)) is ExpenseStatus.PENDING


def test_an_approval_cannot_be_stretched_to_more_than_was_asked_for(shop: Shop) -> None:
    expense_id = ask(shop)
    with pytest.raises(Invalid, match="is more than the 12,000 asked for"):
        shop.do("expenses.change", expense_id=expense_id, amount=12_001)
    shop.do("expenses.change", expense_id=expense_id, amount=9_000, category="Water", payment_method="bank")
    row = shop.row(Expense, expense_id)
    assert (row.amount_minor, row.category, row.method, row.description) == (
        9_000,
        "Water",
        "bank",
        WATER["description"],
    )
    shop.do("expenses.approve", expense_id=expense_id)
    with pytest.raises(ExpenseNot, match="is approved; it is changed only until it is decided"):
        shop.do("expenses.change", expense_id=expense_id, amount=1_000)


def test_the_latest_decision_holds_until_the_money_has_left(shop: Shop) -> None:
    open_drawer(shop)
    expense_id = ask(shop)
    shop.do("expenses.reject", expense_id=expense_id, reason="too dear")
    assert status(shop, expense_id) is ExpenseStatus.REJECTED
    with pytest.raises(ExpenseNot):
        shop.do("expenses.pay", expense_id=expense_id)
    shop.do("expenses.approve", expense_id=expense_id, reason="after all")
    shop.do("expenses.pay", expense_id=expense_id, role=Role.STAFF)
    with pytest.raises(ExpenseNot, match="is paid; nothing is decided about it any more"):
        shop.do("expenses.reject", expense_id=expense_id, reason="regret")


def test_who_asked_takes_it_back_and_nobody_else_but_an_owner(shop: Shop) -> None:
    expense_id, other = ask(shop), ask(shop)
    with pytest.raises(NotPermitted, match="Only who asked"):
        shop.do("expenses.withdraw", expense_id=expense_id, role=Role.SUPERVISOR)
    shop.do("expenses.withdraw", expense_id=expense_id, role=Role.STAFF)
    assert status(shop, expense_id) is ExpenseStatus.WITHDRAWN
    with pytest.raises(ExpenseNot, match="is withdrawn"):
        shop.do("expenses.approve", expense_id=expense_id)
    shop.do("expenses.remove", expense_id=other)
    assert status(shop, other) is ExpenseStatus.WITHDRAWN
    assert len(shop.rows(Expense)) == 2


def test_staff_see_their_own_and_a_supervisor_sees_all(shop: Shop) -> None:
    mine, theirs = ask(shop), ask(shop, Role.SUPERVISOR)
    with shop.reading(Role.STAFF) as ctx:
        assert [one.row.id for one in list_expenses(ctx).rows] == [mine]
        with pytest.raises(NotFound):
            expense_view(ctx, theirs)
    with shop.reading(Role.SUPERVISOR) as ctx:
        assert {one.row.id for one in list_expenses(ctx).rows} == {mine, theirs}
    with pytest.raises(NotFound):
        shop.do("expenses.pay", expense_id=theirs, role=Role.STAFF)


def test_the_list_is_filtered_by_where_expenses_stand(shop: Shop) -> None:
    open_drawer(shop)
    by_status = {state: ask(shop, category=f"For {state}") for state in ExpenseStatus}
    for state in (ExpenseStatus.APPROVED, ExpenseStatus.PAID):
        shop.do("expenses.reject", expense_id=by_status[state], reason="first no")
        shop.do("expenses.approve", expense_id=by_status[state])
    shop.do("expenses.approve", expense_id=by_status[ExpenseStatus.REJECTED])
    shop.do("expenses.reject", expense_id=by_status[ExpenseStatus.REJECTED], reason="too much")
    shop.do("expenses.pay", expense_id=by_status[ExpenseStatus.PAID])
    shop.do("expenses.withdraw", expense_id=by_status[ExpenseStatus.WITHDRAWN], role=Role.STAFF)
    with shop.reading() as ctx:
        for state, expense_id in by_status.items():
            (found,) = list_expenses(ctx, status=state).rows
            assert (found.row.id, found.status) == (expense_id, state)
        first = list_expenses(ctx, limit=3)
        rest = list_expenses(ctx, limit=3, cursor=first.next_cursor)
        assert [one.row.id for one in first.rows + rest.rows] == list(reversed(by_status.values()))
        assert list_expenses(ctx, category="for paid").rows[0].row.id == by_status[ExpenseStatus.PAID]
        assert list_expenses(ctx, from_on=date(2026, 9, 22)).rows == []
        assert len(list_expenses(ctx, from_on=TODAY, to_on=TODAY).rows) == len(by_status)


def test_a_budget_warns_and_does_not_stop(shop: Shop) -> None:
    shop.do("expenses.set_budget", category="meals", month_amount=20_000)
    asked = shop.do("expenses.request", WATER, role=Role.STAFF)
    assert asked["warnings"] == []
    asked = shop.do("expenses.request", {**WATER, "amount": 4_000}, role=Role.STAFF)
    assert asked["warnings"] == ["meals: 4,000 are left of the budget of 20,000 for September 2026."]
    over = shop.do("expenses.request", WATER, role=Role.STAFF)
    assert over["warnings"] == ["meals: 8,000 above the budget of 20,000 for September 2026."]
    shop.do("expenses.reject", expense_id=over["expense_id"], reason="too much")
    next_month = shop.do("expenses.request", {**WATER, "expense_date": "2026-10-01"}, role=Role.STAFF)
    assert next_month["warnings"] == []
    with shop.reading() as ctx:
        (meals,) = month_sums(ctx, TODAY)
        assert (meals.category, meals.pending_minor, meals.budget_minor) == ("Meals", 16_000, 20_000)
    shop.do("expenses.set_budget", category="MEALS", month_amount=None)
    assert shop.do("expenses.request", {**WATER, "amount": 90_000}, role=Role.STAFF)["warnings"] == []


def test_a_month_is_summed_by_category_and_where_its_expenses_stand(shop: Shop) -> None:
    open_drawer(shop)
    ask(shop, amount=1_000)
    shop.do("expenses.approve", expense_id=ask(shop, amount=2_000))
    shop.do("expenses.reject", expense_id=ask(shop, amount=4_000), reason="too much")
    shop.do("expenses.pay", expense_id=ask(shop, Role.OWNER, amount=8_000))
    shop.do("expenses.withdraw", expense_id=ask(shop, amount=16_000), role=Role.STAFF)
    ask(shop, amount=32_000, expense_date="2026-08-31")
    ask(shop, amount=64_000, category="Rent")
    with shop.reading() as ctx:
        rent, meals = month_sums(ctx, TODAY)
        assert (rent.category, rent.pending_minor) == ("Rent", 64_000)
        assert (meals.pending_minor, meals.approved_minor, meals.paid_minor) == (1_000, 2_000, 8_000)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": 2**63}, "amount"),
        ({"description": "x"}, "description"),
        ({"category": " "}, "category"),
        ({"payment_method": "on_account"}, "payment_method"),
        ({"payment_method": "barter"}, "payment_method"),
        ({"expense_date": "2028-01-01"}, "expense_date"),
        ({"receipt": "bm8gcGhvdG8="}, "receipt"),
        ({"receipt": "%%%"}, "receipt"),
    ],
)
def test_a_wrong_expense_is_refused_by_field_and_takes_no_number(shop: Shop, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ask(shop, **wrong)
    assert refusal.value.fields.keys() == {field}
    ask(shop)
    assert [row.number for row in shop.rows(Expense)] == ["KLA1-E000001"]


def test_a_receipt_is_photographed_with_it_or_later_and_never_replaced(shop: Shop) -> None:
    expense_id = ask(shop)
    shop.do("expenses.approve", expense_id=expense_id)
    shop.do("expenses.add_receipt", expense_id=expense_id, receipt=photo(), role=Role.STAFF)
    name = shop.row(Expense, expense_id).photo
    assert [blob.sha256 for blob in shop.rows(Blob)] == [name]
    with shop.reading() as ctx:
        assert shown(ctx.session, [name or ""]) == {name}
    with pytest.raises(Invalid, match="is there already"):
        shop.do("expenses.add_receipt", expense_id=expense_id, receipt=photo("red"), role=Role.STAFF)


def photo(colour: str = "white") -> str:
    file = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
