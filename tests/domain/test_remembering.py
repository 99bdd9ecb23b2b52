"""Remembered browsers: a person comes back by their own PIN for some days; what was copied or is over is refused."""

from __future__ import annotations

import hashlib
from base64 import b32decode
from dataclasses import replace

import pytest

from shopnode.domain.context import Channel
from shopnode.domain.errors import NotFound, NotSignedIn, TooManyTries
from shopnode.domain.people import remembering
from shopnode.domain.people.access_models import RememberedDevice
from shopnode.domain.people.approvals import WrongPin
from shopnode.domain.people.browsers import browser_name
from shopnode.domain.people.pins import remove_pin
from shopnode.domain.people.remembering import (
    REMEMBERED_MAX,
    NotRemembered,
    Remembered,
    come_back,
    end_remembered,
    forget,
    known_here,
    remember,
    remembered_browsers,
)
from shopnode.domain.people.second_proof import (
    SecondProofNeeded,
    WrongSecondProof,
    confirm_second_proof,
    offer_second_proof,
)
from shopnode.domain.people.sessions import actor_of_session, change_password, sign_in, switch_by_pin
from shopnode.domain.people.totp_rules import code_at, step_of
from shopnode.domain.permissions import Role
from tests.shop import PASSWORD, PHONES, PINS, Shop

CHROME = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Mobile Safari/537.36"
TABLET = Channel("192.168.1.30", CHROME.format("118.0"))
FIREFOX = Channel("192.168.1.31", "Mozilla/5.0 (Windows NT 10.0; rv:120.0) Gecko/20100101 Firefox/120.0")
MINUTE, DAY = 60_000, 86_400_000


def remembered(shop: Shop, channel: Channel = TABLET) -> Remembered:
    """Aisha signs in and lets this browser be remembered."""
    sign_in(shop.home, PHONES["Aisha"], PASSWORD, channel)
    made = remember(shop.home, shop.cashier, channel)
    assert made is not None
    return made


def open_ones(shop: Shop) -> list[RememberedDevice]:
    return [row for row in shop.rows(RememberedDevice) if row.ended_at is None]


def test_a_remembered_person_comes_back_by_their_pin_the_next_morning(shop: Shop) -> None:
    kept = remembered(shop)
    shop.clock.advance(DAY)
    known = known_here(shop.home, kept.token, TABLET)
    assert known is not None and (known.name, known.asks_code) == ("Aisha", False)
    signed_in, _ = come_back(shop.home, kept.token, PINS["Aisha"], TABLET)
    assert actor_of_session(shop.home, signed_in.token) == shop.cashier


def test_the_database_does_not_hold_the_token(shop: Shop) -> None:
    kept = remembered(shop)
    (row,) = shop.rows(RememberedDevice)
    secret = kept.token.partition(".")[2]
    assert len(secret) >= 43 and secret not in str(vars(row))
    assert row.token_hash != hashlib.sha256(secret.encode()).hexdigest()  # their password is part of it
    assert (row.name, row.is_trusted) == ("Chrome on Android", False)


def test_a_browser_that_was_updated_is_the_same_one(shop: Shop) -> None:
    kept = remembered(shop)
    newer = replace(TABLET, user_agent=CHROME.format("131.4"), ip="192.168.1.77")
    assert come_back(shop.home, kept.token, PINS["Aisha"], newer)


def test_it_stands_in_for_nobody_elses_pin(shop: Shop) -> None:
    kept = remembered(shop)
    for pin in (PINS["Brian"], PINS["Sarah"], "0000", ""):
        with pytest.raises(WrongPin):
            come_back(shop.home, kept.token, pin, TABLET)
    assert come_back(shop.home, kept.token, PINS["Aisha"], TABLET)[0].actor == shop.cashier


def test_rule_87_guessing_the_pin_of_a_remembered_person_stops(shop: Shop) -> None:
    kept = remembered(shop)
    for _ in range(5):
        with pytest.raises(WrongPin):
            come_back(shop.home, kept.token, "0000", TABLET)
    with pytest.raises(TooManyTries):
        come_back(shop.home, kept.token, PINS["Aisha"], TABLET)


