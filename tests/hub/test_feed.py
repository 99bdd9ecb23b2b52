"""The feed: no line is ever skipped, streams are linked, and a node is sent what concerns it and nothing else."""

from __future__ import annotations

import threading
import time

import pytest

from cloudhub.doctor import check_hub
from shopnode.domain.actions import perform
from sync_protocol.chain import page_message
from sync_protocol.keys import read_public, verifies
from sync_protocol.lines import check_links, line_hash
from tests.hub.raw import RawNode, product, raw_node, sale
from tests.hub.world import World

PUSHERS = 8
ENTRIES_EACH = 30


@pytest.fixture
def raw(world: World) -> RawNode:
    return raw_node(world)


def test_a_reader_among_eight_writers_never_skips_a_line(world: World) -> None:
    nodes = [raw_node(world, f"S{number}") for number in range(PUSHERS)]
    reader = raw_node(world, "READ")
    done = threading.Event()
    seen: list[int] = []
    faults: list[object] = []

    def push(node: RawNode) -> None:
        for number in range(ENTRIES_EACH):
            node.write(product(node.new_id(), name=f"{node.shop} {number}"))
            answer = node.push()
            while answer.status in (429, 503):  # one business has so many turns at once, and comes again
                time.sleep(0.02)
                answer = node.push()
            if answer.status != 200:
                faults.append(answer.body)

    def read() -> None:
        quiet = 0
        while quiet < 2:
            answer = reader.pull(rows=50)
            if answer.status in (429, 503):
                time.sleep(0.1)
                continue
            if answer.status != 200:
                faults.append(answer.body)
                return
            seen.extend(line["no"] for line in answer.lines)
            quiet = quiet + 1 if done.is_set() and not answer.body["pull"]["more"] else 0
            time.sleep(0.02)

    threads = [threading.Thread(target=push, args=(node,)) for node in nodes]
    watcher = threading.Thread(target=read)
    watcher.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    watcher.join()

    assert faults == []
    expected = [row[0] for row in world.rows("SELECT no FROM feed_line WHERE stream = 't' ORDER BY no")]
    assert [no for no in seen if no in set(expected)] == expected
    assert world.count("product") == PUSHERS * ENTRIES_EACH
    numbers = [row[0] for row in world.rows("SELECT no FROM feed_line ORDER BY no")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert check_hub(world.hub).findings == []


def test_pages_are_linked_signed_and_end_where_they_say(world: World, raw: RawNode) -> None:
    writer = raw_node(world, "EBB")
    for number in range(25):
        writer.write(product(writer.new_id(), name=f"product {number}"))
    writer.push()
    marks: dict[str, int] = {}
    ends: dict[str, str] = {}
    pages = 0
    while True:
        begin = raw.cursor
        answer = raw.pull(rows=4)
        page = answer.body["pull"]
        marks |= check_links(marks, page["lines"], begin)
        hashes = []
        for line in page["lines"]:
            stream = line["stream"]
            ends[stream] = line_hash(line, ends.get(stream))
            hashes.append(ends[stream])
        words = page_message(answer.body["epoch"], raw.node, page["from"], page["to"], hashes)
        assert verifies(read_public(world.hub.identity.public_key), words, answer.body["page_sig"])
        pages += 1
        if not page["more"]:
            break
    assert pages >= 6
    assert raw.cursor == world.rows("SELECT seq FROM tenant_feed")[0][0]


def test_one_line_is_always_sent_whatever_the_limits(world: World, raw: RawNode) -> None:
    answer = raw.pull(rows=0, size=0)
    assert len(answer.lines) == 1
    assert answer.body["pull"]["more"]


def test_the_cursor_moves_past_lines_of_others(world: World, raw: RawNode) -> None:
    other = raw_node(world, "EBB")
    raw.pull()
    other.write(sale(other.new_id(), other.shop))
    other.push()

    answer = raw.pull()

    assert answer.lines == []
    assert raw.cursor == world.rows("SELECT seq FROM tenant_feed")[0][0]


def test_a_node_is_sent_its_own_and_the_tenants_streams_only(world: World, raw: RawNode) -> None:
    other = raw_node(world, "EBB")
    stranger = raw_node(world, "MAL", world.mallory)
    for node in (raw, other, stranger):
        node.write(sale(node.new_id(), node.shop))
        node.push()

    for node in (raw, other, stranger):
        lines = node.pull().lines
        assert {line["stream"] for line in lines} <= {"t", f"s:{node.shop}"}
        assert sum(1 for line in lines if line["origin"] == node.origin) == 1
    assert raw.origin not in str(stranger.pull().body) + str(other.pull().body)


def test_a_line_of_ones_own_taken_as_written_is_sent_as_its_place_alone(world: World, raw: RawNode) -> None:
    raw.write(product(raw.new_id()))
    raw.push()
    own = raw.pull().lines[-1]
    assert set(own) == {"no", "prev", "stream", "origin", "n"}
    whole = raw_node(world, "EBB").pull().lines
    assert next(line for line in whole if line["no"] == own["no"])["rows"] == raw.entries[0]["rows"]


def test_the_tenants_part_of_an_entry_comes_before_the_shops(world: World, raw: RawNode) -> None:
    raw.write(sale(raw.new_id(), raw.shop), product(raw.new_id()))
    raw.push()
    raw.cursor = 0
    streams = [line["stream"] for line in raw.pull().lines if line["origin"] == raw.origin]
    assert streams == ["t", f"s:{raw.shop}"]


def test_portal_actions_and_pushes_number_one_feed(world: World, raw: RawNode) -> None:
    row_id = raw.new_id()
    raw.write(product(row_id))
    raw.push()
    stop = threading.Event()

    def edit() -> None:
        price = 5_000
        while not stop.is_set():
            price += 1
            perform(world.owner(), "products.update", {"product_id": row_id, "price_minor": price})

    thread = threading.Thread(target=edit)
    thread.start()
    for number in range(30):
        raw.write(product(raw.new_id(), name=f"product {number}"))
        assert raw.push().status == 200
    stop.set()
    thread.join()

    assert check_hub(world.hub).findings == []
