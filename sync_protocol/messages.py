"""The messages of the protocol, version 1, as typed models.

Invariants:
  * Types are strict: "1" is not 1 and true is not 1. Unknown fields are ignored, so that versions may add some.
  * Entries and lines stay plain data here; `shape.py` judges them, because hashes cover all they hold.
  * `encode(model)` writes canonical bytes with exactly the fields that were set. The two large messages have writers
    that join entries and lines as stored, so nothing is parsed or written anew on the way out.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sync_protocol.canonical import INT_MAX, array_of, canonical, object_of, parse_canonical
from sync_protocol.problems import InvalidEnvelope
from sync_protocol.shape import Entry, Line

STREAMS_MAX = 1_000

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]  # Ed25519 public key, base64url
Signature = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{86}$")]  # Ed25519 signature, base64url
Boot = Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
Stream = Annotated[str, Field(pattern=r"^(t|s:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$")]
Count = Annotated[int, Field(ge=0, le=INT_MAX)]
Positive = Annotated[int, Field(ge=1, le=INT_MAX)]
Millis = Annotated[int, Field(ge=-INT_MAX, le=INT_MAX)]
Short = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]  # NUL is what no database keeps
Versions = Annotated[tuple[Positive, Positive], Field(strict=False)]  # lowest and highest
Witness = Annotated[tuple[Count, Hash], Field(strict=False)]  # number and hash of the last thing seen


class Message(BaseModel):
    """What all messages and their parts have in common."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", populate_by_name=True)


class Limits(Message):
    """How much the hub takes at once. Absent means the number in `limits.py`."""

    rows: Positive | None = None
    bytes: Positive | None = None


class Hello(Message):
    """`GET /sync/hello`, unsigned: enough to set a dead clock and to know whom one is talking to."""

    time: Millis
    epoch: Short
    protocols: Versions
    schemas: Versions
    hub_key: Key
    audience: Short
    limits: Limits
    bell: Short | None = None  # where the bell is: a URL, or ":port" at the same name; absent where there is none


class Standalone(Message):
    """What a shop that sold before it was enrolled brings along; an empty shop of the hub adopts its ids."""

    origin: Id
    shop: Id
    business: Id
    head: Witness
    shop_code: Short | None = None  # what its receipt numbers start with, before the installation number
    series: Short | None = None  # and with it, as they are printed
    currency: Short | None = None


class EnrolRequest(Message):
    """`POST /sync/v1/enrol`: signed like every request, by the very key it asks to enrol, which is also the keyid."""

    protocol: Positive
    schema_: Positive = Field(validation_alias="schema", serialization_alias="schema")
    code: Short
    public_key: Key
    device: Short  # how the owner will recognise this PC in a list
    software: Short
    standalone: Standalone | None = None
    shop: Id | None = None  # of a PC that has the books of a shop of this hub and lost its permission


class EnrolAnswer(Message):
    """Who the node is from now on. Keys come from here alone; `hub_key` is pinned."""

    node: Id
    origin: Id
    tenant: Id
    shop: Id
    series: Short  # what its receipt numbers start with: shop code and installation number
    streams: list[Stream]
    audience: Short
    epoch: Short
    hub_key: Key
    time: Millis


class ClockReading(Message):
    """The node's clock at the moment of sending. `offset` is hub time minus wall time, as last learned."""

    wall: Millis
    mono: Count
    boot: Boot
    offset: Millis | None = None


class Have(Message):
    """How far the node has read, with a witness for each of its streams."""

    epoch: Short
    cursor: Count
    streams: Annotated[dict[Stream, Witness], Field(max_length=STREAMS_MAX)]


class NewKey(Message):
    """The key a node wants to sign with from now on; `sig` is its own signature of `rotation_message`."""

    key: Key
    sig: Signature


class ReturnedPage(Message):
    """Lines that a node applied and the hub has lost, with the hub's own signature of the page they came in.

    hashes  of all lines of that page, as they were signed
    lines   [place in the page, hash of the stream's line before it, line]: those given back
    """

    epoch: Short
    from_no: Count = Field(validation_alias="from", serialization_alias="from")
    to_no: Count = Field(validation_alias="to", serialization_alias="to")
    hashes: list[Hash]
    sig: Signature
    lines: list[Annotated[tuple[Count, Hash, Line], Field(strict=False)]]


class Push(Message):
    """Consecutive entries, the first of which follows the hash `prev`; `sig` signs the head they lead to."""

    first: Positive
    prev: Hash
    entries: Annotated[list[Entry], Field(min_length=1)]
    sig: Signature


class PullLimits(Message):
    """How much the node wants back at most; one line is always sent.

    whole_until  lines of its own entries up to this number are sent whole: what it shows of them may be out of date
    """

    rows: Count
    bytes: Count
    whole_until: Count | None = None


