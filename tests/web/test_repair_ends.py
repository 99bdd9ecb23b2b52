"""Repairs that go on elsewhere: again under warranty, bought by the shop, kept when nobody comes."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.repairs.models import RepairEvent, RepairTicket
from shopnode.domain.usedphones.models import UsedPurchase
from tests.domain.bench import Bench, open_bench
from tests.shop import Shop
from tests.web.conftest import Browser, action_id, photo, words

IMEI = "356938035643809"
SOLD = {
    "imei1": IMEI, "grade": "B", "offer": "250,000", "locks_removed": "true", "was_reset": "true",
    "states_ownership": "true", "network_lock": "none", "seller_name": "Nakato Prossy", "seller_phone": "0772 123 456",
    "seller_id_type": "passport", "seller_id_number": "B1234567", "payout_method": "cash",
}  # fmt: skip


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def test_rule_73_a_device_comes_again_under_its_warranty_and_costs_nothing(
    aisha: Browser, shop: Shop, bench: Bench
) -> None:
    first = bench.mended(imei_serial=IMEI)
    assert aisha.get(f"/repairs/{first}/again").status_code == 409  # it has not left yet
    bench.deliver(first, 150_000)
    assert "Take it in again, under warranty" in words(aisha.get(f"/repairs/{first}"))
    drawn = aisha.get(f"/repairs/{first}/again")
    assert "30 days" in words(drawn) and "Estimate" not in words(drawn)
    form: dict[str, Any] = {"action_id": action_id(drawn), "priority": "High", "data_consent": "keep"}
    wrong = aisha.upload(f"/repairs/{first}/again", **form, notes="he is angry", passcode_way="stored")
    assert wrong.status_code == 422 and "he is angry" in wrong.text
    form |= {"fault_No picture": "true", "passcode_way": "none", "photos": [photo()], "signature": photo("black")}
    done = aisha.upload(f"/repairs/{first}/again", **form)
    again = done.headers["HX-Redirect"].removeprefix("/repairs/").partition("?")[0]
    ticket = shop.row(RepairTicket, again)
    assert (ticket.rework_of_id, ticket.agreed_minor, ticket.warranty_days) == (first, 0, 30)
    assert {event.kind for event in shop.rows(RepairEvent, ticket_id=again)} >= {"photo", "signature"}
    assert bench.ticket(first).number in words(aisha.get(f"/repairs/{again}"))


def test_rule_73_what_has_no_warranty_left_is_a_new_repair(aisha: Browser, bench: Bench) -> None:
    first = bench.mended()
    bench.deliver(first, 150_000)
    bench.later(days=31)
    aisha.sign_in("Aisha")
    assert "under warranty" not in words(aisha.get(f"/repairs/{first}"))
    refused = aisha.get(f"/repairs/{first}/again")
    assert refused.status_code == 409 and "Take the device in as a new repair" in words(refused)


def test_rule_76_the_device_on_the_bench_is_bought_from_its_owner(brian: Browser, shop: Shop, bench: Bench) -> None:
    shop.do("usedphones.set_valuation", product_id=bench.till.phone, grade="B", offer=250_000)
    ticket_id = bench.take_in(imei_serial=IMEI)
    at = f"/repairs/{ticket_id}/buy"
    drawn = brian.get(at)
    assert IMEI in drawn.text and "Nakato Prossy" in drawn.text
    form: dict[str, Any] = {**SOLD, "action_id": action_id(drawn), "product_id": bench.till.phone}
    unseen = brian.upload(at, **{**form, "was_reset": ""})
    assert unseen.status_code == 422 and 'value="B1234567"' in unseen.text
    no_paper = brian.upload(at, **form)
    assert "the ID, and its holder" in words(no_paper) and "on the printed agreement" in words(no_paper)
    assert no_paper.status_code == 422 and shop.rows(UsedPurchase) == []
    other = brian.upload(at, **{**form, "imei1": "004401551550177"}, seller_photos=[photo()], signed_on_paper="true")
    assert other.status_code == 422 and "Is not the device of repair" in words(other)
    done = brian.upload(at, **form, seller_photos=[photo()], seller_signature=photo("black"))
    (bought,) = shop.rows(UsedPurchase)
    assert done.headers["HX-Redirect"] == f"/phones/{bought.unit_id}"
    assert shop.row(RepairTicket, ticket_id).status == "Bought"


def test_rule_76_staff_do_not_end_a_repair_by_buying_it(aisha: Browser, bench: Bench) -> None:
    ticket_id = bench.take_in(imei_serial=IMEI)
    assert "Buy it from its owner" not in words(aisha.get(f"/repairs/{ticket_id}/roads"))


def test_rule_74_what_nobody_fetched_is_kept_as_one_of_ours(sarah: Browser, shop: Shop, bench: Bench) -> None:
    ticket_id = bench.mended(imei_serial=IMEI)
    bench.later(days=31)
    bench.do("remind", ticket_id, via="call")
    bench.do("mark_unclaimed", ticket_id)
    bench.do("final_notice", ticket_id, via="call")
    sarah.sign_in("Sarah")
    at = f"/repairs/{ticket_id}/roads/keep"
    early = {"product_id": bench.till.phone, "amount": "200,000", "reason": "nobody came"}
    assert "runs until" in words(sarah.tap(at, **early))
    bench.later(days=61)
    sarah.sign_in("Sarah")
    refused = sarah.tap(at, amount="200,000", reason="nobody came")
    assert refused.status_code == 422 and "choose the phone's model" in words(refused).replace("&#39;", "'")
    sarah.tap(at, **early)
    assert shop.row(RepairTicket, ticket_id).status == "Disposed"
