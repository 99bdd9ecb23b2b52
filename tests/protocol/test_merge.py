"""Merge rules: golden vectors, then what must hold for every history."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.merge import (
    CLOCK_WARN_MS,
    Clock,
    FieldState,
    FieldWrite,
    clock_error_ms,
    corrected_time_ms,
    fold_decisions,
    merge_field,
)

RULES = ("owner_wins", "later_wins", "keep_current")


def state(value, no=10, origin="a", n=1, at_ms=1000, by_owner=False):
    return FieldState(value, no, origin, n, at_ms, by_owner)


def write(value, seen_no=0, origin="b", n=1, at_ms=1000, by_owner=False):
    return FieldWrite(value, seen_no, origin, n, at_ms, by_owner)


# (rule, current, write) → (value, verdict, concurrent)
GOLDEN = [
    # the first value of a field
    ("keep_current", None, write(5), (5, "won", False)),
    # the writer had the current value before their eyes: every rule, every clock
    ("keep_current", state(4, no=10), write(5, seen_no=10, at_ms=-(10**12)), (5, "won", False)),
    ("later_wins", state(4, no=10, at_ms=10**12), write(5, seen_no=10, at_ms=0), (5, "won", False)),
    ("owner_wins", state(4, no=10, by_owner=True), write(5, seen_no=10), (5, "won", False)),
    # the same origin goes on from its own earlier edit, whatever it had seen
    ("keep_current", state(4, origin="b", n=1), write(5, n=2, at_ms=0), (5, "won", False)),
    ("owner_wins", state(4, origin="b", n=1, by_owner=True), write(5, n=2), (5, "won", False)),
    # the same entry again, and an older one released from quarantine
    ("later_wins", state(5, origin="b", n=2), write(5, n=2), (5, "replayed", False)),
    ("later_wins", state(5, origin="b", n=2), write(4, n=1, at_ms=10**12), (5, "kept", False)),
    # two who did not know of each other: the later
    ("later_wins", state(4, at_ms=1000), write(5, at_ms=1001), (5, "won", True)),
    ("later_wins", state(4, at_ms=1000), write(5, at_ms=999), (4, "kept", True)),
    # in the same millisecond: the origin with the greater id
    ("later_wins", state(4, origin="a"), write(5, origin="b"), (5, "won", True)),
    ("later_wins", state(4, origin="b"), write(5, origin="a"), (4, "kept", True)),
    # the owner, earlier or later; among equals the later
    ("owner_wins", state(4, at_ms=2000), write(5, at_ms=1, by_owner=True), (5, "won", True)),
    ("owner_wins", state(4, at_ms=1, by_owner=True), write(5, at_ms=2000), (4, "kept", True)),
    ("owner_wins", state(4, at_ms=1, by_owner=True), write(5, at_ms=2, by_owner=True), (5, "won", True)),
    ("owner_wins", state(4, at_ms=2), write(5, at_ms=1), (4, "kept", True)),
    # what stands, stands
    ("keep_current", state(4, at_ms=1), write(5, at_ms=2000, by_owner=True), (4, "kept", True)),
    # what was seen is not the current value, though the number is close, or from a later life of the hub
    ("keep_current", state(4, no=10), write(5, seen_no=9), (4, "kept", True)),
    ("keep_current", state(4, no=10), write(5, seen_no=11), (4, "kept", True)),
    # both wrote the same: nobody needs to look at that
    ("keep_current", state(4), write(4), (4, "kept", False)),
    ("later_wins", state(4), write(4, at_ms=2000), (4, "won", False)),
    # values are compared as they are
    ("keep_current", state(None), write(""), (None, "kept", True)),
]


@pytest.mark.parametrize(("rule", "current", "new", "expected"), GOLDEN)
def test_the_golden_vectors(rule, current, new, expected):
    outcome = merge_field(current, new, rule)
    assert (outcome.value, outcome.verdict, outcome.concurrent) == expected
    assert outcome.state.value == outcome.value


def test_the_state_of_a_winner_is_its_own_and_of_a_loser_the_old_one():
    current = state(4, no=10, origin="a", n=3, at_ms=1000)
    winner = merge_field(current, write(5, origin="b", n=7, at_ms=2000, by_owner=True), "later_wins", no=12)
    assert winner.state == FieldState(5, 12, "b", 7, 2000, True)
    loser = merge_field(current, write(5, at_ms=1), "later_wins", no=12)
    assert loser.state is current


def test_an_edit_that_knew_its_predecessor_is_no_older_than_it():
    """Or a third edit, older than what the writer had seen, could beat the writer's slow clock."""
    seen = merge_field(state(4, no=10, at_ms=5000), write(5, seen_no=10, at_ms=1), "later_wins", no=11)
    third = merge_field(seen.state, write(6, origin="c", at_ms=4999), "later_wins")
    assert third.value == 5


