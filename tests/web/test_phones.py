"""The office's phones: found by any number, each with its life, and moved from state to state with a reason."""

from __future__ import annotations

import pytest

from shopnode.domain.handsets.models import StockUnit
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop
from tests.web.conftest import Browser, action_id, words


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def test_every_phone_is_listed_and_found_by_any_number(aisha: Browser, till: Till) -> None:
    listed = words(aisha.get("/phones"))
    assert all(imei in listed for imei in IMEIS) and "Tecno Spark 40" in listed and "640,000" in listed
    for asked in (IMEIS[0], "0130", "00440123-1000130"):
        found = words(aisha.get(f"/phones?q={asked}", htmx=True))
        assert IMEIS[0] in found and IMEIS[1] not in found
    assert "No phone fits" in words(aisha.get("/phones?q=9999"))
    assert "No phone fits" in words(aisha.get("/phones?status=lent"))
    assert IMEIS[0] in words(aisha.get("/phones?status=nonsense&sort=nonsense"))


def test_what_a_phone_cost_is_the_owners_to_see(aisha: Browser, sarah: Browser, till: Till) -> None:
    for path in ("/phones", f"/phones/{till.units[0]}"):
        assert "560,000" not in words(aisha.get(path))
        assert "560,000" in words(sarah.get(path))


def test_rule_11_a_sold_phone_shows_its_sale_customer_warranty_and_seller(aisha: Browser, till: Till) -> None:
    customer = till.shop.do("customers.create", name="Grace Nansubuga", phone="0772 123 456")
    sale = till.sell({"device_id": till.units[0]}, customer_id=customer["id"]).result

    text = words(aisha.get(f"/phones/{till.units[0]}"))
    for said in (
        sale["number"],
        "Grace Nansubuga",
        "Seller Aisha",
        "2027",
        "Sold to Grace",
    ):
        assert said in text, said
    assert "What happens to it" not in text


def test_a_supervisor_sets_a_phone_aside_and_puts_it_back(brian: Browser, till: Till) -> None:
    path = f"/phones/{till.units[0]}"
    shown = brian.get(path)
    assert "Set it aside to the bench" in words(shown) and "Put it on sale again" not in words(shown)
    form = {"status": "bench", "reason": "the back glass is cracked", "action_id": action_id(shown)}
    assert brian.post(path, **form).status_code == 303
    assert brian.post(path, **form).status_code == 303  # pressed twice

    text = words(brian.get(path))
    assert "On the bench" in text and "Set aside to the bench, by Brian" in text and "the back glass is cracked" in text
    assert brian.post(path, status="in_stock", reason="mended").status_code == 303
    assert till.shop.row(StockUnit, till.units[0]).status == "in_stock"


def test_what_is_refused_is_said_and_what_was_typed_stays(brian: Browser, till: Till) -> None:
    path = f"/phones/{till.units[0]}"
    answer = brian.post(path, status="bench", reason="")
    assert answer.status_code == 422 and "Not done" in words(answer)
    answer = brian.post(path, status="in_stock", reason="it is here")
    assert answer.status_code == 409 and "a phone that is in stock" in words(answer)
    assert 'value="it is here"' in answer.get_data(as_text=True)


def test_staff_look_and_change_nothing(aisha: Browser, till: Till) -> None:
    path = f"/phones/{till.units[0]}"
    assert "What happens to it" not in words(aisha.get(path))
    assert aisha.post(path, status="bench", reason="mine").status_code == 403
    assert aisha.get("/phones/01900000-0000-7000-8000-000000000001").status_code == 404


def test_a_missing_phone_is_found_again_and_a_kept_one_released(brian: Browser, till: Till) -> None:
    path = f"/phones/{till.units[0]}"
    for away, home in (("missing", "Say it is found again"), ("reserved", "Release it")):
        assert brian.post(path, status=away, reason="as told").status_code == 303
        assert home in words(brian.get(path))
        assert brian.post(path, status="in_stock", reason="as told").status_code == 303
