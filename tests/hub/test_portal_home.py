"""The owner's portal as a home of actions, and who may sign in to it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from cloudhub.home import ChangedMeanwhile
from cloudhub.tenancy.logins import LIFETIME, context_of, find_user, set_portal_password, sign_in, sign_out
from cloudhub.tenancy.tenants import add_tenant
from shopnode.domain.actions import perform, perform_many
from shopnode.domain.capture import begin_capture
from shopnode.domain.catalogue.models import Product
from shopnode.domain.errors import Invalid, NotFound, NotSignedIn, ReusedActionId, TooManyTries, WrongPlace
from shopnode.domain.guard import CaptureBypassed, verify_guard
from shopnode.domain.journal import EntryDraft
from sync_protocol.chain import genesis, link
from tests.hub.raw import change, product, raw_node
from tests.hub.world import PASSWORD, World

NEW = {"name": "Cable", "category": "Accessories", "price_minor": 9_000, "cost_minor": 3_000}


def test_a_portal_action_is_one_chained_entry(world: World) -> None:
    perform(world.owner(), "products.create", NEW)
    perform(world.owner(), "products.create", {**NEW, "name": "Charger"})

    rows = world.rows("SELECT n, hash, body FROM journal_entry ORDER BY n")
    origin = world.rows("SELECT portal_origin_id::text FROM tenant")[0][0]
    known = genesis(origin)
    for number, row in enumerate(rows, 1):
        known = link(known, row.body.encode())
        assert (row.n, row.hash) == (number, known)
    assert json.loads(rows[-1].body)["actor"] == world.kisura.owner_id


def test_the_same_action_id_is_performed_once(world: World) -> None:
    action_id = world.hub.new_id()
    first = perform(world.owner(), "products.create", NEW, action_id=action_id)
    second = perform(world.owner(), "products.create", NEW, action_id=action_id)

    assert (second.result, second.replayed) == (first.result, True)
    with pytest.raises(ReusedActionId):
        perform(world.owner(), "products.create", {**NEW, "name": "Other"}, action_id=action_id)
    assert world.count("product") == 1


def test_an_action_that_fails_leaves_nothing(world: World) -> None:
    before = world.count("journal_entry"), world.rows("SELECT seq FROM tenant_feed")
    with pytest.raises(Invalid):
        perform(world.owner(), "products.create", {**NEW, "price_minor": -1})
    with pytest.raises(Invalid):
        perform_many(world.owner(), [("products.create", NEW, None), ("products.create", {"name": ""}, None)])
    assert (world.count("journal_entry"), world.rows("SELECT seq FROM tenant_feed")) == before
    assert world.count("product") == 0


def test_what_a_shop_alone_may_do_is_refused_at_the_hub(world: World) -> None:
    with pytest.raises(WrongPlace):
        perform(world.owner(), "cash.open_drawer", {"opening_float": 1})


def test_another_tenants_rows_are_not_found(world: World) -> None:
    made = perform(world.owner(), "products.create", NEW).result["id"]
    with pytest.raises(NotFound):
        perform(world.owner(world.mallory), "products.update", {"product_id": made, "price_minor": 1})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE product SET price_minor = 1 WHERE name = 'Charger'",
        "INSERT INTO setting (tenant_id, id, key) SELECT tenant_id, gen_random_uuid(), 'x' FROM tenant",
    ],
)
def test_a_write_past_the_journal_aborts(world: World, statement: str) -> None:
    made = perform(world.owner(), "products.create", NEW).result["id"]
    perform(world.owner(), "products.create", {**NEW, "name": "Charger"})
    home = world.owner().home
    with pytest.raises(CaptureBypassed), home.writing() as session:
        capture = begin_capture(session)
        session.get_one(Product, (world.tenant_id, made)).name = "Renamed"
        session.flush()
        session.execute(text(statement))
        verify_guard(session.connection(), capture.touched())
    assert world.rows("SELECT name, price_minor FROM product ORDER BY name") == [("Cable", 9_000), ("Charger", 9_000)]


def test_what_a_shop_changed_meanwhile_is_not_overwritten_unseen(world: World) -> None:
    raw = raw_node(world)
    row_id = raw.new_id()
    raw.write(product(row_id))
    raw.push()
    owner = world.owner()
    home = owner.home
    with pytest.raises(ChangedMeanwhile), home.writing() as session:
        row = session.get_one(Product, (world.tenant_id, row_id))
        seen = world.rows("SELECT max(no) FROM register_version WHERE row_id = :r", r=row_id)[0][0]
        raw.write(change("product", row_id, seen=seen, price_minor=(5_000, 5_500)))
        assert raw.push().status == 200
        capture = begin_capture(session)
        row.price_minor = 6_000
        session.flush()
        home.take_turn(session)
        draft = EntryDraft(world.hub.new_id(), "products.update", None, None, None, None, None, None, capture)
        home.append(session, draft, "", "{}")
    assert world.rows("SELECT price_minor FROM product") == [(5_500,)]


# --- who may sign in


def test_an_owner_signs_in_and_out(world: World) -> None:
    secret = sign_in(world.hub, " Sarah@Kisura.example ", PASSWORD, ip="10.0.0.1", user_agent="tests")
    user = find_user(world.hub, secret)

    assert (user.tenant_id, user.name) == (world.tenant_id, "Sarah")
    assert context_of(world.hub, user).home.is_shop is False
    assert world.rows("SELECT count(*) FROM portal_session WHERE id_hash LIKE :s", s=f"%{secret}%") == [(0,)]
    sign_out(world.hub, user)
    with pytest.raises(NotSignedIn):
        find_user(world.hub, secret)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("sarah@kisura.example", "wrong password"),
        ("nobody@kisura.example", PASSWORD),
        ("", ""),
        ("x" * 5000, "y" * 5000),
    ],
)
def test_wrong_proofs_are_answered_alike(world: World, email: str, password: str) -> None:
    with pytest.raises(NotSignedIn, match="The e-mail address or the password is not right"):
        sign_in(world.hub, email, password)


def test_guessing_locks_the_account_for_a_while(world: World) -> None:
    for _ in range(10):
        with pytest.raises(NotSignedIn):
            sign_in(world.hub, "sarah@kisura.example", "wrong password")
    with pytest.raises(TooManyTries):
        sign_in(world.hub, "sarah@kisura.example", PASSWORD)
    world.clock.advance(16 * 60_000)
    assert sign_in(world.hub, "sarah@kisura.example", PASSWORD)


def test_a_suspended_person_is_out_with_the_next_request(world: World) -> None:
    owner = world.owner()
    form = {"name": "Ruth", "role": "Owner", "email": "ruth@kisura.example", "shop_ids": []}
    ruth = perform(owner, "staff.add", form).result["id"]
    set_portal_password(world.hub, world.tenant_id, ruth, "another long secret")
    secret = sign_in(world.hub, "ruth@kisura.example", "another long secret")
    assert find_user(world.hub, secret).name == "Ruth"

    perform(owner, "staff.suspend", {"staff_id": ruth})

    with pytest.raises(NotSignedIn):
        find_user(world.hub, secret)
    with pytest.raises(NotSignedIn):
        sign_in(world.hub, "ruth@kisura.example", "another long secret")


def test_a_new_password_ends_the_old_sessions(world: World) -> None:
    secret = sign_in(world.hub, "sarah@kisura.example", PASSWORD)
    set_portal_password(world.hub, world.tenant_id, world.kisura.owner_id, "a brand new secret")
    with pytest.raises(NotSignedIn):
        find_user(world.hub, secret)
    assert sign_in(world.hub, "sarah@kisura.example", "a brand new secret")


def test_a_session_ends_by_itself(world: World) -> None:
    secret = sign_in(world.hub, "sarah@kisura.example", PASSWORD)
    for _ in range(int(LIFETIME.total_seconds()) // (11 * 3600)):
        find_user(world.hub, secret)
        world.clock.advance(11 * 3_600_000)
    with pytest.raises(NotSignedIn):
        world.clock.advance(11 * 3_600_000)
        find_user(world.hub, secret)


def test_a_tenant_that_cannot_be_added_leaves_nothing_behind(world: World) -> None:
    with pytest.raises(Invalid):
        add_tenant(world.hub, "Third", "Nobody", "not an address", PASSWORD)
    with pytest.raises(Invalid, match="password"):
        add_tenant(world.hub, "Third", "Nobody", "nobody@third.example", "short")
    with world.hub.database.gate() as session:
        assert session.execute(text("SELECT count(*) FROM tenant")).scalar() == 2
