"""Who is erased stays erased, whatever a shop that had not heard of it wrote; and the books can still be made again."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from cloudhub.examinations import wrong_derived as wrong_at_hub
from cloudhub.merge.conflicts import open_exceptions
from cloudhub.merge.rebuild import rebuild_tenant
from shopnode.domain.actions import perform
from shopnode.domain.customers.erasing import ERASED_NAME
from shopnode.domain.people.models import Staff
from shopnode.machine.witnesses import wrong_derived as wrong_at_shop
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.forgetting import kept, settle

PHONE, LATE = "+256772123456", "+256701999888"
ERASE = {"reason": "asked by letter"}


@pytest.fixture
def shops(company: Company) -> tuple[Branch, Branch]:
    return company.open_branch("KLA"), company.open_branch("JJA")


def all_agree(company: Company, *branches: Branch) -> None:
    """Every home computes what it holds, and the books made again are the books."""
    for branch in branches:
        assert list(wrong_at_shop(branch.database)) == []
        assert branch.worker.check().is_whole
    assert list(wrong_at_hub(company.hub, company.tenant_id)) == []
    assert rebuild_tenant(company.hub, company.tenant_id).differences == []


def nobody_holds(words: str, people: str, company: Company, *branches: Branch) -> None:
    for home in (company.hub.home(company.tenant_id), *(branch.shop.home for branch in branches)):
        assert words not in kept(home, people), home


@pytest.mark.parametrize("is_later", [False, True], ids=["edited before", "edited after"])
def test_rule_91_an_edit_that_had_not_heard_of_the_erasing_fills_nothing(
    company: Company, shops: tuple[Branch, Branch], is_later: bool
) -> None:
    kampala, jinja = shops
    who = kampala.shop.do("customers.create", name="Nakato Prossy", phone="0772 123 456")["id"]
    settle(kampala, jinja)
    jinja.line.cut()
    if is_later:
        jinja.shop.clock.advance(3_600_000)
    jinja.shop.do("customers.update", customer_id=who, phone="0701 999 888", name="Nakato P.")
    perform(company.portal(), "customers.erase", {"customer_id": who, **ERASE})
    jinja.line.heal()
    settle(jinja, kampala)
    people = "SELECT name, phone FROM customer"
    for words in (PHONE, LATE, "Nakato"):
        nobody_holds(words, people, company, kampala, jinja)
    with jinja.shop.home.reading() as session:
        assert session.execute(text(people)).all() == [(ERASED_NAME, None)]
    all_agree(company, kampala, jinja)


def test_rule_91_an_erasing_empties_what_its_own_home_knew_nothing_of(
    company: Company, shops: tuple[Branch, Branch]
) -> None:
    """The edit comes first, is younger by the clock, and fills a field that was empty where the person was erased."""
    kampala, jinja = shops
    who = kampala.shop.do("customers.create", name="Nakato Prossy", phone="0772 123 456")["id"]
    settle(kampala, jinja)
    kampala.line.cut()
    kampala.shop.do("customers.erase", customer_id=who, **ERASE)
    jinja.shop.clock.advance(3_600_000)
    jinja.shop.do("customers.update", customer_id=who, phone="0701 999 888", address="Plot 7, Ntinda")
    settle(jinja)
    kampala.line.heal()
    settle(kampala, jinja)
    people = "SELECT name, phone, address FROM customer"
    for words in (PHONE, LATE, "Ntinda", "Nakato"):
        nobody_holds(words, people, company, kampala, jinja)
    all_agree(company, kampala, jinja)


@pytest.mark.parametrize("first", ["erased", "edited"])
def test_rule_91_who_left_and_was_erased_stays_so(company: Company, shops: tuple[Branch, Branch], first: str) -> None:
    kampala, jinja = shops
    form = {"name": "Odoi Peter", "role": "Staff", "phone": "0772 123 456"}
    who = perform(company.portal(), "staff.add", form).result["id"]
    perform(company.portal(), "staff.archive", {"staff_id": who})
    settle(kampala, jinja)
    kampala.line.cut()
    jinja.line.cut()
    kampala.shop.do("staff.erase", staff_id=who, **ERASE)
    jinja.shop.clock.advance(3_600_000)
    jinja.shop.do("staff.update", staff_id=who, phone="0701 999 888", email="odoi@example.com")
    early, late = (kampala, jinja) if first == "erased" else (jinja, kampala)
    early.line.heal()
    settle(early)
    late.line.heal()
    settle(late, early)
    people = "SELECT name, phone, email FROM staff"
    for words in (PHONE, LATE, "odoi@example.com"):
        nobody_holds(words, people, company, kampala, jinja)
    for branch in shops:
        row = branch.shop.row(Staff, who)
        assert (row.name, row.phone, row.email) == ("Odoi Peter", None, None)
    all_agree(company, kampala, jinja)


def test_rule_91_a_number_that_two_customers_shared_leaves_the_owners_list(
    company: Company, shops: tuple[Branch, Branch]
) -> None:
    kampala, jinja = shops
    jinja.line.cut()
    who = kampala.shop.do("customers.create", name="Nakato Prossy", phone="0772 123 456")["id"]
    jinja.shop.do("customers.create", name="Prossy N.", phone="0772 123 456")
    jinja.line.heal()
    settle(kampala, jinja)
    with company.hub.database.session(company.tenant_id) as session:
        assert [found.key for found in open_exceptions(session)] == [PHONE]
    kampala.shop.do("customers.erase", customer_id=who, **ERASE)
    kampala.sync()
    with company.hub.database.session(company.tenant_id) as session:
        (found,) = open_exceptions(session)
    assert PHONE not in found.sentence and found.key is None
