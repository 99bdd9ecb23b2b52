"""What is kept about somebody, on screen: taken as a file, and forgotten once they left (rule 91)."""

from __future__ import annotations

import json
from base64 import b32decode

from cloudhub.tenancy.logins import set_portal_password
from shopnode.domain.actions import perform
from shopnode.domain.people.models import Staff, StaffPosting
from shopnode.domain.people.second_proof import confirm_second_proof, has_second_proof, offer_second_proof
from shopnode.domain.people.totp_rules import code_at, step_of
from shopnode.domain.permissions import Role
from tests.hub.world import PASSWORD as PORTAL_PASSWORD
from tests.hub.world import World
from tests.shop import PHONES, Shop
from tests.web.conftest import Browser, Owner, words


def test_rule_91_one_takes_what_is_kept_about_oneself(aisha: Browser, shop: Shop) -> None:
    assert "What is kept about you" in words(aisha.get("/account"))
    answer = aisha.get("/account/data")
    told = json.loads(answer.get_data())
    assert 'filename="aisha.json"' in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert told["person"]["phone"] == PHONES["Aisha"] and told["ways_in"]["sessions"]
    assert PHONES["Brian"] not in answer.get_data(as_text=True)
    entry = shop.entries()[-1]
    assert (entry.action, entry.actor_id, entry.subject_id) == ("staff.export_data", shop.cashier.id, shop.cashier.id)


def test_rule_91_others_is_an_owners_to_take(sarah: Browser, brian: Browser, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}/data"
    assert brian.get(place).status_code == 403
    assert json.loads(sarah.get(place).get_data())["person"]["name"] == "Aisha"
    hashes = [row.password_hash or "" for row in shop.rows(StaffPosting)]
    assert all(known not in sarah.get(place).get_data(as_text=True) for known in hashes)


def test_rule_91_who_left_is_forgotten_with_a_reason(sarah: Browser, brian: Browser, shop: Shop) -> None:
    place = f"/staff/{shop.cashier.id}"
    assert "Forget them" not in words(sarah.get(place))
    early = sarah.post(f"{place}/erase", reason="asked by letter")
    assert early.status_code == 409 and "Aisha is still on the staff." in words(early)
    sarah.post(f"{place}/archive")
    assert "Forget them" in words(sarah.get(place))
    assert brian.post(f"{place}/erase", reason="because").status_code == 403
    silent = sarah.post(f"{place}/erase", reason="")
    assert silent.status_code == 422
    assert sarah.post(f"{place}/erase", reason="asked by letter").status_code == 303
    assert shop.row(Staff, shop.cashier.id or "").phone is None
    page = words(sarah.get(f"{place}?saved=erased"))
    assert "Forgotten: their name stays in the books" in page and "Forget them" not in page and "Aisha" in page


def test_an_owner_takes_a_lost_second_proof_off(sarah: Browser, shop: Shop) -> None:
    place, ctx = f"/staff/{shop.cashier.id}", shop.ctx(Role.STAFF)
    assert "Take their second proof off" not in words(sarah.get(place))
    secret = b32decode(offer_second_proof(ctx).secret)
    confirm_second_proof(ctx, code_at(secret, step_of(shop.clock.wall_ms())))
    assert "Take their second proof off" in words(sarah.get(place))
    assert sarah.post(f"{place}/step", step="forget_proof").status_code == 303
    with shop.reading() as now:
        assert not has_second_proof(now.session, shop.cashier.id or "")


def test_signing_somebody_out_ends_their_sessions_at_the_portal_too(world: World, owner: Owner) -> None:
    form = {"name": "Odoi Peter", "role": "Owner", "email": "odoi@kisura.example", "shop_ids": []}
    who = perform(world.owner(), "staff.add", form).result["id"]
    set_portal_password(world.hub, world.tenant_id, who, PORTAL_PASSWORD)
    for step in ("sign_out", "suspend"):
        other = Owner(world.app)
        assert other.sign_in("odoi@kisura.example").status_code == 303
        assert other.get("/account").status_code == 200
        assert owner.post(f"/staff/{who}/step", step=step).status_code == 303
        assert other.get("/account").status_code == 303


def test_rule_91_at_the_portal_too(owner: Owner) -> None:
    told = json.loads(owner.get("/account/data").get_data())
    assert told["person"]["role"] == "Owner" and "pin" not in told["ways_in"]
