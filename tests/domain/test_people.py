"""The business, its shops and its staff: who may change whom."""

from __future__ import annotations

import pytest

from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted
from shopnode.domain.people.models import BUSINESS_ID, Business, Staff, StaffPosting, posting_id
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.people.passwords import verify_secret
from shopnode.domain.people.queries import actor_for, all_shops, find_staff, staff_list
from shopnode.domain.people.rules import LastOwner
from shopnode.domain.permissions import Role
from tests.shop import PASSWORD, Shop


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    """These rules hold at a node and at the hub."""
    return anywhere


ODOI = {"name": "Odoi", "role": "Staff", "phone": "0798 111 222", "password": "a good password"}


def test_a_business_is_founded_with_its_shop_and_its_owner(counter: Shop) -> None:
    business = counter.row(Business, BUSINESS_ID)
    place = counter.row(ShopRow, counter.home.shop_id or "")
    assert (business.name, business.currency) == ("Kisura Phones", "UGX")
    assert (place.name, place.code, place.timezone, place.vat_rate_bp) == ("Kampala Road", "KLA", "Africa/Kampala", 0)
    assert [entry.action for entry in counter.entries()[:3]] == ["business.set_up", "shops.open", "staff.add"]


def test_a_business_is_set_up_once(shop: Shop) -> None:
    with pytest.raises(Conflict):
        shop.do("business.set_up", name="Another")


def test_a_node_serves_one_shop(counter: Shop) -> None:
    with pytest.raises(Conflict):
        counter.do("shops.open", name="Second", code="JIN")


def test_a_shop_changes_only_what_was_sent(shop: Shop) -> None:
    (place,) = shop.rows(ShopRow)
    shop.do("shops.update", shop_id=place.id, vat_rate_bp=1_800, receipt_footer="No refunds\r\non covers")
    (place,) = shop.rows(ShopRow)
    assert (place.name, place.vat_rate_bp, place.receipt_footer) == ("Kampala Road", 1_800, "No refunds\non covers")
    assert shop.changes("shop")[-1].fields == {"vat_rate_bp": 1_800, "receipt_footer": "No refunds\non covers"}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("vat_rate_bp", 18_000, "must be at most 5000"),
        ("timezone", "Kampala", "is not a known time zone, for example Africa/Kampala"),
        ("phone", "12", "is not a complete telephone number"),
        ("name", None, "is needed"),
    ],
)
def test_a_shop_with_a_wrong_field_is_refused_in_words(shop: Shop, field: str, value: object, words: str) -> None:
    (place,) = shop.rows(ShopRow)
    with pytest.raises(Invalid) as refusal:
        shop.do("shops.update", {"shop_id": place.id, field: value})
    assert refusal.value.fields == {field: words}


def test_a_new_person_is_posted_here_with_their_password_hash(shop: Shop) -> None:
    (place,) = shop.rows(ShopRow)
    staff_id = shop.do("staff.add", ODOI | {"shop_ids": [place.id]})["id"]
    person = shop.row(Staff, staff_id)
    posting = shop.row(StaffPosting, posting_id(staff_id, place.id))
    assert (person.name, person.role, person.phone) == ("Odoi", "Staff", "+256798111222")
    assert verify_secret(posting.password_hash, "a good password")
    assert "a good password" not in "".join(entry.body + (entry.personal or "") for entry in shop.entries())


def test_a_person_needs_something_to_sign_in_with(shop: Shop) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.do("staff.add", {"name": "Odoi", "role": "Staff"})
    assert set(refusal.value.fields) == {"phone"}


def test_two_people_do_not_share_a_login(shop: Shop) -> None:
    shop.do("staff.add", ODOI)
    with pytest.raises(Invalid) as refusal:
        shop.do("staff.add", ODOI | {"name": "Okot"})
    assert refusal.value.fields == {"phone": "belongs to somebody else on the staff"}


def test_a_person_cannot_be_posted_to_a_shop_that_does_not_exist(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.do("staff.add", ODOI | {"shop_ids": ["0190a000-0000-7000-8000-000000000bad"]})


def test_the_last_owner_can_neither_be_suspended_nor_demoted(shop: Shop) -> None:
    second = shop.do("staff.add", ODOI | {"role": "Owner"})["id"]
    shop.do("staff.update", {"staff_id": second, "role": "Supervisor"})  # Sarah is still there

    shop.do("staff.update", {"staff_id": second, "role": "Owner"})
    shop.do("staff.suspend", staff_id=second)
    with pytest.raises(NotPermitted):
        shop.do("staff.suspend", staff_id=shop.owner.id)  # herself
    with pytest.raises(NotPermitted):
        shop.do("staff.update", {"staff_id": shop.owner.id, "role": "Staff"})


def test_the_console_cannot_remove_the_last_owner_either(shop: Shop) -> None:
    from dataclasses import replace

    from shopnode.domain.actions import perform
    from shopnode.domain.context import CONSOLE

    console = replace(shop.ctx(), actor=CONSOLE)
    with pytest.raises(LastOwner):
        perform(console, "staff.suspend", {"staff_id": shop.owner.id})
    with pytest.raises(LastOwner):
        perform(console, "staff.update", {"staff_id": shop.owner.id, "role": "Staff"})


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_nobody_raises_their_own_role(shop: Shop, role: Role) -> None:
    with pytest.raises(NotPermitted):
        shop.perform("staff.update", {"staff_id": shop.actor(role).id, "role": "Owner"}, role=role)


def test_a_suspended_person_may_come_back(shop: Shop) -> None:
    shop.do("staff.suspend", staff_id=shop.cashier.id)
    with shop.reading() as ctx:
        assert actor_for(ctx.session, shop.cashier.id, shop.home.shop_id) is None
    shop.do("staff.activate", staff_id=shop.cashier.id)
    with shop.reading() as ctx:
        assert actor_for(ctx.session, shop.cashier.id, shop.home.shop_id) == shop.cashier


def test_somebody_elses_password_needs_the_permission(shop: Shop) -> None:
    for role in (Role.SUPERVISOR, Role.STAFF):
        with pytest.raises(NotPermitted):
            shop.do("staff.set_password", staff_id=shop.owner.id, new_password="taken over now", role=role)
    shop.do("staff.set_password", staff_id=shop.cashier.id, new_password="a fresh start")
    (posting,) = shop.rows(StaffPosting, staff_id=shop.cashier.id)
    assert verify_secret(posting.password_hash, "a fresh start")
    assert not verify_secret(posting.password_hash, PASSWORD)


def test_lists_show_the_active_first(shop: Shop) -> None:
    shop.do("staff.suspend", staff_id=shop.cashier.id)
    with shop.reading() as ctx:
        assert [person.name for person in staff_list(ctx.session)] == ["Brian", "Sarah", "Aisha"]
        assert [place.code for place in all_shops(ctx.session)] == ["KLA"]
        with pytest.raises(NotFound):
            find_staff(ctx.session, "0190a000-0000-7000-8000-000000000bad")
