"""Signing in, switching by PIN, and being shut out: at once, for the right reason, and never saying which it was."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from shopnode.domain.context import Approval, Channel
from shopnode.domain.errors import Invalid, NotPermitted, NotSignedIn, TooManyTries
from shopnode.domain.node import NodeHome
from shopnode.domain.people.approvals import WrongPin, approver_of
from shopnode.domain.people.models import LoginThrottle, StaffPin, WebSession
from shopnode.domain.people.passwords import hash_secret
from shopnode.domain.people.pins import remove_pin, set_pin
from shopnode.domain.people.queries import staff_of_shop
from shopnode.domain.people.sessions import (
    Locked,
    WrongCredentials,
    actor_of_api_session,
    actor_of_session,
    change_password,
    end_api_session,
    lock,
    refresh_api_session,
    sign_in,
    sign_out,
    start_api_session,
    switch_by_pin,
)
from shopnode.domain.permissions import Role
from tests.shared_work import slow_hashes
from tests.shop import PASSWORD, PHONES, PINS, Shop, open_database

TABLET = Channel("192.168.1.30", "tablet")
MINUTE = 60_000


@pytest.mark.parametrize("login", [PHONES["Aisha"], "0798 000 003", "0798000003", " 256-798-000-003 ".strip()])
def test_a_person_signs_in_by_telephone_number_however_it_is_typed(shop: Shop, login: str) -> None:
    if not login.startswith(("0", "+")):
        login = "+" + login
    signed_in = sign_in(shop.home, login, PASSWORD, TABLET)
    assert signed_in.actor == shop.cashier
    assert actor_of_session(shop.home, signed_in.token) == shop.cashier


def test_a_person_signs_in_by_e_mail_in_any_case(shop: Shop) -> None:
    shop.do("staff.update", staff_id=shop.cashier.id, email="Aisha@Example.ug")
    assert sign_in(shop.home, "AISHA@example.UG", PASSWORD, TABLET).actor == shop.cashier


def test_the_database_does_not_hold_the_secret_of_a_session(shop: Shop) -> None:
    token = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET).token
    (row,) = shop.rows(WebSession)
    assert token not in {row.id_hash, row.refresh_hash}
    assert len(token) >= 43


@pytest.mark.parametrize("token", [None, "", "x", "ü" * 500])
def test_an_unknown_secret_is_not_signed_in(shop: Shop, token: str | None) -> None:
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, token)


def test_wrong_person_and_wrong_password_are_the_same_words(shop: Shop) -> None:
    words = set()
    for login, password in ((PHONES["Aisha"], "wrong password"), ("0798999999", PASSWORD), ("nobody@x.ug", PASSWORD)):
        with pytest.raises(WrongCredentials) as refusal:
            sign_in(shop.home, login, password, Channel(f"10.0.0.{len(words)}"))
        words.add((str(refusal.value), refusal.value.code, refusal.value.status))
    assert len(words) == 1


def test_an_unknown_person_takes_as_long_as_a_known_one(shop: Shop) -> None:
    def wrong(login: str, ip: str) -> float:
        started = time.perf_counter()
        with pytest.raises(WrongCredentials):
            sign_in(shop.home, login, "wrong password", Channel(ip))
        return time.perf_counter() - started

    with slow_hashes():
        form = {"name": "Grace", "role": Role.STAFF.value, "phone": "0798000009", "password": PASSWORD}
        shop.do("staff.add", form)
        wrong("0798999998", "10.0.1.1")  # the hash nobody knows is made once
        known = min(wrong("0798000009", f"10.0.2.{n}") for n in range(3))
        unknown = min(wrong(f"079899999{n}", f"10.0.3.{n}") for n in range(3))
    assert 0.5 < unknown / known < 2


def test_a_hash_costs_a_thief_memory_and_time() -> None:
    with slow_hashes():
        assert hash_secret(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(shop: Shop) -> None:
    _wrong_passwords(shop, 5)
    with pytest.raises(TooManyTries) as refusal:
        sign_in(shop.home, PHONES["Aisha"], PASSWORD, Channel("10.0.9.9"))
    assert refusal.value.details == {"retry_after_ms": 61_000}
    shop.clock.advance(MINUTE + 1_000)
    assert sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET).actor == shop.cashier
    assert shop.rows(LoginThrottle, key=f"password:{shop.cashier.id}")[0].failures == 0


def test_an_unknown_account_locks_like_a_known_one(shop: Shop) -> None:
    for n in range(5):
        with pytest.raises(WrongCredentials):
            sign_in(shop.home, "0798 999 999", "wrong password", Channel(f"10.0.5.{n}"))
    with pytest.raises(TooManyTries):
        sign_in(shop.home, "0798 999 999", "wrong password", Channel("10.0.5.9"))


def test_nobody_gets_more_than_ten_tries_in_fifteen_minutes(shop: Shop) -> None:
    tries: list[int] = []
    for _ in range(4 * 60):
        try:
            sign_in(shop.home, PHONES["Aisha"], "wrong password", Channel(f"10.1.{len(tries)}.1"))
        except WrongCredentials:
            tries.append(shop.clock.now_ms)
        except TooManyTries:
            pass
        shop.clock.advance(MINUTE // 4)
    busiest = max(sum(1 for at in tries if start <= at < start + 15 * MINUTE) for start in tries)
    assert busiest <= 10
    assert len(tries) <= 12  # an hour of it, ever slower


def test_an_address_that_tries_many_people_is_locked_too(shop: Shop) -> None:
    for n in range(10):
        with pytest.raises(WrongCredentials):
            sign_in(shop.home, f"079899990{n}", "wrong password", TABLET)
    with pytest.raises(TooManyTries):
        sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    assert sign_in(shop.home, PHONES["Aisha"], PASSWORD, Channel("10.0.0.1")).actor == shop.cashier


def test_a_restart_forgives_nothing(shop: Shop, tmp_path) -> None:
    _wrong_passwords(shop, 5)
    again = open_database(tmp_path)
    again.guard()
    with pytest.raises(TooManyTries):
        sign_in(NodeHome(again, shop.clock), PHONES["Aisha"], PASSWORD, TABLET)
    again.close()


def test_a_suspended_person_is_out_at_once_from_every_session(shop: Shop) -> None:
    browser = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    program = start_api_session(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    shop.do("staff.suspend", staff_id=shop.cashier.id)

    for refused in (
        lambda: actor_of_session(shop.home, browser.token),
        lambda: actor_of_api_session(shop.home, program.session_id),
        lambda: refresh_api_session(shop.home, program.refresh_token),
        lambda: sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET),
        lambda: switch_by_pin(shop.home, browser.token, shop.cashier.id, PINS["Aisha"], TABLET),
    ):
        with pytest.raises(NotSignedIn):
            refused()


def test_a_suspension_that_arrives_by_sync_ends_sessions_too(shop: Shop) -> None:
    browser = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    shop.do("staff.suspend", staff_id=shop.cashier.id)
    with shop.home.writing() as session:  # as if the session had been opened after the action of another home
        session.query(WebSession).update({"ended_at": None})
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, browser.token)


def test_a_screen_nobody_touches_locks_and_a_pin_opens_it(shop: Shop) -> None:
    token = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET).token
    shop.clock.advance(9 * MINUTE)
    assert actor_of_session(shop.home, token) == shop.cashier
    shop.clock.advance(10 * MINUTE)
    with pytest.raises(Locked) as locked:
        actor_of_session(shop.home, token)
    assert locked.value.staff_id == shop.cashier.id

    back = switch_by_pin(shop.home, token, shop.cashier.id, PINS["Aisha"], TABLET)
    assert actor_of_session(shop.home, back.token) == shop.cashier
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, token)


def test_a_screen_can_be_locked_by_hand_and_handed_to_a_colleague(shop: Shop) -> None:
    first = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    lock(shop.home, first.token)
    with pytest.raises(Locked):
        actor_of_session(shop.home, first.token)
    second = switch_by_pin(shop.home, first.token, shop.supervisor.id, PINS["Brian"], TABLET)
    assert actor_of_session(shop.home, second.token) == shop.supervisor
    assert second.expires_at == first.expires_at


def test_a_pin_alone_opens_nothing(shop: Shop) -> None:
    with pytest.raises(NotSignedIn):
        switch_by_pin(shop.home, None, shop.cashier.id, PINS["Aisha"], TABLET)
    token = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET).token
    sign_out(shop.home, token)
    with pytest.raises(NotSignedIn):
        switch_by_pin(shop.home, token, shop.cashier.id, PINS["Aisha"], TABLET)


def test_a_session_ends_after_a_long_day_however_busy_it_was(shop: Shop) -> None:
    token = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET).token
    for _ in range(16 * 60 // 8):
        actor_of_session(shop.home, token)
        shop.clock.advance(8 * MINUTE)
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, token)


def test_a_refresh_token_is_good_once_and_an_old_one_ends_the_session(shop: Shop) -> None:
    first = start_api_session(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    second = refresh_api_session(shop.home, first.refresh_token)
    assert second.session_id == first.session_id
    assert actor_of_api_session(shop.home, second.session_id) == shop.cashier

    with pytest.raises(NotSignedIn):
        refresh_api_session(shop.home, first.refresh_token)
    with pytest.raises(NotSignedIn):
        refresh_api_session(shop.home, second.refresh_token)
    with pytest.raises(NotSignedIn):
        actor_of_api_session(shop.home, first.session_id)


def test_a_programs_session_lasts_a_week_and_ends_when_told(shop: Shop) -> None:
    old = start_api_session(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    shop.clock.advance(7 * 24 * 60 * MINUTE)
    with pytest.raises(NotSignedIn):
        refresh_api_session(shop.home, old.refresh_token)
    new = start_api_session(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    end_api_session(shop.home, new.session_id)
    with pytest.raises(NotSignedIn):
        actor_of_api_session(shop.home, new.session_id)


def test_a_browsers_secret_is_no_programs_session_and_the_other_way_round(shop: Shop) -> None:
    browser = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    program = start_api_session(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    with pytest.raises(NotSignedIn):
        actor_of_api_session(shop.home, browser.token)
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, program.session_id)


def test_a_new_password_ends_all_sessions_and_the_old_one_is_worth_nothing(shop: Shop) -> None:
    token = sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET).token
    change_password(shop.ctx(Role.STAFF), PASSWORD, "another good one")
    with pytest.raises(NotSignedIn):
        actor_of_session(shop.home, token)
    with pytest.raises(WrongCredentials):
        sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    assert sign_in(shop.home, PHONES["Aisha"], "another good one", TABLET).actor == shop.cashier


def test_ones_own_password_changes_only_with_the_current_one(shop: Shop) -> None:
    for _ in range(5):
        with pytest.raises(Invalid):
            change_password(shop.ctx(Role.STAFF), "not the one", "another good one")
    with pytest.raises(TooManyTries):
        change_password(shop.ctx(Role.STAFF), PASSWORD, "another good one")


def test_a_pin_approves_and_names_the_person(shop: Shop) -> None:
    assert approver_of(shop.ctx(Role.STAFF), shop.approval_by(Role.SUPERVISOR)) == shop.supervisor


def test_a_wrong_pin_and_a_stranger_are_the_same_words(shop: Shop) -> None:
    words = set()
    for staff_id, pin in ((shop.supervisor.id, "9999"), ("0190a000-0000-7000-8000-00000000dead", "1470"), ("x", "1")):
        with pytest.raises(WrongPin) as refusal:
            approver_of(shop.ctx(Role.STAFF), Approval(staff_id or "", pin))
        words.add(str(refusal.value))
    assert len(words) == 1


def test_guessing_a_pin_stops_after_five(shop: Shop) -> None:
    for pin in range(1000, 1005):
        with pytest.raises(WrongPin):
            approver_of(shop.ctx(Role.STAFF), Approval(shop.supervisor.id or "", str(pin)))
    with pytest.raises(TooManyTries):
        approver_of(shop.ctx(Role.STAFF), shop.approval_by(Role.SUPERVISOR))


def test_pins_that_anybody_would_try_are_refused(shop: Shop) -> None:
    for pin in ("0000", "1234", "4321", "7777777", "123", "123456789", "12a4", "١٢٣٤"):
        with pytest.raises(Invalid):
            set_pin(shop.ctx(), shop.cashier.id or "", pin)


def test_rule_87_two_people_never_have_the_same_pin_and_are_told_that_it_is_taken(shop: Shop) -> None:
    with pytest.raises(Invalid) as refusal:
        set_pin(shop.ctx(Role.STAFF), shop.cashier.id or "", PINS["Brian"], password=PASSWORD)
    assert refusal.value.fields == {"pin": "is somebody else's at this shop, choose another"}
    assert shop.supervisor.name not in str(refusal.value)
    with pytest.raises(Invalid) as refusal:  # who could give Brian a PIN of their own choice learns no more by it
        set_pin(shop.ctx(), shop.cashier.id or "", PINS["Brian"])
    assert refusal.value.fields == {"pin": "is Brian's at this shop, choose another"}


def test_looking_for_colleagues_pins_by_choosing_them_stops_after_five(shop: Shop) -> None:
    for _ in range(5):
        with pytest.raises(Invalid):
            set_pin(shop.ctx(Role.STAFF), shop.cashier.id or "", PINS["Brian"], password=PASSWORD)
    with pytest.raises(TooManyTries):
        set_pin(shop.ctx(Role.STAFF), shop.cashier.id or "", "8642", password=PASSWORD)


def test_ones_own_pin_needs_ones_password_and_others_need_the_permission(shop: Shop) -> None:
    with pytest.raises(Invalid):
        set_pin(shop.ctx(Role.STAFF), shop.cashier.id or "", "8642")
    with pytest.raises(NotPermitted):
        set_pin(shop.ctx(Role.STAFF), shop.supervisor.id or "", "8642")
    set_pin(shop.ctx(Role.STAFF), shop.cashier.id or "", "8642", password=PASSWORD)
    assert approver_of(shop.ctx(), Approval(shop.cashier.id or "", "8642")) == shop.cashier


def test_the_pin_screen_shows_who_works_here_and_who_has_a_pin(shop: Shop) -> None:
    remove_pin(shop.ctx(), shop.cashier.id or "")
    shop.do("staff.suspend", staff_id=shop.supervisor.id)
    with shop.home.reading() as session:
        seen = [(person.name, person.has_pin) for person in staff_of_shop(session, shop.home.shop_id or "")]
    assert seen == [("Aisha", False), ("Sarah", True)]
    assert {row.staff_id for row in shop.rows(StaffPin)} == {shop.owner.id, shop.supervisor.id}


def _wrong_passwords(shop: Shop, count: int) -> None:
    for n in range(count):
        with pytest.raises(WrongCredentials):
            sign_in(shop.home, PHONES["Aisha"], "wrong password", Channel(f"10.0.7.{n}"))


def test_twenty_guesses_at_once_count_as_twenty(shop: Shop) -> None:
    def guess(pin: int) -> str:
        try:
            approver_of(shop.ctx(Role.STAFF), Approval(shop.supervisor.id or "", str(pin)))
        except (WrongPin, TooManyTries) as refusal:
            return type(refusal).__name__
        return "approved"

    with ThreadPoolExecutor(20) as pool:
        answers = Counter(pool.map(guess, range(5000, 5020)))
    assert answers == {"WrongPin": 5, "TooManyTries": 15}
