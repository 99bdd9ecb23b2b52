"""Signing in, switching by PIN, locking, signing out."""

from __future__ import annotations

from flask import Flask

from tests.shop import PINS, Shop
from tests.web.conftest import BareNode, Browser, words


def test_a_wrong_password_says_so_and_keeps_what_was_typed(visitor: Browser) -> None:
    answer = visitor.post("/login", who="0798 000 003", password="wrong")
    text = answer.get_data(as_text=True)

    assert answer.status_code == 401
    assert "is not right" in text
    assert 'value="0798 000 003"' in text
    assert "wrong" not in text.replace("wrong-", "")


def test_an_empty_form_names_both_fields(visitor: Browser) -> None:
    assert words(visitor.post("/login")).count("Is needed.") == 2


def test_guessing_is_slowed_down(visitor: Browser) -> None:
    answers = [visitor.post("/login", who="0798000003", password="wrong").status_code for _ in range(6)]

    assert answers[:4] == [401] * 4
    assert answers[-1] == 429


def test_a_screen_is_handed_over_by_pin(aisha: Browser, shop: Shop) -> None:
    assert "Aisha" in words(aisha.get("/sell"))

    answer = aisha.post("/pin", staff_id=shop.supervisor.id, pin=PINS["Brian"])

    assert answer.status_code == 303
    assert "Till 1 · Brian" in words(aisha.get("/sell"))


def test_a_wrong_pin_stays_on_the_screen(aisha: Browser, shop: Shop) -> None:
    answer = aisha.post("/pin", staff_id=shop.supervisor.id, pin="0000")

    assert answer.status_code == 403
    assert "not right" in words(answer)
    assert "Till 1 · Aisha" in words(aisha.get("/sell"))


def test_a_screen_nobody_signed_in_at_asks_for_a_password(visitor: Browser) -> None:
    assert visitor.get("/pin").headers["Location"].startswith("/login")
    assert visitor.post("/pin", staff_id="x", pin="1234").headers["Location"].startswith("/login")


def test_a_locked_screen_opens_by_pin_where_it_was(aisha: Browser, shop: Shop) -> None:
    aisha.post("/lock")
    assert aisha.get("/sales").headers["Location"] == "/pin?next=/sales"

    answer = aisha.client.post(
        "/pin?next=/sales", data={"staff_id": shop.cashier.id, "pin": PINS["Aisha"]}, headers={"Sec-Fetch-Site": "none"}
    )

    assert answer.headers["Location"] == "/sales"
    assert aisha.get("/sales").status_code == 200


def test_an_untouched_screen_locks_although_it_polls(aisha: Browser, shop: Shop) -> None:
    for _ in range(11):
        shop.clock.advance(60_000)
        last = aisha.get("/status/link", htmx=True)

    assert last.headers.get("HX-Redirect", "").startswith("/pin")


def test_signing_out_ends_the_session_itself(aisha: Browser, app: Flask) -> None:
    stolen = aisha.client.get_cookie("session").value
    aisha.post("/logout")
    thief = app.test_client()
    thief.set_cookie("session", stolen)

    assert aisha.get("/sell").status_code == 303
    assert thief.get("/sell", headers={"Sec-Fetch-Site": "none"}).status_code == 303


def test_whoever_is_suspended_is_out_at_once(aisha: Browser, shop: Shop) -> None:
    shop.do("staff.suspend", staff_id=shop.cashier.id)

    assert aisha.get("/sell").status_code == 303


def test_a_new_pin_needs_the_password_and_works_at_once(aisha: Browser, shop: Shop) -> None:
    refused = aisha.post("/profile/pin", pin="8642", pin_password="wrong")
    taken = aisha.post("/profile/pin", pin="8642", pin_password="correct horse battery")

    assert refused.status_code == 422 and "Is not right." in words(refused)
    assert taken.status_code == 303
    assert aisha.post("/pin", staff_id=shop.cashier.id, pin="8642").status_code == 303


def test_a_new_password_signs_out_everywhere(aisha: Browser, app: Flask) -> None:
    other = Browser(app)
    other.sign_in("Aisha")
    wrong = aisha.post(
        "/profile/password", current_password="correct horse battery", new_password="longer than 8", again="no"
    )
    done = aisha.post(
        "/profile/password",
        current_password="correct horse battery",
        new_password="longer than 8",
        again="longer than 8",
    )

    assert wrong.status_code == 422 and done.status_code == 303
    assert other.get("/sell").status_code == 303
    assert other.post("/login", who="0798000003", password="longer than 8").status_code == 303


def test_trouble_of_the_node_is_in_the_header(aisha: Browser, node: BareNode) -> None:
    node.said = ["The disk is full: new sales are refused until there is room."]

    assert "Not saving" in words(aisha.get("/status/link", htmx=True))
