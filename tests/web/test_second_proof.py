"""The second proof at the door: asked for after the password, beside the form."""

from __future__ import annotations

from base64 import b32decode

from shopnode.domain.people.second_proof import confirm_second_proof, offer_second_proof
from shopnode.domain.people.totp_rules import code_at, step_of
from shopnode.domain.permissions import Role
from tests.shop import PASSWORD, PHONES, Shop
from tests.web.conftest import Browser, words


def test_who_has_a_second_proof_is_asked_for_it_at_the_door(visitor: Browser, shop: Shop) -> None:
    ctx = shop.ctx(Role.STAFF)
    secret = b32decode(offer_second_proof(ctx).secret)
    confirm_second_proof(ctx, code_at(secret, step_of(shop.clock.wall_ms())))
    shop.clock.advance(30_000)
    form = {"who": PHONES["Aisha"], "password": PASSWORD}

    assert "authenticator" not in words(visitor.get("/login"))
    asked = visitor.post("/login", **form)
    assert asked.status_code == 401 and 'name="code"' in asked.get_data(as_text=True)
    assert "Enter the code of your authenticator" in words(asked)
    refused = visitor.post("/login", **form, code="000000")
    assert refused.status_code == 401 and "The code is not right" in words(refused)
    done = visitor.post("/login", **form, code=code_at(secret, step_of(shop.clock.wall_ms())))
    assert done.status_code == 303
    assert "Aisha" in words(visitor.get("/sell"))
