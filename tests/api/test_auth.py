"""Programs sign in: tokens for fifteen minutes, sessions that end at once when they must."""

from __future__ import annotations

import base64
import json
import warnings
from typing import Any

import jwt
import pytest
from flask import Flask
from jwt.warnings import InsecureKeyLengthWarning

from shopnode.api.accounts import ALGORITHM, AUDIENCE, ISSUER, NodeAccounts
from shopnode.domain.permissions import Role
from tests.api.client import Client
from tests.shop import PASSWORD, PHONES, Shop

MINUTE_MS = 60_000
LOGIN = {"phone": PHONES["Aisha"], "password": PASSWORD}


@pytest.fixture
def tokens(anybody: Client) -> dict[str, Any]:
    return anybody.post("/auth/login", LOGIN, 200)


def bearer(app: Flask, token: str) -> Client:
    return Client(app, token=token)


def test_login_with_a_telephone_number(app: Flask, shop: Shop, tokens: dict[str, Any]) -> None:
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert tokens["user"] == {"id": shop.cashier.id, "name": "Aisha", "role": "Staff"}
    me = bearer(app, tokens["access_token"]).get("/auth/me")
    assert (me["name"], me["phone"], me["shop_id"]) == ("Aisha", PHONES["Aisha"], shop.home.shop_id)
    assert "sales:create" in me["permissions"]


def test_login_with_an_email_address(anybody: Client, shop: Shop) -> None:
    shop.do("staff.update", staff_id=shop.cashier.id, email="aisha@example.com")
    assert (
        anybody.post("/auth/login", {"email": "Aisha@Example.com", "password": PASSWORD}, 200)["user"]["name"]
        == "Aisha"
    )


@pytest.mark.parametrize(
    "wrong", [{"password": "not this one"}, {"phone": "0700000000"}, {"phone": "nobody"}, {"password": ""}]
)
def test_a_wrong_login_says_the_same_whatever_was_wrong(anybody: Client, wrong: dict[str, str]) -> None:
    refusal = anybody.post("/auth/login", LOGIN | wrong, 401)
    assert (refusal["code"], refusal["detail"]) == (
        "wrong-credentials", "The telephone number, e-mail address or password is not right."
    )  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [{}, {"password": "x"}, {"phone": "1", "email": "a@b.c", "password": "x"}, {"phone": "1"}, LOGIN | {"otp": "1"}],
)
def test_a_malformed_login_is_named(anybody: Client, form: dict[str, str]) -> None:
    assert anybody.post("/auth/login", form, 422)["fields"]


@pytest.mark.parametrize("password", ["hunter2-hunter2" * 40, ["hunter2-hunter2"], {"hunter2-hunter2": 1}, 5])
def test_a_password_is_never_echoed(anybody: Client, password: Any, caplog: pytest.LogCaptureFixture) -> None:
    response = anybody.call("POST", "/auth/login", {"phone": "0700000000", "password": password, "extra": password})
    assert response.status_code == 422
    assert b"hunter2" not in response.get_data()
    assert "hunter2" not in caplog.text


def test_many_wrong_tries_must_wait(anybody: Client) -> None:
    for _ in range(5):
        anybody.post("/auth/login", LOGIN | {"password": "wrong"}, 401)
    refusal = anybody.post("/auth/login", LOGIN, 429)
    assert refusal["code"] == "too-many-tries"
    assert refusal["retry_after_ms"] > 0


def test_an_access_token_ends_after_fifteen_minutes(app: Flask, shop: Shop, tokens: dict[str, Any]) -> None:
    client = bearer(app, tokens["access_token"])
    shop.clock.advance(15 * MINUTE_MS - 1_000)
    client.get("/auth/me")
    shop.clock.advance(1_000)
    client.get("/auth/me", 401)


