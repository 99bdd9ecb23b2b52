"""The staff over the API: who may look, who may change whom, and what each may."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from shopnode.domain.permissions import Role
from tests.api.client import Client
from tests.shop import PASSWORD, PHONES, PINS, Shop

ODOI = {"name": "Odoi", "role": "Staff", "phone": "0798 111 222", "password": "a good password"}


def test_a_person_is_added_read_changed_and_archived(owner: Client, anybody: Client, shop: Shop) -> None:
    made = owner.post("/staff", ODOI)
    assert (made["name"], made["role"], made["phone"], made["state"]) == ("Odoi", "Staff", "+256798111222", "active")
    assert made["shop_ids"] == [shop.home.shop_id]
    assert "sales:create" in made["permissions"]
    signed_in = anybody.post("/auth/login", {"phone": ODOI["phone"], "password": ODOI["password"]}, 200)
    assert signed_in["user"]["name"] == "Odoi"

    place = f"/staff/{made['id']}"
    assert owner.put(place, {"name": "Odoi Peter", "email": "odoi@example.com"})["email"] == "odoi@example.com"
    assert owner.put(place, {})["name"] == "Odoi Peter"
    assert owner.delete(place)["state"] == "archived"
    assert owner.get(place)["archived_at"] is not None
    anybody.post("/auth/login", {"phone": ODOI["phone"], "password": ODOI["password"]}, 401)
    assert owner.post(f"{place}/activate", status=200)["state"] == "active"


def test_the_list_is_by_name_in_pages_and_by_state(owner: Client, shop: Shop) -> None:
    for name in ("Zawedde", "adong"):
        owner.post("/staff", {"name": name, "role": "Staff", "email": f"{name}@example.com"})
    owner.post(f"/staff/{shop.cashier.id}/suspend", status=200)
    first = owner.get("/staff?limit=3")
    assert [row["name"] for row in first["items"]] == ["adong", "Aisha", "Brian"]
    rest = owner.get(f"/staff?limit=3&cursor={first['next_cursor']}")
    assert [row["name"] for row in rest["items"]] == ["Sarah", "Zawedde"]
    assert rest["next_cursor"] is None
    assert [row["name"] for row in owner.get("/staff?state=suspended")["items"]] == ["Aisha"]
    assert [row["name"] for row in owner.get("/staff?q=ADO&role=Staff")["items"]] == ["adong"]
    assert owner.get("/staff?state=archived")["items"] == []


def test_a_supervisor_reads_and_changes_nobody(supervisor: Client, staff: Client, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}"
    assert supervisor.get(place)["name"] == "Aisha"
    staff.get(place, 403)
    for call in (
        lambda who: who.put(place, {"name": "Someone"}, 403),
        lambda who: who.delete(place, status=403),
        lambda who: who.post(f"{place}/suspend", status=403),
        lambda who: who.put(f"{place}/choices", {"permissions": {"sales:update": True}}, 403),
        lambda who: who.put(f"{place}/shops", {"shop_ids": []}, 403),
        lambda who: who.post(f"{place}/password", {"new_password": "taken over"}, 403),
        lambda who: who.get(f"{place}/activity", 403),
        lambda who: who.get(f"{place}/sessions", 403),
    ):
        for who in (supervisor, staff):
            call(who)


def test_rule_88_suspending_ends_the_very_next_call(app: Flask, owner: Client, anybody: Client, shop: Shop) -> None:
    tokens = anybody.post("/auth/login", {"phone": PHONES["Aisha"], "password": PASSWORD}, 200)
    aisha = Client(app, token=tokens["access_token"])
    aisha.get("/auth/me")
    owner.post(f"/staff/{shop.cashier.id}/suspend", status=200)
    aisha.get("/auth/me", 401)
    anybody.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}, 401)


def test_rule_90_a_cashier_shuts_a_colleague_out_with_the_owners_pin(staff: Client, owner: Client, shop: Shop) -> None:
    place = f"/staff/{shop.supervisor.id}/shut-out"
    assert staff.post(place, status=403)["code"] == "approval-needed"
    by = {"X-Approver-Id": str(shop.owner.id), "X-Approver-Pin": PINS["Sarah"]}
    staff.post(place, status=204, headers=by)
    assert owner.get(f"/staff/{shop.supervisor.id}")["state"] == "suspended"


def test_what_was_chosen_is_shown_and_holds(app: Flask, owner: Client, anybody: Client, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}"
    form = {"permissions": {"reports:export": True, "sales:create": False}, "limits": {"refund_limit_minor": 5}}
    chosen = owner.put(f"{place}/choices", form)
    assert chosen["choices"] == {
        "permissions": {"reports:export": True, "sales:create": False}, "limits": {"refund_limit_minor": 5}
    }  # fmt: skip
    assert "reports:export" in chosen["permissions"] and "sales:create" not in chosen["permissions"]
    tokens = anybody.post("/auth/login", {"phone": PHONES["Aisha"], "password": PASSWORD}, 200)
    assert "sales:create" not in Client(app, token=tokens["access_token"]).get("/auth/me")["permissions"]

    wrong = owner.put(f"{place}/choices", {"permissions": {"staff:update": True}}, 422)
    assert set(wrong["fields"]) == {"permissions.staff:update"}


def test_a_forgotten_password_is_reset_by_the_owner_and_not_by_oneself(
    owner: Client, anybody: Client, shop: Shop
) -> None:
    owner.post(f"/staff/{shop.cashier.id}/password", {"new_password": "a fresh start"}, 200)
    anybody.post("/auth/login", {"phone": PHONES["Aisha"], "password": "a fresh start"}, 200)
    owner.post(f"/staff/{shop.owner.id}/password", {"new_password": "a fresh start"}, 422)


def test_where_one_works_is_said_and_ends(owner: Client, anybody: Client, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}/shops"
    assert owner.put(place, {"shop_ids": []})["shop_ids"] == []
    anybody.post("/auth/login", {"phone": PHONES["Aisha"], "password": PASSWORD}, 401)
    assert owner.put(place, {"shop_ids": [shop.home.shop_id]})["shop_ids"] == [shop.home.shop_id]
    anybody.post("/auth/login", {"phone": PHONES["Aisha"], "password": PASSWORD}, 200)


def test_what_somebody_did_is_listed_the_latest_first(owner: Client, staff: Client, shop: Shop) -> None:
    staff.post("/customers", {"name": "Okello", "phone": "0772 555 111"})
    shop.clock.advance(1_000)
    staff.post("/customers", {"name": "Achen", "phone": "0772 555 112"})
    first = owner.get(f"/staff/{shop.cashier.id}/activity?limit=1")
    rest = owner.get(f"/staff/{shop.cashier.id}/activity?limit=1&cursor={first['next_cursor']}")
    rows = first["items"] + rest["items"]
    assert [row["action"] for row in rows] == ["customers.create"] * 2
    assert rows[0]["at"] > rows[1]["at"] and rows[0]["words"].startswith("Add a customer.")
    assert "Achen" not in str(rows)


def test_sessions_are_listed_and_ended_from_elsewhere(
    app: Flask, anybody: Client, owner: Client, staff: Client, shop: Shop
) -> None:
    aisha = signed_in(app, anybody)
    other = signed_in(app, anybody)
    rows = aisha.get("/auth/sessions")["items"]
    assert len(rows) == 2 and {row["kind"] for row in rows} == {"api"}
    aisha.delete(f"/auth/sessions/{rows[0]['id']}", status=204)
    aisha_or_other = [who.call("GET", "/auth/me").status_code for who in (aisha, other)]
    assert sorted(aisha_or_other) == [200, 401]

    owner.delete(f"/auth/sessions/{rows[1]['id']}", status=404)  # somebody else's
    assert len(owner.get(f"/staff/{shop.cashier.id}/sessions")["items"]) == 1
    owner.delete(f"/staff/{shop.cashier.id}/sessions", status=204)
    assert [who.call("GET", "/auth/me").status_code for who in (aisha, other)] == [401, 401]


def test_ones_own_password_needs_the_one_that_is_right_now(app: Flask, anybody: Client, shop: Shop) -> None:
    aisha = signed_in(app, anybody)
    form = {"current_password": "not this", "new_password": "another one"}
    assert set(aisha.put("/auth/password", form, 422)["fields"]) == {"current_password"}
    aisha.put("/auth/password", form | {"current_password": PASSWORD}, 204)
    aisha.get("/auth/me", 401)
    anybody.post("/auth/login", {"phone": PHONES["Aisha"], "password": "another one"}, 200)


@pytest.mark.parametrize("field", ["archived_at", "suspended_at", "password_hash", "choices", "id", "tenant_id"])
def test_no_field_but_its_own_is_taken(owner: Client, shop: Shop, field: str) -> None:
    owner.put(f"/staff/{shop.cashier.id}", {"name": "Aisha", field: None}, 422)


def signed_in(app: Flask, anybody: Client, role: Role = Role.STAFF) -> Client:
    name = {Role.STAFF: "Aisha", Role.SUPERVISOR: "Brian", Role.OWNER: "Sarah"}[role]
    tokens: dict[str, Any] = anybody.post("/auth/login", {"phone": PHONES[name], "password": PASSWORD}, 200)
    return Client(app, token=tokens["access_token"])
