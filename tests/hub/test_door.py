"""The nodes' door: what must be signed, how much is read, and who is believed."""

from __future__ import annotations

import gzip
import resource
from typing import Any

import pytest
import zstandard

from cloudhub.tenancy.clones import settle_clone
from cloudhub.tenancy.nodes import revoke_node
from sync_protocol.canonical import canonical
from sync_protocol.compression import DECODED_BYTES_MAX, ENCODED_BYTES_MAX, compress
from sync_protocol.keys import public_text
from sync_protocol.signing import Request, sign_request
from tests.hub.raw import ENROL, EXCHANGE, Answered, RawNode, product, raw_node
from tests.hub.world import World

COVERED = (
    "Content-Digest", "Content-Encoding", "X-Sync-Audience", "X-Sync-Origin", "Signature-Input", "Signature",
)  # fmt: skip


@pytest.fixture
def raw(world: World) -> RawNode:
    return raw_node(world)


def post(raw: RawNode, body: bytes, headers: dict[str, str], path: str = EXCHANGE, **more: Any) -> Answered:
    return raw.read(raw.client.post(path, data=body, headers=headers, **more), headers.get("Signature", ""))


def valid(raw: RawNode) -> tuple[bytes, dict[str, str]]:
    body = canonical(raw.message())
    return body, raw.headers(body)


def test_hello_tells_time_and_key_without_a_signature(world: World) -> None:
    answer = world.app.test_client().get("/sync/hello")

    assert answer.json["time"] == world.clock.wall_ms()
    assert answer.json["hub_key"] == world.hub.identity.public_key
    assert answer.json["epoch"] == world.hub.identity.epoch


def test_answers_and_refusals_are_signed_by_the_hub(raw: RawNode) -> None:
    assert raw.send(raw.message()).signed
    refused = raw.send(raw.message(node=raw.new_id()))
    assert (refused.status, refused.signed) == (422, True)


@pytest.mark.parametrize("name", COVERED)
def test_a_request_without_one_of_its_signed_headers_is_refused(raw: RawNode, name: str) -> None:
    body, headers = valid(raw)
    del headers[name]
    assert post(raw, body, headers).code == "bad_signature"


@pytest.mark.parametrize("name", COVERED)
def test_a_request_with_one_of_its_signed_headers_changed_is_refused(raw: RawNode, name: str) -> None:
    body, headers = valid(raw)
    headers[name] = {"Content-Encoding": "gzip"}.get(name, headers[name][:-2] + "x=")
    assert post(raw, body, headers).code == "bad_signature"


@pytest.mark.parametrize("name", COVERED)
def test_a_signed_header_that_is_there_twice_is_refused(raw: RawNode, name: str) -> None:
    body, headers = valid(raw)
    pairs = [*headers.items(), (name, headers[name])]
    answer = raw.client.post(EXCHANGE, data=body, headers=pairs)
    assert answer.status_code == 401


def test_method_path_and_query_are_signed(raw: RawNode) -> None:
    body, headers = valid(raw)
    assert post(raw, body, headers, f"{EXCHANGE}?more=1").code == "bad_signature"
    assert post(raw, body, headers, ENROL).code == "bad_signature"


def test_another_body_under_the_same_signature_is_refused(raw: RawNode) -> None:
    _body, headers = valid(raw)
    other = canonical(raw.message(health={"outbox": 9}))
    assert post(raw, other, headers).code == "bad_signature"


def test_the_signature_covers_the_bytes_on_the_line(raw: RawNode) -> None:
    """The same message in another encoding is another body."""
    message = canonical(raw.message(health={"software": "x" * 200, "outbox": 1}))
    headers = raw.headers(gzip.compress(message), "gzip")
    assert post(raw, gzip.compress(message, 9, mtime=1), headers).code == "bad_signature"
    assert post(raw, message, headers).code == "bad_signature"


def test_a_key_speaks_for_its_own_origin_only(world: World, raw: RawNode) -> None:
    other = raw_node(world, "EBB")
    other.origin, mine = raw.origin, other.origin
    assert other.send(other.message()).code == "bad_signature"
    other.origin = mine
    other.node = raw.node
    assert other.send(other.message()).code == "bad_signature"


