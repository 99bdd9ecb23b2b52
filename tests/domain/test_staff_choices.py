"""What an owner chooses for one person: permissions given and taken, limits of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shopnode.domain.context import CONSOLE, Actor, Approval
from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid, NotPermitted
from shopnode.domain.people.access_models import StaffChoice
from shopnode.domain.people.choices import choices_about
from shopnode.domain.people.limits import limits_for, refund_within, write_off_within
from shopnode.domain.people.queries import actor_for, staff_of_shop
from shopnode.domain.permissions import NEVER_TAKEN, OWNERS_ALONE, ROLE_PERMISSIONS, Permission, Role, permissions_of
from tests.domain.till import open_till
from tests.shop import Shop

P = Permission


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    return anywhere


def choose(shop: Shop, person: Actor, **choices: object) -> Actor:
    shop.do("staff.choose", {"staff_id": person.id, **choices})
    return as_they_are(shop, person)


def as_they_are(shop: Shop, person: Actor) -> Actor:
    with shop.reading() as ctx:
        found = actor_for(ctx.session, person.id, shop.home.shop_id)
    assert found is not None
    return found


def test_rule_88_a_permission_given_and_one_taken_hold_with_the_next_request(shop: Shop) -> None:
    now = choose(shop, shop.cashier, permissions={"sales:update": True, "customers:create": False})
    assert now.permissions == (ROLE_PERMISSIONS[Role.STAFF] | {P.SALES_UPDATE}) - {P.CUSTOMERS_CREATE}

    again = choose(shop, shop.cashier, permissions={"sales:update": None, "customers:create": None})
    assert again == shop.cashier
    assert {row.value for row in shop.rows(StaffChoice)} == {None}


def test_a_choice_said_again_is_one_row(shop: Shop) -> None:
    for value in (True, False, True):
        choose(shop, shop.cashier, permissions={"sales:update": value})
    (row,) = shop.rows(StaffChoice)
    assert (row.staff_id, row.key, row.value) == (shop.cashier.id, "sales:update", "yes")


def test_taking_a_permission_back_shuts_the_door_for_it(counter: Shop) -> None:
    form = {"name": "Okello", "phone": "0772 555 111"}
    counter.cashier = choose(counter, counter.cashier, permissions={"customers:create": False})
    with pytest.raises(NotPermitted):
        counter.do("customers.create", form, role=Role.STAFF)
    counter.cashier = choose(counter, counter.cashier, permissions={"customers:create": None})
    counter.do("customers.create", form, role=Role.STAFF)


@pytest.mark.parametrize("key", sorted(OWNERS_ALONE))
def test_what_would_widen_ones_own_rights_is_given_to_nobody(counter: Shop, key: str) -> None:
    with pytest.raises(Invalid) as refusal:
        choose(counter, counter.supervisor, permissions={key: True})
    assert set(refusal.value.fields) == {f"permissions.{key}"}
    assert key not in permissions_of(Role.SUPERVISOR, [(key, "yes")])  # also if a row says so


def test_the_own_password_is_taken_from_nobody(counter: Shop) -> None:
    with pytest.raises(Invalid):
        choose(counter, counter.cashier, permissions={"own:credentials": False})
    assert permissions_of(Role.STAFF, [(key, "no") for key in NEVER_TAKEN]) == ROLE_PERMISSIONS[Role.STAFF]


def test_only_an_owner_chooses_and_never_about_an_owner(shop: Shop) -> None:
    for role in (Role.SUPERVISOR, Role.STAFF):
        with pytest.raises(NotPermitted):
            shop.do("staff.choose", staff_id=shop.cashier.id, permissions={"sales:update": True}, role=role)
    with pytest.raises(Conflict):
        choose(shop, shop.owner, permissions={"sales:update": False})
    assert permissions_of(Role.OWNER, [("sales:update", "no")]) == frozenset(Permission)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"permissions": {"sales:everything": True}}, "permissions.sales:everything"),
        ({"limits": {"salary_minor": 1}}, "limits.salary_minor"),
        ({"limits": {"discount_limit_bp": 10_001}}, "limits.discount_limit_bp"),
        ({"limits": {"refund_limit_minor": -1}}, "limits.refund_limit_minor"),
    ],
)
def test_what_is_no_choice_is_refused_by_name(counter: Shop, form: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        choose(counter, counter.cashier, **form)
    assert set(refusal.value.fields) == {field}
    assert counter.rows(StaffChoice) == []


def test_a_limit_of_ones_own_stands_for_the_roles(shop: Shop) -> None:
    now = choose(shop, shop.cashier, limits={"refund_limit_minor": 250_000, "write_off_limit_minor": 40_000})
    numbers = {"refund_limit_staff_minor": 100_000, "write_off_limit_supervisor_minor": 9}
    own = limits_for(now, numbers)
    assert refund_within(Role.STAFF, 250_000, own) and not refund_within(Role.STAFF, 250_001, own)
    assert write_off_within(Role.STAFF, 40_000, own) and not write_off_within(Role.STAFF, 40_001, own)
    assert limits_for(shop.cashier, numbers) is numbers
    assert not write_off_within(Role.STAFF, 1, numbers)
    with shop.reading() as ctx:
        assert choices_about(ctx.session, shop.cashier.id or "") == {
            "refund_limit_minor": "250000", "write_off_limit_minor": "40000"
        }  # fmt: skip


def test_rule_88_a_limit_of_ones_own_is_what_the_till_asks(counter: Shop) -> None:
    sell = _discounted(counter, 8_00)
    with pytest.raises(ApprovalNeeded):
        sell(counter.cashier)
    sell(choose(counter, counter.cashier, limits={"discount_limit_bp": 900}))
    with pytest.raises(ApprovalNeeded):
        sell(choose(counter, counter.cashier, limits={"discount_limit_bp": 100}))


def test_rule_89_an_approver_has_their_own_limit_too(counter: Shop) -> None:
    sell = _discounted(counter, 12_00)
    choose(counter, counter.supervisor, limits={"discount_limit_bp": 1_000})
    with pytest.raises(NotPermitted, match="above the limit of Brian"):
        sell(counter.cashier, approval=counter.approval_by(Role.SUPERVISOR))
    choose(counter, counter.supervisor, limits={"discount_limit_bp": None})
    sell(counter.cashier, approval=counter.approval_by(Role.SUPERVISOR))


def test_who_may_approve_is_shown_as_it_was_chosen(counter: Shop) -> None:
    choose(counter, counter.supervisor, permissions={"limits:approve": False})
    choose(counter, counter.cashier, permissions={"limits:approve": True})
    with counter.reading() as ctx:
        people = staff_of_shop(ctx.session, counter.home.shop_id or "")
    assert {person.name: person.may_approve for person in people} == {"Sarah": True, "Brian": False, "Aisha": True}
    with pytest.raises(NotPermitted, match="may not approve"):
        _discounted(counter, 12_00)(counter.cashier, approval=counter.approval_by(Role.SUPERVISOR))


def test_a_key_has_its_scopes_and_never_more_than_its_person() -> None:
    scoped = Actor("x", "Aisha", Role.STAFF, (("sales:update", "yes"),), frozenset({P.SALES_UPDATE, P.SALES_DELETE}))
    assert scoped.permissions == {P.SALES_UPDATE}
    assert replace(CONSOLE, scopes=frozenset()).permissions == frozenset()


def _discounted(counter: Shop, off_bp: int) -> Callable[..., None]:
    """Sell a charger, which has no lowest price, at so much below its own, as somebody."""
    till = open_till(counter)
    off = 35_000 * off_bp // 10_000

    def sell(person: Actor, approval: Approval | None = None) -> None:
        counter.cashier = person
        till.sell({"product_id": till.charger, "discount_amount": off}, approval=approval)

    return sell
