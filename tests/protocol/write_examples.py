"""The golden examples, as made by the code of today; a file names the version of the protocol that it came with.

The tests compare them with the files in `sync_protocol/examples`. Once a version is released its files are never
edited; `python -m tests.protocol.write_examples` writes those that are missing, and only `--all` replaces the others.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import sync_protocol
from sync_protocol import chain
from sync_protocol.canonical import canonical
from sync_protocol.digests import DigestAnswer, DigestRequest, Fold
from sync_protocol.forks import Begin, ForkAnswer, ForkRequest
from sync_protocol.keys import sign
from sync_protocol.lines import brief_line, line_hash, make_line, outcome_blocks, shop_stream
from sync_protocol.messages import (
    Ack,
    ClockReading,
    EnrolAnswer,
    EnrolRequest,
    EntryVerdict,
    ExchangeRequest,
    ExchangeResponse,
    Have,
    Health,
    Hello,
    Limits,
    Message,
    Page,
    ProblemDocument,
    PullLimits,
    Push,
    Standalone,
    encode,
)
from sync_protocol.problems import (
    BadCode,
    BadSignature,
    ClockSkew,
    CloneSuspected,
    Fork,
    Gap,
    HubBehind,
    InvalidEnvelope,
    LogFloor,
    Malformed,
    ProtocolError,
    Revoked,
    Rewind,
    SlowDown,
    SnapshotGone,
    TooLarge,
    Unavailable,
    UpgradeNeeded,
)
from sync_protocol.shape import Entry, Line
from sync_protocol.snapshots import KEPT_MS, Manifest, SnapshotRequest, fingerprint, pack
from tests.protocol.bearer_examples import bearer_examples
from tests.protocol.returned_examples import lost_line, page_of, readmitted_entry
from tests.protocol.samples import (
    AUDIENCE,
    BUSINESS,
    EPOCH,
    HUB_KEY,
    HUB_KEY_TEXT,
    NODE,
    NODE_KEY,
    NODE_KEY_TEXT,
    NOON_MS,
    ORIGIN,
    OTHER_ORIGIN,
    SHOP,
    TENANT,
    customer_entry,
    entries,
    heads,
    id_of,
    line_of,
    sale_entry,
)

FOLDER = Path(sync_protocol.__file__).parent / "examples"

# Messages whose form is still that of protocol 1; files of forms that are no longer written stay and are still read.
FIRST = {
    "enrol_answer", "exchange_response_empty", "entry", "entry_personal", "line_own", "line_foreign",
    "problem_bad_code", "problem_bad_signature", "problem_clock_skew", "problem_clone_suspected", "problem_fork",
    "problem_gap", "problem_hub_behind", "problem_invalid_envelope", "problem_log_floor", "problem_malformed",
    "problem_revoked", "problem_rewind", "problem_slow_down", "problem_too_large", "problem_unavailable",
    "problem_upgrade",
}  # fmt: skip
STREAM = shop_stream(SHOP)


def hello() -> Hello:
    return Hello(
        time=NOON_MS,
        epoch=EPOCH,
        protocols=(1, 2),
        schemas=(1, 2),
        hub_key=HUB_KEY_TEXT,
        audience=AUDIENCE,
        limits=Limits(rows=4_000, bytes=2 * 1024 * 1024),
    )


def enrol_request() -> EnrolRequest:
    return EnrolRequest(
        protocol=2,
        schema_=2,
        code="7QX4-M2KD-9HTP",
        public_key=NODE_KEY_TEXT,
        device="Counter PC, Kampala Road",
        software="0.1.0",
    )


def enrol_request_standalone() -> EnrolRequest:
    """From a shop that has sold on its own already."""
    brought = Standalone(
        origin=ORIGIN,
        shop=SHOP,
        business=BUSINESS,
        head=(2, heads(2)[-1]),
        shop_code="KLA",
        series="KLA1",
        currency="UGX",
    )
    return enrol_request().model_copy(update={"standalone": brought})


def enrol_answer() -> EnrolAnswer:
    return EnrolAnswer(
        node=NODE,
        origin=ORIGIN,
        tenant=TENANT,
        shop=SHOP,
        series="KLA1",
        streams=["t", STREAM],
        audience=AUDIENCE,
        epoch=EPOCH,
        hub_key=HUB_KEY_TEXT,
        time=NOON_MS,
    )


WITNESS = (40, line_hash(line_of(sale_entry(8)[0], 40, 37, stream="t"), chain.stream_genesis("t")))


def _heartbeat(push: Push | None) -> ExchangeRequest:
    witnesses = {"t": WITNESS}
    return ExchangeRequest(
        protocol=2,
        schema_=2,
        node=NODE,
        origin=ORIGIN,
        run=id_of("run"),
        clock=ClockReading(wall=NOON_MS + 1_500, mono=7_300_000, boot="5eed0001", offset=-1_500),
        have=Have(epoch=EPOCH, cursor=41, streams=witnesses),
        push=push,
        pull=PullLimits(rows=1_000, bytes=1024 * 1024),
        health=Health(outbox=2 if push else 0, quarantined=0, software="0.1.0"),
    )


def exchange_request() -> ExchangeRequest:
    """A push of two entries, the second with personal values."""
    head = chain.head_message(ORIGIN, 2, heads(2)[-1])
    pushed = [entry for entry, _ in entries(2)]
    return _heartbeat(Push(first=1, prev=chain.genesis(ORIGIN), entries=pushed, sig=sign(NODE_KEY, head)))


def exchange_request_empty() -> ExchangeRequest:
    """Nothing to send: what an idle shop says."""
    return _heartbeat(None)


def line_own() -> Line:
    """An entry of the reader's own, accepted as written."""
    entry, _ = sale_entry(1)
    return brief_line(make_line(entry, ORIGIN, 42, 0, STREAM, outcome_blocks(entry["rows"])))


