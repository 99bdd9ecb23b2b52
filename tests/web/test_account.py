"""One's own account: sessions and remembered browsers, the second proof, keys for programs."""

from __future__ import annotations

import re
from base64 import b32decode

from flask import Flask

from shopnode.domain.people.keys import all_keys
from shopnode.domain.people.totp_rules import code_at, step_of
from shopnode.domain.permissions import Role
from tests.shop import PASSWORD, PHONES, PINS, Shop
from tests.web.conftest import Browser, Owner, action_id, words


def test_my_sessions_are_listed_and_ended_from_elsewhere(aisha: Browser, sarah: Browser, app: Flask) -> None:
    other = Browser(app)
    other.sign_in("Aisha")
    page = aisha.get("/account").get_data(as_text=True)
    (listed,) = re.findall(r'name="session_id" value="([0-9a-f-]{36})"', page)  # not the one that asks
    assert "This one" in page
    assert sarah.post("/account/sessions/end", session_id=listed).status_code == 404  # somebody else's
    assert other.get("/sell").status_code == 200
    assert aisha.post("/account/sessions/end", session_id=listed).status_code == 303
    assert other.get("/sell").status_code == 303
    assert aisha.get("/sell").status_code == 200


def test_signing_out_everywhere_else_keeps_this_one(aisha: Browser, app: Flask) -> None:
    others = [Browser(app), Browser(app)]
    for other in others:
        other.sign_in("Aisha")
    assert aisha.post("/account/sessions/end").status_code == 303
    assert [other.get("/sell").status_code for other in others] == [303, 303]
    assert aisha.get("/account?saved=session").status_code == 200


def test_a_remembered_browser_is_listed_and_forgotten(visitor: Browser, aisha: Browser, sarah: Browser) -> None:
    assert "for 30 days your PIN is enough there" in words(aisha.get("/account"))
    visitor.post("/login", who=PHONES["Aisha"], password=PASSWORD, remember="true")
    page = aisha.get("/account").get_data(as_text=True)
    (listed,) = re.findall(r'name="browser_id" value="([0-9a-f-]{36})"', page)
    assert sarah.post("/account/browsers/end", browser_id=listed).status_code == 404
    assert aisha.post("/account/browsers/end", browser_id=listed).status_code == 303
    visitor.client.delete_cookie("session")
    assert visitor.get("/login").status_code == 200  # and not by their PIN
    assert visitor.post("/login/back", pin=PINS["Aisha"]).headers["Location"].startswith("/login?")


def test_a_second_proof_is_set_up_by_its_first_code_and_taken_off_by_another(aisha: Browser, shop: Shop) -> None:
    offered = aisha.post("/account/second-proof")
    text = offered.get_data(as_text=True)
    assert offered.headers["Cache-Control"] == "no-store" and 'aria-label="QR code' in text
    found = re.search(r'Type this: <b class="mono">([A-Z2-7 ]+)</b>', text)
    assert found
    secret = b32decode(found.group(1).replace(" ", ""))
    wrong = aisha.post("/account/second-proof/confirm", code="000000")
    assert wrong.status_code == 422 and "Is not the one your authenticator shows now" in words(wrong)
    assert found.group(1) not in wrong.get_data(as_text=True)
    done = aisha.post("/account/second-proof/confirm", code=code_at(secret, step_of(shop.clock.wall_ms())))
    codes = re.findall(r"<li>([a-z2-7-]{19})</li>", done.get_data(as_text=True))
    assert len(codes) == 10 and done.headers["Cache-Control"] == "no-store"
    again = aisha.get("/account/second-proof").get_data(as_text=True)
    assert codes[0] not in again and "10 recovery codes left" in again
    assert aisha.post("/account/second-proof").status_code == 409
    assert aisha.post("/account/second-proof/drop", code="000000").status_code == 422
    assert aisha.post("/account/second-proof/drop", code=codes[3]).status_code == 303
    assert "Set it up" in words(aisha.get("/account"))


def test_guessing_codes_of_ones_own_second_proof_stops(aisha: Browser) -> None:
    aisha.post("/account/second-proof")
    answers = [aisha.post("/account/second-proof/confirm", code="000000").status_code for _ in range(7)]
    assert answers[:5] == [422] * 5 and answers[-1] == 429


def test_a_key_is_shown_once_and_revoked(sarah: Browser, app: Flask, shop: Shop) -> None:
    nothing = sarah.post("/account/keys", name="Books", days="30")
    assert nothing.status_code == 422 and "Tick at least one" in words(nothing)
    assert 'value="Books"' in nothing.get_data(as_text=True)
    form = {"name": "Books", "days": "30", "scopes": ["sales:read"], "action_id": action_id(nothing)}
    made = sarah.post("/account/keys", **form)
    found = re.search(r"<code class=\"mono\">(pk_[\w.-]+)</code>", made.get_data(as_text=True))
    assert found and made.headers["Cache-Control"] == "no-store"
    key = {"Authorization": f"Bearer {found.group(1)}"}
    assert app.test_client().get("/api/sales", headers=key).status_code == 200
    assert app.test_client().get("/api/staff", headers=key).status_code == 403
    twice = sarah.post("/account/keys", **form)
    assert "This key was made before" in words(twice) and "pk_" not in twice.get_data(as_text=True)
    assert "pk_" not in sarah.get("/account/keys").get_data(as_text=True)
    with shop.reading() as ctx:
        (kept,) = all_keys(ctx.session)
    assert sarah.post(f"/account/keys/{kept.id}/revoke").status_code == 303
    assert app.test_client().get("/api/sales", headers=key).status_code == 401
    assert "Revoked" in words(sarah.get("/account/keys"))


def test_a_key_never_gets_what_lets_it_grow(sarah: Browser) -> None:
    page = sarah.get("/account/keys").get_data(as_text=True)
    assert 'value="sales:read"' in page
    for scope in ("staff:update", "settings:update", "own:credentials"):
        assert f'value="{scope}"' not in page
        assert sarah.post("/account/keys", name="Books", scopes=[scope]).status_code == 422


def test_only_an_owner_makes_keys(brian: Browser, aisha: Browser) -> None:
    for who in (brian, aisha):
        assert who.get("/account/keys").status_code == 403
        assert who.post("/account/keys", name="Books", scopes=["sales:read"]).status_code == 403
        assert "Keys for programs" not in words(who.get("/account"))


def test_at_the_portal_too(owner: Owner) -> None:
    page = words(owner.get("/account"))
    assert "Change the password" in page and "Remembered browsers" not in page
    offered = owner.post("/account/second-proof")
    assert 'aria-label="QR code' in offered.get_data(as_text=True)
    made = owner.post("/account/keys", name="Books", scopes=["sales:read"])
    assert "pk_" in made.get_data(as_text=True)
    wrong = owner.post(
        "/account/password", current_password="wrong", new_password="longer than 8", again="longer than 8"
    )
    assert wrong.status_code == 422 and "Is not right." in words(wrong)
    differs = owner.post("/account/password", current_password="x", new_password="longer than 8", again="no")
    assert differs.status_code == 422


def test_a_new_password_ends_all_sessions_at_the_node_too(aisha: Browser, shop: Shop) -> None:
    form = {"current_password": PASSWORD, "new_password": "longer than 8", "again": "longer than 8"}
    assert aisha.post("/account/password", **form).status_code == 303
    assert aisha.get("/sell").status_code == 303
    assert [entry.action for entry in shop.entries()][-1] == "staff.set_password"
    assert shop.ctx(Role.STAFF).actor.id
