"""A person has one password: set anywhere, it holds in every shop and in the portal, and the old one nowhere."""

from __future__ import annotations

import pytest

from cloudhub.merge.conflicts import open_exceptions
from cloudhub.tenancy.logins import find_user, set_portal_password, sign_in
from shopnode.domain import failpoints
from shopnode.domain.actions import perform
from shopnode.domain.errors import Invalid, NotSignedIn
from shopnode.domain.people.models import posting_id
from shopnode.domain.people.passwords import verify_secret
from shopnode.domain.people.queries import password_hash_of
from sync_protocol.personal import Sealer
from tests.hub.raw import raw_node
from tests.hub.world import PASSWORD, Node, World

NEW = "a brand new secret"


@pytest.fixture
def shops(world: World) -> list[Node]:
    return [world.enrol("KLA"), world.enrol("EBB")]


def works(world: World, node: Node, password: str) -> bool:
    with node.home.reading() as session:
        return verify_secret(password_hash_of(session, world.kisura.owner_id, node.home.shop_id), password)


def works_in_portal(world: World, password: str) -> bool:
    try:
        sign_in(world.hub, "sarah@kisura.example", password)
    except NotSignedIn:
        return False
    return True


def check_that_only_the_new_one_works(world: World, shops: list[Node]) -> None:
    for node in shops:
        node.sync()
    assert [works(world, node, NEW) for node in shops] == [True, True]
    assert [works(world, node, PASSWORD) for node in shops] == [False, False]
    assert works_in_portal(world, NEW)
    assert not works_in_portal(world, PASSWORD)


def change_own(world: World, node: Node) -> None:
    form = {"staff_id": world.kisura.owner_id, "current_password": PASSWORD, "new_password": NEW}
    node.do("staff.set_password", form)


def test_an_owners_password_set_in_a_shop_holds_in_every_shop_and_never_in_the_portal(
    world: World, shops: list[Node]
) -> None:
    """That it was the owner is the word of the shop's computer, which may be stolen."""
    assert works(world, shops[1], PASSWORD)
    secret = sign_in(world.hub, "sarah@kisura.example", PASSWORD)
    change_own(world, shops[0])
    for node in shops * 2:
        node.sync()

    assert [works(world, node, NEW) for node in shops] == [True, True]
    assert [works(world, node, PASSWORD) for node in shops] == [False, False]
    assert works_in_portal(world, PASSWORD) and not works_in_portal(world, NEW)
    assert find_user(world.hub, secret)
    with world.session() as session:
        (listed,) = open_exceptions(session)
    assert listed.sentence == (
        "The password of Sarah, an owner, was changed at Shop KLA. It holds in the shops. For the portal an owner's "
        "password is changed in the portal alone."
    )
    entries = world.count("journal_entry")
    for node in shops * 2:
        node.sync()
    assert world.count("journal_entry") == entries


def test_a_hub_that_stopped_half_way_carries_the_password_on_with_the_resend(
    world: World, shops: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    change_own(world, shops[0])

    def stop(name: str) -> None:
        if name == "hub.after_commit":
            raise RuntimeError("the hub stopped")

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "hit", stop)
        with pytest.raises(Exception, match=".*"):
            shops[0].sync()

    for node in shops * 2:
        node.sync()
    assert [works(world, node, NEW) for node in shops] == [True, True]
    assert [works(world, node, PASSWORD) for node in shops] == [False, False]


def test_a_password_set_in_the_portal_holds_everywhere(world: World, shops: list[Node]) -> None:
    form = {"staff_id": world.kisura.owner_id, "current_password": PASSWORD, "new_password": NEW}
    perform(world.owner(), "staff.set_password", form)
    check_that_only_the_new_one_works(world, shops)


def test_a_password_the_operator_gave_holds_everywhere(world: World, shops: list[Node]) -> None:
    set_portal_password(world.hub, world.tenant_id, world.kisura.owner_id, NEW)
    check_that_only_the_new_one_works(world, shops)


def test_what_somebody_else_sets_at_a_shops_computer_holds_there_alone(world: World) -> None:
    raw, other = raw_node(world, "KLA"), raw_node(world, "EBB")
    owner = world.kisura.owner_id
    sealer = Sealer(raw.chance.randbytes)
    row_id = posting_id(owner, raw.shop)
    rows = ["staff_posting", "u", ["id", "password_hash"], [[row_id, [None, sealer.seal("x" * 20), 10**6]]]]
    raw.write(rows, personal=sealer.reveals)
    assert raw.push().verdicts == {}

    assert works_in_portal(world, PASSWORD)
    stored = dict(world.rows("SELECT shop_id::text, password_hash FROM staff_posting WHERE staff_id = :s", s=owner))
    assert stored[raw.shop] == "x" * 20
    assert verify_secret(stored[other.shop], PASSWORD)
    with world.session() as session:
        assert [e.kind for e in open_exceptions(session)] == ["password_kept"]


def test_a_shop_posts_people_to_itself_alone(world: World, shops: list[Node]) -> None:
    form = {"name": "Zed", "role": "Staff", "phone": "+256772000111", "shop_ids": [shops[1].home.shop_id]}
    shops[0].sync()
    with pytest.raises(Invalid):
        shops[0].do("staff.add", form)