class Health(Message):
    """What the owner's list of devices shows."""

    outbox: Count = 0
    oldest_unsent_at: Millis | None = None
    quarantined: Count = 0
    software: Short = ""
    device: Short | None = None  # what the PC calls itself, until it has been heard
    free_disk_bytes: Count | None = None


class ExchangeRequest(Message):
    """`POST /sync/v1/exchange`: what the node has, wants and brings."""

    protocol: Positive
    schema_: Positive = Field(validation_alias="schema", serialization_alias="schema")
    node: Id
    origin: Id
    run: Id  # drawn anew at each start of the process; two that alternate betray a clone
    clock: ClockReading
    have: Have
    push: Push | None
    pull: PullLimits | None
    health: Health
    new_key: NewKey | None = None
    returned: list[ReturnedPage] | None = None  # oldest first
    listening: bool | None = None  # the bell has rung reliably of late, and this node waits at it


class EntryVerdict(Message):
    """What became of an entry that was not plainly accepted. `outcome` holds blocks as they stand now."""

    n: Positive
    verdict: Literal["merged", "conflict", "duplicate", "held", "quarantined"]
    outcome: list[Any] | None = None
    reason: Short | None = None


class Ack(Message):
    """`accepted`: stored by the hub. `durable`: in a verified backup elsewhere. `hash` is that of `accepted`."""

    accepted: Count
    durable: Count
    hash: Hash
    verdicts: list[EntryVerdict]


class Page(Message):
    """Feed lines after `from` up to `to`; `to` is the new cursor even when none of the lines between are ours."""

    from_no: Count = Field(validation_alias="from", serialization_alias="from")
    to_no: Count = Field(validation_alias="to", serialization_alias="to")
    more: bool
    lines: list[Line]
    withheld: bool | None = None  # whether some lines lack what the node's version does not know


class ExchangeResponse(Message):
    """The answer, signed whole; `page_sig` signs the page alone (`chain.page_message`), to be kept with it."""

    epoch: Short
    time: Millis
    next_poll_ms: Count
    ack: Ack
    pull: Page | None
    page_sig: Signature | None
    commands: list[dict[str, Any]]
    entitlement: dict[str, Any]
    limits: Limits
    new_key: Key | None = None  # the key that was offered, now kept: it counts from the first request signed with it
    returned: Count | None = None  # how many of the returned pages were taken, counted from the first


class ProblemDocument(Message):
    """The body of every refusal. Facts that a code does not carry are absent; see `problems.py`."""

    type: str
    title: str
    status: int
    code: Short
    action: Short
    detail: str = ""
    retry_after_ms: Count | None = None
    time: Millis | None = None
    expected: Positive | None = None
    n: Count | None = None
    hash: Hash | None = None
    epoch: Short | None = None
    durable: Count | None = None
    cursor: Count | None = None
    floor: Count | None = None
    offset: Count | None = None
    protocols: Versions | None = None
    schemas: Versions | None = None
    reason: Short | None = None


M = TypeVar("M", bound=Message)


def decode(model: type[M], data: bytes) -> M:
    """Read a message from canonical bytes.

    Raises Malformed for other bytes, InvalidEnvelope (naming every wrong field, repeating no values) for other fields.
    """
    try:
        return model.model_validate(parse_canonical(data), by_alias=True, by_name=False)
    except ValidationError as error:
        places = sorted({".".join(map(str, found["loc"])) or "the message" for found in error.errors()})
        raise InvalidEnvelope("wrong or missing: " + ", ".join(places[:20])) from None


def encode(message: Message) -> bytes:
    """Canonical bytes of a message: the fields that were set, no more."""
    return canonical(message.model_dump(by_alias=True, exclude_unset=True))


def push_bytes(first: int, prev: str, entries: Iterable[bytes], sig: str) -> bytes:
    """A push of entries that are stored as bytes (`entries.travelling_bytes`)."""
    return object_of(
        {
            "first": canonical(first),
            "prev": canonical(prev),
            "entries": array_of(entries),
            "sig": canonical(sig),
        }
    )


def page_bytes(from_no: int, to_no: int, more: bool, lines: Iterable[bytes], *, withheld: bool = False) -> bytes:
    """A page of lines that are stored as bytes."""
    told = {"withheld": canonical(True)} if withheld else {}
    return object_of(
        {
            "from": canonical(from_no),
            "to": canonical(to_no),
            "more": canonical(more),
            "lines": array_of(lines),
            **told,
        }
    )


def encode_with(message: Message, **parts: bytes) -> bytes:
    """`encode`, with some fields given as bytes: encode_with(request, push=push_bytes(…))."""
    fields = message.model_dump(by_alias=True, exclude_unset=True)
    return object_of({**{name: canonical(value) for name, value in fields.items()}, **parts})
