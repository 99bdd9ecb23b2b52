"""Everything that can go wrong on the wire: code, status, what the node does next, and words for people.

Invariants:
  * Every refusal the hub sends is one of `PROBLEMS`; its code decides the status and the node's reaction.
  * A problem with one row is a verdict inside an answer, never one of these.
  * Nobody but the hub may make a node stop, start a new origin or forget data: a problem whose
    `unsigned_ok` is false counts only when the hub's signature on it verifies. Everything else that
    arrives unsigned (a proxy's 502, a captive portal's page) is treated as a cut line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a node does on receiving a problem. Whatever it is, the counter keeps selling and data is kept."""

    HOLD = "hold"  # stop sending, report a bug, try again after an upgrade
    STOP = "stop"  # stop syncing and tell the owner
    SET_CLOCK = "set_clock"  # correct the offset by the hub's time and retry once
    ASK_OWNER = "ask_owner"  # stop syncing until the owner has chosen which PC lives
    RESEND = "resend"  # send again from the sequence the hub expects
    RENEW_ORIGIN = "renew_origin"  # open a new origin from the last common sequence
    RESEND_DURABLE = "resend_durable"  # the hub was restored: send again everything after the durable sequence
    BOOTSTRAP = "bootstrap"  # the feed no longer reaches back that far: take a snapshot
    HALVE = "halve"  # send half as much
    UPGRADE = "upgrade"  # show a banner, keep the outbox
    WAIT = "wait"  # wait as told, with jitter, then retry


@dataclass(frozen=True)
class Problem:
    """One kind of refusal."""

    code: str
    status: int
    action: Action
    sentence: str  # for the person who looks after the shop
    unsigned_ok: bool = False  # harmless enough to be believed from anybody on the line


_ALL = (
    Problem(
        "malformed", 400, Action.HOLD, "The hub could not read what this shop sent. Nothing is lost; please report it."
    ),
    Problem(
        "invalid_envelope",
        422,
        Action.HOLD,
        "The hub refused the form of what this shop sent. Nothing is lost; please report it.",
    ),
    Problem("bad_signature", 401, Action.STOP, "The hub does not recognise this PC's signature."),
    Problem("clock_skew", 401, Action.SET_CLOCK, "This PC's clock is wrong; the time of the hub is used instead."),
    Problem("revoked", 401, Action.STOP, "The owner has withdrawn this PC's permission to send."),
    Problem(
        "bad_code", 403, Action.STOP, "This enrolment code is wrong, used or too old. Ask the owner for a new one."
    ),
    Problem(
        "clone_suspected", 403, Action.ASK_OWNER, "Two PCs are using this shop's identity. The owner must choose one."
    ),
    Problem("gap", 409, Action.RESEND, "The hub missed some entries; they are sent again."),
    Problem("fork", 409, Action.RENEW_ORIGIN, "This PC was restored from a backup; it continues under a new series."),
    Problem("rewind", 409, Action.RESEND_DURABLE, "The hub was restored from a backup; what it lost is sent again."),
    Problem("log_floor", 409, Action.BOOTSTRAP, "This PC was away for very long; it takes a fresh copy of the shop."),
    Problem(
        "snapshot_gone",
        410,
        Action.BOOTSTRAP,
        "The copy of the shop that this PC was fetching is no longer kept; it takes a fresh one.",
    ),
    Problem("too_large", 413, Action.HALVE, "That was too much at once; it is sent in smaller parts.", True),
    Problem(
        "upgrade", 426, Action.UPGRADE, "This PC's software is too old to send. Selling goes on; please update it."
    ),
    Problem("slow_down", 429, Action.WAIT, "The hub asks this shop to wait a moment.", True),
    Problem("unavailable", 503, Action.WAIT, "The hub is busy or restarting; this is tried again by itself.", True),
    Problem("hub_behind", 503, Action.WAIT, "The hub is being updated; this is tried again by itself.", True),
)

PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in _ALL}

# Why, where one code has several causes that people solve in different ways: the fact `reason` of a refusal.
OLD_KEY, NOT_CHOSEN = "old_key", "not_chosen"
REASONS: dict[str, str] = {
    OLD_KEY: "This PC was put back from a copy older than its change of key, or it is a copy of another PC, and the "
    "hub does not hear it. Nothing is lost: ask the owner for a new code and connect it again.",
    NOT_CHOSEN: "Two PCs used this shop's identity, and the owner chose the other one. Nothing is lost: save what "
    "waits to a file for the owner, or ask for a new code and connect this PC again.",
}

Fact = int | str | list[int] | None


