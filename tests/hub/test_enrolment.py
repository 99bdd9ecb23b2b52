"""Enrolment: one code, one PC; and a shop that sold before it was enrolled keeps its ids."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from cloudhub.doctor import check_hub
from cloudhub.tenancy.codes import hash_code, make_enrol_code
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import SaleSummary
from shopnode.sync.enrol import adopt, ask_to_enrol, standalone_of
from shopnode.sync.exchange import Refused
from sync_protocol.keys import public_text
from tests.domain.till import open_till
from tests.hub.raw import ENROL, RawNode, enrol_message, product, raw_node
from tests.hub.world import SOFTWARE, Node, World
from tests.shop import Shop, build_template, open_copy


def test_a_code_is_readable_and_hard_to_guess(world: World) -> None:
    shop_id = world.shop("KLA")
    codes = {make_enrol_code(world.hub, world.tenant_id, shop_id) for _ in range(50)}
    assert len(codes) == 50
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)
    stored = {row[0] for row in world.rows("SELECT code_hash FROM enrol_code")}
    assert stored == {hash_code(code) for code in codes}


def test_codes_are_taken_as_people_type_them() -> None:
    assert hash_code("7QX4-M2KD-9H10") == hash_code(" 7qx4 m2kd 9hIO ") == hash_code("7QX4M2KD9Hl0")


def test_a_code_works_once(world: World) -> None:
    shop_id = world.shop("KLA")
    first = raw_node(world, shop_id=shop_id)
    message = enrol_message(world, first, world.tenant_id, shop_id)
    second = RawNode(world, world.app.test_client(), bytes(range(32)))
    message["public_key"] = public_text(second.key)

    assert second.send(message, ENROL, public_text(second.key)).status == 200
    again = second.send(message, ENROL, public_text(second.key))
    assert (again.status, again.code, again.signed) == (403, "bad_code", True)


def test_a_code_dies_after_a_quarter_of_an_hour(world: World) -> None:
    raw = raw_node(world)
    message = enrol_message(world, raw, world.tenant_id, raw.shop)
    world.clock.advance(15 * 60_000)
    assert raw.send(message, ENROL, public_text(raw.key)).code == "bad_code"


def test_fifty_at_once_with_one_code_make_one_node(world: World) -> None:
    shop_id = world.shop("KLA")
    nodes = [RawNode(world, world.app.test_client(), bytes([number]) * 32) for number in range(20)]
    typed = make_enrol_code(world.hub, world.tenant_id, shop_id)
    codes: list[int] = []

    def ask(node: RawNode) -> None:
        message = {
            "protocol": 1, "schema": 1, "code": typed, "public_key": public_text(node.key), "device": "x",
            "software": "x",
        }  # fmt: skip
        codes.append(node.send(message, ENROL, public_text(node.key)).status)

    threads = [threading.Thread(target=ask, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes.count(200) == 1
    assert world.count("node") == 1


def test_guessing_is_slowed_down(world: World) -> None:
    raw = raw_node(world)
    message = enrol_message(world, raw, world.tenant_id, raw.shop, code="AAAA-AAAA-AAAA")
    answers = [raw.send(message, ENROL, public_text(raw.key)).code for _ in range(22)]
    assert answers[:20] == ["bad_code"] * 20
    assert answers[20:] == ["slow_down"] * 2
    world.clock.advance(16 * 60_000)
    assert raw.send(message, ENROL, public_text(raw.key)).code == "bad_code"


def test_a_node_must_sign_with_the_key_it_brings(world: World) -> None:
    raw = raw_node(world)
    other = RawNode(world, world.app.test_client(), bytes(range(32)))
    message = enrol_message(world, raw, world.tenant_id, raw.shop)
    assert other.send(message, ENROL, public_text(other.key)).code == "bad_signature"


def test_each_pc_of_a_shop_has_a_series_of_its_own(world: World) -> None:
    shop_id = world.shop("KLA")
    series = []
    for number in range(3):
        raw = RawNode(world, world.app.test_client(), bytes([number]) * 32)
        message = enrol_message(world, raw, world.tenant_id, shop_id)
        series.append(raw.send(message, ENROL, public_text(raw.key)).body["series"])
    assert series == ["KLA1", "KLA2", "KLA3"]


def test_shop_codes_are_unique_in_a_business_and_not_across(world: World) -> None:
    world.shop("KLA")
    with pytest.raises(Invalid):
        world.shop("KLA")
    world.shop("KLA", world.mallory)


def test_one_business_cannot_make_codes_for_anothers_shop(world: World) -> None:
    shop_id = world.shop("KLA")
    with pytest.raises(Exception, match="foreign key"):
        make_enrol_code(world.hub, world.mallory.tenant_id, shop_id)
    with pytest.raises(NotFound):
        perform(world.owner(world.mallory), "shops.update", {"shop_id": shop_id, "name": "Mine"})


# --- a shop that sold before


@pytest.fixture
def lonely(tmp_path: Path, world: World) -> Shop:
    """Kisura's shop, standalone, with a sale made."""
    folder = tmp_path / "template"
    folder.mkdir()
    people = build_template(folder)
    (tmp_path / "lonely").mkdir()
    shop, database = open_copy(folder, tmp_path / "lonely", people)
    world.nodes.append(database)
    till = open_till(shop)
    till.sell()
    return shop


