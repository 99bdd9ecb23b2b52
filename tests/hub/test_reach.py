"""A shop's PC writes the registers of its own shop and of the business; it reaches into no other shop."""

from __future__ import annotations

from typing import Any

import pytest

from cloudhub.merge.conflicts import open_exceptions
from shopnode.domain.actions import perform
from shopnode.domain.people.access_models import staff_choice_id
from shopnode.domain.people.models import posting_id
from sync_protocol.personal import Sealer
from tests.hub.raw import RawNode, change, product, raw_node
from tests.hub.world import World


@pytest.fixture
def raw(world: World) -> RawNode:
    return raw_node(world)


@pytest.fixture
def other(world: World) -> RawNode:
    return raw_node(world, "EBB")


def post(node: RawNode, staff_id: str, shop_id: str, row_id: str = "", secret: str = "attacker knows") -> None:
    """Write a person's posting in a shop."""
    sealer = Sealer(node.chance.randbytes)
    columns = ["id", "staff_id", "shop_id", "password_hash"]
    values = [row_id or posting_id(staff_id, shop_id), staff_id, shop_id, sealer.seal(secret)]
    node.write(["staff_posting", "i", columns, [values]], personal=sealer.reveals)


def postings(world: World) -> list[Any]:
    return world.rows("SELECT id::text, staff_id::text, shop_id::text, password_hash FROM staff_posting ORDER BY id")


def listed(world: World) -> list[tuple[str, str]]:
    with world.session() as session:
        return [(e.kind, e.row_id) for e in open_exceptions(session)]


def hire(world: World, role: str = "Staff", phone: str = "+256772000111") -> str:
    form = {"name": "Zed", "role": role, "phone": phone, "shop_ids": []}
    return str(perform(world.owner(), "staff.add", form).result["id"])


def test_a_password_for_another_shop_is_kept_and_listed_and_neither_applied_nor_sent(
    world: World, raw: RawNode, other: RawNode
) -> None:
    owner = world.kisura.owner_id
    before = postings(world)
    other.pull()

    post(raw, owner, other.shop)
    raw.write(product(raw.new_id()))
    answer = raw.push()

    assert answer.verdicts == {1: "merged"}
    assert postings(world) == before
    assert [line["origin"] for line in other.pull().lines if line["stream"] != "t"] == []
    assert listed(world) == [("other_shop", posting_id(owner, other.shop))]
    assert world.rows("SELECT body LIKE '%staff_posting%' FROM journal_entry WHERE origin_id = :o AND n = 1",
                      o=raw.origin) == [(True,)]  # fmt: skip


def test_the_writer_of_a_refused_row_hears_of_its_entry(world: World, raw: RawNode, other: RawNode) -> None:
    post(raw, world.kisura.owner_id, other.shop)
    raw.push()

    assert [line["n"] for line in raw.pull().lines if line["origin"] == raw.origin] == [1]


def test_another_shops_posting_is_not_taken_over_by_its_id(world: World, raw: RawNode, other: RawNode) -> None:
    owner = world.kisura.owner_id
    theirs = posting_id(owner, other.shop)
    before = postings(world)

    post(raw, owner, raw.shop, row_id=theirs)
    raw.write(change("staff_posting", theirs, seen=10**6, archived_at=(None, 1)))
    mine = posting_id(owner, raw.shop)
    raw.write(change("staff_posting", mine, seen=10**6, shop_id=(raw.shop, other.shop)))

    assert set(raw.push().verdicts) == {1, 2, 3}
    assert postings(world) == before
    assert sorted(listed(world)) == sorted([("other_shop", theirs)] * 2 + [("other_shop", mine)])


def test_a_shop_writes_its_own_postings(world: World, raw: RawNode) -> None:
    person = hire(world)
    post(raw, person, raw.shop)

    assert raw.push().verdicts == {}
    assert listed(world) == []


@pytest.mark.parametrize("change_of", [{"role": ("Staff", "Owner")}, {"suspended_at": (None, 1_790_000_000_000)}])
def test_who_is_an_owner_or_shut_out_is_changed_by_owners_alone(
    world: World, raw: RawNode, change_of: dict[str, Any]
) -> None:
    person = hire(world)
    (name,) = change_of
    raw.write(change("staff", person, seen=10**6, **change_of), actor=person)

    assert raw.push().verdicts == {1: "merged"}
    assert world.rows("SELECT role, suspended_at FROM staff WHERE id = :p", p=person) == [("Staff", None)]
    assert listed(world) == [("not_owner", person)]

    raw.write(change("staff", person, seen=10**6, **change_of), actor=world.kisura.owner_id)
    assert raw.push().verdicts == {}
    assert world.rows(f"SELECT {name} FROM staff WHERE id = :p", p=person) == [(change_of[name][1],)]


def test_whom_an_owner_made_an_owner_a_moment_ago_acts_as_one(world: World, raw: RawNode) -> None:
    person, clerk = hire(world), hire(world, phone="+256772000112")
    raw.write(change("staff", person, seen=10**6, role=("Staff", "Owner")), actor=world.kisura.owner_id)
    raw.write(change("staff", clerk, seen=10**6, suspended_at=(None, 1_790_000_000_000)), actor=person)

    assert raw.push().verdicts == {}
    assert listed(world) == [("made_owner", person)]  # the shop's computer says that an owner did it


def choice(world: World, node: RawNode, person: str, value: str = "yes") -> list[Any]:
    columns = ["id", "staff_id", "key", "value"]
    return ["staff_choice", "i", columns, [[staff_choice_id(person, "sales:update"), person, "sales:update", value]]]


def test_what_somebody_may_is_chosen_by_owners_alone(world: World, raw: RawNode, other: RawNode) -> None:
    person = hire(world)
    raw.write(choice(world, raw, person), actor=person)
    assert raw.push().verdicts == {1: "merged"}
    assert world.rows("SELECT value FROM staff_choice") == []
    assert listed(world) == [("not_owner", person)]

    raw.write(choice(world, raw, person), actor=world.kisura.owner_id)
    assert raw.push().verdicts == {}
    raw.write(
        change("staff_choice", staff_choice_id(person, "sales:update"), seen=10**6, value=("yes", "no")), actor=person
    )
    assert raw.push().verdicts == {3: "merged"}
    assert world.rows("SELECT value FROM staff_choice") == [("yes",)]


def test_rule_90_an_owners_approval_shuts_out_for_the_hub_too(world: World, raw: RawNode) -> None:
    clerk, dismissed = hire(world), hire(world, phone="+256772000112")
    shut_out = change("staff", dismissed, seen=10**6, suspended_at=(None, 1_790_000_000_000))
    raw.write(shut_out, actor=clerk, approver=world.kisura.owner_id)
    assert raw.push().verdicts == {}
    assert world.rows("SELECT suspended_at FROM staff WHERE id = :p", p=dismissed) == [(1_790_000_000_000,)]
