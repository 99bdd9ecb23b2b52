"""The door: who may, what is recorded, and that nothing passes it by."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text, update

from shopnode.domain.actions import ACTIONS, perform_many
from shopnode.domain.capture import begin_capture
from shopnode.domain.catalogue.models import Product
from shopnode.domain.errors import Invalid, NotPermitted, ReusedActionId
from shopnode.domain.guard import CaptureBypassed
from shopnode.domain.permissions import ROLE_PERMISSIONS, Role
from sync_protocol import chain
from tests.shop import Shop

CABLE = {"name": "USB-C cable", "category": "Accessories", "price_minor": 8_000, "cost_minor": 3_000}
ACTION_ID = "0190a000-0000-7000-8000-000000000001"


@pytest.mark.parametrize("name", sorted(ACTIONS))
@pytest.mark.parametrize("role", Role)
def test_only_permitted_roles_get_past_the_door(shop: Shop, name: str, role: Role) -> None:
    allowed = ACTIONS[name].needs in ROLE_PERMISSIONS[role]
    with pytest.raises(Exception) as refusal:  # permitted roles fail later, on the unknown field
        shop.do(name, role=role, no_such_field=1)
    assert isinstance(refusal.value, NotPermitted) is not allowed


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_unknown_fields_are_refused_by_name(shop: Shop, name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.do(name, tenant_id="x")
    assert refusal.value.fields["tenant_id"] == "is not a field of this form"


def test_the_same_request_twice_is_done_once(shop: Shop) -> None:
    first = shop.perform("products.create", action_id=ACTION_ID, **CABLE)
    again = shop.perform("products.create", action_id=ACTION_ID, **CABLE)

    assert not first.replayed
    assert again.replayed
    assert again.result == first.result
    assert len(shop.rows(Product)) == 1
    assert [entry.entry_id for entry in shop.entries()].count(ACTION_ID) == 1


def test_a_used_action_id_with_other_content_is_refused(shop: Shop) -> None:
    shop.perform("products.create", action_id=ACTION_ID, **CABLE)
    with pytest.raises(ReusedActionId):
        shop.perform("products.create", action_id=ACTION_ID, **CABLE | {"price_minor": 1})
    with pytest.raises(ReusedActionId):
        shop.perform("customers.create", action_id=ACTION_ID, name="Okello")


def test_a_used_action_id_of_somebody_else_is_refused(shop: Shop) -> None:
    shop.perform("customers.create", role=Role.STAFF, action_id=ACTION_ID, name="Okello")
    with pytest.raises(ReusedActionId):
        shop.perform("customers.create", action_id=ACTION_ID, name="Okello")


def test_what_fails_leaves_nothing(shop: Shop) -> None:
    before = len(shop.entries())
    with pytest.raises(Invalid):
        shop.do("products.create", **CABLE | {"floor_minor": 9_000})
    assert shop.rows(Product) == []
    assert len(shop.entries()) == before


def test_many_actions_are_done_together_or_not_at_all(shop: Shop) -> None:
    before = len(shop.entries())
    acts = [("products.create", CABLE, None), ("products.create", CABLE | {"price_minor": -1}, None)]
    with pytest.raises(Invalid):
        perform_many(shop.ctx(), acts)
    assert shop.rows(Product) == []
    assert len(shop.entries()) == before

    perform_many(shop.ctx(), [acts[0], ("customers.create", {"name": "Okello"}, None)])
    assert [entry.action for entry in shop.entries()[before:]] == ["products.create", "customers.create"]


def test_every_wrong_field_is_named_and_no_value_is_echoed(shop: Shop) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.do("staff.add", {"name": "x" * 10_000, "role": "King", "phone": "secret-phone", "password": "tiny"})
    assert set(refusal.value.fields) == {"name", "role", "phone", "password"}
    assert "tiny" not in str(refusal.value)
    assert "secret-phone" not in str(refusal.value)


@pytest.mark.parametrize("name", ["Cable\x00", "Cable\x1b@", "Cable\x07", "Cable\u2028\ue000"])
def test_signs_that_cannot_be_printed_are_refused(shop: Shop, name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.do("products.create", **CABLE | {"name": name})
    assert refusal.value.fields == {"name": "contains a character that cannot be printed"}


def test_an_entry_says_who_what_from_where_and_each_value_before_and_after(shop: Shop) -> None:
    product_id = shop.do("products.create", **CABLE)["id"]
    shop.do("products.update", product_id=product_id, price_minor=9_000)

    entry = shop.entries()[-1]
    told = json.loads(entry.body)
    assert (told["action"], told["actor"], told["n"]) == ("products.update", shop.owner.id, entry.n)
    assert (told["ip"], told["ua"], told["subject"]) == ("192.168.1.20", "tests", ["product", product_id])
    assert told["rows"] == [["product", "u", ["id", "price_minor"], [[product_id, [8_000, 9_000, 0]]]]]


def test_the_chain_holds_from_the_first_entry_to_the_head(shop: Shop) -> None:
    for price_minor in range(1_000, 1_010):
        shop.do("products.create", **CABLE | {"price_minor": price_minor, "cost_minor": 0})
    entries = shop.entries()
    assert [entry.n for entry in entries] == list(range(1, len(entries) + 1))
    hashes = chain.links(chain.genesis(entries[0].origin_id), [entry.body.encode() for entry in entries])
    assert hashes == [entry.hash for entry in entries]


def test_personal_fields_enter_the_chain_as_hashes_only(shop: Shop) -> None:
    shop.do("customers.create", name="Nakato Prossy", phone="0798 123 456", notes="owes us a charger")
    entry = shop.entries()[-1]
    for secret in ("Nakato", "798123456", "charger"):
        assert secret not in entry.body
        assert secret in (entry.personal or "")
    assert {value for _, value in json.loads(entry.personal or "{}").values()} == {
        "Nakato Prossy", "+256798123456", "owes us a charger",
    }  # fmt: skip


def test_raw_sql_on_a_synced_table_stops_the_transaction(shop: Shop) -> None:
    product_id = shop.do("products.create", **CABLE)["id"]
    with pytest.raises(CaptureBypassed), shop.home.writing() as session:
        session.execute(text("UPDATE product SET price_minor = 1"))
        _append_nothing(shop, session)
    assert shop.row(Product, product_id).price_minor == 8_000


def test_a_bulk_statement_on_a_synced_table_is_refused(shop: Shop) -> None:
    shop.do("products.create", **CABLE)
    with pytest.raises(CaptureBypassed), shop.home.writing() as session:
        session.execute(update(Product).values(price_minor=1))


def test_a_row_of_the_books_cannot_be_deleted(shop: Shop) -> None:
    product_id = shop.do("products.create", **CABLE)["id"]
    with pytest.raises(CaptureBypassed), shop.home.writing() as session:
        session.delete(session.merge(shop.row(Product, product_id), load=True))
        session.flush()


def test_a_row_written_outside_an_action_is_refused(shop: Shop) -> None:
    product_id = shop.do("products.create", **CABLE)["id"]
    with pytest.raises(CaptureBypassed), shop.home.writing() as session:
        session.get_one(Product, (session.info["tenant_id"], product_id)).price_minor = 1


def _append_nothing(shop: Shop, session: object) -> None:
    from shopnode.domain.journal import EntryDraft

    capture = begin_capture(session)  # type: ignore[arg-type]
    draft = EntryDraft(ACTION_ID, "test", None, None, None, None, None, None, capture)
    shop.home.append(session, draft, "", "{}")  # type: ignore[arg-type]
