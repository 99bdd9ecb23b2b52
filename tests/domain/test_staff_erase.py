"""Forgetting somebody who left the staff, and everything kept about one person, for them to take (rule 91)."""

from __future__ import annotations

import orjson
import pytest

from shopnode.domain.context import Channel
from shopnode.domain.errors import Invalid, NotFound, NotPermitted
from shopnode.domain.people.access_models import RememberedDevice, StaffTotp
from shopnode.domain.people.erasing import NotYet
from shopnode.domain.people.models import Staff, StaffPin, StaffPosting, WebSession
from shopnode.domain.people.own_data import data_of
from shopnode.domain.people.remembering import remember
from shopnode.domain.people.second_proof import offer_second_proof
from shopnode.domain.people.sessions import sign_in
from shopnode.domain.permissions import Role
from sync_protocol import chain
from tests.domain.till import open_till
from tests.shop import PASSWORD, PHONES, Shop

PERSON = {"name": "Odoi Peter", "role": "Staff", "phone": "+256772555111", "email": "odoi@example.com"}
TABLET = Channel("192.168.1.30", "Mozilla/5.0 (Linux; Android 13) Chrome/118.0")


def add(shop: Shop) -> str:
    made: str = shop.do("staff.add", PERSON, password="a good password")["id"]
    return made


def gone(shop: Shop) -> str:
    who = add(shop)
    shop.do("staff.update", staff_id=who, phone="+256701222333")
    shop.do("staff.archive", staff_id=who)
    return who


def kept_of(shop: Shop) -> str:
    """All text of the journal and of the rows, as it lies there."""
    entries = "".join((entry.body or "") + (entry.personal or "") for entry in shop.entries())
    rows = "".join(
        str(value) for model in (Staff, StaffPosting) for row in shop.rows(model) for value in vars(row).values()
    )
    return entries + rows


def test_rule_91_of_who_left_only_the_name_in_the_books_stays(anywhere: Shop) -> None:
    who = gone(anywhere)
    hashes = {row.password_hash for row in anywhere.rows(StaffPosting, staff_id=who)} - {None}
    before = kept_of(anywhere)
    secrets = {"+256772555111", "+256701222333", "odoi@example.com", *map(str, hashes)}
    assert all(secret in before for secret in secrets)

    anywhere.do("staff.erase", staff_id=who, reason="asked by letter")

    left = kept_of(anywhere)
    assert [secret for secret in secrets if secret in left] == []
    row = anywhere.row(Staff, who)
    assert (row.name, row.phone, row.email) == ("Odoi Peter", None, None)
    assert "Odoi Peter" in left
    assert {row.password_hash for row in anywhere.rows(StaffPosting, staff_id=who)} <= {None}


def test_rule_91_others_keep_what_is_theirs(anywhere: Shop) -> None:
    who = gone(anywhere)
    other = anywhere.do("staff.add", {**PERSON, "phone": "0799222333", "email": None})["id"]
    anywhere.do("staff.erase", staff_id=who, reason="asked by letter")
    assert anywhere.row(Staff, other).phone == "+256799222333"
    (entry,) = [entry for entry in anywhere.entries() if entry.subject_id == other]
    assert "+256799222333" in [pair[1] for pair in orjson.loads(entry.personal or "{}").values()]


def test_rule_91_the_chain_still_verifies_after_a_person_was_forgotten(shop: Shop) -> None:
    who = gone(shop)
    before = [(entry.body, entry.hash) for entry in shop.entries()]
    shop.do("staff.erase", staff_id=who, reason="asked by letter")
    hash_n = chain.genesis(shop.home.origin_id)
    for n, entry in enumerate(shop.entries(), start=1):
        hash_n = chain.link(hash_n, entry.body.encode())
        assert (entry.n, entry.hash) == (n, hash_n)
    assert [(entry.body, entry.hash) for entry in shop.entries()][:-1] == before


