"""Finding the last thing two histories have in common."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.forks import (
    DENSE,
    WITNESSES_MAX,
    Begin,
    ForkAnswer,
    ForkRequest,
    first_parted,
    narrow,
    newest_common,
    sample,
)
from sync_protocol.messages import decode, encode
from sync_protocol.problems import InvalidEnvelope
from tests.protocol.write_examples import fork_answer, fork_request

ROUNDS_MAX = 4


def search(head, common):
    """The rounds it takes to find `common` in a chain of `head` entries, and what was found."""
    found, asked, high = 0, 0, head + 1
    numbers = sample(0, head)
    while numbers:
        asked += 1
        witnesses = [(n, f"{n:064x}") for n in numbers]
        known = {n: digest for n, digest in witnesses if n <= common}
        newest = newest_common(witnesses, known)
        found = max(found, newest[0] if newest else 0)
        high = first_parted(witnesses, found, high)
        numbers = narrow(found, high)
    return found, asked


@given(st.integers(0, 3_000_000).flatmap(lambda head: st.tuples(st.just(head), st.integers(0, head))))
@settings(max_examples=300)
def test_the_last_common_entry_is_found_exactly_within_few_rounds(places):
    head, common = places
    found, asked = search(head, common)
    assert found == common
    assert asked <= ROUNDS_MAX


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_samples_go_down_and_stay_within_their_number(low, width):
    for numbers in (sample(low, low + width), narrow(low, low + width)):
        assert numbers == sorted(set(numbers), reverse=True)
        assert len(numbers) <= WITNESSES_MAX
        assert all(low < n <= low + width for n in numbers)
    assert sample(low, low + width)[:DENSE] == list(range(low + width, max(low, low + width - DENSE), -1))


def test_a_parting_within_the_newest_entries_is_found_in_one_round():
    assert search(1_000_000, 999_950) == (999_950, 1)


def test_another_hash_under_the_same_number_is_not_common():
    assert newest_common([(2, "b"), (1, "a")], {2: "other", 1: "a"}) == (1, "a")
    assert newest_common([(2, "b")], {}) is None


def test_more_witnesses_than_allowed_are_refused():
    one = fork_request().chain[0]
    with pytest.raises(InvalidEnvelope, match="chain"):
        decode(ForkRequest, encode(fork_request().model_copy(update={"chain": [one] * (WITNESSES_MAX + 1)})))


def test_a_series_that_no_receipt_could_carry_is_refused():
    wrong = Begin.model_construct(origin=fork_request().origin, series="kla 1")
    with pytest.raises(InvalidEnvelope, match="begin.series"):
        decode(ForkRequest, encode(fork_request().model_copy(update={"begin": wrong})))


def test_a_request_without_beginning_is_a_question_alone():
    asked = fork_request().model_copy(update={"begin": None})
    assert decode(ForkRequest, encode(asked)).begin is None
    assert decode(ForkAnswer, encode(fork_answer())) == fork_answer()
