"""A forgotten password: mailed to whoever signs in with the address, told to nobody else, good once and for an hour."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from cloudhub.tenancy import resets
from cloudhub.tenancy.logins import set_portal_password
from shopnode.domain.actions import perform
from tests.api.client import Client
from tests.hub.world import PASSWORD, World

SARAH = "sarah@kisura.example"
FRESH = "a fresh start, with spaces"
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resets, "FLOOR_S", 0.0)


@pytest.fixture
def anybody(world: World) -> Client:
    app: Flask = world.app
    return Client(app)


def mails(world: World) -> list[Any]:
    return world.rows("SELECT body, subject, channel, staff_id::text FROM outgoing_message ORDER BY created_at, id")


def link_of(world: World) -> str:
    found = re.search(r"/reset/(\S+)", mails(world)[-1][0])
    assert found is not None
    return found[1]


def sign_in(anybody: Client, password: str, status: int) -> Any:
    return anybody.post("/auth/login", {"email": SARAH, "password": password}, status)


def test_a_link_sets_a_new_password_once_and_ends_the_sessions(world: World, anybody: Client) -> None:
    before = Client(anybody.http.application, token=sign_in(anybody, PASSWORD, 200)["access_token"])
    anybody.post("/auth/forgot", {"email": " Sarah@Kisura.example "}, 202)
    ((body, subject, channel, staff_id),) = mails(world)
    assert (subject, channel, staff_id) == ("A new password", "mail", world.kisura.owner_id)
    assert "Sarah" in body

    token = link_of(world)
    anybody.post("/auth/reset", {"token": token, "new_password": FRESH}, 204)
    before.get("/auth/me", 401)
    sign_in(anybody, PASSWORD, 401)
    sign_in(anybody, FRESH, 200)
    assert set(anybody.post("/auth/reset", {"token": token, "new_password": FRESH}, 422)["fields"]) == {"token"}


def test_who_has_no_account_is_told_the_same(world: World, anybody: Client) -> None:
    known = anybody.call("POST", "/auth/forgot", {"email": SARAH})
    unknown = anybody.call("POST", "/auth/forgot", {"email": "nobody@kisura.example"})
    assert (known.status_code, known.get_data()) == (unknown.status_code, unknown.get_data())
    assert len(mails(world)) == 1


def test_asking_takes_as_long_for_an_address_nobody_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(resets, "FLOOR_S", 0.25)
    monkeypatch.setattr(resets.time, "sleep", waited.append)
    for email in (SARAH, "nobody@kisura.example"):
        resets.ask_for_reset(world.hub, email, ip="10.0.0.1")
    assert waited == [0.25, 0.25]  # the clock of this world stands still meanwhile


def test_a_link_is_good_for_an_hour_and_the_newest_one_counts(world: World, anybody: Client) -> None:
    anybody.post("/auth/forgot", {"email": SARAH}, 202)
    first = link_of(world)
    world.clock.advance(1_000)
    anybody.post("/auth/forgot", {"email": SARAH}, 202)
    anybody.post("/auth/reset", {"token": first, "new_password": FRESH}, 422)
    world.clock.advance(HOUR_MS)
    anybody.post("/auth/reset", {"token": link_of(world), "new_password": FRESH}, 422)
    sign_in(anybody, PASSWORD, 200)


@pytest.mark.parametrize("token", ["x", "." * 60, "0190a000000070008000000000000bad.x", "ü.ü"])
def test_a_link_nobody_made_sets_nothing(world: World, anybody: Client, token: str) -> None:
    refusal = anybody.post("/auth/reset", {"token": token, "new_password": FRESH}, 422)
    assert refusal["fields"] == {"token": "is no longer good. Ask for a new link"}


def test_a_short_password_uses_no_link_up(world: World, anybody: Client) -> None:
    anybody.post("/auth/forgot", {"email": SARAH}, 202)
    anybody.post("/auth/reset", {"token": link_of(world), "new_password": "short"}, 422)
    anybody.post("/auth/reset", {"token": link_of(world), "new_password": FRESH}, 204)


def test_asking_again_and_again_stops(world: World, anybody: Client) -> None:
    for _ in range(3):
        anybody.post("/auth/forgot", {"email": SARAH}, 202)
    anybody.post("/auth/forgot", {"email": SARAH}, 429)
    assert len(mails(world)) == 3


def test_the_link_is_kept_as_a_hash(world: World, anybody: Client) -> None:
    anybody.post("/auth/forgot", {"email": SARAH}, 202)
    secret = link_of(world).partition(".")[2]
    assert world.rows("SELECT token_hash FROM password_reset") != [(secret,)]
    assert len(secret) == 64


def test_who_was_suspended_gets_no_link(world: World, anybody: Client) -> None:
    second = perform(world.owner(), "staff.add", {
        "name": "Ben", "role": "Owner", "email": "ben@kisura.example", "shop_ids": []
    }).result["id"]  # fmt: skip
    set_portal_password(world.hub, world.tenant_id, second, PASSWORD)
    perform(world.owner(), "staff.suspend", {"staff_id": second})
    anybody.post("/auth/forgot", {"email": "ben@kisura.example"}, 202)
    assert mails(world) == []


def test_the_link_of_the_mail_opens_a_page_that_sets_the_password(world: World, anybody: Client) -> None:
    browser, ours = anybody.http, {"Sec-Fetch-Site": "same-origin"}
    assert "I forgot my password" in browser.get("/login").get_data(as_text=True)
    sent = browser.post("/forgot", data={"who": SARAH}, headers=ours).get_data(as_text=True)
    assert "Look into your mail" in sent
    place = f"/reset/{link_of(world)}"
    short = browser.post(place, data={"new_password": "short"}, headers=ours)
    assert short.status_code == 422 and "at least 8" in short.get_data(as_text=True)
    assert browser.post(place, data={"new_password": FRESH}, headers=ours).status_code == 303
    used = browser.post(place, data={"new_password": FRESH}, headers=ours)
    assert used.status_code == 422 and "no longer good" in used.get_data(as_text=True)
    sign_in(anybody, FRESH, 200)
