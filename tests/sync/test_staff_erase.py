"""Somebody who left the staff and is forgotten is forgotten at every home that hears of it; their name stays."""

from __future__ import annotations

import pytest

from cloudhub.merge.rebuild import rebuild_tenant
from shopnode.domain.actions import perform
from shopnode.domain.people.models import Staff
from tests.sync.chain_of_shops import Company
from tests.sync.forgetting import kept, settle

WORDS = ("+256772123456", "odoi@example.com", "+256701999888")
PEOPLE = "SELECT name, phone, email FROM staff"


@pytest.mark.parametrize("where", ["the shop that added them", "the portal"])
def test_rule_91_who_left_is_forgotten_everywhere(company: Company, where: str) -> None:
    kampala, jinja = company.open_branch("KLA"), company.open_branch("JJA")
    form = {"name": "Odoi Peter", "role": "Staff", "phone": "0772 123 456", "email": WORDS[1]}
    who = kampala.shop.do("staff.add", form)["id"]
    settle(kampala, jinja)
    perform(company.portal(), "staff.update", {"staff_id": who, "phone": "0701 999 888"})
    kampala.shop.do("staff.archive", staff_id=who)
    settle(kampala, jinja)
    homes = {
        "kampala": kampala.shop.home, "jinja": jinja.shop.home, "hub": company.hub.home(company.tenant_id)
    }  # fmt: skip
    assert all(WORDS[1] in kept(home, PEOPLE) and WORDS[2] in kept(home, PEOPLE) for home in homes.values())

    erase = {"staff_id": who, "reason": "asked by letter"}
    if where == "the portal":
        perform(company.portal(), "staff.erase", erase)
    else:
        kampala.shop.do("staff.erase", erase)
    settle(kampala, jinja)

    for name, home in homes.items():
        assert [word for word in WORDS if word in kept(home, PEOPLE)] == [], name
        assert "Odoi Peter" in kept(home, PEOPLE), name
    for branch in (kampala, jinja):
        row = branch.shop.row(Staff, who)
        assert (row.name, row.phone, row.email) == ("Odoi Peter", None, None)
    assert rebuild_tenant(company.hub, company.tenant_id).differences == []


def test_rule_91_a_new_shop_is_told_the_name_alone(company: Company) -> None:
    kampala = company.open_branch("KLA")
    form = {"name": "Odoi Peter", "role": "Staff", "phone": "0772 123 456", "email": WORDS[1]}
    who = kampala.shop.do("staff.add", form)["id"]
    kampala.sync()
    kampala.shop.do("staff.archive", staff_id=who)
    kampala.shop.do("staff.erase", staff_id=who, reason="asked by letter")
    kampala.sync()
    jinja = company.open_branch("JJA")
    settle(jinja)
    assert jinja.shop.row(Staff, who).name == "Odoi Peter"
    assert [word for word in WORDS if word in kept(jinja.shop.home, PEOPLE)] == []