NUMBERS = st.integers(0, 5)
TIMES = st.integers(-5, 5)
WRITES = st.builds(FieldWrite, NUMBERS, NUMBERS, st.sampled_from("abc"), st.integers(1, 4), TIMES, st.booleans())
STATES = st.builds(FieldState, NUMBERS, NUMBERS, st.sampled_from("abc"), st.integers(1, 4), TIMES, st.booleans())


@given(STATES, WRITES, st.sampled_from(RULES))
def test_an_edit_that_has_seen_the_current_value_always_wins(current, new, rule):
    new = replace(new, seen_no=current.no, origin="z")
    assert merge_field(current, new, rule).verdict == "won"
    assert not merge_field(current, new, rule).concurrent


@given(STATES, WRITES, st.sampled_from(RULES))
def test_an_origins_own_later_edit_always_wins(current, new, rule):
    new = replace(new, origin=current.origin, n=current.n + 1)
    assert merge_field(current, new, rule).value == new.value


@given(STATES | st.none(), WRITES, st.sampled_from(RULES))
def test_handing_a_winner_in_twice_changes_nothing(current, new, rule):
    first = merge_field(current, new, rule, no=99)
    if first.verdict == "won":
        again = merge_field(first.state, new, rule, no=100)
        assert again.verdict == "replayed"
        assert again.state == first.state


@given(STATES | st.none(), WRITES, st.sampled_from(RULES))
def test_the_value_that_stands_is_one_of_the_two(current, new, rule):
    outcome = merge_field(current, new, rule)
    assert outcome.value in (new.value, current.value if current else new.value)
    if outcome.concurrent:
        assert current is not None
        assert new.origin != current.origin
        assert new.seen_no != current.no
        assert new.value != current.value


def admit_all(writes, rule):
    """What stands after the hub took these writes in this order, numbering them from 101 on."""
    current = None
    for no, new in enumerate(writes, 101):
        current = merge_field(current, new, rule, no).state
    return (current.value, current.origin, current.n)


CONCURRENT = st.lists(
    st.builds(FieldWrite, NUMBERS, st.just(0), st.sampled_from("abcd"), st.just(1), TIMES, st.booleans()),
    min_size=1,
    max_size=4,
    unique_by=lambda new: new.origin,
)


@given(CONCURRENT, st.sampled_from(["later_wins", "owner_wins"]))
def test_the_order_in_which_strangers_arrive_does_not_matter(writes, rule):
    assert len({admit_all(order, rule) for order in permutations(writes)}) == 1


def interleavings(sequences):
    """Every order of some sequences that keeps each of them in order."""
    if not any(sequences):
        yield []
    for i, sequence in enumerate(sequences):
        if sequence:
            rest = [*sequences[:i], sequence[1:], *sequences[i + 1 :]]
            yield from ([sequence[0], *later] for later in interleavings(rest))


def edits_of(origin):
    def numbered(times):
        return [FieldWrite(f"{origin}{n}", 0, origin, n, at_ms) for n, at_ms in enumerate(times, 1)]

    return st.lists(TIMES, min_size=1, max_size=3).map(numbered)


