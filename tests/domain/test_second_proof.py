"""The second proof: its arithmetic by the published vectors, and how it is asked for."""

from __future__ import annotations

from base64 import b32decode

import pytest

from shopnode.domain.context import Channel
from shopnode.domain.errors import Conflict, Invalid, NotPermitted, TooManyTries
from shopnode.domain.people.access_models import RecoveryCode, StaffTotp
from shopnode.domain.people.second_proof import (
    SecondProofNeeded,
    WrongSecondProof,
    confirm_second_proof,
    drop_second_proof,
    has_second_proof,
    offer_second_proof,
    prove_second,
    recovery_codes_left,
)
from shopnode.domain.people.sessions import WrongCredentials, sign_in, start_api_session
from shopnode.domain.people.totp_rules import code_at, in_words, matching_step, provisioning_uri, step_of
from shopnode.domain.permissions import Role
from tests.shop import PASSWORD, PHONES, Shop

SECRET = b"12345678901234567890"
TABLET = Channel("192.168.1.30", "tablet")
HALF_MINUTE = 30_000


# RFC 6238, appendix B, the SHA-1 column; RFC 4226, appendix D.
@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_published_vectors(second: int, code: str) -> None:
    assert code_at(SECRET, step_of(second * 1000), digits=8) == code
    assert code_at(SECRET, second // 30) == code[2:]


def test_counted_codes_are_those_of_the_published_vectors() -> None:
    codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
    assert [code_at(SECRET, count) for count in range(10)] == codes


def test_a_clock_may_be_half_a_minute_off_and_a_code_is_good_once() -> None:
    for off, found in ((-2, None), (-1, 99), (0, 100), (1, 101), (2, None)):
        assert matching_step(SECRET, code_at(SECRET, 100 + off), 100, 0) == found
    assert matching_step(SECRET, code_at(SECRET, 100), 100, 100) is None
    assert matching_step(SECRET, f" {code_at(SECRET, 100)[:3]} {code_at(SECRET, 100)[3:]} ", 100, 99) == 100
    assert matching_step(SECRET, "", 100, 0) is None


def test_what_an_authenticator_reads() -> None:
    uri = provisioning_uri(SECRET, "Kisura & Sons", "Sarah N")
    assert uri == (
        "otpauth://totp/Kisura%20%26%20Sons%3ASarah%20N?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=Kisura%20%26%20Sons&digits=6&period=30"
    )


def test_it_is_asked_for_once_it_was_confirmed_and_each_code_is_good_once(shop: Shop) -> None:
    offer = offer_second_proof(shop.ctx(Role.STAFF))
    sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)  # not yet

    with pytest.raises(Invalid):
        confirm_second_proof(shop.ctx(Role.STAFF), "000000")
    recovery = confirm_second_proof(shop.ctx(Role.STAFF), now(shop, offer.secret))
    assert len(set(recovery)) == 10

    with pytest.raises(SecondProofNeeded):
        sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
    with pytest.raises(WrongSecondProof):  # it confirmed, so it was used
        sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET, code=now(shop, offer.secret))
    shop.clock.advance(HALF_MINUTE)
    code = now(shop, offer.secret)
    assert sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET, code=code).actor == shop.cashier
    with pytest.raises(WrongSecondProof):
        start_api_session(shop.home, PHONES["Aisha"], PASSWORD, TABLET, code=code)


def test_a_wrong_password_is_told_before_any_code_is_looked_at(shop: Shop) -> None:
    _, recovery = turned_on(shop)
    with pytest.raises(WrongCredentials):
        sign_in(shop.home, PHONES["Aisha"], "wrong password", TABLET, code=recovery[0])
    with shop.reading() as ctx:
        assert recovery_codes_left(ctx.session, shop.cashier.id or "") == 10


def test_a_recovery_code_stands_in_once_however_it_is_typed(shop: Shop) -> None:
    _, recovery = turned_on(shop)
    typed = recovery[3].upper().replace("-", " ")
    sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET, code=typed)
    with pytest.raises(WrongSecondProof):
        sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET, code=recovery[3])
    with shop.reading() as ctx:
        assert recovery_codes_left(ctx.session, shop.cashier.id or "") == 9


