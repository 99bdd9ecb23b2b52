"""Pacing is the hub's: how often it is asked, how much at once, and who waits when it is busy."""

from __future__ import annotations

import pytest

from shopnode.sync.transport import Answer
from sync_protocol.canonical import canonical
from sync_protocol.limits import JITTER_PERCENT
from sync_protocol.problems import SlowDown, Unavailable
from tests.domain.till import open_till


def limited(hub, monkeypatch, **limits):
    monkeypatch.setattr(hub, "settings", hub.settings.model_copy(update=limits))


def exchanges(branch):
    before = len(branch.line.sent)
    branch.worker.run_once()
    return len(branch.line.sent) - before


def test_the_hub_lowers_how_much_comes_at_once_and_raises_it_again(company, hub, monkeypatch):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    limited(hub, monkeypatch, batch_rows=9)
    branch.worker.run_once()  # is told
    for _ in range(6):
        till.sell()
    assert exchanges(branch) >= 3
    limited(hub, monkeypatch, batch_rows=4_000)
    branch.worker.run_once()
    for _ in range(4):
        branch.worker.run_once()  # grows back
    for _ in range(6):
        till.sell()
    assert exchanges(branch) == 1


def test_a_hub_that_takes_few_bytes_is_sent_small_batches(company, hub, monkeypatch):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    limited(hub, monkeypatch, batch_bytes=5_000)
    branch.worker.run_once()
    for _ in range(6):
        till.sell()
    assert exchanges(branch) >= 3
    assert branch.worker.status().waiting == 0


@pytest.mark.parametrize("refusal", [SlowDown(40_000), Unavailable(40_000)])
def test_a_busy_hub_is_left_alone_for_as_long_as_it_says_and_not_by_all_alike(company, refusal):
    """At least as long as told; the twenty percent on top are each shop's own, so that they do not all come at once."""
    branch = company.open_branch("KLA")
    branch.line.fault = lambda target, through: Answer(refusal.status, [], canonical(refusal.document()))
    waits = set()
    for chance in (0.0, 0.3, 0.6, 0.99):
        branch.worker._chance = lambda chance=chance: chance
        waits.add(branch.worker._try())
        assert branch.worker._told
    assert len(waits) == 4
    assert min(waits) >= 40_000
    assert max(waits) <= 40_000 * (100 + JITTER_PERCENT) // 100
    branch.line.heal()
    branch.worker._try()
    assert branch.worker.status().state == "ok"


def test_the_next_poll_is_spread_around_what_the_hub_chose(company, hub, monkeypatch):
    branch = company.open_branch("KLA")
    branch.sync()
    waits = []
    for chance in (0.0, 0.5, 0.999):
        monkeypatch.setattr(hub, "chance", lambda chance=chance: chance)
        waits.append(branch.worker.run_once().next_poll_ms)
    middle = waits[1]
    assert waits[0] == pytest.approx(middle * 0.8, abs=2)
    assert waits[2] == pytest.approx(middle * 1.2, abs=middle * 0.01)
