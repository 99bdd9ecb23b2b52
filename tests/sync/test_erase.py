"""A customer who asks to be forgotten is forgotten at every home that hears of it."""

from __future__ import annotations

import pytest

from cloudhub.merge.rebuild import rebuild_tenant
from shopnode.domain.actions import perform
from shopnode.domain.customers.erasing import ERASED_NAME
from shopnode.domain.customers.models import Customer
from tests.sync.chain_of_shops import Company
from tests.sync.forgetting import kept, settle

WORDS = ("Nakato Prossy", "+256772123456", "Ntinda", "+256701999888")
PEOPLE = "SELECT name, phone, address FROM customer"


@pytest.mark.parametrize("where", ["the shop that added them", "another shop", "the portal"])
def test_rule_91_who_is_erased_is_forgotten_everywhere(company: Company, where: str) -> None:
    kampala, jinja = company.open_branch("KLA"), company.open_branch("JJA")
    form = {"name": "Nakato Prossy", "phone": "0772 123 456", "address": "Plot 7, Ntinda"}
    who = kampala.shop.do("customers.create", form)["id"]
    settle(kampala, jinja)
    jinja.shop.do("customers.update", customer_id=who, phone="0701 999 888")
    settle(jinja, kampala)
    hub = company.hub.home(company.tenant_id)
    homes = {"kampala": kampala.shop.home, "jinja": jinja.shop.home, "hub": hub}
    assert all(word in kept(hub, PEOPLE) for word in WORDS)
    assert all(WORDS[3] in kept(home, PEOPLE) for home in homes.values())

    erase = {"customer_id": who, "reason": "asked by letter"}
    if where == "the portal":
        perform(company.portal(), "customers.erase", erase)
    else:
        (kampala if where == "the shop that added them" else jinja).shop.do("customers.erase", erase)
    settle(kampala, jinja)

    for name, home in homes.items():
        assert [word for word in WORDS if word in kept(home, PEOPLE)] == [], name
    for branch in (kampala, jinja):
        row = branch.shop.row(Customer, who)
        assert (row.name, row.phone, row.erased_at is not None) == (ERASED_NAME, None, True)
    assert rebuild_tenant(company.hub, company.tenant_id).differences == []


def test_rule_91_a_new_shop_is_told_no_name(company: Company) -> None:
    kampala = company.open_branch("KLA")
    who = kampala.shop.do("customers.create", name="Nakato Prossy", phone="0772 123 456")["id"]
    kampala.sync()
    kampala.shop.do("customers.erase", customer_id=who, reason="asked by letter")
    kampala.sync()
    jinja = company.open_branch("JJA")
    settle(jinja)
    assert jinja.shop.row(Customer, who).name == ERASED_NAME
    assert [word for word in WORDS if word in kept(jinja.shop.home, PEOPLE)] == []
