"""Problems: the table of the protocol, row by row."""

import pytest

from sync_protocol.problems import (
    OLD_KEY,
    PROBLEMS,
    REASONS,
    Action,
    ClockSkew,
    Gap,
    Malformed,
    ProtocolError,
    Revoked,
    SlowDown,
    sentence_of,
)  # fmt: skip
from tests.protocol.write_examples import refusals

# protocol, section 8: status, code and what the node does
TABLE = [
    (400, "malformed", Action.HOLD),
    (422, "invalid_envelope", Action.HOLD),
    (401, "bad_signature", Action.STOP),
    (401, "clock_skew", Action.SET_CLOCK),
    (401, "revoked", Action.STOP),
    (403, "clone_suspected", Action.ASK_OWNER),
    (409, "gap", Action.RESEND),
    (409, "fork", Action.RENEW_ORIGIN),
    (409, "rewind", Action.RESEND_DURABLE),
    (409, "log_floor", Action.BOOTSTRAP),
    (410, "snapshot_gone", Action.BOOTSTRAP),
    (413, "too_large", Action.HALVE),
    (426, "upgrade", Action.UPGRADE),
    (429, "slow_down", Action.WAIT),
    (503, "unavailable", Action.WAIT),
    # enrolment, and a node that was upgraded before the hub
    (403, "bad_code", Action.STOP),
    (503, "hub_behind", Action.WAIT),
]


def test_the_table_is_complete():
    assert sorted((p.status, p.code, p.action) for p in PROBLEMS.values()) == sorted(TABLE)


def test_every_code_can_be_raised():
    assert {error.code for error in refusals()} == set(PROBLEMS)


@pytest.mark.parametrize("error", refusals(), ids=lambda error: error.code)
def test_a_problem_tells_people_and_machines(error):
    document = error.document()
    assert document["status"] == error.status
    assert str(document["title"]).endswith(".")
    assert document["detail"] == str(error)
    assert None not in document.values()


def test_only_harmless_problems_are_believed_unsigned():
    """Or a captive portal could make a shop stop, start a new origin, or throw its cursor away."""
    believed = {code for code, problem in PROBLEMS.items() if problem.unsigned_ok}
    assert believed == {"too_large", "slow_down", "unavailable", "hub_behind"}
    assert {PROBLEMS[code].action for code in believed} == {Action.HALVE, Action.WAIT}


def test_facts_travel_with_their_problem():
    assert Gap(7).document()["expected"] == 7
    assert ClockSkew(5).document()["time"] == 5
    assert SlowDown(900).document()["retry_after_ms"] == 900
    assert Malformed("bad", 3).document()["offset"] == 3
    assert "offset" not in Malformed("bad").document()


def test_refusals_are_one_family():
    assert all(isinstance(error, ProtocolError) for error in refusals())


def test_a_reason_makes_the_words_exact_and_one_that_is_not_known_leaves_those_of_the_code():
    assert Revoked(OLD_KEY).document()["reason"] == OLD_KEY
    assert "reason" not in Revoked().document()
    revoked = PROBLEMS["revoked"]
    assert sentence_of(revoked, {"reason": OLD_KEY}) == REASONS[OLD_KEY]
    assert sentence_of(revoked, {"reason": "of a later version"}) == sentence_of(revoked, {}) == revoked.sentence
