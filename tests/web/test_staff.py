"""The staff's screens: adding, changing, choosing what somebody may, letting in and out."""

from __future__ import annotations

import pytest

from shopnode.domain.people.access_models import StaffChoice
from shopnode.domain.people.models import Staff
from tests.shop import Shop
from tests.web.conftest import Browser, words


def where(answer) -> str:  # type: ignore[no-untyped-def]
    return str(answer.headers["Location"])


def test_a_person_is_added_and_what_was_typed_survives_a_mistake(sarah: Browser, shop: Shop) -> None:
    wrong = sarah.post("/staff", name="Odoi", role="Staff", phone="12")
    text = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    assert "Is not a complete telephone number." in text and 'value="Odoi"' in text
    made = sarah.post("/staff", name="Odoi", role="Staff", phone="0798 111 222", password="a good password")
    assert made.status_code == 303
    page = words(sarah.get(where(made)))
    assert "Added to the staff" in page and "Odoi" in page
    assert "Odoi" in words(sarah.get("/staff"))


def test_suspending_shows_and_letting_in_again(sarah: Browser, aisha: Browser, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}"
    sarah.post(f"{place}/step", step="suspend")
    assert "Suspended" in words(sarah.get("/staff"))
    assert aisha.get("/sell").status_code == 302 or "/login" in where(aisha.get("/sell"))
    sarah.post(f"{place}/step", step="activate")
    assert "Suspend" in words(sarah.get(place))


def test_what_somebody_may_is_chosen_and_shown(sarah: Browser, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}"
    done = sarah.post(f"{place}/choices", **{"may:sales:update": "yes", "refund_limit_minor": "250,000"})
    assert done.status_code == 303
    assert {(row.key, row.value) for row in shop.rows(StaffChoice)} == {
        ("sales:update", "yes"), ("refund_limit_minor", "250000")
    }  # fmt: skip
    assert "2 chosen" in words(sarah.get(place))
    wrong = sarah.post(f"{place}/choices", discount_limit_bp="lots")
    assert wrong.status_code == 422 and "Must be a whole number." in words(wrong)


def test_details_password_and_leaving(sarah: Browser, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}"
    sarah.post(place, name="Aisha N", role="Supervisor", phone="0798 000 003", email="")
    assert shop.row(Staff, shop.cashier.id or "").role == "Supervisor"
    assert "Is needed, at least 8 characters." in words(sarah.post(f"{place}/password", new_password="short"))
    assert sarah.post(f"{place}/password", new_password="a fresh start").status_code == 303
    sarah.post(f"{place}/archive")
    assert "Aisha" not in words(sarah.get("/staff"))
    assert "Aisha N" in words(sarah.get("/staff?state=archived"))


def test_a_supervisor_looks_and_changes_nothing(brian: Browser, aisha: Browser, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}"
    page = words(brian.get(place))
    assert "Only an owner changes the staff." in page and "Suspend" not in page
    assert aisha.get("/staff").status_code == 403
    for path in (place, f"{place}/step", f"{place}/archive", f"{place}/password", f"{place}/choices", "/staff"):
        assert brian.post(path, name="Me", step="suspend").status_code == 403


@pytest.mark.parametrize("step", ["", "delete"])
def test_an_unknown_step_is_refused(sarah: Browser, shop: Shop, step: str) -> None:
    assert sarah.post(f"/staff/{shop.cashier.id}/step", step=step).status_code == 422
