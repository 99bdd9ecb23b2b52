"""The matrix of who may call what, line by line: as each role, as nobody, and with a session that has ended; in a shop
and at the hub.

The lines are written by hand in matrix.txt, from the roles the business was promised, and not made from the routes:
whoever opens a call to more people has to say so there, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from cloudhub.tenancy.logins import set_portal_password
from shopnode.api.mount import who_may  # noqa: F401 — the import registers every route
from shopnode.api.routing import ROUTES
from shopnode.domain.actions import perform
from shopnode.domain.permissions import ROLE_PERMISSIONS, Permission, Role
from tests.api.client import Client
from tests.hub.world import PASSWORD as HUB_PASSWORD
from tests.hub.world import World
from tests.shop import PASSWORD, PHONES, Shop

MATRIX = Path(__file__).with_name("matrix.txt")
LADDER = ("everybody", "signed in", "Staff", "Supervisor", "Owner")
SOMETHING = "0190a000-0000-7000-8000-00000000dead"
OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}  # what comes from elsewhere is refused before anybody asks who it is
EXPIRED_MS = 16 * 60_000
ENDS_THE_SESSION = "POST /auth/logout"  # tried last, by those who hold a token

# What the seed gives each role, with hyphens for its underscores. Its `devices: delete` is a write-off, which asks for
# products:adjust-stock and has a limit.
SEED = {
    Role.STAFF: "sales: create read; repairs: create read; devices: create read; products: read; customers: create "
    "read; closures: create read",
    Role.SUPERVISOR: "sales: create read update; repairs: create read update assign complete; devices: create read "
    "update; products: read adjust-stock; customers: create read update; closures: create read update review; "
    "staff: read; expenses: create read; reports: view-limited export",
    Role.OWNER: "sales: create read update delete approve lock; repairs: create read update delete assign complete; "
    "devices: create read update; products: create read update delete adjust-stock; customers: create read update "
    "delete; closures: create read update delete approve; staff: create read update delete suspend; expenses: create "
    "read update delete approve; reports: view-all export; audit-logs: read; settings: update",
}
# By the later design Staff hand in and see their own expenses, and a Supervisor approves a closure within the limit.
BEYOND = {Role.STAFF: {"expenses:create", "expenses:read"}, Role.SUPERVISOR: {"closures:approve"}}
# Permissions of the seed that nothing asks for yet. Whoever adds one strikes it out here; at the end there are none.
AWAITED = {"reports:view-all", "reports:view-limited"}


def lines() -> Iterator[tuple[str, str]]:
    """(call, the least who may) of every line."""
    for line in MATRIX.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            method, rule, who = line.split(None, 2)
            yield f"{method} {rule}", who


ROWS = dict(lines())


def may(who: str, call: str) -> bool:
    return LADDER.index(who) >= LADDER.index(ROWS[call])


def tried(client: Client, call: str) -> TestResponse:
    """The call with an id of nothing and a body that is none: nobody who may does anything by it."""
    method, rule = call.split()
    return client.call(method, re.sub(r"<\w+>", SOMETHING, rule), data=b"rubbish", headers=OUR_PAGE)


def is_shut(answer: TestResponse) -> bool:
    """Refused for who asks, and for nothing else."""
    problem = answer.get_json(silent=True) or {}
    return answer.status_code == 403 and problem.get("code") == "not-permitted"


def wrongly_answered(client: Client, who: str) -> list[tuple[str, int, str]]:
    """The calls that let this person in or keep them out against the matrix."""
    calls = [call for call in ROWS if call != ENDS_THE_SESSION]
    found = []
    for call in [*calls, ENDS_THE_SESSION]:
        answer = tried(client, call)
        if answer.status_code >= 500 or is_shut(answer) == may(who, call):
            found.append((call, answer.status_code, answer.get_data(as_text=True)[:200]))
    return found


def test_every_call_has_its_line_and_every_line_its_call() -> None:
    calls = [f"{route.method} {route.rule}" for route in ROUTES]
    named = [call for call, _ in lines()]

    assert sorted(named) == sorted(calls)
    assert set(ROWS.values()) <= set(LADDER)


@pytest.mark.parametrize(("role", "name"), [(Role.STAFF, "Aisha"), (Role.SUPERVISOR, "Brian"), (Role.OWNER, "Sarah")])
def test_rule_88_each_role_gets_exactly_as_far_as_its_line(app: Flask, shop: Shop, role: Role, name: str) -> None:
    login = {"phone": PHONES[name], "password": PASSWORD}
    client = Client(app, token=Client(app).post("/auth/login", login, 200)["access_token"])

    assert wrongly_answered(client, role.value) == []


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.OWNER])
def test_rule_88_each_role_gets_exactly_as_far_at_the_hub(world: World, role: Role) -> None:
    email = "sarah@kisura.example"
    if role is not Role.OWNER:
        form = {"name": "Brian", "role": role.value, "email": "brian@kisura.example", "shop_ids": []}
        brian = perform(world.owner(), "staff.add", form).result["id"]
        set_portal_password(world.hub, world.tenant_id, brian, HUB_PASSWORD)
        email = form["email"]
    anybody = Client(world.app)
    token = anybody.post("/auth/login", {"email": email, "password": HUB_PASSWORD}, 200)["access_token"]

    assert wrongly_answered(Client(world.app, token=token), role.value) == []


@pytest.mark.parametrize("home", ["shop", "hub"])
def test_nobody_and_an_ended_session_get_nowhere(home: str, request: pytest.FixtureRequest) -> None:
    if home == "hub":
        world: World = request.getfixturevalue("world")
        app, clock = world.app, world.clock
        login = {"email": "sarah@kisura.example", "password": HUB_PASSWORD}
    else:
        app, clock = request.getfixturevalue("app"), request.getfixturevalue("shop").clock
        login = {"phone": PHONES["Sarah"], "password": PASSWORD}
    anybody = Client(app)
    late = anybody.post("/auth/login", login, 200)["access_token"]
    left = anybody.post("/auth/login", login, 200)["access_token"]
    Client(app, token=left).post("/auth/logout", status=204)
    clock.advance(EXPIRED_MS - 60_000)

    visitors = {"nobody": anybody, "signed out": Client(app, token=left), "a forged token": Client(app, token="x.y.z")}
    _nobody_gets_in(visitors)
    clock.advance(60_000)
    _nobody_gets_in({"an expired token": Client(app, token=late)})


def _nobody_gets_in(visitors: dict[str, Client]) -> None:
    shut = [call for call, who in ROWS.items() if who != "everybody"]
    answered = [(who, call, tried(client, call).status_code) for who, client in visitors.items() for call in shut]
    assert [each for each in answered if each[2] != 401] == []


@pytest.mark.parametrize("role", Role)
def test_rule_88_the_seeds_matrix_is_the_default(role: Role) -> None:
    """What it gives a role the role has, and of what it names at all the role has nothing else."""
    held = hyphened(ROLE_PERMISSIONS[role])
    named = set().union(*map(seeds, Role))

    assert seeds(role) - held <= AWAITED
    if role is not Role.OWNER:  # who has every permission there is
        assert (held & named) - seeds(role) <= BEYOND[role]


def test_what_is_awaited_is_not_there_yet() -> None:
    assert hyphened(Permission) & AWAITED == set()


def hyphened(permissions: Iterable[Permission]) -> set[str]:
    return {permission.value.replace("_", "-") for permission in permissions}


def seeds(role: Role) -> set[str]:
    groups = (group.split(": ") for group in SEED[role].split("; "))
    return {f"{entity}:{word}" for entity, words in groups for word in words.split()}
