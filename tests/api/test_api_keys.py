"""Keys for programs: what each may, who makes them, and that they end at once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from shopnode.domain.people.access_models import ApiKey
from shopnode.domain.people.keys import NO_SCOPES, actor_of_key
from tests.api.client import Client
from tests.shop import Shop

READS = {"name": "Stock screen", "scopes": ["products:read", "customers:create"]}
DAY_MS = 24 * 3_600_000


@pytest.fixture
def made(owner: Client) -> dict[str, Any]:
    return owner.post("/api-keys", READS)


@pytest.fixture
def program(app: Flask, made: dict[str, Any]) -> Client:
    return Client(app, token=made["key"])


def test_a_program_acts_as_its_owner_within_its_scopes(program: Client, shop: Shop, made: dict[str, Any]) -> None:
    me = program.get("/auth/me")
    assert (me["id"], me["permissions"]) == (shop.owner.id, sorted(READS["scopes"]))
    program.get("/products")
    program.get("/sales", 403)
    program.put("/auth/password", {"current_password": "x", "new_password": "12345678"}, 403)
    program.get("/api-keys", 403)

    program.post("/customers", {"name": "Okello", "phone": "0772 555 111"})
    entry = shop.entries()[-1]
    assert (entry.actor_id, '"key: Stock screen"' in entry.body) == (shop.owner.id, True)


def test_the_key_is_kept_as_a_hash_and_shown_once(owner: Client, shop: Shop, made: dict[str, Any]) -> None:
    secret = made["key"].removeprefix("pk_")
    assert len(secret) == 43
    (row,) = shop.rows(ApiKey)
    told = "".join(entry.body + (entry.result or "") for entry in shop.entries())
    assert secret not in str(vars(row)) + told
    assert "key" not in owner.get("/api-keys")["items"][0]


def test_sent_again_it_is_one_key(owner: Client, shop: Shop) -> None:
    first = owner.post("/api-keys", READS, key="one")
    again = owner.post("/api-keys", READS, key="one")
    assert again["id"] == first["id"] and again["key"] is None
    assert len(shop.rows(ApiKey)) == 1


def test_a_revoked_key_is_out_with_the_next_call(owner: Client, program: Client, made: dict[str, Any]) -> None:
    program.get("/auth/me")
    assert owner.delete(f"/api-keys/{made['id']}")["revoked_at"] is not None
    program.get("/auth/me", 401)


def test_a_key_ends_by_itself_and_with_its_owner(app: Flask, owner: Client, shop: Shop) -> None:
    short = Client(app, token=owner.post("/api-keys", READS | {"days": 1})["key"])
    short.get("/auth/me")
    second = shop.do("staff.add", {"name": "Odoi", "role": "Owner", "phone": "0798 111 222"})["id"]
    mine = Client(app, token=owner.post("/api-keys", READS)["key"])
    shop.clock.advance(DAY_MS)
    short.get("/auth/me", 401)
    mine.get("/auth/me")
    shop.people["Odoi"] = type(shop.owner)(second, "Odoi", shop.owner.role)
    Client(app, shop.people["Odoi"]).post(f"/staff/{shop.owner.id}/suspend", status=200)
    mine.get("/auth/me", 401)


@pytest.mark.parametrize("role", ["supervisor", "staff"])
def test_only_owners_make_keys(role: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(role).post("/api-keys", READS, 403)


@pytest.mark.parametrize("scope", [*sorted(NO_SCOPES), "sales:everything"])
def test_no_key_may_what_lets_it_grow(owner: Client, scope: str) -> None:
    assert set(owner.post("/api-keys", READS | {"scopes": [scope]}, 422)["fields"]) == {"scopes"}


@pytest.mark.parametrize("key", ["pk_", "pk_x", "pk_" + "ü" * 90, "pk_" + "a" * 43])
def test_a_key_nobody_made_is_nobody(app: Flask, shop: Shop, key: str) -> None:
    assert actor_of_key(shop.home, key.removeprefix("pk_")) is None
    if key.isascii():
        Client(app, token=key).get("/auth/me", 401)


def test_rule_89_no_program_says_yes_in_its_owners_place(app: Flask, owner: Client, staff: Client) -> None:
    """Whoever has the key would approve their own: the answer to a question is a person's, at any limit."""
    scopes = ["limits:approve", "sales:create", "closures:create"]
    program = Client(app, token=owner.post("/api-keys", {"name": "Robot", "scopes": scopes})["key"])
    owner.post("/approvals/phone", {})
    form = {"amount": 900_000, "reason": "rent"}
    asked = staff.post("/approvals/challenge", {"action": "cash.pay_out", "form": form})
    told = {name: asked[name] for name in ("challenge", "action", "amount", "document")}
    assert program.post("/approvals/answer", told, 403)["detail"].startswith("A person says yes")
    assert len(owner.post("/approvals/answer", told, 200)["code"]) == 8