def line_foreign() -> Line:
    """An entry of another origin, whole, with a personal value."""
    entry, _ = customer_entry(5)
    return make_line(entry, OTHER_ORIGIN, 43, 40, "t", outcome_blocks(entry["rows"]))


def exchange_response() -> ExchangeResponse:
    """One entry accepted, one merged; a line of the node's own and one from elsewhere."""
    own_whole, _ = sale_entry(1)
    hashes = [
        line_hash(make_line(own_whole, ORIGIN, 42, 0, STREAM, outcome_blocks(own_whole["rows"]))),
        line_hash(line_foreign(), WITNESS[1]),
    ]
    outcome = [["product", "u", ["id", "price_minor"], [[id_of("product"), 34_000]]]]
    return ExchangeResponse(
        epoch=EPOCH,
        time=NOON_MS + 200,
        next_poll_ms=1_870,
        ack=Ack(
            accepted=2, durable=0, hash=heads(2)[-1], verdicts=[EntryVerdict(n=2, verdict="merged", outcome=outcome)]
        ),
        pull=Page(from_no=41, to_no=43, more=False, lines=[line_own(), line_foreign()]),
        page_sig=sign(HUB_KEY, chain.page_message(EPOCH, NODE, 41, 43, hashes)),
        commands=[],
        entitlement={"plan": "trial", "until": NOON_MS + 14 * 86_400_000},
        limits=Limits(),
    )


def exchange_response_empty() -> ExchangeResponse:
    """Nothing new on either side."""
    return ExchangeResponse(
        epoch=EPOCH,
        time=NOON_MS + 200,
        next_poll_ms=14_300,
        ack=Ack(accepted=2, durable=2, hash=heads(2)[-1], verdicts=[]),
        pull=Page(from_no=43, to_no=43, more=False, lines=[]),
        page_sig=sign(HUB_KEY, chain.page_message(EPOCH, NODE, 43, 43, [])),
        commands=[],
        entitlement={},
        limits=Limits(),
    )


def fork_request() -> ForkRequest:
    """From a node that was restored: two of its entries to compare, and the origin it continues under."""
    return ForkRequest(
        protocol=1,
        schema_=1,
        node=NODE,
        run=id_of("run"),
        clock=ClockReading(wall=NOON_MS + 1_500, mono=7_300_000, boot="5eed0001", offset=-1_500),
        origin=ORIGIN,
        chain=[(2, heads(2)[-1]), (1, heads(1)[-1])],
        lines={"t": [WITNESS]},
        begin=Begin(origin=OTHER_ORIGIN, series="KLA1-K7Q2M"),
        epoch=EPOCH,
    )