@given(st.tuples(*map(edits_of, "abc")))
def test_neither_do_arbitrary_clocks_as_long_as_each_origin_keeps_its_own_order(sequences):
    assert len({admit_all(order, "later_wins") for order in interleavings(list(sequences))}) == 1


SENT = Clock(wall_ms=500_000, mono_ms=90_000, boot="b1", offset_ms=2_000)
RECEIVED_MS = 1_000_000


@pytest.mark.parametrize(
    ("entry", "at_ms", "source", "clamped"),
    [
        # one boot: the age by the monotonic clock, whatever the wall clock says
        (Clock(1, 60_000, "b1", 0), 970_000, "monotonic", False),
        (Clock(10**12, 90_000, "b1"), RECEIVED_MS, "monotonic", False),
        # another boot: the wall clock, corrected by what was known then, else by what is known now
        (Clock(400_000, 60_000, "b0", 7_000), 407_000, "wall", False),
        (Clock(400_000, 60_000, "b0"), 402_000, "wall", False),
        # +400 days: not later than now; −20 years: as it is, it loses
        (Clock(400 * 86_400_000, 60_000, "b0", 0), RECEIVED_MS, "wall", True),
        (Clock(-20 * 31_557_600_000, 60_000, "b0", 0), -20 * 31_557_600_000, "wall", False),
        # a monotonic clock that runs backwards is none
        (Clock(300_000, 90_001, "b1", 0), 300_000, "wall", False),
    ],
)
def test_the_time_of_an_entry(entry, at_ms, source, clamped):
    corrected = corrected_time_ms(entry, SENT, RECEIVED_MS)
    assert (corrected.at_ms, corrected.source, corrected.clamped) == (at_ms, source, clamped)


def test_without_any_offset_the_wall_clock_is_all_there_is():
    never_met = replace(SENT, offset_ms=None)
    assert corrected_time_ms(Clock(3, 0, "b0"), never_met, RECEIVED_MS).at_ms == 3


CLOCKS = st.builds(
    Clock,
    st.integers(-(10**13), 10**13),
    st.integers(0, 10**9),
    st.sampled_from(["b0", "b1"]),
    st.none() | st.integers(-(10**12), 10**12),
)


@given(CLOCKS, CLOCKS, st.integers(0, 10**13))
def test_no_entry_is_younger_than_its_arrival(entry, sent, received_ms):
    assert corrected_time_ms(entry, sent, received_ms).at_ms <= received_ms


@given(st.integers(0, 10**6), st.integers(0, 10**6), CLOCKS, CLOCKS)
def test_within_a_boot_order_and_distance_survive_any_wall_clock(one_ms, other_ms, wall_one, wall_other):
    sent = Clock(0, 10**6, "b1")
    first = corrected_time_ms(replace(wall_one, mono_ms=one_ms, boot="b1"), sent, RECEIVED_MS)
    second = corrected_time_ms(replace(wall_other, mono_ms=other_ms, boot="b1"), sent, RECEIVED_MS)
    assert second.at_ms - first.at_ms == other_ms - one_ms


def test_how_far_a_clock_is_off():
    assert clock_error_ms(SENT, 400_000) == 100_000
    assert clock_error_ms(SENT, 400_000) < CLOCK_WARN_MS < clock_error_ms(SENT, 300_000)


# (target, no, id, kind)
DECISIONS = [
    ("sale-1", 5, "d1", "lock"),
    ("sale-1", 9, "d2", "unlock"),
    ("sale-2", 7, "d3", "approve"),
    ("sale-2", None, "d4", "reject"),  # made here, not numbered yet
    ("sale-3", 8, "d6", "lock"),
    ("sale-3", 8, "d5", "approve"),  # both in one line
]


@given(st.permutations(DECISIONS))
def test_the_last_decision_in_feed_order_holds(decisions):
    standing = fold_decisions(decisions, target=lambda d: d[0], no=lambda d: d[1], tie=lambda d: d[2])
    assert {target: decision[3] for target, decision in standing.items()} == {
        "sale-1": "unlock",
        "sale-2": "reject",
        "sale-3": "lock",
    }