def test_the_body_must_name_the_node_that_signed(world: World, raw: RawNode) -> None:
    other = raw_node(world, "EBB")
    assert raw.send(raw.message(node=other.node)).code == "invalid_envelope"
    assert raw.send(raw.message(origin=other.origin)).code == "invalid_envelope"


def test_an_unknown_key_and_a_wrong_signature_are_told_apart_by_nobody(world: World, raw: RawNode) -> None:
    unknown = raw.send(raw.message(), keyid=raw.new_id())
    raw.secret = bytes(32)
    wrong = raw.send(raw.message())
    assert (unknown.status, unknown.body) == (wrong.status, wrong.body)


def test_outside_the_window_the_hub_tells_its_time(world: World, raw: RawNode) -> None:
    body, headers = valid(raw)
    world.clock.advance(301_000)
    answer = post(raw, body, headers)
    assert (answer.code, answer.body["time"], answer.signed) == (
        "clock_skew",
        world.clock.wall_ms() // 1000 * 1000,
        True,
    )


def test_a_captured_request_replayed_changes_nothing(world: World, raw: RawNode) -> None:
    raw.write(product(raw.new_id()))
    encoding, body = compress(canonical(raw.message(raw.push_of(1, 1))))
    headers = raw.headers(body, encoding)
    for _ in range(3):
        assert post(raw, body, headers).body["ack"]["accepted"] == 1
    assert world.count("product") == 1
    world.clock.advance(301_000)
    assert post(raw, body, headers).code == "clock_skew"


def test_a_revoked_node_is_refused_with_its_next_request(world: World, raw: RawNode) -> None:
    assert raw.send(raw.message()).status == 200
    revoke_node(world.hub.database, world.tenant_id, raw.node, world.clock.wall_ms())
    answer = raw.send(raw.message())
    assert (answer.status, answer.code, answer.signed) == (401, "revoked", True)


# --- bodies


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_other_content_types_are_refused(raw: RawNode, kind: str) -> None:
    body, headers = valid(raw)
    assert post(raw, body, {**headers, "Content-Type": kind}).code == "malformed"


def test_a_body_over_the_cap_is_refused_before_it_is_read(raw: RawNode) -> None:
    body = bytes(ENCODED_BYTES_MAX + 1)
    answer = post(raw, body, raw.headers(body))
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_bomb_is_refused_with_flat_memory(raw: RawNode, encoding: str) -> None:
    small = {"zstd": zstandard.ZstdCompressor().compress, "gzip": gzip.compress}[encoding]
    body = small(b"[" + b" " * (12 * DECODED_BYTES_MAX) + b"]")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = post(raw, body, raw.headers(body, encoding))
    assert (answer.status, answer.code) == (413, "too_large")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4 * DECODED_BYTES_MAX // 1024


def test_a_body_shorter_than_promised_stores_nothing(world: World, raw: RawNode) -> None:
    raw.write(product(raw.new_id()))
    body = canonical(raw.message(raw.push_of(1, 1)))
    for cut in range(0, len(body), 97):
        environ = {"CONTENT_LENGTH": str(len(body))}
        answer = post(raw, body[:cut], raw.headers(body), environ_overrides=environ)
        assert answer.status in (400, 401)
    assert world.count("product") == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b'{"a":1,"a":1}', "malformed"),
        (b'{"a":NaN}', "malformed"),
        (b'{"a":1.5}', "malformed"),
        (b'{"a":9007199254740992}', "malformed"),
        (b"[" * 40 + b"]" * 40, "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[]", "invalid_envelope"),
        (b"{}", "invalid_envelope"),
    ],
)
def test_what_is_no_message_is_refused_in_the_protocols_words(raw: RawNode, body: bytes, code: str) -> None:
    assert post(raw, body, raw.headers(body)).code == code


@pytest.mark.parametrize(("protocol", "schema", "code"), [(3, 1, "hub_behind"), (1, 4, "hub_behind")])
def test_a_version_the_hub_does_not_speak_is_told_so(raw: RawNode, protocol: int, schema: int, code: str) -> None:
    answer = raw.send(raw.message(protocol=protocol, schema=schema))
    assert (answer.status, answer.code) == (503, code)
    assert (answer.body["protocols"], answer.body["schemas"]) == ([1, 2], [1, 3])


