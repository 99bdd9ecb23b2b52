"""A person who is moved to another shop: in there, out here, and the password only where they work."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shopnode.domain.actions import perform
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Channel
from shopnode.domain.errors import Conflict, NotSignedIn
from shopnode.domain.people.models import Staff, StaffPosting
from shopnode.domain.people.sessions import actor_of_session, sign_in
from tests.sync.chain_of_shops import PASSWORD, Branch, Company

NOBODY = Channel("192.168.1.20", "tests")


@pytest.fixture
def pair(company: Company) -> tuple[Company, Branch, Branch]:
    kampala, jinja = company.open_branch("KLA"), company.open_branch("JJA")
    for branch in (kampala, jinja, kampala):
        branch.sync()
    return company, kampala, jinja


def aisha(branch: Branch) -> Staff:
    return branch.shop.row(Staff, branch.shop.cashier.id)


def move(company: Company, person: str, old: Branch, new: Branch) -> None:
    form = {"staff_id": person, "from_shop_id": old.shop.home.shop_id, "to_shop_id": new.shop.home.shop_id}
    perform(company.portal(), "staff.move", form)


def hashes(branch: Branch, person: str) -> list[str | None]:
    return [row.password_hash for row in branch.shop.rows(StaffPosting, staff_id=person)]


def test_a_moved_person_is_let_in_at_the_new_shop_and_out_of_the_old_when_it_hears_of_it(pair) -> None:
    company, kampala, jinja = pair
    person = aisha(kampala)
    session = sign_in(kampala.shop.home, person.phone, PASSWORD, NOBODY)
    move(company, person.id, kampala, jinja)

    assert actor_of_session(kampala.shop.home, session.token).id == person.id  # it has not heard of it
    kampala.sync()
    jinja.sync()

    for attempt in (
        lambda: actor_of_session(kampala.shop.home, session.token),
        lambda: sign_in(kampala.shop.home, person.phone, PASSWORD, NOBODY),
    ):
        with pytest.raises(NotSignedIn):
            attempt()
    assert sign_in(jinja.shop.home, person.phone, PASSWORD, NOBODY).actor.id == person.id


def test_the_password_stays_only_where_the_person_works(pair) -> None:
    company, kampala, jinja = pair
    person = aisha(kampala).id
    (before,) = hashes(kampala, person)
    move(company, person, kampala, jinja)
    kampala.sync()
    jinja.sync()
    assert (hashes(kampala, person), hashes(jinja, person)) == ([None], [before])

    jinja.shop.do("staff.set_password", staff_id=person, new_password="a new one for Jinja")
    for branch in (jinja, kampala, jinja):
        branch.sync()
    assert hashes(kampala, person) == [None]
    assert hashes(jinja, person) not in ([None], [before])


def test_whoever_comes_back_has_the_password_of_today(pair) -> None:
    company, kampala, jinja = pair
    person = aisha(kampala).id
    move(company, person, kampala, jinja)
    move(company, person, jinja, kampala)
    for branch in (kampala, jinja):
        branch.sync()
    (posting,) = kampala.shop.rows(StaffPosting, staff_id=person)
    assert posting.archived_at is None and posting.password_hash
    assert hashes(jinja, person) in ([], [None])
    with company.hub.home(company.tenant_id).reading() as db:
        ended = db.scalars(select(StaffPosting).where(StaffPosting.archived_at.is_not(None))).all()
    assert [(row.staff_id, to_ms(row.archived_at) > 0) for row in ended] == [(person, True)]


def test_a_move_that_makes_no_sense_is_refused_in_words(pair) -> None:
    company, kampala, jinja = pair
    person = aisha(kampala).id
    with pytest.raises(Conflict, match="does not work at Shop JJA"):
        move(company, person, jinja, kampala)
    with pytest.raises(Conflict, match="works at Shop KLA already"):
        move(company, person, kampala, kampala)