def test_the_token_changes_with_each_use_and_its_end_does_not(shop: Shop) -> None:
    first = remembered(shop)
    shop.clock.advance(DAY)
    _, second = come_back(shop.home, first.token, PINS["Aisha"], TABLET)
    assert second.token != first.token and second.expires_at == first.expires_at
    shop.clock.advance(28 * DAY)
    _, third = come_back(shop.home, second.token, PINS["Aisha"], TABLET)
    shop.clock.advance(DAY)
    assert known_here(shop.home, third.token, TABLET) is None
    with pytest.raises(NotRemembered):
        come_back(shop.home, third.token, PINS["Aisha"], TABLET)


def test_an_old_token_that_comes_back_ends_all_of_that_browser_and_is_written_down(shop: Shop) -> None:
    first = remembered(shop)
    signed_in, second = come_back(shop.home, first.token, PINS["Aisha"], TABLET)
    elsewhere = sign_in(shop.home, PHONES["Aisha"], PASSWORD, FIREFOX)
    shop.clock.advance(MINUTE)
    with pytest.raises(NotRemembered):
        come_back(shop.home, first.token, PINS["Aisha"], TABLET)
    assert open_ones(shop) == []
    assert known_here(shop.home, second.token, TABLET) is None
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, signed_in.token)
    assert actor_of_session(shop.home, elsewhere.token) == shop.cashier
    (entry,) = [entry for entry in shop.entries() if entry.action == "staff.end_copied_browser"]
    assert (entry.subject_entity, entry.subject_id) == ("staff", shop.cashier.id)
    assert "Chrome on Android" in (entry.result or "")


def test_another_browser_with_the_token_has_copied_it(shop: Shop) -> None:
    kept = remembered(shop)
    assert known_here(shop.home, kept.token, FIREFOX) is None
    with pytest.raises(NotRemembered):
        come_back(shop.home, kept.token, PINS["Aisha"], FIREFOX)
    assert known_here(shop.home, kept.token, TABLET) is None
    assert [entry.action for entry in shop.entries()][-1] == "staff.end_copied_browser"


def test_a_button_pressed_twice_is_no_thief(shop: Shop) -> None:
    first = remembered(shop)
    signed_in, second = come_back(shop.home, first.token, PINS["Aisha"], TABLET)
    shop.clock.advance(2_000)
    with pytest.raises(NotRemembered):
        come_back(shop.home, first.token, PINS["Aisha"], TABLET)
    assert actor_of_session(shop.home, signed_in.token) == shop.cashier
    assert known_here(shop.home, second.token, TABLET) is not None


@pytest.mark.parametrize("done", ["sign_out", "suspend", "archive", "reset_password"])
def test_what_shuts_a_person_out_ends_it(shop: Shop, done: str) -> None:
    kept = remembered(shop)
    more = {"new_password": "a fresh start"} if done == "reset_password" else {}
    shop.do(f"staff.{done}", staff_id=shop.cashier.id, **more)
    assert open_ones(shop) == []
    shop.do("staff.activate", staff_id=shop.cashier.id)
    assert known_here(shop.home, kept.token, TABLET) is None


def test_changing_ones_own_password_ends_it(shop: Shop) -> None:
    kept = remembered(shop)
    change_password(shop.ctx(Role.STAFF), PASSWORD, "another password")
    assert known_here(shop.home, kept.token, TABLET) is None


