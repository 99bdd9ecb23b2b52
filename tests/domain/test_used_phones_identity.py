"""Who sold a phone: sealed, looked at by few, each look written down, erased in time (rules 13 and 91)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from shopnode.domain.capture import begin_capture
from shopnode.domain.clock import act_id
from shopnode.domain.errors import NotFound, NotPermitted
from shopnode.domain.guard import forget_touched
from shopnode.domain.permissions import Role
from shopnode.domain.photos.models import Blob
from shopnode.domain.photos.rules import kind_of
from shopnode.domain.photos.store import shown
from shopnode.domain.usedphones.identities import expired_identities, identity_of
from shopnode.domain.usedphones.models import SellerIdentity, UsedPurchase, VaultKey
from shopnode.domain.usedphones.queries import agreement_of, purchase_view
from shopnode.domain.usedphones.vault import VaultShut, unseal
from tests.domain.seller import HOME, ID_NUMBER, IMEI, NAME, PHONE, SECOND, buy, picture, seller, value_phone
from tests.domain.till import Till, open_till
from tests.shop import Shop

HOUR_MS = 3_600_000
MONTH_MS = 31 * 24 * HOUR_MS


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    value_phone(made)
    return made


def everything_written(shop: Shop) -> str:
    """Every value of every table of this shop's file."""
    with shop.home.reading() as session:
        names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        rows = [row for name in names for row in session.execute(text(f'SELECT * FROM "{name}"'))]
    assert len(names) > 60
    return "\n".join(
        value.decode("latin-1") if isinstance(value, bytes) else str(value) for row in rows for value in row
    )


def look(till: Till, purchase_id: str, role: Role = Role.OWNER) -> Any:
    till.shop.do("usedphones.look_at_identity", purchase_id=purchase_id, role=role)
    with till.shop.reading(role) as ctx:
        return identity_of(ctx, purchase_id)


def test_rule_91_who_sold_stands_nowhere_in_plain(till: Till) -> None:
    done = buy(till).result
    look(till, done["purchase_id"])
    till.shop.do("usedphones.reverse", purchase_id=done["purchase_id"], reason="wants it back")

    written = everything_written(till.shop)
    assert IMEI in written and "KLA1-U000001" in written  # the search finds what is there
    for secret in (NAME, ID_NUMBER, PHONE, HOME, "Nakimuli", "Kireka", picture()[:40]):
        assert secret not in written
    assert str(done).find(NAME) == -1


def test_rule_91_the_identity_is_sealed_for_its_own_record(till: Till) -> None:
    first, second = buy(till).result, buy(till, imei1=SECOND, seller=seller(name="Okot Denis")).result
    rows = {row.id: row for row in till.shop.rows(SellerIdentity)}
    one, other = (rows[till.shop.row(UsedPurchase, done["purchase_id"]).identity_id or ""] for done in (first, second))
    assert one.sealed != other.sealed
    with till.shop.home.reading() as session:
        assert unseal(session, one).name == NAME
        moved = SellerIdentity(id=other.id, shop_id=other.shop_id, sealed=one.sealed)
        with pytest.raises(VaultShut):
            unseal(session, moved)
        for broken in ("", "AAAA", str(one.sealed)[:-3], "B" + str(one.sealed)[1:], "ü"):
            with pytest.raises(VaultShut):
                unseal(session, SellerIdentity(id=one.id, shop_id=one.shop_id, sealed=broken))


def test_rule_91_a_shop_has_one_key_and_uses_it_again(till: Till) -> None:
    buy(till)
    buy(till, imei1=SECOND)
    (key,) = till.shop.rows(VaultKey)
    assert key.id == act_id("vault-key", till.shop.home.shop_id or "", till.shop.home.origin_id)
    assert len(str(key.key)) == 43


def test_rule_91_a_restored_copy_without_the_key_makes_another_and_puts_it_beside(till: Till) -> None:
    """The id names the installation: what the books held before can never be overwritten by a second key."""
    done = buy(till).result
    (key,) = till.shop.rows(VaultKey)
    assert till.shop.home.origin_id
    theirs = VaultKey(
        id=act_id("vault-key", till.shop.home.shop_id or "", "another-origin"), shop_id=till.shop.home.shop_id,
        key="A" * 43, created_at=till.shop.ctx().now,
    )  # fmt: skip
    with till.shop.home.writing() as session:
        begin_capture(session)
        session.add(theirs)
        session.flush()
        forget_touched(session.connection())
        session.info["capture"] = None
    assert theirs.id != key.id
    assert look(till, done["purchase_id"]).name == NAME
    assert look(till, buy(till, imei1=SECOND).result["purchase_id"]).name == NAME


def test_rule_13_photos_are_sealed_before_they_are_kept(till: Till) -> None:
    done = buy(till, seller=seller(photos=[picture(), picture("red")])).result

    blobs = till.shop.rows(Blob)
    assert len(blobs) == 3
    assert all(kind_of(blob.content) is None for blob in blobs)
    with till.shop.home.reading() as session:
        assert shown(session, [blob.sha256 for blob in blobs]) == set()  # so they are never sent
    seen = look(till, done["purchase_id"])
    assert [kind_of(photo) for photo in (*seen.photos, seen.signature)] == ["image/webp"] * 3


