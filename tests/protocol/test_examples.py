"""The golden examples: what was once on the line is read and written the same for ever."""

from hashlib import sha256

import pytest

from sync_protocol import chain
from sync_protocol.canonical import canonical, parse_canonical
from sync_protocol.digests import DigestAnswer, DigestRequest
from sync_protocol.entries import sealed_bytes
from sync_protocol.forks import ForkAnswer, ForkRequest
from sync_protocol.keys import read_public, verifies
from sync_protocol.lines import check_links, line_hash, make_line, outcome_blocks
from sync_protocol.messages import (
    EnrolAnswer,
    EnrolRequest,
    ExchangeRequest,
    ExchangeResponse,
    Hello,
    ProblemDocument,
    decode,
    encode,
)
from sync_protocol.problems import PROBLEMS, Action
from sync_protocol.pushes import open_push
from sync_protocol.shape import check_entry, check_line
from sync_protocol.snapshots import Manifest, SnapshotRequest
from tests.protocol.bearer_examples import bearer_examples
from tests.protocol.samples import HUB_KEY_TEXT, NODE_KEY
from tests.protocol.write_examples import FOLDER, bytes_of, examples

MODELS = {
    "hello": Hello,
    "enrol_request": EnrolRequest,
    "enrol_answer": EnrolAnswer,
    "exchange_request": ExchangeRequest,
    "exchange_response": ExchangeResponse,
    "fork_request": ForkRequest,
    "fork_answer": ForkAnswer,
    "problem": ProblemDocument,
    **{name: type(example) for name, example in bearer_examples().items()},
    "digest_request": DigestRequest,
    "digest_answer": DigestAnswer,
    "snapshot_request": SnapshotRequest,
    "snapshot_manifest": Manifest,
}
CHECKS = {"entry": check_entry, "line": check_line}
EARLIER = {
    "hello.v1.json": "8392430b6bed7b70",
    "enrol_request.v1.json": "5ad60107e48eabea",
    "enrol_request_standalone.v1.json": "4bc905d2b4127a14",
    "exchange_request.v1.json": "f005d360521b1291",
    "exchange_request_empty.v1.json": "12d81865d34d9fe7",
    "exchange_response.v1.json": "522b1a12bd215ef1",
}  # of forms that are no longer written, with the beginning of their hash
FILES = sorted(file.name for file in FOLDER.glob("*.json"))


def golden(name):
    """The newest form of an example."""
    return max(FOLDER.glob(f"{name}.v*.json")).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_an_example_is_read_and_written_byte_for_byte(name):
    data = (FOLDER / name).read_bytes()
    model = next((MODELS[kind] for kind in MODELS if name.startswith(kind)), None)
    if model is not None:
        assert encode(decode(model, data)) == data
    else:
        value = parse_canonical(data)
        CHECKS[name.split("_")[0].split(".")[0]](value)
        assert canonical(value) == data


def test_this_version_still_writes_its_examples():
    made = {name: bytes_of(example) for name, example in examples().items()}
    assert made == {name: (FOLDER / name).read_bytes() for name in FILES if name not in EARLIER}


def test_the_examples_of_earlier_versions_are_never_edited():
    assert {name: sha256((FOLDER / name).read_bytes()).hexdigest()[:16] for name in EARLIER} == EARLIER


def test_every_problem_has_an_example():
    for code, problem in PROBLEMS.items():
        document = decode(ProblemDocument, golden(f"problem_{code}"))
        assert (document.code, document.status, document.title) == (code, problem.status, problem.sentence)
        assert Action(document.action) is problem.action


def test_the_hashes_and_signatures_of_the_examples_hold():
    push = decode(ExchangeRequest, golden("exchange_request")).push
    answer = decode(ExchangeResponse, golden("exchange_response"))
    assert push is not None
    assert answer.pull is not None
    request = decode(ExchangeRequest, golden("exchange_request"))
    assert push.prev == chain.genesis(request.origin)
    arrived = open_push(push, request.origin, NODE_KEY.public_key())
    assert arrived[-1].hash == answer.ack.hash
    assert arrived[0].sealed == sealed_bytes(parse_canonical(golden("entry")))

    own, foreign = answer.pull.lines
    whole = make_line(
        arrived[0].entry, own["origin"], own["no"], own["prev"], own["stream"], outcome_blocks(arrived[0].entry["rows"])
    )
    before = request.have.streams[foreign["stream"]][1]
    page = chain.page_message(
        answer.epoch,
        request.node,
        answer.pull.from_no,
        answer.pull.to_no,
        [line_hash(whole), line_hash(foreign, before)],
    )
    assert verifies(read_public(HUB_KEY_TEXT), page, answer.page_sig or "")
    last = {stream: no for stream, (no, _) in request.have.streams.items()}
    assert max(check_links(last, answer.pull.lines, request.have.cursor).values()) == answer.pull.to_no


def test_the_head_of_the_examples_never_changes():
    answer = decode(ExchangeResponse, golden("exchange_response"))
    assert answer.ack.hash == "2cb7ab5ec49b40f5f5ee5121068b83712aa82178bf35c4fe4c017a7afaf0d87b"