def test_refresh_gives_new_tokens(app: Flask, anybody: Client, shop: Shop, tokens: dict[str, Any]) -> None:
    shop.clock.advance(60 * MINUTE_MS)
    fresh = anybody.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}, 200)
    assert fresh["refresh_token"] != tokens["refresh_token"]
    bearer(app, fresh["access_token"]).get("/auth/me")


def test_a_refresh_token_is_good_for_seven_days(anybody: Client, shop: Shop, tokens: dict[str, Any]) -> None:
    shop.clock.advance(7 * 24 * 60 * MINUTE_MS)
    anybody.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}, 401)


def test_a_refresh_token_used_twice_ends_the_whole_session(app: Flask, anybody: Client, tokens: dict[str, Any]) -> None:
    fresh = anybody.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}, 200)
    anybody.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}, 401)

    anybody.post("/auth/refresh", {"refresh_token": fresh["refresh_token"]}, 401)
    bearer(app, fresh["access_token"]).get("/auth/me", 401)


def test_logout_ends_the_session_at_once(app: Flask, anybody: Client, tokens: dict[str, Any]) -> None:
    client = bearer(app, tokens["access_token"])
    assert client.post("/auth/logout", status=204) is None
    client.get("/auth/me", 401)
    client.post("/auth/logout", status=401)
    anybody.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}, 401)


def test_a_suspended_person_is_out_at_once(app: Flask, anybody: Client, shop: Shop, tokens: dict[str, Any]) -> None:
    shop.do("staff.suspend", staff_id=shop.cashier.id)
    bearer(app, tokens["access_token"]).get("/auth/me", 401)
    anybody.post("/auth/login", LOGIN, 401)


def test_a_role_that_changed_holds_at_once(app: Flask, shop: Shop, tokens: dict[str, Any]) -> None:
    client = bearer(app, tokens["access_token"])
    shop.do("staff.update", {"staff_id": shop.cashier.id, "role": Role.SUPERVISOR.value})
    assert client.get("/auth/me")["role"] == "Supervisor"


def forged(shop: Shop, tokens: dict[str, Any], **changes: Any) -> str:
    """A token like a good one, signed by our own key unless another is given."""
    key = changes.pop("key", NodeAccounts(shop.home).key())
    good = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    header = changes.pop("header", {"typ": "at+jwt"})
    algorithm = changes.pop("algorithm", ALGORITHM)
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(claims, key, algorithm, headers=header)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": b"k" * 32}, {"algorithm": "none", "key": None}, {"algorithm": "HS384"}, {"header": {"typ": "JWT"}},
        {"aud": "another"}, {"iss": "another"}, {"sid": None}, {"sid": 5}, {"sid": "x" * 43}, {"exp": None}, {"exp": 1},
        {"exp": "9999999999"}, {"iat": None}, {"sub": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_forged_token_is_nobody(app: Flask, shop: Shop, tokens: dict[str, Any], changes: dict[str, Any]) -> None:
    assert bearer(app, forged(shop, tokens)).get("/auth/me")["name"] == "Aisha"
    assert bearer(app, forged(shop, tokens, **changes)).get("/auth/me", 401)["code"] == "not-signed-in"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "e30.e30.", "x" * 10_000])
def test_rubbish_instead_of_a_token_is_nobody(app: Flask, token: str) -> None:
    bearer(app, token).get("/auth/me", 401)


def test_the_token_names_our_audience_and_no_secret_of_the_person(tokens: dict[str, Any]) -> None:
    body = tokens["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert (claims["aud"], claims["iss"]) == (AUDIENCE, ISSUER)
    assert claims.keys() == {"iss", "aud", "sub", "sid", "iat", "exp"}


def test_an_old_token_does_not_stand_in_the_way_of_a_new_login(app: Flask, shop: Shop, tokens: dict[str, Any]) -> None:
    shop.clock.advance(60 * MINUTE_MS)
    bearer(app, tokens["access_token"]).post("/auth/login", LOGIN, 200)
