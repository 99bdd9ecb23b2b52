"""The fork call at the hub, by nodes that say exactly what a test wants."""

import pytest

from cloudhub.merge.models import Origin
from cloudhub.tenancy.nodes import revoke_node
from sync_protocol.chain import genesis
from tests.hub.raw import product, raw_node, sale

FORK = "/sync/v1/fork"


def ask(raw, chain, *, begin=None, lines=None, **more):
    clock = raw.world.clock
    message = {
        "protocol": 1, "schema": 1, "node": raw.node, "run": raw.run, "origin": raw.origin,
        "clock": {"wall": clock.wall_ms(), "mono": clock.mono_ms(), "boot": clock.boot_id()},
        "chain": chain, "lines": lines or {}, "begin": begin, "epoch": raw.world.hub.identity.epoch, **more,
    }  # fmt: skip
    return raw.send(message, FORK)


def chain_of(raw):
    return [[n, raw.hash_of(n)] for n in range(len(raw.hashes), 0, -1)]


@pytest.fixture
def raw(world):
    made = raw_node(world)
    for name in ("Cable", "Charger", "Case"):
        made.write(product(made.new_id(), name=name))
    assert made.push().status == 200
    return made


def test_the_highest_entry_that_both_have_is_named_with_the_hubs_own_head(raw):
    other = [[3, "0" * 64], [2, raw.hash_of(2)], [1, raw.hash_of(1)]]
    answer = ask(raw, other)
    assert answer.signed
    assert answer.body["common"] == [2, raw.hash_of(2)]
    assert answer.body["head"] == [3, raw.hash_of(3)]
    assert answer.body["seq"] == raw.world.rows("SELECT seq FROM tenant_feed")[0][0]


def test_without_a_common_entry_the_beginning_of_the_origin_is_common(raw):
    assert ask(raw, [[3, "0" * 64]]).body["common"] == [0, genesis(raw.origin)]


def test_lines_are_compared_by_stream_and_only_those_of_the_nodes_own(raw):
    hashes = dict(raw.world.rows("SELECT no, hash FROM feed_line WHERE stream = 't'"))
    last = max(hashes)
    foreign = f"s:{raw.new_id()}"
    answer = ask(raw, [], lines={"t": [[last + 1, "1" * 64], [last, hashes[last]]], foreign: [[last, hashes[last]]]})
    assert answer.body["lines"] == {"t": [last, hashes[last]]}


def test_asking_changes_nothing(raw):
    before = raw.world.rows("SELECT * FROM origin ORDER BY id")
    ask(raw, chain_of(raw))
    assert raw.world.rows("SELECT * FROM origin ORDER BY id") == before


def test_a_new_origin_is_begun_once_and_the_old_one_is_a_fork_from_then_on(raw):
    begin = {"origin": raw.new_id(), "series": "KLA1-K7Q2M"}
    for _ in range(2):  # the first answer was lost
        assert ask(raw, chain_of(raw), begin=begin).status == 200
    node = raw.world.rows("SELECT origin_id, series FROM node WHERE id = :id", id=raw.node)[0]
    assert [str(node[0]), node[1]] == [begin["origin"], begin["series"]]
    assert raw.push(1, 1).code == "fork"

    old, raw.origin = raw.origin, begin["origin"]
    raw.entries.clear(), raw.hashes.clear()
    raw.sent = 0
    raw.write(product(raw.new_id(), name="Sold after the restore"))
    assert raw.push().status == 200
    assert raw.world.rows("SELECT head_n FROM origin WHERE id = :id", id=old) == [(3,)]


def test_a_lost_origin_is_answered_as_a_rewind_and_can_be_begun_again(raw):
    raw.origin = raw.new_id()
    assert raw.send(raw.message()).code == "rewind"
    assert ask(raw, [], begin={"origin": raw.origin, "series": "KLA1"}).status == 200
    assert raw.send(raw.message()).status == 200


def test_an_older_request_does_not_bring_an_older_origin_back(raw):
    first, second = raw.new_id(), raw.new_id()
    raw.world.clock.advance(30_000)
    assert ask(raw, [], begin={"origin": second, "series": "KLA1-BBBBB"}).status == 200
    raw.world.clock.now_ms -= 20_000
    assert ask(raw, [], begin={"origin": first, "series": "KLA1-AAAAA"}).code == "unavailable"
    assert str(raw.world.rows("SELECT origin_id FROM node WHERE id = :id", id=raw.node)[0][0]) == second


def test_series_of_another_computer_are_refused(raw):
    assert ask(raw, [], begin={"origin": raw.new_id(), "series": "GUL1-AAAAA"}).code == "invalid_envelope"


def test_an_origin_of_another_node_is_never_begun(raw):
    other = raw_node(raw.world, shop_id=raw.shop)
    answer = ask(raw, [], begin={"origin": other.origin, "series": "KLA1-AAAAA"})
    assert answer.code == "invalid_envelope"


def test_the_pc_that_replaces_another_may_ask_about_that_ones_origin(raw):
    other = raw_node(raw.world, shop_id=raw.shop)
    other.origin, mine = raw.origin, other.origin
    assert ask(other, chain_of(raw)).body["common"] == [3, raw.hash_of(3)]
    assert mine != raw.origin


def test_origins_of_another_shop_are_no_business_of_a_node(raw):
    other = raw_node(raw.world, "GUL")
    other.origin = raw.origin
    answer = ask(other, chain_of(raw))
    assert answer.code == "invalid_envelope"


def test_origins_of_another_business_are_unknown(raw):
    stranger = raw_node(raw.world, "KLA", raw.world.mallory)
    stranger.origin = raw.origin
    assert ask(stranger, chain_of(raw)).body["common"] == [0, genesis(raw.origin)]


def test_a_revoked_node_begins_nothing(raw):
    revoke_node(raw.world.hub.database, raw.tenant, raw.node, raw.world.clock.wall_ms())
    assert ask(raw, chain_of(raw), begin={"origin": raw.new_id(), "series": "KLA1-AAAAA"}).code == "revoked"
    with raw.world.session() as session:
        assert session.query(Origin).filter_by(node_id=raw.node).count() == 1


def test_a_clone_is_noticed_before_it_becomes_a_second_origin(raw):
    first, second = raw.run, raw.new_id()
    raw.world.clock.advance(10_000)
    raw.run = second
    assert ask(raw, chain_of(raw), begin={"origin": raw.new_id(), "series": "KLA1-AAAAA"}).status == 200
    raw.world.clock.advance(10_000)
    raw.run = first
    begin = {"origin": raw.new_id(), "series": "KLA1-BBBBB"}
    assert ask(raw, chain_of(raw), begin=begin).code == "clone_suspected"
    assert raw.world.rows("SELECT count(*) FROM origin WHERE id = :id", id=begin["origin"]) == [(0,)]


def test_the_highest_number_of_each_series_of_the_shop_is_told(raw):
    for number in ("KLA1-000007", "KLA1-000012", "KLA1-K7Q2M-000003", "not a number"):
        raw.write(sale(raw.new_id(), raw.shop, number))
    assert raw.push().status == 200
    assert ask(raw, []).body["counters"] == {"KLA1": 12, "KLA1-K7Q2M": 3}
