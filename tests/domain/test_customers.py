"""Customers: found by any piece of their number, added in a breath, their persons kept out of the chain."""

from __future__ import annotations

import pytest

from shopnode.domain.customers.actions import AlreadyCustomer
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import search_customers
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.phones import guess_network, parse_phone, show_phone
from tests.shop import Shop


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    """These rules hold at a node and at the hub."""
    return anywhere


@pytest.fixture
def people(shop: Shop) -> Shop:
    for name, phone in (("Nakato Prossy", "0798 123 456"), ("Okello James", "+256 799 222 333"), ("Élise", None)):
        shop.do("customers.create", name=name, phone=phone, role=Role.STAFF)
    return shop


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("0798123456", ["Nakato Prossy"]),
        ("+256 798 123 456", ["Nakato Prossy"]),
        ("0798", ["Nakato Prossy"]),
        ("3456", ["Nakato Prossy"]),
        ("798-123", ["Nakato Prossy"]),
        ("079", []),  # too short for a number, and no name
        ("prossy", ["Nakato Prossy"]),
        ("OKELLO", ["Okello James"]),
        ("%", []),
        ("_", []),
        ("' OR 1=1 --", []),
        ("\x00", ["Nakato Prossy", "Okello James", "Élise"]),
        ("", ["Nakato Prossy", "Okello James", "Élise"]),
    ],
)
def test_a_customer_is_found_by_a_piece_of_number_or_name(people: Shop, typed: str, names: list[str]) -> None:
    with people.reading(Role.STAFF) as ctx:
        assert sorted(who.name for who in search_customers(ctx.session, typed).rows) == names


def test_pages_show_each_customer_once(people: Shop) -> None:
    with people.reading() as ctx:
        first = search_customers(ctx.session, "", limit=2)
        second = search_customers(ctx.session, "", limit=2, cursor=first.next_cursor)
    assert len({who.id for who in (*first.rows, *second.rows)}) == 3
    assert second.next_cursor is None


def test_a_number_that_is_known_answers_who_has_it(people: Shop) -> None:
    (nakato,) = people.rows(Customer, phone="+256798123456")
    with pytest.raises(AlreadyCustomer) as refusal:
        people.do("customers.create", name="Somebody", phone="0798-123-456")
    assert refusal.value.details == {"customer_id": nakato.id}


@pytest.mark.parametrize("phone", ["12", "0798", "call me", "+999123456789", "0798 123 4567 89"])
def test_what_is_no_telephone_number_is_refused(shop: Shop, phone: str) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.do("customers.create", name="X", phone=phone)
    assert set(refusal.value.fields) == {"phone"}


def test_an_update_changes_only_what_was_sent_and_may_empty_a_field(people: Shop) -> None:
    (nakato,) = people.rows(Customer, phone="+256798123456")
    people.do("customers.update", customer_id=nakato.id, phone="", notes="pays late", role=Role.SUPERVISOR)
    now = people.row(Customer, nakato.id)
    assert (now.name, now.phone, now.notes) == ("Nakato Prossy", None, "pays late")
    assert set(people.changes("customer")[-1].fields) == {"phone", "notes"}
    with pytest.raises(Invalid):
        people.do("customers.update", customer_id=nakato.id, name=None)


def test_staff_add_customers_but_do_not_change_them(people: Shop) -> None:
    (nakato,) = people.rows(Customer, phone="+256798123456")
    for name in ("customers.update", "customers.archive"):
        with pytest.raises(NotPermitted):
            people.do(name, customer_id=nakato.id, role=Role.STAFF)


def test_an_archived_customer_is_found_no_more_and_frees_the_number(people: Shop) -> None:
    (nakato,) = people.rows(Customer, phone="+256798123456")
    people.do("customers.archive", customer_id=nakato.id)
    with people.reading() as ctx:
        assert search_customers(ctx.session, "prossy").rows == []
    people.do("customers.create", name="New owner of the number", phone="0798123456")


@pytest.mark.parametrize(
    ("typed", "kept", "network"),
    [
        ("0772 123 456", "+256772123456", "MTN"),
        ("+256 701 123456", "+256701123456", "Airtel"),
        ("0724 123 456", "+256724123456", "MTN"),
        ("0714123456", "+256714123456", "UTL"),
        ("0200 123 456", "+256200123456", None),
        ("+254 712 345678", "+254712345678", None),
    ],
)
def test_a_number_is_kept_in_one_form_and_its_network_guessed(typed: str, kept: str, network: str | None) -> None:
    assert parse_phone(typed) == kept
    assert guess_network(kept) == network


def test_a_number_is_shown_as_people_here_write_it() -> None:
    assert show_phone("+256772123456") == "0772 123456"
    assert show_phone("+254712345678") == "+254 712 345678"
