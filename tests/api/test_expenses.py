"""Expenses over the API: the calls of the first plan, deciding, paying, budgets and what comes again."""

from __future__ import annotations

from typing import Any

from tests.api.client import Client
from tests.api.goods import NOBODY
from tests.domain.test_expenses import WATER, photo
from tests.shop import Shop

RENT = {"category": "Rent", "description": "Kampala Road", "amount": 900_000, "day_of_month": 25}


def asked(client: Client, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.post("/expenses", {**WATER, **more})
    return made


def test_an_expense_goes_from_the_request_to_its_slip(staff: Client, owner: Client, shop: Shop) -> None:
    staff.post("/drawer-sessions", {"opening_float": 50_000})
    made = asked(staff, receipt=photo())
    assert (made["expense_number"], made["status"], made["expense_date"]) == ("KLA1-E000001", "Pending", "2026-09-21")
    assert (made["payment_method"], made["approved_by"], made["warnings"]) == ("cash", None, [])

    yes = owner.post(f"/expenses/{made['id']}/approve", status=200)
    assert (yes["status"], yes["approved_by"], yes["approved_at"][:10]) == ("Approved", shop.owner.id, "2026-09-21")
    paid = staff.post(f"/expenses/{made['id']}/pay", {}, 200)
    assert (paid["status"], paid["slip"]) == ("Paid", "KLA1-M000001")
    assert owner.get(f"/expenses/{made['id']}").items() <= paid.items()

    answer = staff.call("GET", made["receipt_url"].removeprefix("/api"))
    assert (answer.status_code, answer.content_type) == (200, "image/webp")
    assert answer.data[:4] == b"RIFF"


def test_the_same_request_twice_is_one_expense(staff: Client) -> None:
    first = staff.call("POST", "/expenses", WATER, key="tablet-1")
    again = staff.call("POST", "/expenses", WATER, key="tablet-1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.get_json() == again.get_json()
    assert len(staff.get("/expenses")["items"]) == 1
    assert staff.call("POST", "/expenses", {**WATER, "amount": 13_000}, key="tablet-1").status_code == 409


def test_an_owner_changes_rejects_and_removes(staff: Client, owner: Client) -> None:
    made = asked(staff)
    changed = owner.put(f"/expenses/{made['id']}", {"amount": 10_000, "expense_date": "2026-09-20"})
    assert (changed["amount"], changed["expense_date"], changed["description"]) == (
        10_000, "2026-09-20", WATER["description"],
    )  # fmt: skip
    assert owner.put(f"/expenses/{made['id']}", {"amount": 10_001}, 422)["fields"].keys() == {"amount"}
    no = owner.post(f"/expenses/{made['id']}/reject", {"reason": "bring a bottle"}, 200)
    assert (no["status"], no["reason"], no["approved_by"]) == ("Rejected", "bring a bottle", None)
    assert no["rejected_by"] is not None
    gone = owner.delete(f"/expenses/{made['id']}")
    assert (gone["status"], gone["withdrawn_at"] is None) == ("Withdrawn", False)
    assert owner.put(f"/expenses/{made['id']}", {"amount": 1}, 409)["code"] == "expense-not-open"


def test_staff_see_and_withdraw_their_own_alone(staff: Client, supervisor: Client) -> None:
    mine, theirs = asked(staff), asked(supervisor)
    assert [item["id"] for item in staff.get("/expenses")["items"]] == [mine["id"]]
    assert staff.get(f"/expenses/{theirs['id']}", 404)["code"] == "not-found"
    assert staff.post(f"/expenses/{theirs['id']}/withdraw", status=404)["code"] == "not-found"
    assert staff.post(f"/expenses/{mine['id']}/approve", status=403)["code"] == "not-permitted"
    assert staff.post(f"/expenses/{mine['id']}/withdraw", status=200)["status"] == "Withdrawn"
    assert len(supervisor.get("/expenses")["items"]) == 2
    assert staff.get(f"/expenses/{NOBODY}", 404)["code"] == "not-found"


def test_the_list_is_filtered_paged_and_a_file(owner: Client, staff: Client, shop: Shop) -> None:
    for amount in (1_000, 2_000, 3_000):
        shop.clock.advance(1_000)
        asked(staff, amount=amount)
    shop.clock.advance(1_000)
    asked(owner, amount=4_000)
    first = owner.get("/expenses?limit=3")
    rest = owner.get(f"/expenses?limit=3&cursor={first['next_cursor']}")
    assert [item["amount"] for item in first["items"] + rest["items"]] == [4_000, 3_000, 2_000, 1_000]
    assert [item["amount"] for item in owner.get("/expenses?status=Approved")["items"]] == [4_000]
    assert owner.get("/expenses?date_to=2026-09-20")["items"] == []
    assert owner.get("/expenses?date_from=2026-09-22&date_to=2026-09-21", 422)["fields"].keys() == {"date_from"}
    file = owner.call("GET", "/expenses?format=csv")
    assert file.data.decode("utf-8-sig").count("KLA1-E") == 4


def test_budgets_are_set_and_a_month_is_summed_beside_them(owner: Client, staff: Client) -> None:
    made = owner.put("/expenses/budgets", {"category": "Meals", "month_amount": 20_000})
    assert owner.get("/expenses/budgets")["items"] == [made]
    assert asked(staff, amount=17_000)["warnings"] == [
        "Meals: 3,000 are left of the budget of 20,000 for September 2026."
    ]
    assert owner.get("/expenses/summary")["items"] == [
        {"category": "Meals", "pending": 17_000, "approved": 0, "paid": 0, "budget": 20_000, "left": 3_000}
    ]
    assert owner.get("/expenses/summary?date=2026-10-01")["items"] == [
        {"category": "Meals", "pending": 0, "approved": 0, "paid": 0, "budget": 20_000, "left": 20_000}
    ]
    owner.put("/expenses/budgets", {"category": "Meals", "month_amount": None})
    assert owner.get("/expenses/budgets")["items"] == []


def test_what_comes_again_is_agreed_changed_and_ended(owner: Client, supervisor: Client) -> None:
    made = owner.post("/expenses/recurring", RENT)
    assert (made["starts_on"], made["payment_method"], made["ended_at"]) == ("2026-09-21", "cash", None)
    changed = owner.put(f"/expenses/recurring/{made['id']}", {"amount": 950_000})
    assert changed == {**made, "amount": 950_000}
    assert supervisor.get("/expenses/recurring")["items"] == [changed]
    assert owner.delete(f"/expenses/recurring/{made['id']}")["ended_at"] is not None
    assert supervisor.get("/expenses/recurring")["items"] == []
    assert owner.delete(f"/expenses/recurring/{NOBODY}", status=404)["code"] == "not-found"