def test_rule_87_guessing_codes_stops_as_guessing_passwords_does(shop: Shop) -> None:
    turned_on(shop)
    tries = 0
    with pytest.raises(TooManyTries):
        for n in range(50):
            with pytest.raises(WrongSecondProof):
                sign_in(shop.home, PHONES["Aisha"], PASSWORD, Channel(f"10.0.{n}.1"), code=f"{n:06d}")
            tries += 1
    assert tries == 5


def test_knowing_the_password_alone_forgives_no_tries(shop: Shop) -> None:
    turned_on(shop)
    with pytest.raises(TooManyTries):
        for n in range(50):
            with pytest.raises(WrongSecondProof):
                sign_in(shop.home, PHONES["Aisha"], PASSWORD, Channel(f"10.0.{n}.1"), code=f"{n:06d}")
            with pytest.raises(SecondProofNeeded):
                sign_in(shop.home, PHONES["Aisha"], PASSWORD, Channel(f"10.1.{n}.1"))


def test_being_asked_is_no_try_of_the_address_all_the_shop_shares(shop: Shop) -> None:
    _, recovery = turned_on(shop)
    for n in range(10):
        with pytest.raises(SecondProofNeeded):
            sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET)
        sign_in(shop.home, PHONES["Aisha"], PASSWORD, TABLET, code=recovery[n])
    sign_in(shop.home, PHONES["Brian"], PASSWORD, TABLET)


def test_secret_and_codes_are_not_in_the_books(anywhere: Shop) -> None:
    secret, recovery = turned_on(anywhere)
    kept = str([vars(row) for row in anywhere.rows(StaffTotp) + anywhere.rows(RecoveryCode)])
    told = "".join(entry.body + (entry.result or "") for entry in anywhere.entries())
    for text in (secret, b32decode(secret).hex(), *recovery):
        assert text not in kept + told
    assert anywhere.entries()[-1].action == "staff.confirm_second_proof"


def test_it_comes_off_with_a_code_and_can_be_set_up_anew(anywhere: Shop) -> None:
    _, recovery = turned_on(anywhere)
    with pytest.raises(Conflict):
        offer_second_proof(anywhere.ctx(Role.STAFF))
    with pytest.raises(Invalid):
        drop_second_proof(anywhere.ctx(Role.STAFF), "000000")
    drop_second_proof(anywhere.ctx(Role.STAFF), recovery[0])
    with anywhere.reading() as ctx:
        assert not has_second_proof(ctx.session, anywhere.cashier.id or "")
    _, fresh = turned_on(anywhere)
    with pytest.raises(WrongSecondProof):
        prove_second(anywhere.home, anywhere.cashier.id or "", recovery[1])
    prove_second(anywhere.home, anywhere.cashier.id or "", fresh[1])


def test_who_lost_everything_is_helped_by_an_owner_alone(anywhere: Shop) -> None:
    turned_on(anywhere)
    form = {"staff_id": anywhere.cashier.id}
    for role in (Role.STAFF, Role.SUPERVISOR):
        with pytest.raises(NotPermitted):
            anywhere.do("staff.forget_second_proof", form, role=role)
    anywhere.do("staff.forget_second_proof", form)
    with anywhere.reading() as ctx:
        assert not has_second_proof(ctx.session, anywhere.cashier.id or "")


def now(shop: Shop, secret: str) -> str:
    return code_at(b32decode(secret), step_of(shop.clock.wall_ms()))


def turned_on(shop: Shop) -> tuple[str, list[str]]:
    """Aisha has a second proof: its secret and her recovery codes."""
    secret = offer_second_proof(shop.ctx(Role.STAFF)).secret
    assert in_words(b32decode(secret)) == secret
    return secret, confirm_second_proof(shop.ctx(Role.STAFF), now(shop, secret))
