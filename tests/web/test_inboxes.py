"""The owner's four inboxes: what asks for a word, what does not go together, what troubles, what rules settled."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from cloudhub.merge.outcomes import DAY_MS, KEPT_DAYS
from cloudhub.merge.technical import troubles
from shopnode.domain.actions import perform
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import NotFound
from tests.hub.raw import RawNode, change, payment, product, raw_node
from tests.hub.world import World
from tests.web.conftest import Owner, words

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def pair(world: World) -> tuple[RawNode, RawNode]:
    return raw_node(world, "KLA"), raw_node(world, "JJA")


def disputed(pair: tuple[RawNode, RawNode], entity: str, row_id: str, **fields: tuple[object, object]) -> None:
    """Both shops write a field without having seen the other's."""
    for place, shop in enumerate(pair):
        shop.write(change(entity, row_id, seen=0, **{name: (None, values[place]) for name, values in fields.items()}))
        assert shop.push().status == 200
        shop.world.clock.advance(1_000)


def settled(world: World) -> list[tuple[str, str | None, str | None]]:
    rows = world.rows("SELECT field, standing_value, other_value FROM rule_outcome ORDER BY field")
    return [tuple(row) for row in rows]


def test_each_inbox_holds_its_own_and_is_narrowed_by_shop_and_words(
    owner: Owner,
    pair: tuple[RawNode, RawNode],
) -> None:
    kampala, jinja = pair
    glass, late = kampala.new_id(), kampala.new_id()
    kampala.write(product(glass, name="Tempered glass"))
    kampala.push()
    disputed(pair, "product", glass, price_minor=(6_000, 7_500), brand=("Oraimo", "Generic"))
    jinja.write(product(kampala.new_id(), name="Cable", sku="CB1"), product(kampala.new_id(), name="Lead", sku="CB1"))
    jinja.write(payment(late, kampala.new_id(), jinja.shop))
    jinja.push()

    def said(inbox: str, **narrowed: str) -> str:
        return words(owner.get("/conflicts?" + urlencode({"inbox": inbox, **narrowed}), htmx=True))

    review, settled = said("review"), said("automatic")
    assert "Tempered glass Price" in review and "7,500" in review and "Brand" not in review
    assert "Tempered glass Brand" in settled and "Generic stands" in settled and "not Oraimo" in settled
    assert "Two products carry the SKU CB1." in said("exceptions")
    assert "waits for a record that has not arrived yet" in said("technical")

    for inbox, nothing in (("exceptions", "CB2"), ("technical", "glass"), ("review", "cable"), ("automatic", "price")):
        assert "Nothing found" in said(inbox, q=nothing)
    assert "CB1" in said("exceptions", q="cb1", shop=jinja.shop)
    assert "Nothing found" in said("exceptions", shop=kampala.shop)
    assert "Tempered glass" in said("review", q="PRICE glass", shop=kampala.shop)

    tabs = words(owner.get("/conflicts"))
    assert "To review 1" in tabs and "Exceptions 1" in tabs and "Technical 1" in tabs and "Settled by rule 1" in tabs
    assert "3 things are worth a look" in words(owner.get("/"))


def test_a_field_has_one_row_that_later_edits_bring_up_to_date(world: World, pair: tuple[RawNode, RawNode]) -> None:
    glass = pair[0].new_id()
    pair[0].write(product(glass))
    pair[0].push()
    disputed(pair, "product", glass, brand=("One", "Two"), price_minor=(1, 2))
    disputed(pair, "product", glass, brand=("Three", "Four"), price_minor=(3, 4))
    assert len(settled(world)) == 1 and {row[1] for row in settled(world)} <= {'"Three"', '"Four"'}
    (conflict,) = world.rows("SELECT standing_value, other_value FROM field_conflict WHERE resolved_at IS NULL")
    assert set(conflict) == {"3", "4"}


