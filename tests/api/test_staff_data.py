"""Remembered browsers, and what is kept about one of the staff, for programs."""

from __future__ import annotations

from shopnode.domain.context import Channel
from shopnode.domain.people.models import Staff
from shopnode.domain.people.remembering import known_here, remember
from tests.api.client import Client
from tests.shop import PHONES, Shop

TABLET = Channel("192.168.1.30", "Mozilla/5.0 (Linux; Android 13) Chrome/118.0")


def test_remembered_browsers_are_listed_and_forgotten(staff: Client, owner: Client, shop: Shop) -> None:
    kept = remember(shop.home, shop.cashier, TABLET)
    assert kept is not None
    assert owner.get("/auth/browsers")["items"] == []
    (one,) = staff.get("/auth/browsers")["items"]
    assert one["name"] == "Chrome on Android" and kept.token.partition(".")[2] not in str(one)
    owner.delete(f"/auth/browsers/{one['id']}", status=404)
    staff.delete(f"/auth/browsers/{one['id']}", status=204)
    assert known_here(shop.home, kept.token, TABLET) is None


def test_rule_91_data_is_taken_by_oneself_or_an_owner(staff: Client, owner: Client, shop: Shop) -> None:
    told = staff.post(f"/staff/{shop.cashier.id}/data", status=200)
    assert told["person"]["phone"] == PHONES["Aisha"] and told["ways_in"]["pin"] is True
    staff.post(f"/staff/{shop.supervisor.id}/data", status=403)
    assert owner.post(f"/staff/{shop.supervisor.id}/data", status=200)["person"]["name"] == "Brian"


def test_rule_91_an_owner_forgets_who_left(owner: Client, supervisor: Client, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}/erase"
    owner.post(place, {"reason": "asked by letter"}, status=409)
    shop.do("staff.archive", staff_id=shop.cashier.id)
    supervisor.post(place, {"reason": "because"}, status=403)
    owner.post(place, {}, status=422)
    owner.post(place, {"reason": "asked by letter"}, status=204)
    assert shop.row(Staff, shop.cashier.id or "").phone is None