def sentence_of(problem: Problem, facts: Mapping[str, object]) -> str:
    """The words for a refusal, as exact as the hub's reason makes them."""
    return REASONS.get(str(facts.get("reason")), problem.sentence)


class ProtocolError(Exception):
    """A refused message. `code` is one of `PROBLEMS`; `facts` travel beside it in the problem document."""

    code = "malformed"

    def __init__(self, detail: str, **facts: Fact):
        super().__init__(detail)
        self.detail = detail
        self.facts: dict[str, Fact] = {name: fact for name, fact in facts.items() if fact is not None}

    @property
    def problem(self) -> Problem:
        return PROBLEMS[self.code]

    @property
    def status(self) -> int:
        return self.problem.status

    def document(self) -> dict[str, Fact]:
        """The body of the answer, RFC 9457; `detail` must not carry data of the message."""
        kind = self.problem
        return {
            "type": "about:blank",
            "title": kind.sentence,
            "status": kind.status,
            "code": kind.code,
            "action": kind.action.value,
            "detail": self.detail,
            **self.facts,
        }


class Malformed(ProtocolError):
    """Bytes that are not a message. `offset` counts bytes from the start, where it is known."""

    code = "malformed"

    def __init__(self, detail: str, offset: int | None = None):
        super().__init__(detail if offset is None else f"{detail} (byte {offset})", offset=offset)
        self.offset = offset


class InvalidEnvelope(ProtocolError):
    """A readable message whose parts do not belong together."""

    code = "invalid_envelope"


class BadSignature(ProtocolError):
    code = "bad_signature"


class ClockSkew(ProtocolError):
    """The signature is right but was made outside the window. `time` is the hub's, ms since the epoch."""

    code = "clock_skew"

    def __init__(self, hub_ms: int):
        super().__init__("The request was signed too long ago or in the future.", time=hub_ms)
        self.hub_ms = hub_ms


class Revoked(ProtocolError):
    """`reason` is one of `REASONS`, where it was not the owner who withdrew the key."""

    code = "revoked"

    def __init__(self, reason: str | None = None) -> None:
        super().__init__("The key of this node has been revoked.", reason=reason)


class BadCode(ProtocolError):
    code = "bad_code"

    def __init__(self) -> None:
        super().__init__("The enrolment code is unknown, used or expired.")


class CloneSuspected(ProtocolError):
    code = "clone_suspected"

    def __init__(self) -> None:
        super().__init__("Two installations answer to one identity.")


class Gap(ProtocolError):
    code = "gap"

    def __init__(self, expected: int):
        super().__init__(f"The next entry must be number {expected}.", expected=expected)


class Fork(ProtocolError):
    """Same number, other hash. `n` and `hash` are the last entry both sides agree on."""

    code = "fork"

    def __init__(self, n: int, hash_hex: str):
        super().__init__(f"The histories part after entry {n}.", n=n, hash=hash_hex)


class Rewind(ProtocolError):
    """The hub is younger than the node remembers it. `durable` is the last entry of the node's origin it kept."""

    code = "rewind"

    def __init__(self, epoch: str, durable: int, durable_hash: str, cursor: int):
        super().__init__(
            "The cursor belongs to another life of the hub.",
            epoch=epoch,
            durable=durable,
            hash=durable_hash,
            cursor=cursor,
        )


class LogFloor(ProtocolError):
    code = "log_floor"

    def __init__(self, floor: int):
        super().__init__(f"The feed is kept from number {floor} on.", floor=floor)


class SnapshotGone(ProtocolError):
    code = "snapshot_gone"

    def __init__(self) -> None:
        super().__init__("There is no such part of a snapshot for this node.")


class TooLarge(ProtocolError):
    code = "too_large"


class UpgradeNeeded(ProtocolError):
    """Versions are named as [lowest, highest] the hub speaks."""

    code = "upgrade"

    def __init__(self, protocols: list[int], schemas: list[int]):
        super().__init__("This version is no longer spoken.", protocols=protocols, schemas=schemas)


class HubBehind(ProtocolError):
    """The node is newer than the hub. The hub is always upgraded first, so this passes by itself."""

    code = "hub_behind"

    def __init__(self, protocols: list[int], schemas: list[int]):
        super().__init__("This version is not spoken yet.", protocols=protocols, schemas=schemas)


class SlowDown(ProtocolError):
    code = "slow_down"

    def __init__(self, retry_after_ms: int):
        super().__init__("Too many requests.", retry_after_ms=retry_after_ms)


class Unavailable(ProtocolError):
    code = "unavailable"

    def __init__(self, retry_after_ms: int):
        super().__init__("Not now.", retry_after_ms=retry_after_ms)
