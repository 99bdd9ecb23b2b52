"""The screens of signed manifests: what is missing is said, what cannot be believed is refused in words."""

from __future__ import annotations

import io

import pytest

from shopnode.domain.clock import to_datetime
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.stock.manifests import keys_of
from shopnode.sync.models import HubLink
from sync_protocol.keys import public_text, read_private
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import Till, open_till
from tests.shop import Shop
from tests.web.conftest import OURS, Browser, words

SECRET = bytes(range(32))
KEY = public_text(read_private(SECRET))


@pytest.fixture
def till(shop: Shop) -> Till:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


def connect(shop: Shop) -> None:
    now = to_datetime(shop.clock.wall_ms())
    with shop.home.writing() as session:
        session.add(HubLink(
            id=1, url="http://hub.test", audience="hub", hub_key=KEY, private_key=SECRET, epoch="1", accepted_n=0,
            durable_n=0, last_ok_at=now,
        ))  # fmt: skip


def load(browser: Browser, file: bytes):  # type: ignore[no-untyped-def]
    return browser.client.post("/transfers/load", data={"file": (io.BytesIO(file), "KLA1-T000001.transfer")},
                               headers=OURS)  # fmt: skip


def test_a_shop_that_is_not_connected_is_told_so(sarah: Browser, till: Till) -> None:
    assert "not connected to the business yet" in words(sarah.get("/transfers/load"))


def test_the_owner_tells_the_key_once_and_others_are_told_who_does(sarah: Browser, aisha: Browser, till: Till) -> None:
    connect(till.shop)
    assert "The owner does this" in words(aisha.get("/transfers/load"))
    assert aisha.post("/transfers/key").status_code == 403
    assert sarah.post("/transfers/key").status_code == 303

    assert "The other shops know this shop's key" in words(sarah.get("/transfers/load"))
    with till.shop.reading() as ctx:
        assert keys_of(ctx.session, str(ctx.shop_id)) == [KEY]
    assert "Nothing needs to be done" in words(sarah.post("/transfers/key"))


def test_the_file_is_saved_by_the_sender_and_refused_where_it_does_not_belong(brian: Browser, till: Till) -> None:
    connect(till.shop)
    sent = till.shop.do("handsets.send", {"to_shop_id": ELSEWHERE, "unit_ids": [till.units[0]]})
    assert "Signed file" in words(brian.get(f"/transfers/{sent['transfer_id']}"))
    saved = brian.get(f"/transfers/{sent['transfer_id']}/manifest.transfer")

    assert (saved.status_code, saved.content_type) == (200, "application/octet-stream")
    assert "KLA1-T000001.transfer" in saved.headers["Content-Disposition"]
    refused = load(brian, saved.data)
    assert refused.status_code == 422 and "for another shop" in words(refused)


@pytest.mark.parametrize("file", [b"", b"nonsense", b'{"manifest":{},"sig":""}'])
def test_what_is_no_manifest_is_refused_in_words(aisha: Browser, till: Till, file: bytes) -> None:
    refused = load(aisha, file)
    assert refused.status_code == 422 and "or it was cut off" in words(refused)
