"""Who sold a phone, as the owner sees it in the portal: what the shop sealed is opened, logged and erased there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shopnode.domain.capture import begin_capture
from shopnode.domain.errors import NotFound, NotPermitted
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.usedphones.identities import LOOK, expired_identities, identity_of
from shopnode.domain.usedphones.models import SellerIdentity, UsedPurchase, VaultKey
from shopnode.domain.usedphones.queries import PurchaseFilter, agreement_of, list_purchases
from shopnode.domain.usedphones.vault import SellerDetails, seal
from tests.shop import Shop


@pytest.fixture
def purchase(anywhere: Shop) -> str:
    """A purchase of the shop, as its rows stand at either home."""
    shop = anywhere
    model = {"name": "iPhone 11", "category": "Phones", "price_minor": 740_000, "is_serialised": True}
    product = shop.do("products.create", model)["id"]
    (place,) = shop.rows(ShopRow)
    now = shop.ctx().now
    handset, unit, identity, bought = (shop.home.new_id() for _ in range(4))
    details = SellerDetails("Akello", "+256798000555", "passport", "B1234567", None, [], None, "A" * 43)
    with shop.home.writing() as session:
        begin_capture(session)
        sealed = seal(replace(shop.ctx().inside(session), shop_id=place.id), identity, details)
        for row in (
            Handset(id=handset, product_id=product, imei1="004401251000390", created_at=now),
            StockUnit(
                id=unit, handset_id=handset, product_id=product, shop_id=place.id, status="in_stock",
                cost_minor=1, received_at=now, purchase_id=bought,
            ),
            SellerIdentity(id=identity, shop_id=place.id, sealed=sealed, keep_until=now, created_at=now),
            UsedPurchase(
                id=bought, shop_id=place.id, number="KLA1-U000001", handset_id=handset, product_id=product,
                unit_id=unit, identity_id=identity, grade="B", valued_minor=1, offer_minor=1, locks_removed=True,
                was_reset=True, states_ownership=True, at=now, by_id=shop.cashier.id,
            ),
        ):  # fmt: skip
            session.add(row)
            session.flush()
        session.connection().exec_driver_sql("DELETE FROM touched")
        session.info["capture"] = None
    return bought


def test_rule_13_a_look_from_the_portal_is_written_down_too(anywhere: Shop, purchase: str) -> None:
    with anywhere.reading() as ctx:
        assert [view.number for view in list_purchases(ctx, PurchaseFilter()).rows] == ["KLA1-U000001"]
        assert agreement_of(ctx, purchase).seller_name is None
        with pytest.raises(NotPermitted):
            identity_of(ctx, purchase)

    anywhere.do("usedphones.look_at_identity", purchase_id=purchase)

    with anywhere.reading() as ctx:
        assert identity_of(ctx, purchase).name == "Akello"
        assert agreement_of(ctx, purchase).seller_id_number == "B1234567"
    entry = anywhere.entries()[-1]
    assert (entry.action, entry.actor_id, entry.subject_id) == (LOOK, anywhere.owner.id, purchase)


def test_rule_91_an_identity_is_erased_from_the_portal(anywhere: Shop, purchase: str) -> None:
    with anywhere.home.reading() as session:
        assert expired_identities(session, anywhere.ctx().now) == [purchase]

    anywhere.do("usedphones.erase_identity", purchase_id=purchase)

    assert anywhere.rows(SellerIdentity)[0].sealed is None
    assert len(anywhere.rows(UsedPurchase)) == len(anywhere.rows(VaultKey)) == 1
    with anywhere.home.reading() as session:
        assert expired_identities(session, anywhere.ctx().now) == []
    with pytest.raises(NotFound):
        anywhere.do("usedphones.look_at_identity", purchase_id=purchase)
