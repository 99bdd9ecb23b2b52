"""Enrolment: one code, one PC; and a shop that sold before it was enrolled keeps its ids."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest

from cloudhub.doctor import check_hub
from cloudhub.tenancy.codes import hash_code, make_enrol_code
from cloudhub.tenancy.enrolment import enrol
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.people.models import Business
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import SaleSummary
from shopnode.sync.enrol import Enrolment, adopt, ask_to_enrol, key_for_attempt, standalone_of
from shopnode.sync.line import Refused
from shopnode.sync.models import EnrolAttempt
from shopnode.sync.transport import Answer, LinkDown
from sync_protocol.keys import public_text, read_private
from sync_protocol.messages import EnrolRequest
from sync_protocol.problems import BadCode, SlowDown
from tests.domain.till import open_till
from tests.hub.raw import ENROL, RawNode, enrol_message, product, raw_node
from tests.hub.world import SOFTWARE, DirectLine, Node, World
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
    third = RawNode(world, world.app.test_client(), bytes(range(1, 33)))
    message["public_key"] = public_text(third.key)
    again = third.send(message, ENROL, public_text(third.key))
    assert (again.status, again.code, again.signed) == (403, "bad_code", True)


def test_the_same_code_and_key_are_answered_alike_while_the_code_lives(world: World) -> None:
    raw = RawNode(world, world.app.test_client(), bytes(range(32)))
    message = enrol_message(world, raw, world.tenant_id, world.shop("KLA"))

    first, again = (raw.send(message, ENROL, public_text(raw.key)).body for _ in range(2))
    assert first == again
    assert world.count("node") == 1
    world.clock.advance(15 * 60_000)
    assert raw.send(message, ENROL, public_text(raw.key)).code == "bad_code"


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


def test_a_stranger_with_many_addresses_does_not_shut_the_door_for_others(world: World) -> None:
    raw = RawNode(world, world.app.test_client(), bytes(range(32)))
    typed = make_enrol_code(world.hub, world.tenant_id, world.shop("KLA"))
    wrong = EnrolRequest(
        protocol=1, schema_=1, code="AAAA-AAAA-AAAA", public_key=public_text(raw.key), device="x", software="x"
    )
    for i in range(52):
        for host in (i, i + 100):
            for address in (f"10.0.0.{host}", f"2001:db8:0:{host:x}::7"):
                for _ in range(5):
                    with pytest.raises(BadCode):
                        enrol(world.hub, wrong, address)
    assert enrol(world.hub, wrong.model_copy(update={"code": typed}), "10.9.9.9").tenant == world.tenant_id


def test_an_ipv6_network_is_one_address(world: World) -> None:
    wrong = EnrolRequest(
        protocol=1, schema_=1, code="AAAA-AAAA-AAAA", public_key=public_text(read_private(bytes(range(32)))),
        device="x", software="x",
    )  # fmt: skip
    for i in range(20):
        with pytest.raises(BadCode):
            enrol(world.hub, wrong, f"2001:db8::{i:x}")
    with pytest.raises(SlowDown):
        enrol(world.hub, wrong, "2001:db8::ffff")


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


def join(world: World, shop: Shop, seat: str, **more: Any) -> Node:
    line = world.line()
    enrolment = ask(world, shop, make_enrol_code(world.hub, world.tenant_id, seat), line, **more)
    adopt(shop.home, enrolment)
    return Node(shop.home, shop.clock, shop.people, line)


def ask(world: World, shop: Shop, typed: str, line: Any, *, secret: bytes | None = None, **brought: Any) -> Enrolment:
    world.clock.now_ms = max(world.clock.now_ms, shop.clock.wall_ms())
    return ask_to_enrol(
        "http://hub", typed, device="Counter", software=SOFTWARE, random=shop.home.random, transport=line,
        standalone=standalone_of(shop.home).model_copy(update=brought), secret=secret,
    )  # fmt: skip


class DeafLine(DirectLine):
    """The hub hears an enrolment, and its answer is lost."""

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        answer = super().send(method, target, headers, body)
        if target == ENROL:
            raise LinkDown("the answer was lost")
        return answer


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
    join(world, lonely, world.shop("KLA")).sync()
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


def test_a_lost_reply_leaves_the_key_with_the_shop_and_the_code_good(world: World, lonely: Shop) -> None:
    typed = make_enrol_code(world.hub, world.tenant_id, world.shop("KLA"))
    with pytest.raises(LinkDown):
        ask(world, lonely, typed, DeafLine(world.app), secret=key_for_attempt(lonely.home))

    line = world.line()
    adopt(lonely.home, ask(world, lonely, typed, line, secret=key_for_attempt(lonely.home)))
    Node(lonely.home, lonely.clock, lonely.people, line).sync()

    assert world.count("node") == 1
    assert world.rows("SELECT head_n FROM origin WHERE id = :o", o=lonely.home.origin_id) == [(len(lonely.entries()),)]
    assert lonely.rows(EnrolAttempt) == []


@pytest.mark.parametrize("same_shop", [True, False], ids=["a code of the same shop", "a code of another empty shop"])
def test_a_new_code_takes_over_books_of_which_nothing_has_arrived(world: World, lonely: Shop, same_shop: bool) -> None:
    with pytest.raises(LinkDown):
        ask(world, lonely, make_enrol_code(world.hub, world.tenant_id, world.shop("EBB")), DeafLine(world.app))
    world.clock.advance(1_000)

    node = join(world, lonely, lonely.home.shop_id or "" if same_shop else world.shop("JJA"))
    node.sync()

    assert world.rows("SELECT revoked_at IS NULL FROM node ORDER BY enrolled_at, id") == [(False,), (True,)]
    assert world.rows("SELECT shop_id::text, code FROM shop_seat") == [(lonely.home.shop_id, "KLA")]
    assert world.rows("SELECT code FROM shop WHERE archived_at IS NULL") == [("KLA",)]
    with pytest.raises(Refused):
        join(world, lonely, world.shop("MBR"))


def test_a_shop_that_keeps_its_books_in_another_currency_is_refused_in_words(world: World, lonely: Shop) -> None:
    with pytest.raises(Refused) as refusal:
        join(world, lonely, world.shop("EBB"), currency="KES")
    assert "KES" in refusal.value.facts["detail"]
    assert "UGX" in refusal.value.facts["detail"]


def test_a_joining_shop_changes_nothing_of_the_business(world: World, lonely: Shop) -> None:
    before = world.rows("SELECT name, phone, tax_id, currency FROM business")
    node = join(world, lonely, world.shop("EBB"))
    node.sync()

    assert world.rows("SELECT name, phone, tax_id, currency FROM business") == before
    (business,) = node.rows(Business)
    assert [(business.name, business.phone, business.tax_id, business.currency)] == before
    perform(world.owner(), "business.update", {"name": "Kisura & Sons"})
    node.sync()
    assert node.do("business.update", name="Kisura and Sons", role=Role.OWNER)
    node.sync()
    assert world.rows("SELECT name FROM business") == [("Kisura and Sons",)]


def test_the_series_a_joining_shop_prints_is_the_one_the_hub_knows(world: World, lonely: Shop) -> None:
    join(world, lonely, world.shop("EBB"), series="KLA3")
    assert world.rows("SELECT series FROM node") == [("KLA3",)]
    assert world.rows("SELECT installations FROM shop_seat") == [(3,)]


def test_a_series_that_is_used_already_is_refused_in_words(world: World, lonely: Shop) -> None:
    raw_node(world, "KL1")
    with pytest.raises(Refused) as refusal:
        join(world, lonely, world.shop("EBB"), shop_code="KL", series="KL11")
    assert "KL11" in refusal.value.facts["detail"]
