"""An expense of a shop is decided in the portal and in the shop, unseen: both homes say the same of it in the end."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from shopnode.domain.actions import perform
from shopnode.domain.errors import NotPermitted, WrongPlace
from shopnode.domain.expenses.queries import expense_view, list_expenses
from shopnode.domain.permissions import Role
from shopnode.domain.photos.models import Blob
from tests.domain.test_expenses import WATER, photo

DEAR = {**WATER, "amount": 40_000}


def stands(company, branch, expense_id):
    """Where it stands: in the shop, and in the portal."""
    with branch.shop.reading() as here:
        mine = expense_view(here, expense_id).status.value
    portal = company.portal()
    with portal.home.reading() as session:
        there = portal.inside(session)
        found = list_expenses(there)
        assert [one.status for one in found.rows if one.row.id == expense_id] == [
            expense_view(there, expense_id).status
        ]
        return mine, expense_view(there, expense_id).status.value


def test_what_the_portal_decides_is_paid_in_the_shop(company):
    branch = company.open_branch("KLA")
    branch.shop.do("cash.open_drawer", role=Role.STAFF, opening_float=50_000)
    expense_id = branch.shop.do("expenses.request", {**DEAR, "receipt": photo()}, role=Role.STAFF)["expense_id"]
    branch.sync()
    with pytest.raises(WrongPlace):
        perform(company.portal(), "expenses.pay", {"expense_id": expense_id})
    perform(company.portal(), "expenses.approve", {"expense_id": expense_id})
    assert stands(company, branch, expense_id) == ("Pending", "Approved")
    branch.sync()
    assert stands(company, branch, expense_id) == ("Approved", "Approved")
    branch.shop.do("expenses.pay", expense_id=expense_id, role=Role.STAFF)
    branch.sync()
    assert stands(company, branch, expense_id) == ("Paid", "Paid")


def test_rule_89_who_asked_in_the_shop_does_not_decide_in_the_portal(company):
    branch = company.open_branch("KLA")
    expense_id = branch.shop.do("expenses.request", DEAR, role=Role.OWNER)["expense_id"]
    branch.sync()
    owner = company.portal()
    if owner.actor.id == branch.shop.owner.id:
        with pytest.raises(NotPermitted, match="Nobody decides their own"):
            perform(owner, "expenses.reject", {"expense_id": expense_id, "reason": "mine"})
    else:
        perform(owner, "expenses.reject", {"expense_id": expense_id, "reason": "of another owner"})


def test_two_decisions_unseen_come_to_one_at_both_homes(company):
    branch = company.open_branch("KLA")
    expense_id = branch.shop.do("expenses.request", DEAR, role=Role.STAFF)["expense_id"]
    branch.sync()
    branch.line.cut()
    perform(company.portal(), "expenses.reject", {"expense_id": expense_id, "reason": "too dear"})
    branch.shop.do("expenses.approve", expense_id=expense_id)
    assert stands(company, branch, expense_id) == ("Approved", "Rejected")
    branch.line.heal()
    branch.sync()
    branch.sync()
    here, there = stands(company, branch, expense_id)
    assert here == there == "Approved"  # the shop's came to the hub later


def test_money_that_left_the_shop_stays_paid_though_the_portal_said_no_meanwhile(company):
    branch = company.open_branch("KLA")
    branch.shop.do("cash.open_drawer", role=Role.STAFF, opening_float=50_000)
    expense_id = branch.shop.do("expenses.request", DEAR, role=Role.STAFF)["expense_id"]
    branch.shop.do("expenses.approve", expense_id=expense_id)
    branch.sync()
    branch.line.cut()
    perform(company.portal(), "expenses.reject", {"expense_id": expense_id, "reason": "too dear"})
    branch.shop.do("expenses.pay", expense_id=expense_id, role=Role.STAFF)
    branch.line.heal()
    branch.sync()
    branch.sync()
    assert stands(company, branch, expense_id) == ("Paid", "Paid")


def test_a_receipts_photo_reaches_the_owner(company):
    branch = company.open_branch("KLA")
    branch.shop.do("expenses.request", {**WATER, "receipt": large_photo()}, role=Role.STAFF)
    branch.sync()
    branch.sync()
    (kept,) = branch.shop.rows(Blob)
    portal = company.portal()
    with portal.home.reading() as session:
        blob = session.get(Blob, (company.tenant_id, kept.sha256))
        assert blob is not None and blob.content == kept.content


def large_photo():
    import base64

    file = io.BytesIO()
    Image.effect_noise((600, 600), 90).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