def test_rule_13_a_look_is_written_down_before_anything_is_shown(till: Till) -> None:
    purchase_id = buy(till).result["purchase_id"]
    with till.shop.reading(Role.OWNER) as ctx, pytest.raises(NotPermitted):
        identity_of(ctx, purchase_id)

    seen = look(till, purchase_id)
    assert (seen.name, seen.phone, seen.id_number, seen.address) == (NAME, PHONE, ID_NUMBER, HOME)
    entry = till.shop.entries()[-1]
    assert (entry.action, entry.actor_id) == ("usedphones.look_at_identity", till.shop.owner.id)
    assert (entry.subject_entity, entry.subject_id) == ("used_purchase", purchase_id)

    till.shop.clock.advance(11 * 60_000)
    with till.shop.reading(Role.OWNER) as ctx, pytest.raises(NotPermitted):
        identity_of(ctx, purchase_id)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_rule_13_only_those_who_may_look_at_identities(till: Till, role: Role) -> None:
    purchase_id = buy(till, role=Role.OWNER).result["purchase_id"]
    with pytest.raises(NotPermitted):
        till.shop.do("usedphones.look_at_identity", purchase_id=purchase_id, role=role)
    till.shop.do("usedphones.look_at_identity", purchase_id=purchase_id)  # somebody else's look opens nothing
    with till.shop.reading(role) as ctx:
        with pytest.raises(NotPermitted):
            identity_of(ctx, purchase_id)
        assert agreement_of(ctx, purchase_id).seller_name is None


def test_the_agreement_names_the_seller_to_the_buyer_on_the_day(till: Till) -> None:
    purchase_id = buy(till, network_lock="MTN", has_charger=True, colour="Black").result["purchase_id"]
    with till.shop.reading(Role.STAFF) as ctx:
        paper = agreement_of(ctx, purchase_id)
    assert (paper.seller_name, paper.seller_id_type, paper.seller_id_number) == (NAME, "national_id", ID_NUMBER)
    assert (paper.shop_name, paper.number, paper.by) == ("Kampala Road", "KLA1-U000001", "Aisha")
    assert paper.amount_minor == 250_000
    assert (paper.imei1, paper.grade, paper.colour, paper.network_lock) == (IMEI, "B", "Black", "MTN")
    assert (paper.has_charger, paper.has_box, paper.locks_removed, paper.traded_in_for) == (True, None, True, None)
    assert "my own property" in paper.statement
    with till.shop.reading(Role.SUPERVISOR) as ctx:
        assert agreement_of(ctx, purchase_id).seller_id_number is None
    till.shop.clock.advance(24 * HOUR_MS)
    with till.shop.reading(Role.STAFF) as ctx:
        assert agreement_of(ctx, purchase_id).seller_name is None
    look(till, purchase_id)
    with till.shop.reading(Role.OWNER) as ctx:
        assert agreement_of(ctx, purchase_id).seller_name == NAME


def test_rule_91_an_identity_is_erased_and_the_purchase_stays(till: Till) -> None:
    purchase_id = buy(till).result["purchase_id"]
    sealed = str(till.shop.rows(SellerIdentity)[0].sealed)
    assert everything_written(till.shop).count(sealed) == 2  # in its row and beside its entry
    with pytest.raises(NotPermitted):
        till.shop.do("usedphones.erase_identity", purchase_id=purchase_id, role=Role.SUPERVISOR)
    till.shop.do("usedphones.erase_identity", purchase_id=purchase_id)

    (row,) = till.shop.rows(SellerIdentity)
    assert row.sealed is None and row.erased_at == till.shop.ctx().now
    assert till.shop.rows(Blob) == []
    assert sealed not in everything_written(till.shop)
    assert till.shop.changes("seller_identity")[-1].fields["sealed"] is None
    with till.shop.reading() as ctx:
        assert purchase_view(ctx, purchase_id).identity_kept_until is None
    with till.shop.reading(Role.STAFF) as ctx:
        assert agreement_of(ctx, purchase_id).seller_name is None
    for action in ("usedphones.look_at_identity", "usedphones.erase_identity"):
        with pytest.raises(NotFound, match="its time was over"):
            till.shop.do(action, purchase_id=purchase_id)


def test_rule_13_identities_expire_when_the_shop_says_so(till: Till) -> None:
    till.shop.do("settings.change", key="identity_keep_months", value=2)
    first = buy(till).result["purchase_id"]
    till.shop.clock.advance(MONTH_MS)
    second = buy(till, imei1=SECOND).result["purchase_id"]

    def expired() -> list[str]:
        with till.shop.home.reading() as session:
            return expired_identities(session, till.shop.ctx().now)

    assert expired() == []
    till.shop.clock.advance(MONTH_MS)
    assert expired() == [first]
    till.shop.clock.advance(MONTH_MS)
    assert expired() == [first, second]
    till.shop.do("usedphones.erase_identity", purchase_id=first)
    assert expired() == [second]


def test_rule_91_whose_time_is_over_are_erased_together_and_others_stay(till: Till) -> None:
    till.shop.do("settings.change", key="identity_keep_months", value=2)
    first = buy(till).result["purchase_id"]
    till.shop.clock.advance(MONTH_MS)
    second = buy(till, imei1=SECOND).result["purchase_id"]
    till.shop.clock.advance(MONTH_MS)

    with pytest.raises(NotPermitted):
        till.shop.do("usedphones.erase_expired", role=Role.SUPERVISOR)
    assert till.shop.do("usedphones.erase_expired") == {"erased": 1, "more": False}
    for purchase_id, kept in ((first, False), (second, True)):
        (purchase,) = till.shop.rows(UsedPurchase, id=purchase_id)
        assert (till.shop.row(SellerIdentity, purchase.identity_id or "").sealed is not None) is kept
    assert till.shop.do("usedphones.erase_expired") == {"erased": 0, "more": False}
