"""Phones between shops, on the office's screens: sent by their numbers, ticked when they are here."""

from __future__ import annotations

import re
from html import unescape

import pytest

from shopnode.domain.handsets.models import StockUnit, Transfer
from shopnode.domain.people.models import Shop as ShopRow
from tests.domain.test_transfers import ELSEWHERE, coming, hear_of
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop
from tests.web.conftest import Browser, words


@pytest.fixture
def till(shop: Shop) -> Till:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


def send(browser: Browser, numbers: str, **more: str):  # type: ignore[no-untyped-def]
    return browser.post("/transfers/new", to_shop_id=ELSEWHERE, numbers=numbers, **more)


def test_phones_are_sent_by_their_numbers_and_listed_until_they_arrive(brian: Browser, till: Till) -> None:
    assert "Nothing is on its way" in words(brian.get("/transfers"))
    answer = send(brian, f"  {IMEIS[0]}\n\n{IMEIS[1]}\n{IMEIS[0]}\n", note="with the boda")

    assert answer.status_code == 303
    detail = words(brian.get(answer.headers["Location"]))
    assert "KLA1-T000001" in detail and "Kampala Road → Jinja" in detail and "with the boda" in detail
    assert "2 of 2" in detail and all(imei in detail for imei in IMEIS)
    listed = words(brian.get("/transfers"))
    assert "KLA1-T000001" in listed and "On the way" in listed and "by Brian" in listed


def test_what_cannot_be_sent_is_said_beside_the_numbers_and_nothing_is_lost(brian: Browser, till: Till) -> None:
    for numbers, said in (("", "scan the phones you send"), ("123456", "123456 is not in stock here")):
        answer = send(brian, numbers, note="with the boda")
        assert answer.status_code == 422 and said in words(answer)
        assert 'value="with the boda"' in answer.get_data(as_text=True)
    assert till.shop.rows(Transfer) == []


def test_ticked_phones_are_taken_back_with_the_reason(brian: Browser, till: Till) -> None:
    place = send(brian, "\n".join(IMEIS)).headers["Location"]

    without = brian.post(f"{place}/take-back", reason="the driver came back")
    assert without.status_code == 422 and "Tick the phones that are here" in words(without)
    silent = brian.post(f"{place}/take-back", unit_id=till.units[0], reason="")
    assert silent.status_code == 422 and "checked" in silent.get_data(as_text=True)
    assert brian.post(f"{place}/take-back", unit_id=till.units[0], reason="the driver came back").status_code == 303

    text = words(brian.get(place))
    assert "Taken back" in text and "1 of 2" in text and "the driver came back" in text
    assert till.shop.row(StockUnit, till.units[1]).status == "sent"


def test_anybody_at_the_counter_receives_what_comes_in_and_sends_nothing(aisha: Browser, till: Till) -> None:
    handset_id = till.shop.row(StockUnit, till.units[0]).handset_id
    till.sell({"device_id": till.units[0]})
    transfer_id, stay = coming(till, handset_id)

    listed = words(aisha.get("/transfers"))
    assert "Jinja → Kampala Road" in listed and "To receive" in listed and "Send phones" not in listed
    assert aisha.get("/transfers/new").status_code == 403
    assert aisha.post(f"/transfers/{transfer_id}/take-back", unit_id=stay, reason="mine").status_code == 403
    assert aisha.post(f"/transfers/{transfer_id}/receive", unit_id=stay).status_code == 303

    assert "Received" in words(aisha.get(f"/transfers/{transfer_id}"))
    again = aisha.post(f"/transfers/{transfer_id}/receive", unit_id=stay)
    assert again.status_code == 409 and "not on its way any more" in words(again)
    assert "560,000" not in words(aisha.get(f"/transfers/{transfer_id}"))


def test_more_transfers_than_a_page_holds_are_listed_on_the_next(
    brian: Browser, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    for imei in IMEIS:
        send(brian, imei)
        till.shop.clock.advance(1_000)
    monkeypatch.setattr("shopnode.web.office.transfers.SHOWN", 1)
    first = brian.get("/transfers")
    assert "KLA1-T000002" in words(first) and "KLA1-T000001" not in words(first)
    onward = unescape(re.search(r'hx-get="([^"]*/transfers\?[^"]*)"', first.get_data(as_text=True))[1])  # type: ignore[index]
    second = brian.client.get(onward)
    assert "KLA1-T000001" in words(second) and "hx-get" not in second.get_data(as_text=True)
