"""Suppliers, orders and deliveries on the office's screens: from a new name to the bill that is paid."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from shopnode.domain.buying.models import GoodsReceipt, PurchaseOrder, Supplier, SupplierEntry
from shopnode.domain.handsets.models import StockUnit
from tests.domain.till import Till, open_till
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, words

NEW_IMEIS = ("004401551550136", "004401551550144", "004401551550151")


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def simba(till: Till) -> str:
    made: str = till.shop.do("suppliers.create", name="Simba <Telecom>", phone="0772 123 456", terms_days=30)["id"]
    return made


def place(answer: TestResponse) -> str:
    assert answer.status_code == 303, words(answer)
    return answer.headers["Location"]


def ordered(browser: Browser, till: Till, simba: str, pieces: int = 10, **more: str) -> str:
    """An order of chargers that is on its way; answers its address."""
    fields = {"supplier_id": simba, "product_id": till.charger, f"quantity.{till.charger}": str(pieces),
              f"cost.{till.charger}": "20,000", "then": "order", **more}  # fmt: skip
    return place(browser.post("/orders/new", **fields))


def test_a_supplier_is_written_down_changed_and_taken_off_the_list(sarah: Browser, till: Till) -> None:
    assert "No suppliers yet" in words(sarah.get("/suppliers"))
    wrong = sarah.post("/suppliers/new", name="", phone="12", terms_days="400", notes="kept <notes>")
    text = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and text.count('aria-invalid="true"') == 3 and "kept &lt;notes&gt;" in text

    made = place(sarah.post("/suppliers/new", name="Simba Telecom", phone="0772 123 456", terms_days="", lead_days=""))
    assert "0772 123456" in words(sarah.get(made)) and "paid in cash" in words(sarah.get(made))
    assert 'value="0772 123456"' in sarah.get(f"{made}/edit").get_data(as_text=True)
    place(sarah.post(f"{made}/edit", name="Simba Uganda", phone="0772 123 456", terms_days="14", lead_days="3"))
    assert "Simba Uganda" in words(sarah.get("/suppliers?q=772123")) and "14 days" in words(sarah.get("/suppliers"))
    place(sarah.post(f"{made}/archive"))
    assert "Simba" not in words(sarah.get("/suppliers", htmx=True))
    assert "Simba Uganda" in words(sarah.get("/suppliers?state=archived", htmx=True))
    place(sarah.post(f"{made}/archive"))
    assert till.shop.rows(Supplier)[0].archived_at is None


def test_supervisors_look_at_suppliers_and_only_the_owner_pays_them(
    brian: Browser, aisha: Browser, till: Till, simba: str
) -> None:
    shown = words(brian.get(f"/suppliers/{simba}"))
    assert "Simba &lt;Telecom&gt;" in shown and "New order" in shown
    assert "Write into the account" not in shown and "Change" not in shown
    assert brian.post(f"/suppliers/{simba}/account", deed="pay", amount_minor="1", method="cash").status_code == 403
    assert aisha.get("/suppliers").status_code == aisha.get(f"/suppliers/{simba}").status_code == 403


def test_an_order_is_a_draft_until_it_is_ordered(brian: Browser, till: Till, simba: str) -> None:
    fields = {"supplier_id": simba, "product_id": till.charger, f"quantity.{till.charger}": "4", "expected_on": ""}
    at = place(brian.post("/orders/new", **fields))
    assert "Draft" in words(brian.get(at)) and "Order it" in words(brian.get(at))
    place(brian.post(f"{at}/edit", **{**fields, f"quantity.{till.charger}": "6", "expected_on": "2026-09-30"}))
    assert f'name="quantity.{till.charger}" type="text" value="6"' in brian.get(f"{at}/edit").get_data(as_text=True)
    place(brian.post(f"{at}/order"))
    shown = words(brian.get(at))
    assert "KLA1-P000001" in shown and "To come" in shown and "Receive" in shown
    assert "20,000" not in shown  # what things cost is the owner's to see
    late = brian.post(f"{at}/edit", **fields)
    assert late.status_code == 409 and "ordered already" in words(late)


def test_what_is_wrong_with_an_order_stands_at_its_line_and_nothing_typed_is_lost(
    sarah: Browser, till: Till, simba: str
) -> None:
    for quantity, cost, said in (("", "", "Is needed"), ("0", "", "at least 1"), ("2", "many", "Must be an amount")):
        fields = {"supplier_id": simba, "product_id": till.charger, f"quantity.{till.charger}": quantity,
                  f"cost.{till.charger}": cost, "notes": "by boda"}  # fmt: skip
        answer = sarah.post("/orders/new", **fields)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 422 and said in words(answer), words(answer)
        assert "Oraimo charger" in text and "by boda" in text
        assert re.search(rf'name="(quantity|cost)\.{till.charger}"[^>]*aria-invalid', text)
    nobody = sarah.post("/orders/new", product_id=till.charger, **{f"quantity.{till.charger}": "2"})
    assert "Must be chosen" in words(nobody)
    assert "search for the first product" in words(sarah.post("/orders/new", supplier_id=simba))
    assert till.shop.rows(PurchaseOrder) == []


def test_goods_are_found_while_typing_and_put_in_by_a_scan(sarah: Browser, till: Till) -> None:
    till.shop.do("products.update", product_id=till.charger, barcode="6160000010004")
    assert "Oraimo charger" in words(sarah.get("/goods/find?list=order&q=oraimo", htmx=True))
    assert "No product fits" in words(sarah.get("/goods/find?list=order&q=nothing", htmx=True))
    scanned = sarah.get("/goods/line?list=order&q=6160000010004", htmx=True)
    assert f'data-line="{till.charger}"' in scanned.get_data(as_text=True) and "HX-Retarget" not in scanned.headers
    unclear = sarah.get("/goods/line?list=order&q=te", htmx=True)
    assert unclear.headers["HX-Retarget"] == "#goods-hits"
    phone = sarah.get(f"/goods/line?list=delivery&product_id={till.phone}", htmx=True).get_data(as_text=True)
    assert f'name="phones.{till.phone}"' in phone


def test_orders_are_searched_filtered_and_taken_out_as_files(sarah: Browser, till: Till, simba: str) -> None:
    ordered(sarah, till, simba)
    for asked in ("q=p000001", "q=simba", "state=ordered", f"supplier_id={simba}"):
        assert "KLA1-P000001" in words(sarah.get(f"/orders?{asked}", htmx=True)), asked
    for asked in ("q=nobody", "state=closed"):
        assert "No order fits" in words(sarah.get(f"/orders?{asked}", htmx=True))
    file = sarah.get("/orders?format=csv").get_data(as_text=True)
    assert "KLA1-P000001" in file and "Oraimo charger" in file and ",20000" in file
    assert sarah.get("/orders?format=xlsx").data[:2] == b"PK"


def test_an_order_is_received_in_parts_with_its_damage_and_its_landed_cost(
    sarah: Browser, till: Till, simba: str
) -> None:
    at = ordered(sarah, till, simba)
    order_id = at.rpartition("/")[2]
    form = sarah.get(f"/deliveries/new?order_id={order_id}")
    assert "10 ordered, 10 to come" in words(form)
    came = {"product_id": till.charger, f"quantity.{till.charger}": "6", f"damaged.{till.charger}": "1",
            "extra_cost_minor": "6,000", "delivery_note": "DN 77", "action_id": action_id(form)}  # fmt: skip
    shown = words(sarah.get(place(sarah.post(f"/deliveries/new?order_id={order_id}", **came))))
    assert "KLA1-G000001" in shown and "DN 77" in shown and "21,000" in shown and "Simba" in shown
    place(sarah.post(f"/deliveries/new?order_id={order_id}", **came))  # pressed twice
    assert len(till.shop.rows(GoodsReceipt)) == 1
    order = words(sarah.get(at))
    assert "Partly here" in order and "KLA1-G000001" in order and "6 came" in order
    rest = words(sarah.get(f"/deliveries/new?order_id={order_id}"))
    assert "6 came before, 4 to come" in rest
    place(sarah.post(f"/deliveries/new?order_id={order_id}",
                     product_id=till.charger, **{f"quantity.{till.charger}": "4"}))  # fmt: skip
    assert "Closed" in words(sarah.get(at))
    listed = words(sarah.get("/deliveries?q=dn+77", htmx=True))
    assert "KLA1-G000001" in listed and "KLA1-G000002" not in listed


def test_more_than_was_ordered_needs_a_second_person_on_the_same_screen(brian: Browser, till: Till, simba: str) -> None:
    order_id = ordered(brian, till, simba).rpartition("/")[2]
    came = {"product_id": till.charger, f"quantity.{till.charger}": "12", "notes": "two more as a gift"}
    asked = brian.post(f"/deliveries/new?order_id={order_id}", **came)
    text = asked.get_data(as_text=True)
    assert asked.status_code == 403 and "12 of “Oraimo charger” come on an order of 10" in words(asked)
    assert "Sarah, Owner" in words(asked) and "two more as a gift" in text
    sarah_id = till.shop.people["Sarah"].id
    wrong = brian.post(f"/deliveries/new?order_id={order_id}", approver_id=sarah_id, approver_pin="9753", **came)
    assert wrong.status_code >= 400 and "Sarah, Owner" in words(wrong) and "9753" not in wrong.get_data(as_text=True)
    place(brian.post(f"/deliveries/new?order_id={order_id}", approver_id=sarah_id, approver_pin=PINS["Sarah"], **came))


def test_phones_of_a_delivery_come_in_by_their_numbers(sarah: Browser, till: Till, simba: str) -> None:
    wrong = sarah.post(
        "/deliveries/new", supplier_id=simba, product_id=till.phone,
        **{f"phones.{till.phone}": f"{NEW_IMEIS[0]}\n123456789012345\n{NEW_IMEIS[0]}", f"cost.{till.phone}": "500000"},
    )  # fmt: skip
    said = words(wrong)
    assert wrong.status_code == 422 and "Line 2: “123456789012345”" in said and "stands on line 1 already" in said
    assert NEW_IMEIS[0] in wrong.get_data(as_text=True)
    before = len(till.shop.rows(StockUnit))
    place(sarah.post(
        "/deliveries/new", supplier_id=simba, product_id=till.phone,
        **{f"phones.{till.phone}": f"{NEW_IMEIS[0]} {NEW_IMEIS[1]}\n{NEW_IMEIS[2]}\n", f"cost.{till.phone}": "500000"},
    ))  # fmt: skip
    assert len(till.shop.rows(StockUnit)) == before + 2
    assert [entry.amount_minor for entry in till.shop.rows(SupplierEntry)] == [1_000_000]
    known = sarah.post("/deliveries/new", product_id=till.phone, **{f"phones.{till.phone}": NEW_IMEIS[0]})
    assert known.status_code == 409 and NEW_IMEIS[0] in words(known)
    assert "Write down what came" in words(sarah.post("/deliveries/new", product_id=till.phone))


def test_an_order_is_cancelled_while_nothing_came_and_closed_afterwards(brian: Browser, till: Till, simba: str) -> None:
    first, second = ordered(brian, till, simba), ordered(brian, till, simba)
    silent = brian.post(f"{first}/cancel", reason="")
    assert silent.status_code == 422 and "at least 3 characters" in words(silent)
    place(brian.post(f"{first}/cancel", reason="found it cheaper"))
    assert "Cancelled" in words(brian.get(first)) and "found it cheaper" in words(brian.get(first))
    order_id = second.rpartition("/")[2]
    place(brian.post(f"/deliveries/new?order_id={order_id}",
                     product_id=till.charger, **{f"quantity.{till.charger}": "3"}))  # fmt: skip
    assert "Nothing more will come" in words(brian.get(second))
    place(brian.post(f"{second}/close", reason="they have no more"))
    assert "Closed" in words(brian.get(second))
    gone = brian.get(f"/deliveries/new?order_id={order_id}")
    assert gone.status_code == 303


def test_what_is_owed_is_paid_credited_and_corrected(sarah: Browser, till: Till, simba: str) -> None:
    place(sarah.post("/deliveries/new", supplier_id=simba, product_id=till.charger,
                     **{f"quantity.{till.charger}": "5", f"cost.{till.charger}": "20000"}))  # fmt: skip
    at = f"/suppliers/{simba}"
    assert "We owe them UGX 100,000" in words(sarah.get(at)) and "Not due yet" in words(sarah.get(at))
    needs = sarah.post(f"{at}/account", deed="pay", amount_minor="10,000", method="mtn_momo", reference="")
    assert needs.status_code == 422 and "needs the transaction id" in words(needs)
    nothing = sarah.post(f"{at}/account", deed="pay", amount_minor="", method="cash")
    assert nothing.status_code == 422 and "Is needed" in words(nothing)
    silent = sarah.post(f"{at}/account", deed="credit", amount_minor="5,000")
    assert silent.status_code == 422 and "at least 3 characters" in words(silent)
    for deed, amount, note in (("pay", "10,000", ""), ("credit", "5,000", "one broke"), ("less", "1,000", "rounded"),
                               ("more", "500", "forgot one")):  # fmt: skip
        place(sarah.post(f"{at}/account", deed=deed, amount_minor=amount, method="cash", note=note))
    shown = words(sarah.get(at))
    assert "84,500" in shown and "one broke" in shown and "Credit note" in shown
    assert "84,500" in words(sarah.get("/suppliers?state=owed"))
    assert "84500" in sarah.get("/suppliers?format=csv").get_data(as_text=True)


def test_a_supervisor_sees_suppliers_without_what_is_owed_to_them(sarah: Browser, brian: Browser, simba: str) -> None:
    assert "We owe" in words(sarah.get("/suppliers")) and "We owe them" in words(sarah.get(f"/suppliers/{simba}"))
    for path in ("/suppliers", f"/suppliers/{simba}", "/suppliers?state=owed"):
        seen = words(brian.get(path))
        assert "Simba" in seen and "We owe" not in seen and "whom we owe" not in seen