def test_a_later_edit_that_has_seen_what_stands_is_shown(world: World, pair: tuple[RawNode, RawNode]) -> None:
    glass = pair[0].new_id()
    pair[0].write(product(glass))
    pair[0].push()
    disputed(pair, "product", glass, price_minor=(6_000, 7_500))
    ((seen,),) = world.rows("SELECT seq FROM tenant_feed")
    pair[0].write(change("product", glass, seen=seen, price_minor=(7_500, 6_800)))
    assert pair[0].push().verdicts == {}

    (conflict,) = world.rows("SELECT standing_value, other_value FROM field_conflict WHERE resolved_at IS NULL")
    assert tuple(conflict) == ("6800", "6000")


def test_of_a_personal_field_no_value_is_kept(world: World, owner: Owner, pair: tuple[RawNode, RawNode]) -> None:
    customer = pair[0].new_id()
    columns = ["id", "name", "created_at"]
    pair[0].write(["customer", "i", columns, [[customer, "Grace", 1]]])
    pair[0].push()
    disputed(pair, "customer", customer, name=("Grace N.", "G. Nakato"))
    assert settled(world) == [("name", None, None)]
    assert "Personal details are not kept here" in words(owner.get("/conflicts?inbox=automatic"))


def test_what_rules_settled_is_kept_for_a_season(world: World, pair: tuple[RawNode, RawNode]) -> None:
    for number in (1, 2):
        glass = pair[0].new_id()
        pair[0].write(product(glass))
        pair[0].push()
        disputed(pair, "product", glass, brand=(f"One {number}", f"Two {number}"))
        world.clock.advance((KEPT_DAYS + 1) * DAY_MS)
    assert len(settled(world)) == 1


def test_two_edits_that_say_the_same_are_settled_by_nobody(world: World, pair: tuple[RawNode, RawNode]) -> None:
    glass = pair[0].new_id()
    pair[0].write(product(glass))
    pair[0].push()
    disputed(pair, "product", glass, brand=("Same", "Same"))
    assert settled(world) == []


def test_computers_in_doubt_and_computers_that_were_restored_are_technical(
    world: World,
    pair: tuple[RawNode, RawNode],
) -> None:
    kampala, jinja = pair
    now_ms = world.clock.wall_ms()
    with world.session() as session:
        session.execute(
            text("UPDATE node SET clone_suspected_at = :at WHERE id = :id"), {"at": now_ms, "id": jinja.node}
        )
        copy = text(
            "INSERT INTO origin (tenant_id, id, node_id, shop_id, head_n, head_hash, durable_n, opened_at) "
            "SELECT tenant_id, gen_random_uuid(), node_id, shop_id, 0, head_hash, 0, opened_at + 1000 FROM origin "
            "WHERE node_id = :node"
        )
        session.execute(copy, {"node": kampala.node})
        found = troubles(session, to_datetime(now_ms))
        later = troubles(session, to_datetime(now_ms + 31 * DAY_MS))
    assert [(trouble.kind, trouble.shop_id, trouble.is_open) for trouble in found] == [
        ("clone_suspected", jinja.shop, True), ("node_restored", kampala.shop, False),
    ]  # fmt: skip
    assert "Two computers of Shop JJA use one identity" in found[0].sentence
    assert "KLA1 of Shop KLA was put back to an earlier state" in found[1].sentence
    assert [trouble.kind for trouble in later] == ["clone_suspected"]


def test_an_exception_of_a_stranger_cannot_be_settled(world: World, pair: tuple[RawNode, RawNode]) -> None:
    pair[0].write(product(pair[0].new_id(), sku="CB1"), product(pair[0].new_id(), sku="CB1"))
    pair[0].push()
    (row,) = world.rows("SELECT id::text FROM hub_exception")
    with pytest.raises(NotFound):
        perform(world.owner(world.mallory), "exceptions.settle", {"exception_id": row[0]})
    perform(world.owner(), "exceptions.settle", {"exception_id": row[0]})
