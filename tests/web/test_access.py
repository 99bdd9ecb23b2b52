"""Who may open what: every address of the application, tried as every role and as nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from shopnode.api.mount import who_may
from shopnode.domain.permissions import ROLE_PERMISSIONS, Role
from shopnode.web.ui.access import COUNTER, OFFICE, SHARED, Open
from tests.shop import Shop
from tests.web.conftest import HTMX, OURS, BareNode, Browser

NAMES = {Role.OWNER: "Sarah", Role.SUPERVISOR: "Brian", Role.STAFF: "Aisha"}
SOMETHING = "01900000-0000-7000-8000-000000000001"


def rules(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(endpoint, method, path) of every page of ours."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("api."):
            continue
        path = re.sub(r"<[^>]+>", SOMETHING, rule.rule)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, path


def test_every_address_is_in_a_table_and_every_line_of_a_table_is_an_address(app: Flask) -> None:
    known = {**SHARED, **COUNTER, **OFFICE, **who_may()}

    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(known)


def test_what_no_table_opens_is_shut(node: BareNode) -> None:
    from shopnode.app import create_app

    app = create_app(node)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    visitor = Browser(app)
    assert visitor.get("/forgotten").status_code == 303

    visitor.sign_in("Sarah")
    answer = visitor.get("/forgotten")

    assert answer.status_code == 403
    assert "secret" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_exactly_as_far_as_its_permissions(app: Flask, role: Role) -> None:
    table = {**SHARED, **COUNTER, **OFFICE}
    wrong = []
    visitor = Browser(app)
    visitor.sign_in(NAMES[role])
    for endpoint, method, path in rules(app):
        if endpoint in ("auth.logout", "auth.lock", "auth.login", "auth.pin"):
            continue
        answer = visitor.client.open(path, method=method, headers=OURS)
        needed = table[endpoint]
        may = isinstance(needed, Open) or needed in ROLE_PERMISSIONS[role]
        shut = answer.status_code == 403 and "role does not allow" in answer.get_data(as_text=True)
        if shut == may:
            wrong.append((endpoint, method, answer.status_code))

    assert not wrong


def test_nobody_is_sent_to_sign_in_and_comes_back_where_they_wanted_to_be(app: Flask) -> None:
    table = {**SHARED, **COUNTER, **OFFICE}
    client = app.test_client()
    for endpoint, method, path in rules(app):
        if table[endpoint] is Open.PUBLIC:
            continue
        answer = client.open(path, method=method, headers=OURS)
        assert answer.status_code == 303, endpoint
        assert answer.headers["Location"].startswith("/login")
        if method == "GET":
            assert answer.headers["Location"] == f"/login?next={path}"
        piece = client.open(path, method=method, headers=HTMX)
        assert (piece.status_code, piece.headers["HX-Redirect"][:6]) == (401, "/login"), endpoint


def test_no_page_of_ours_fails_for_anybody(app: Flask, shop: Shop) -> None:
    for name in NAMES.values():
        visitor = Browser(app)
        visitor.sign_in(name)
        for endpoint, method, path in rules(app):
            if method != "GET" or endpoint in ("auth.lock", "auth.logout"):
                continue
            for headers in (OURS, HTMX):
                assert visitor.client.get(path, headers=headers).status_code < 500, endpoint


@pytest.mark.parametrize(
    "onward", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(visitor: Browser, onward: str) -> None:
    from urllib.parse import quote

    answer = visitor.client.post(
        f"/login?next={quote(onward)}", data={"who": "+256798000003", "password": "correct horse battery"}, headers=OURS
    )

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