def test_a_password_set_elsewhere_ends_it_as_soon_as_it_is_heard_of(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = remembered(shop)
    monkeypatch.setattr(remembering, "password_hash_of", lambda session, staff_id, shop_id: "a new one's hash")
    assert known_here(shop.home, kept.token, TABLET) is None
    with pytest.raises(NotRemembered):
        come_back(shop.home, kept.token, PINS["Aisha"], TABLET)


def test_who_works_elsewhere_now_is_not_let_in(shop: Shop) -> None:
    kept = remembered(shop)
    shop.do("staff.set_shops", staff_id=shop.cashier.id, shop_ids=[])
    assert known_here(shop.home, kept.token, TABLET) is None
    with pytest.raises((NotRemembered, WrongPin)):
        come_back(shop.home, kept.token, PINS["Aisha"], TABLET)


def test_who_has_no_pin_types_the_password(shop: Shop) -> None:
    kept = remembered(shop)
    remove_pin(shop.ctx(Role.STAFF), shop.cashier.id or "")
    assert known_here(shop.home, kept.token, TABLET) is None
    with pytest.raises(WrongPin):
        come_back(shop.home, kept.token, PINS["Aisha"], TABLET)


def test_it_stands_in_for_no_second_proof(shop: Shop) -> None:
    kept, ctx = remembered(shop), shop.ctx(Role.STAFF)
    secret = b32decode(offer_second_proof(ctx).secret)
    confirm_second_proof(ctx, code_at(secret, step_of(shop.clock.wall_ms())))
    shop.clock.advance(30_000)
    known = known_here(shop.home, kept.token, TABLET)
    assert known is not None and known.asks_code
    with pytest.raises(SecondProofNeeded):
        come_back(shop.home, kept.token, PINS["Aisha"], TABLET)
    with pytest.raises(WrongSecondProof):
        come_back(shop.home, kept.token, PINS["Aisha"], TABLET, code="000000")
    good = code_at(secret, step_of(shop.clock.wall_ms()))
    assert come_back(shop.home, kept.token, PINS["Aisha"], TABLET, code=good)[0].actor == shop.cashier


def test_guessing_the_code_stops_although_the_pin_is_right(shop: Shop) -> None:
    kept, ctx = remembered(shop), shop.ctx(Role.STAFF)
    secret = b32decode(offer_second_proof(ctx).secret)
    confirm_second_proof(ctx, code_at(secret, step_of(shop.clock.wall_ms())))
    for _ in range(5):
        with pytest.raises(WrongSecondProof):
            come_back(shop.home, kept.token, PINS["Aisha"], TABLET, code="000000")
    with pytest.raises(TooManyTries):
        come_back(shop.home, kept.token, PINS["Aisha"], TABLET, code="000000")


def test_the_settings_say_for_how_long_also_for_those_remembered_before(shop: Shop) -> None:
    kept = remembered(shop)
    shop.do("settings.change", key="remember_days", value=7)
    shop.clock.advance(6 * DAY)
    assert known_here(shop.home, kept.token, TABLET) is not None
    shop.clock.advance(DAY)
    assert known_here(shop.home, kept.token, TABLET) is None
    shop.do("settings.change", key="remember_days", value=0)
    assert remember(shop.home, shop.cashier, TABLET) is None


def test_browsers_are_listed_and_ended_one_by_one_and_by_signing_out(shop: Shop) -> None:
    tablet, desk = remembered(shop), remembered(shop, FIREFOX)
    with shop.reading() as ctx:
        listed = remembered_browsers(ctx.session, shop.cashier.id or "", ctx.now)
    assert {row.name for row in listed} == {"Chrome on Android", "Firefox on Windows"}
    with pytest.raises(NotFound):
        end_remembered(shop.home, shop.owner.id or "", listed[0].id)  # somebody else's
    for row in listed:
        if row.name == "Firefox on Windows":
            end_remembered(shop.home, shop.cashier.id or "", row.id)
    assert known_here(shop.home, desk.token, FIREFOX) is None
    assert known_here(shop.home, tablet.token, TABLET) is not None
    forget(shop.home, tablet.token)
    assert open_ones(shop) == []


def test_a_browser_is_remembered_for_one_person_and_a_person_in_few_browsers(shop: Shop) -> None:
    first = remembered(shop)
    assert remember(shop.home, shop.owner, TABLET, instead_of=first.token) is not None
    assert {row.staff_id for row in open_ones(shop)} == {shop.owner.id}
    for _ in range(REMEMBERED_MAX + 2):
        remembered(shop)
        shop.clock.advance(1_000)
    assert len([row for row in open_ones(shop) if row.staff_id == shop.cashier.id]) == REMEMBERED_MAX


@pytest.mark.parametrize("token", [None, "", "x", ".", "ü.ü", "a" * 5_000, "01900000-0000-7000-8000-000000000001.x"])
def test_an_odd_token_is_nobodys(shop: Shop, token: str | None) -> None:
    assert known_here(shop.home, token, TABLET) is None
    with pytest.raises(NotRemembered):
        come_back(shop.home, token, "1234", TABLET)
    forget(shop.home, token)


def test_others_switch_by_their_pin_once_its_person_came_back(shop: Shop) -> None:
    signed_in, _ = come_back(shop.home, remembered(shop).token, PINS["Aisha"], TABLET)
    assert switch_by_pin(shop.home, signed_in.token, shop.supervisor.id or "", PINS["Brian"], TABLET)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (None, "A browser"),
        ("curl/8", "A browser"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari/604.1", "Safari on an iPad"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/120.0 Safari/537.36 Edg/120.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/16 Safari/605.1", "Safari on a Mac"),
    ],
)
def test_browsers_have_names_that_people_know(agent: str | None, name: str) -> None:
    assert browser_name(agent) == name
