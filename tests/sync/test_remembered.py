"""A browser that a shop remembers forgets who is shut out or gets a new password elsewhere."""

from __future__ import annotations

import pytest

from shopnode.domain.actions import perform
from shopnode.domain.context import Actor, Channel
from shopnode.domain.people.pins import set_pin
from shopnode.domain.people.remembering import known_here, remember
from shopnode.domain.permissions import Role
from tests.sync.chain_of_shops import Company

TABLET = Channel("192.168.1.30", "Mozilla/5.0 (Linux; Android 13) Chrome/118.0")


@pytest.mark.parametrize("done", ["suspended and let in again", "a new password"])
def test_what_is_decided_in_the_portal_ends_a_remembered_browser(company: Company, done: str) -> None:
    kampala = company.open_branch("KLA")
    form = {"name": "Odoi", "role": "Staff", "phone": "0772 123 456", "password": "a good password"}
    who = kampala.shop.do("staff.add", form)["id"]
    kampala.sync()
    home = kampala.shop.home
    set_pin(kampala.shop.ctx(), who, "8642")
    kept = remember(home, Actor(who, "Odoi", Role.STAFF), TABLET)
    assert kept is not None and known_here(home, kept.token, TABLET) is not None

    if done == "a new password":
        perform(company.portal(), "staff.reset_password", {"staff_id": who, "new_password": "another password"})
    else:
        perform(company.portal(), "staff.suspend", {"staff_id": who})
        kampala.sync()
        perform(company.portal(), "staff.activate", {"staff_id": who})
    kampala.sync()

    assert known_here(home, kept.token, TABLET) is None