def fork_answer() -> ForkAnswer:
    """The hub has the first of the two, and went on to another second and a third."""
    return ForkAnswer(
        epoch=EPOCH,
        time=NOON_MS + 200,
        common=(1, heads(1)[-1]),
        head=(3, heads(3)[-1]),
        durable=1,
        lines={"t": WITNESS},
        counters={"KLA1": 3},
        seq=44,
    )


def snapshot_request() -> SnapshotRequest:
    """What a blank PC asks first."""
    run = id_of("run")
    return SnapshotRequest(protocol=2, schema_=2, node=NODE, origin=ORIGIN, run=run, cursor=0, unless_lines=2_000)


SNAPSHOT_CHUNK = pack([canonical(["product", "i", ["id", "name"], [[id_of("product"), "Charger"]]])])


def snapshot_manifest() -> Manifest:
    """A snapshot of one small chunk."""
    return Manifest(
        id=id_of("snapshot"),
        epoch=EPOCH,
        no=40,
        streams={"t": WITNESS},
        accepted=2,
        undecided=[2],
        rows=1,
        chunks=[(fingerprint(SNAPSHOT_CHUNK), len(SNAPSHOT_CHUNK), 1)],
        until=NOON_MS + KEPT_MS,
    )


def digest_request() -> DigestRequest:
    """A node in step whose product differs from the hub's."""
    fold = Fold()
    fold.add([id_of("product"), "Charger"])
    return DigestRequest(
        protocol=2,
        schema_=2,
        node=NODE,
        origin=ORIGIN,
        run=id_of("run"),
        epoch=EPOCH,
        head=2,
        cursor=40,
        streams={"t": WITNESS},
        apart={"sale": [id_of("sale 1")]},
        totals={"product": fold.total},
    )


def refusals() -> list[ProtocolError]:
    """One of each code."""
    return [
        Malformed("unexpected end of data", 117),
        InvalidEnvelope("wrong or missing: have.cursor"),
        BadSignature("The signature is not by a known key."),
        ClockSkew(NOON_MS),
        Revoked(),
        BadCode(),
        CloneSuspected(),
        Gap(3),
        Fork(1, heads(1)[-1]),
        Rewind("2026-11-22-b", 1, heads(1)[-1], 40),
        LogFloor(12_000),
        SnapshotGone(),
        TooLarge("a body of more than 1048576 bytes"),
        UpgradeNeeded([2, 3], [4, 9]),
        HubBehind([1, 1], [1, 1]),
        SlowDown(5_000),
        Unavailable(30_000),
    ]


def examples() -> Mapping[str, Message | Entry | Line]:
    """Every golden file by name."""
    messages = {
        "hello": hello(),
        "enrol_request": enrol_request(),
        "enrol_request_standalone": enrol_request_standalone(),
        "enrol_answer": enrol_answer(),
        "exchange_request": exchange_request(),
        "exchange_request_empty": exchange_request_empty(),
        "exchange_response": exchange_response(),
        "exchange_response_empty": exchange_response_empty(),
        "fork_request": fork_request(),
        "fork_answer": fork_answer(),
        "snapshot_request": snapshot_request(),
        "snapshot_manifest": snapshot_manifest(),
        "digest_request": digest_request(),
        "digest_answer": DigestAnswer(moved=False, tables=["product"]),
        "entry": sale_entry(1)[0],
        "entry_personal": customer_entry(2)[0],
        "line_own": line_own(),
        "line_foreign": line_foreign(),
        **bearer_examples(),
        "exchange_request_returned": _heartbeat(None).model_copy(update={"returned": [page_of(lost_line())]}),
        "entry_readmitted": readmitted_entry(),
    }
    problems = {f"problem_{error.code}": ProblemDocument.model_validate(error.document()) for error in refusals()}
    return {f"{name}.v{1 if name in FIRST else 2}.json": example for name, example in {**messages, **problems}.items()}


def bytes_of(example: Message | Entry | Line) -> bytes:
    return encode(example) if isinstance(example, Message) else canonical(example)


def main(replace: bool) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, example in examples().items():
        file = FOLDER / name
        if replace or not file.exists():
            file.write_bytes(bytes_of(example))
            print(f"wrote {name}")


if __name__ == "__main__":
    main(replace="--all" in sys.argv)
