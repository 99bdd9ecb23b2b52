"""Which of two values stands. Run at the hub only; nodes replay what came out.

What was seen decides, the clock only breaks ties: a writer who had the current value before their eyes, or who wrote
it, simply replaces it, whatever any clock says. Otherwise the two edits were concurrent and the field's rule applies.

Invariants:
  * Pure: integers and texts in, a decision out. The same feed gives the same decisions on every machine.
  * An edit that has seen the current value wins. Of two edits of one origin the later (by sequence) stands.
  * `later_wins` among concurrent edits does not depend on the order in which they reach the hub.
  * Handing the same write in twice changes nothing.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Rule = Literal["owner_wins", "later_wins", "keep_current"]
Verdict = Literal["won", "kept", "replayed"]

CLOCK_WARN_MS = 120_000  # people are told about a clock that is further off than this


@dataclass(frozen=True)
class FieldWrite:
    """One register field as an entry wants it."""

    value: Any
    seen_no: int  # feed number of the hub's value the writer had seen; 0 for none
    origin: str
    n: int  # sequence of the entry in its origin
    at_ms: int  # corrected time of the entry
    by_owner: bool = False


@dataclass(frozen=True)
class FieldState:
    """One register field as the hub holds it, with what is needed to judge the next write."""

    value: Any
    no: int  # feed number of the line that set it; 0 when nothing has
    origin: str
    n: int
    at_ms: int
    by_owner: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a write. `state` is to be stored when it won, with the feed number the line will get."""

    value: Any  # what stands now
    verdict: Verdict
    concurrent: bool  # two people wrote different values without knowing of each other
    state: FieldState


def merge_field(current: FieldState | None, write: FieldWrite, rule: Rule, no: int = 0) -> Outcome:
    """Decide between the value that stands and a write that arrives now.

    current  None while the field has never been written
    no       feed number the write will get if it wins; callers that number last put it into `state` later
    """
    if current is None:
        return _won(write, write.at_ms, no)
    if write.origin == current.origin:
        return _own_edit(current, write, no)
    if write.seen_no == current.no:
        return _won(write, max(write.at_ms, current.at_ms), no)
    differs = write.value != current.value
    if _RULES[rule](current, write):
        return _won(write, write.at_ms, no, concurrent=differs)
    return Outcome(current.value, "kept", differs, current)


def _own_edit(current: FieldState, write: FieldWrite, no: int) -> Outcome:
    """An origin's own edits stand in the order of its sequence; a smaller number is a retry from quarantine."""
    if write.n > current.n:
        return _won(write, max(write.at_ms, current.at_ms), no)
    return Outcome(current.value, "replayed" if write.n == current.n else "kept", False, current)


def _won(write: FieldWrite, at_ms: int, no: int, concurrent: bool = False) -> Outcome:
    """A write that knew its predecessor counts as no older than it, or a slow clock would expose it to a third edit."""
    state = FieldState(write.value, no, write.origin, write.n, at_ms, write.by_owner)
    return Outcome(write.value, "won", concurrent, state)


def _later(current: FieldState, write: FieldWrite) -> bool:
    """Equal times are decided by the origins' ids: arbitrary, but the same for everybody and for every order."""
    return (write.at_ms, write.origin) > (current.at_ms, current.origin)


def _owner(current: FieldState, write: FieldWrite) -> bool:
    if write.by_owner != current.by_owner:
        return write.by_owner
    return _later(current, write)


def _never(current: FieldState, write: FieldWrite) -> bool:
    return False


_RULES: dict[Rule, Callable[[FieldState, FieldWrite], bool]] = {
    "owner_wins": _owner,
    "later_wins": _later,
    "keep_current": _never,
}


@dataclass(frozen=True)
class Clock:
    """A clock reading: of an entry when it was written, or of an exchange when it was sent."""

    wall_ms: int
    mono_ms: int  # counts from the start of the machine
    boot: str  # which start
    offset_ms: int | None = None  # hub time minus wall time, as last learned; None before the first contact


@dataclass(frozen=True)
class CorrectedTime:
    """When something happened, in the hub's time. `clamped`: the clock claimed a moment that is still to come."""

    at_ms: int
    source: Literal["monotonic", "wall"]
    clamped: bool


def corrected_time_ms(entry: Clock, sent: Clock, received_ms: int) -> CorrectedTime:
    """The hub's best knowledge of when an entry was written.

    Within one boot the monotonic clock tells the age, and the wall clock is not asked. Otherwise the wall time with
    the offset known then, or the one known when it was sent. Never later than the moment it was received.
    """
    age_ms = sent.mono_ms - entry.mono_ms
    if entry.boot == sent.boot and age_ms >= 0:
        return CorrectedTime(received_ms - age_ms, "monotonic", False)
    offset_ms = entry.offset_ms if entry.offset_ms is not None else sent.offset_ms
    at_ms = entry.wall_ms + (offset_ms or 0)
    return CorrectedTime(min(at_ms, received_ms), "wall", at_ms > received_ms)


def clock_error_ms(sent: Clock, received_ms: int) -> int:
    """How far a node's wall clock is ahead of the hub's (negative: behind), the time on the line included."""
    return sent.wall_ms - received_ms


D = TypeVar("D")
Target = TypeVar("Target", bound=Hashable)


def fold_decisions(
    decisions: Iterable[D], target: Callable[[D], Target], no: Callable[[D], int | None], tie: Callable[[D], str]
) -> dict[Target, D]:
    """The decision that holds now for each target: the last in feed order.

    no   feed number; None for one that the hub has not numbered yet: it comes after all that have
    tie  orders those without number, and rows of one line: an id, or sequence and id
    """

    def order(decision: D) -> tuple[bool, int, str]:
        number = no(decision)
        return (number is None, number or 0, tie(decision))

    return {target(decision): decision for decision in sorted(decisions, key=order)}
