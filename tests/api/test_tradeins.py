"""Phones bought from people over the API: who may, what is answered, and that the seller is shown to few."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from shopnode.domain.permissions import Role
from shopnode.domain.usedphones.models import SellerIdentity, UsedPurchase
from tests.api.client import Client
from tests.api.goods import IMEI, NOBODY, PHONE, open_for_business
from tests.domain.seller import ID_NUMBER, NAME, seller
from tests.shop import PINS, Shop

OLD = "004401251000390"


@pytest.fixture
def phone(owner: Client) -> dict[str, Any]:
    """A model that is valued at 300,000 in grade B, with one new piece in stock, and the drawer open."""
    open_for_business(owner)
    made: dict[str, Any] = owner.post("/products", PHONE)
    owner.post("/devices", {"product_id": made["id"], "imei1": IMEI})
    owner.post("/valuations", {"product_id": made["id"], "grade": "b", "offer": 300_000})
    return made


def brought(phone: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "product_id": phone["id"], "imei1": OLD, "grade": "B", "color": "Black", "offer": 250_000,
        "locks_removed": True, "was_reset": True, "network_lock": "MTN", "states_ownership": True,
        "seller": seller(), **other,
    }  # fmt: skip


def test_a_phone_is_bought(staff: Client, phone: dict[str, Any], shop: Shop) -> None:
    bought = staff.post("/trade-ins", brought(phone))

    assert (bought["number"], bought["offer"], bought["valued_at"]) == ("KLA1-U000001", 250_000, 300_000)
    assert (bought["paid_out"], bought["slip"], bought["traded_in"]) == (250_000, "KLA1-M000001", 0)
    assert (bought["color"], bought["network_lock"], bought["imei_serial"]) == ("Black", "MTN", OLD)
    assert (bought["status"], bought["created_by"]) == ("in_stock", shop.cashier.id)
    assert bought["held_until"] > bought["created_at"]
    read = staff.get(f"/trade-ins/{bought['id']}")
    assert read.items() <= bought.items()
    assert staff.get("/trade-ins")["items"] == [read]
    assert NAME not in str(bought) and ID_NUMBER not in str(read)


def test_a_phone_is_traded_in_for_a_sale(staff: Client, phone: dict[str, Any], shop: Shop) -> None:
    sale = {
        "items": [{"product_id": phone["id"], "imeis": [IMEI]}],
        "payments": [{"method": "cash", "amount": 400_000}],
    }
    bought = staff.post("/trade-ins", brought(phone, sale=sale))

    assert (bought["traded_in"], bought["change"], bought["paid_out"], bought["slip"]) == (250_000, 10_000, 0, None)
    sold = staff.get(f"/sales/{bought['sale_id']}")
    assert (sold["sale_number"], sold["final_amount"]) == (bought["sale_number"], 640_000)
    assert {row["method"]: row["amount"] for row in sold["payments"]} == {"trade_in": 250_000, "cash": 390_000}
    assert [row["id"] for row in staff.get("/trade-ins?traded_in=true")["items"]] == [bought["id"]]
    assert staff.get("/trade-ins?traded_in=false")["items"] == []


def test_a_trade_in_sent_twice_is_done_once(staff: Client, phone: dict[str, Any], shop: Shop) -> None:
    first = staff.post("/trade-ins", brought(phone), key="press")
    again = staff.call("POST", "/trade-ins", brought(phone), key="press")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.get_json() == first
    assert len(shop.rows(UsedPurchase)) == 1


def test_above_the_table_a_second_person_approves(staff: Client, phone: dict[str, Any], shop: Shop) -> None:
    form = brought(phone, offer=350_000)
    assert staff.post("/trade-ins", form, 403)["code"] == "approval-needed"
    brian = {"X-Approver-Id": shop.supervisor.id or "", "X-Approver-Pin": PINS["Brian"]}
    assert staff.post("/trade-ins", form, headers=brian)["offer"] == 350_000


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"locks_removed": False}, "locks_removed"), ({"network_lock": None}, "network_lock"),
        ({"seller": {}}, "seller.name"), ({"imei1": "123"}, "imei1"), ({"grade": "Z"}, "grade"),
        ({"offer": -1}, "offer"), ({"payout": {"method": "mtn"}}, "reference"), ({"color": 5}, "color"),
        ({"sale": {"items": []}}, "sale.items"), ({"customer_id": "5"}, "customer_id"),
    ],
)  # fmt: skip
def test_a_wrong_form_names_its_field(
    staff: Client, phone: dict[str, Any], shop: Shop, change: dict[str, Any], field: str
) -> None:
    assert field in staff.post("/trade-ins", brought(phone, **change), 422)["fields"]
    assert shop.rows(UsedPurchase) == []


def test_a_purchase_is_taken_back(owner: Client, staff: Client, phone: dict[str, Any]) -> None:
    bought = staff.post("/trade-ins", brought(phone))
    owner.post(f"/devices/{bought['device_id']}/costs", {"kind": "labour", "amount": 20_000}, 204)
    assert owner.get(f"/trade-ins/{bought['id']}")["refurbished"] == 20_000

    back, why = f"/trade-ins/{bought['id']}/reverse", {"reason": "wants it back"}
    assert staff.post(back, why, 403)["code"] == "approval-needed"
    done = owner.post(back, why, 200)
    assert (done["reversed_because"], done["lost"], done["status"]) == ("wants it back", 20_000, "scrapped")
    assert owner.post(back, why, 409)["code"] == "purchase-reversed"


def test_rule_13_the_seller_is_shown_to_the_owner_and_the_look_is_logged(
    owner: Client, supervisor: Client, staff: Client, phone: dict[str, Any], shop: Shop
) -> None:
    bought = staff.post("/trade-ins", brought(phone))
    where = f"/trade-ins/{bought['id']}/identity"
    for other in (supervisor, staff):
        assert other.get(where, 403)["code"] == "not-permitted"
    before = len(shop.entries())

    seen = owner.get(where)

    assert (seen["name"], seen["id_number"]) == (NAME, ID_NUMBER)
    assert base64.b64decode(seen["photos"][0])[8:12] == b"WEBP"
    (entry,) = shop.entries()[before:]
    assert (entry.action, entry.actor_id) == ("usedphones.look_at_identity", shop.owner.id)
    assert NAME not in (entry.body + str(entry.result) + str(entry.personal))
    owner.get(where)
    assert len(shop.entries()) == before + 2  # every look, also the second
    staff.delete(where, status=403)
    owner.delete(where, status=204)
    assert owner.get(where, 404)["code"] == "not-found"
    assert shop.rows(SellerIdentity)[0].sealed is None
    assert owner.get(f"/trade-ins/{bought['id']}")["identity_kept_until"] is None


def test_the_table_is_read_by_all_and_written_by_the_owner(owner: Client, staff: Client, phone: dict[str, Any]) -> None:
    line = owner.post("/valuations", {"product_id": phone["id"], "grade": "A", "storage": "256 gb", "offer": 400_000})
    assert (line["storage"], line["model"], line["is_active"]) == ("256GB", PHONE["name"], True)
    staff.post("/valuations", {"product_id": phone["id"], "grade": "A", "offer": 1}, 403)
    assert [row["grade"] for row in staff.get("/valuations")["items"]] == ["B", "A"]
    value = f"/valuations/value?product_id={phone['id']}&grade=A"
    assert staff.get(value) == {"offer": None}
    assert staff.get(value + "&storage=256") == {"offer": 400_000}
    assert "grade" in staff.get(f"/valuations/value?product_id={phone['id']}&grade=ZZ", 422)["fields"]
    staff.get(f"/valuations/value?product_id={NOBODY}&grade=A", 404)
    assert owner.delete(f"/valuations/{line['id']}")["is_active"] is False
    assert [row["id"] for row in owner.get("/valuations?archived=true")["items"]] == [line["id"]]


def test_the_table_is_read_from_a_file(owner: Client, staff: Client, phone: dict[str, Any]) -> None:
    form = {"csv": f"Model,Grade,Offer\n{PHONE['name']},B,310000\n{PHONE['name']},A,350000\nNokia,A,1\n"}
    staff.post("/valuations/import", form, 403)
    counts = ("new", "changed", "unchanged", "wrong", "skipped")

    def read(**more: Any) -> list[int]:
        done = owner.post("/valuations/import", {**form, **more}, 200)
        return [done[name] for name in counts]

    assert read(all_or_nothing=True) == [0, 0, 0, 1, 2]
    assert len(owner.get("/valuations")["items"]) == 1
    assert read(dry_run=True) == [1, 1, 0, 1, 0]
    assert read() == [1, 1, 0, 1, 0]
    assert read() == [0, 0, 2, 1, 0]
    assert [row["offer"] for row in owner.get("/valuations")["items"]] == [350_000, 310_000]


def test_a_number_is_blocked_and_lifted(
    owner: Client, supervisor: Client, staff: Client, phone: dict[str, Any], shop: Shop
) -> None:
    staff.post("/blocked-numbers", {"number": OLD, "reason": "reported stolen"}, 403)
    block = supervisor.post("/blocked-numbers", {"number": OLD, "reason": "reported stolen"})
    assert (block["number"], block["created_by"], block["lifted_at"]) == (OLD, "Brian", None)
    assert staff.post("/trade-ins", brought(phone), 409)["code"] == "phone-blocked"
    assert staff.get(f"/blocked-numbers?number={OLD}")["items"] == [block]

    lift = f"/blocked-numbers/{block['id']}/lift"
    assert supervisor.post(lift, status=403)["code"] == "approval-needed"
    sarah = {"X-Approver-Id": shop.actor(Role.OWNER).id or "", "X-Approver-Pin": PINS["Sarah"]}
    assert supervisor.post(lift, status=200, headers=sarah)["lifted_by"] == "Brian"
    assert staff.get("/blocked-numbers")["items"] == []
    assert owner.post(lift, status=404)["code"] == "not-found"
    staff.post("/trade-ins", brought(phone))


def test_what_nobody_signed_in_for_is_not_shown(anybody: Client) -> None:
    for path in ("/trade-ins", "/valuations", "/blocked-numbers", f"/trade-ins/{NOBODY}/identity"):
        assert anybody.get(path, 401)["code"] == "not-signed-in"