def test_rule_91_where_they_were_signed_in_is_forgotten_too(shop: Shop) -> None:
    mine = {"staff_id": shop.cashier.id}
    sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    remember(shop.home, shop.cashier, TABLET)
    offer_second_proof(shop.ctx(Role.STAFF))
    shop.do("staff.archive", mine)
    shop.do("staff.erase", mine, reason="asked by letter")
    assert shop.rows(WebSession, **mine) == [] and shop.rows(StaffPin, **mine) == []
    (browser,), (proof,) = shop.rows(RememberedDevice, **mine), shop.rows(StaffTotp, **mine)
    assert browser.name is None and browser.ended_at is not None
    assert (proof.secret, proof.confirmed_at) == ("", None)


def test_rule_91_who_works_here_or_owes_is_not_forgotten(shop: Shop) -> None:
    open_till(shop)
    mine = {"staff_id": shop.cashier.id, "reason": "asked by letter"}
    with pytest.raises(NotYet, match="Aisha is still on the staff"):
        shop.do("staff.erase", mine)
    shop.do("cash.open_drawer", opening_float=50_000, till="Office")
    shop.do("staff.book", staff_id=shop.cashier.id, kind="advance", amount=5_000, method="cash")
    shop.do("staff.archive", staff_id=shop.cashier.id)
    with pytest.raises(NotYet, match="Aisha owes 5,000"):
        shop.do("staff.erase", mine)
    shop.do("staff.book", staff_id=shop.cashier.id, kind="forgiven", amount=5_000)
    shop.do("staff.erase", mine)
    assert shop.row(Staff, shop.cashier.id or "").phone is None


def test_rule_91_only_an_owner_forgets_somebody_and_says_why(anywhere: Shop) -> None:
    who = gone(anywhere)
    for role in (Role.STAFF, Role.SUPERVISOR):
        with pytest.raises(NotPermitted):
            anywhere.do("staff.erase", staff_id=who, reason="because", role=role)
    with pytest.raises(Invalid):
        anywhere.do("staff.erase", staff_id=who, reason="")
    with pytest.raises(NotFound):
        anywhere.do("staff.erase", staff_id=anywhere.home.new_id(), reason="asked by letter")


def test_who_was_forgotten_comes_back_with_a_number_of_their_own(anywhere: Shop) -> None:
    who = gone(anywhere)
    anywhere.do("staff.erase", staff_id=who, reason="asked by letter")
    anywhere.do("staff.update", staff_id=who, phone="0772555999")
    anywhere.do("staff.activate", staff_id=who)
    assert anywhere.row(Staff, who).phone == "+256772555999"


def test_rule_91_one_takes_along_all_that_is_kept_about_oneself(shop: Shop) -> None:
    till, mine = open_till(shop), shop.cashier.id or ""
    shop.do("commissions.add_rule", rate_bp=1_000)
    till.sell({"product_id": till.glass})
    shop.do("attendance.come", role=Role.STAFF)
    shop.clock.advance(3_600_000)
    shop.do("attendance.go", role=Role.STAFF)
    sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    shop.do("staff.export_data", staff_id=mine, role=Role.STAFF)
    with shop.reading(Role.STAFF) as ctx:
        told = data_of(ctx, mine)
    assert told["person"]["phone"] == PHONES["Aisha"] and told["person"]["works_in"] == ["Kampala Road"]
    assert len(told["hours"]) == 1 and [row["amount"] for row in told["commission"]] == [500]
    assert told["ways_in"]["pin"] is True and told["ways_in"]["sessions"][0]["address"] == TABLET.ip
    assert len(told["what_they_did"]) >= 3
    text = orjson.dumps(told, default=str).decode()
    for row in shop.rows(StaffPosting, staff_id=mine):
        assert row.password_hash and row.password_hash not in text
    for secret in (*(row.pin_hash for row in shop.rows(StaffPin)), *(row.id_hash for row in shop.rows(WebSession))):
        assert secret not in text
    assert PHONES["Brian"] not in text


def test_rule_91_what_is_kept_about_others_is_an_owners_to_take(anywhere: Shop) -> None:
    who = add(anywhere)
    with pytest.raises(NotPermitted, match="about yourself only"):
        anywhere.do("staff.export_data", staff_id=who, role=Role.SUPERVISOR)
    anywhere.do("staff.export_data", staff_id=who)
    entry = anywhere.entries()[-1]
    assert (entry.action, entry.subject_id) == ("staff.export_data", who)
    with anywhere.reading() as ctx:
        assert data_of(ctx, who)["person"]["name"] == "Odoi Peter"