def join(world: World, shop: Shop, seat: str) -> Node:
    line = world.line()
    typed = make_enrol_code(world.hub, world.tenant_id, seat)
    home = shop.home
    world.clock.now_ms = max(world.clock.now_ms, shop.clock.wall_ms())
    enrolment = ask_to_enrol(
        "http://hub", typed, device="Counter", software=SOFTWARE, random=home.random, standalone=standalone_of(home),
        transport=line,
    )  # fmt: skip
    adopt(home, enrolment)
    return Node(home, shop.clock, shop.people, line)


def test_everything_a_standalone_shop_recorded_comes_up(world: World, lonely: Shop) -> None:
    seat = world.shop("KLA")
    entries = len(lonely.entries())

    node = join(world, lonely, seat)
    node.sync()

    shop_id = lonely.home.shop_id
    assert world.rows("SELECT n FROM journal_entry WHERE verdict IN ('held', 'quarantined')") == []
    assert world.rows("SELECT head_n FROM origin WHERE id = :o", o=lonely.home.origin_id) == [(entries,)]
    assert world.rows("SELECT id::text, code FROM shop WHERE archived_at IS NULL") == [(shop_id, "KLA")]
    assert world.rows("SELECT shop_id::text, code FROM shop_seat") == [(shop_id, "KLA")]
    assert world.rows("SELECT total_minor FROM sale_summary") == [(lonely.rows(SaleSummary)[0].total_minor,)]
    posted = world.rows(
        "SELECT shop_id::text FROM staff_posting WHERE staff_id = :s AND archived_at IS NULL", s=world.kisura.owner_id
    )
    assert posted == [(shop_id,)]
    assert check_hub(world.hub).findings == []


def test_after_adoption_the_owner_and_the_shop_work_on(world: World, lonely: Shop) -> None:
    node = join(world, lonely, world.shop("KLA"))
    node.sync()
    (product_id, *_), *_ = world.rows("SELECT id::text FROM product ORDER BY name LIMIT 1")
    perform(world.owner(), "products.update", {"product_id": product_id, "price_minor": 12_345})
    node.sync()
    assert node.row(Product, product_id).price_minor == 12_345
    assert node.do("products.update", product_id=product_id, price_minor=13_000, role=Role.OWNER)
    node.sync()
    assert world.rows("SELECT price_minor FROM product WHERE id = :p", p=product_id) == [(13_000,)]
    assert world.rows("SELECT count(*) FROM field_conflict") == [(0,)]


def test_a_shop_in_use_is_not_given_up(world: World, lonely: Shop) -> None:
    raw = raw_node(world, "KLA")
    raw.write(product(raw.new_id()))
    raw.push()
    with pytest.raises(Refused) as refusal:
        join(world, lonely, raw.shop)
    assert "in use" in refusal.value.facts["detail"]
    assert world.rows("SELECT archived_at FROM shop WHERE id = :s", s=raw.shop) == [(None,)]


def test_a_shop_is_adopted_once(world: World, lonely: Shop) -> None:
    join(world, lonely, world.shop("KLA"))
    with pytest.raises(Refused):
        join(world, lonely, world.shop("EBB"))
    with pytest.raises(Refused):
        join(world, lonely, lonely.home.shop_id or "")


def test_a_prepared_shop_takes_the_code_that_receipts_already_carry(world: World, lonely: Shop) -> None:
    join(world, lonely, world.shop("EBB")).sync()
    assert world.rows("SELECT code FROM shop_seat") == [("KLA",)]
    assert world.rows("SELECT code FROM shop WHERE archived_at IS NULL") == [("KLA",)]


def test_a_clash_of_receipt_codes_is_refused_in_words(world: World, lonely: Shop) -> None:
    world.shop("KLA")
    seat = world.shop("EBB")
    with pytest.raises(Refused) as refusal:
        join(world, lonely, seat)
    assert "KLA" in refusal.value.facts["detail"]