def test_a_node_that_asks_too_often_is_told_to_wait(raw: RawNode) -> None:
    codes = {raw.send(raw.message()).code for _ in range(110)}
    answer = raw.send(raw.message())
    assert codes == {"", "slow_down"}
    assert (answer.status, answer.body["retry_after_ms"] > 0) == (429, True)


def test_a_database_that_is_away_is_a_moments_trouble(world: World, raw: RawNode) -> None:
    body, headers = valid(raw)
    world.server.sql(f"ALTER DATABASE {world.database} ALLOW_CONNECTIONS false")
    world.hub.database.close()
    answer = post(raw, body, headers)
    world.server.sql(f"ALTER DATABASE {world.database} ALLOW_CONNECTIONS true")
    assert (answer.status, answer.code) == (503, "unavailable")
    assert post(raw, body, headers).status == 200


# --- clones


def test_two_pcs_with_one_identity_are_both_stopped_until_the_owner_chose(world: World, raw: RawNode) -> None:
    first, second = raw.run, raw.new_id()
    codes = []
    for run in (first, second, first, second):
        raw.run = run
        world.clock.advance(2_000)
        codes.append(raw.send(raw.message()).code)
    assert codes == ["", "", "clone_suspected", "clone_suspected"]

    settle_clone(world.hub.database, world.tenant_id, raw.node)
    assert raw.send(raw.message()).status == 200


def test_restarts_lost_answers_and_late_requests_raise_no_alarm(world: World, raw: RawNode) -> None:
    body, headers = valid(raw)
    assert post(raw, body, headers).status == 200
    for _ in range(10):
        raw.run = raw.new_id()
        for _ in range(3):
            world.clock.advance(1_000)
            assert raw.send(raw.message()).status == 200
    late, late_headers = valid(raw)
    raw.run = raw.new_id()
    world.clock.advance(1_000)
    assert raw.send(raw.message()).status == 200
    assert post(raw, late, late_headers).status == 200
    assert raw.send(raw.message()).status == 200


def test_a_clone_is_recognised_before_its_fork(world: World, raw: RawNode) -> None:
    first = raw.run
    raw.write(product(raw.new_id(), name="one"))
    raw.push()
    raw.run = raw.new_id()
    world.clock.advance(1_000)
    raw.send(raw.message())
    del raw.entries[:], raw.hashes[:]
    raw.write(product(raw.new_id(), name="other"))
    raw.run = first
    world.clock.advance(1_000)

    assert raw.push(1, 1).code == "clone_suspected"


# --- a hub that was restored


def test_a_cursor_of_another_life_is_a_rewind(world: World, raw: RawNode) -> None:
    raw.write(product(raw.new_id()))
    raw.push()
    have = raw.message()["have"]

    for wrong in (
        {**have, "cursor": 10_000},
        {**have, "streams": {"t": [1, "0" * 64]}},
        {**have, "streams": {f"s:{raw.shop}": [3, "0" * 64]}},
    ):
        answer = raw.send(raw.message(have=wrong))
        assert (answer.status, answer.code) == (409, "rewind"), wrong
        assert (answer.body["durable"], answer.body["hash"]) == (1, raw.hash_of(1))


def test_the_public_key_of_a_node_is_its_own(world: World, raw: RawNode) -> None:
    rows = world.rows("SELECT public_key FROM node")
    assert rows == [(public_text(raw.key),)]


def test_a_nul_in_what_a_computer_calls_itself_and_a_chunk_of_no_number_are_refused_in_form(world: World) -> None:
    """They reached the database, whose refusal was told as "busy": the shop asked again for ever."""
    raw = raw_node(world)
    for health in ({"software": "a\0b"}, {"device": "a\0b"}):
        answer = raw.send(raw.message(health=health))
        assert (answer.status, answer.code) == (422, "invalid_envelope")
    target = f"/sync/v1/snapshot/{raw.new_id()}/{2**63}"
    request = Request("GET", target, b"")
    now_s = world.clock.wall_ms() // 1000
    audience = world.hub.identity.audience
    signed = sign_request(raw.key, raw.node, request, "identity", audience, raw.origin, now_s)
    answer = raw.read(raw.client.get(target, headers=signed), signed["Signature"])
    assert (answer.status, answer.code) == (410, "snapshot_gone")
