"""A remembered browser at the counter's door: the box, the PIN the next morning, and its end."""

from __future__ import annotations

from base64 import b32decode

from flask import Flask

from shopnode.domain.people.second_proof import confirm_second_proof, offer_second_proof
from shopnode.domain.people.totp_rules import code_at, step_of
from shopnode.domain.permissions import Role
from tests.shop import PASSWORD, PHONES, PINS, Shop
from tests.web.conftest import Browser, words

DAY = 86_400_000
FORM = {"who": PHONES["Aisha"], "password": PASSWORD, "remember": "true"}


def cookie(browser: Browser) -> str | None:
    found = browser.client.get_cookie("remembered")
    return found.value if found else None


def test_the_next_morning_a_pin_is_enough(visitor: Browser, shop: Shop) -> None:
    assert "For 30 days your PIN is enough here." in words(visitor.get("/login"))
    kept = visitor.post("/login", **FORM)
    sent = next(head for head in kept.headers.getlist("Set-Cookie") if head.startswith("remembered="))
    assert "HttpOnly" in sent and "SameSite=Lax" in sent
    shop.clock.advance(DAY)
    assert visitor.get("/sales").headers["Location"] == "/login?next=/sales"
    assert visitor.get("/login?next=/sales").headers["Location"] == "/login/back?next=/sales"
    page = visitor.get("/login/back?next=/sales")
    assert "Aisha" in words(page) and PHONES["Aisha"] not in page.get_data(as_text=True)
    wrong = visitor.post("/login/back", pin="0000")
    assert wrong.status_code == 403 and "The person or the PIN is not right." in words(wrong)
    first = cookie(visitor)
    done = visitor.post("/login/back?next=/sales", pin=PINS["Aisha"])
    assert (done.status_code, done.headers["Location"]) == (303, "/sales")
    assert cookie(visitor) not in (None, first)
    assert "Aisha" in words(visitor.get("/sell"))


def test_who_does_not_tick_the_box_is_not_remembered(aisha: Browser, shop: Shop) -> None:
    assert cookie(aisha) is None
    shop.clock.advance(DAY)
    assert aisha.get("/login").status_code == 200


def test_the_box_stays_ticked_over_a_mistake_and_is_gone_where_nobody_is_remembered(
    visitor: Browser, shop: Shop
) -> None:
    assert "checked" in visitor.post("/login", **{**FORM, "password": "wrong"}).get_data(as_text=True)
    shop.do("settings.change", key="remember_days", value=0)
    assert "Remember this browser" not in words(visitor.get("/login"))
    assert visitor.post("/login", **FORM).status_code == 303 and cookie(visitor) is None


def test_a_password_is_typed_where_one_asks_for_it(visitor: Browser) -> None:
    visitor.post("/login", **FORM)
    visitor.client.delete_cookie("session")
    assert visitor.get("/login?password=1").status_code == 200


def test_signing_out_forgets_and_a_colleague_who_signs_out_does_not(visitor: Browser, shop: Shop) -> None:
    visitor.post("/login", **FORM)
    visitor.post("/pin", staff_id=shop.supervisor.id, pin=PINS["Brian"])
    visitor.post("/logout")
    assert visitor.get("/login").headers["Location"].startswith("/login/back")
    visitor.post("/login/back", pin=PINS["Aisha"])
    visitor.post("/logout")
    assert cookie(visitor) is None and visitor.get("/login").status_code == 200


def test_somebody_else_has_the_browser_forget(visitor: Browser) -> None:
    visitor.post("/login", **FORM)
    visitor.client.delete_cookie("session")
    assert visitor.post("/login/forget").status_code == 303
    assert cookie(visitor) is None and visitor.get("/login").status_code == 200


def test_a_copied_cookie_is_noticed_and_said(visitor: Browser, app: Flask, shop: Shop) -> None:
    visitor.post("/login", **FORM)
    thief = Browser(app)
    thief.client.set_cookie("remembered", cookie(visitor) or "")
    visitor.client.delete_cookie("session")
    visitor.post("/login/back", pin=PINS["Aisha"])
    shop.clock.advance(60_000)
    assert thief.get("/login").status_code == 200  # an old token shows nobody's name
    refused = thief.post("/login/back", pin=PINS["Aisha"])
    assert refused.status_code == 303 and refused.headers["Location"].startswith("/login")
    assert visitor.get("/sell").status_code == 303
    told = visitor.get("/login?forgotten=1")
    assert "This browser is not remembered any more" in words(told)


def test_the_second_proof_is_asked_for_as_well(visitor: Browser, shop: Shop) -> None:
    visitor.post("/login", **FORM)
    ctx = shop.ctx(Role.STAFF)
    secret = b32decode(offer_second_proof(ctx).secret)
    confirm_second_proof(ctx, code_at(secret, step_of(shop.clock.wall_ms())))
    shop.clock.advance(DAY)
    assert "Code of your authenticator" in words(visitor.get("/login/back"))
    missing = visitor.post("/login/back", pin=PINS["Aisha"])
    assert missing.status_code == 422 and "The code is needed, too." in words(missing)
    code = code_at(secret, step_of(shop.clock.wall_ms()))
    assert visitor.post("/login/back", pin=PINS["Aisha"], code=code).status_code == 303
