"""Somebody leaves: shut out at once, also without a network, and taken off the staff for good."""

from __future__ import annotations

import pytest

from shopnode.domain.actions import perform
from shopnode.domain.context import PhoneApproval
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted, NotSignedIn
from shopnode.domain.params import read_params
from shopnode.domain.people.actions import OnePerson
from shopnode.domain.people.models import Staff, StaffPin
from shopnode.domain.people.queries import find_staff
from shopnode.domain.people.rules import LastOwner
from shopnode.domain.people.sessions import actor_of_session, sign_in
from shopnode.domain.people.telephone import answer, ask
from shopnode.domain.permissions import Role
from tests.shop import PASSWORD, PHONES, Shop

ODOI = {"name": "Odoi", "role": "Staff", "phone": "0798 111 222"}


def test_rule_90_an_owners_code_shuts_out_while_the_hub_is_away(shop: Shop) -> None:
    token = sign_in(shop.home, PHONES["Brian"], PASSWORD, shop.ctx().channel).token
    shop.do("approvals.set_up_phone")
    form = {"staff_id": shop.supervisor.id}
    ctx = shop.ctx(Role.STAFF)
    asked = ask(ctx, "staff.shut_out", read_params(OnePerson, form)).question
    assert (asked.amount_minor, asked.document) == (0, "BRIAN")  # the owner hears whom
    with shop.reading() as owner:
        told = {"challenge": asked.challenge, "action": asked.action, "amount": 0, "document": "Brian"}
        code = answer(owner, shop.home.shop_id, told)

    perform(ctx, "staff.shut_out", form, approval=PhoneApproval(asked.challenge, code))
    assert shop.row(Staff, shop.supervisor.id or "").suspended_at is not None
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, token)
    with pytest.raises(NotSignedIn):
        sign_in(shop.home, PHONES["Brian"], PASSWORD, shop.ctx().channel)
    entry = shop.entries()[-1]
    assert (entry.action, entry.actor_id) == ("staff.shut_out", shop.cashier.id)
    assert f'"approver":"{shop.owner.id}"' in entry.body


def test_rule_90_nobody_but_an_owner_says_yes_to_it(shop: Shop) -> None:
    form = {"staff_id": shop.do("staff.add", ODOI)["id"]}
    with pytest.raises(ApprovalNeeded):
        shop.do("staff.shut_out", form, role=Role.SUPERVISOR)
    with pytest.raises(NotPermitted):
        shop.do("staff.shut_out", form, role=Role.STAFF, approval=shop.approval_by(Role.SUPERVISOR))
    shop.do("staff.shut_out", form, role=Role.STAFF, approval=shop.approval_by(Role.OWNER))


def test_nobody_shuts_themselves_out_nor_the_last_owner(shop: Shop) -> None:
    with pytest.raises(NotPermitted):
        shop.do("staff.shut_out", staff_id=shop.cashier.id, role=Role.STAFF)
    with pytest.raises(LastOwner):
        shop.do(
            "staff.shut_out", staff_id=shop.owner.id, role=Role.STAFF,
            approval=shop.approval_by(Role.OWNER),
        )  # fmt: skip


def test_who_is_archived_keeps_their_name_and_loses_every_way_in(shop: Shop) -> None:
    token = sign_in(shop.home, PHONES["Aisha"], PASSWORD, shop.ctx().channel).token
    shop.do("staff.archive", staff_id=shop.cashier.id)
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, token)
    assert shop.rows(StaffPin, staff_id=shop.cashier.id) == []
    with shop.reading() as ctx:
        assert find_staff(ctx.session, shop.cashier.id or "").name == "Aisha"


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_only_an_owner_archives(anywhere: Shop, role: Role) -> None:
    with pytest.raises(NotPermitted):
        anywhere.do("staff.archive", staff_id=anywhere.owner.id, role=role)
    anywhere.do("staff.archive", staff_id=anywhere.cashier.id)


def test_who_comes_back_needs_their_number_free(anywhere: Shop) -> None:
    anywhere.do("staff.archive", staff_id=anywhere.cashier.id)
    taken = anywhere.do("staff.add", ODOI | {"phone": PHONES["Aisha"]})["id"]
    with pytest.raises(Invalid):
        anywhere.do("staff.activate", staff_id=anywhere.cashier.id)
    anywhere.do("staff.archive", staff_id=taken)
    anywhere.do("staff.activate", staff_id=anywhere.cashier.id)
    assert anywhere.row(Staff, anywhere.cashier.id or "").archived_at is None
