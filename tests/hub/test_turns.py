"""Fair turns at the nodes' door: a backlog of one business is told to come again, and nobody else notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from cloudhub.calls import exchange as call
from cloudhub.calls.turns import AGAIN_MS, Turns
from shopnode.sync.line import Refused
from sync_protocol.limits import Batch
from sync_protocol.problems import Action, Unavailable
from tests.hub.world import World


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


class Holder:
    """Takes turns and keeps them until it is told."""

    def __init__(self, turns: Turns, tenant_id: str):
        self.turns, self.tenant_id = turns, tenant_id
        self.release = threading.Event()
        self.held = threading.Semaphore(0)
        self.refused: list[Unavailable] = []

    def __call__(self) -> None:
        try:
            with self.turns.of(self.tenant_id):
                self.held.release()
                self.release.wait(10)
        except Unavailable as refusal:
            self.refused.append(refusal)

    def take(self) -> threading.Thread:
        thread = in_thread(self)
        assert self.held.acquire(timeout=5)
        return thread


def test_who_finds_all_turns_and_all_places_taken_is_sent_away_at_once() -> None:
    turns = Turns(at_once=1, in_wait=1, wait_s=5)
    busy = Holder(turns, "a")
    first = busy.take()
    waiting = in_thread(busy)
    while turns._queues["a"].waiting < 1:
        time.sleep(0.001)
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused, turns.of("a"):
        pass
    assert time.monotonic() - began < 1
    assert refused.value.facts["retry_after_ms"] > AGAIN_MS
    with turns.of("b"):
        pass  # another business is not kept waiting
    busy.release.set()
    first.join(5)
    waiting.join(5)
    assert busy.refused == []
    assert turns._queues == {}


def test_who_waits_too_long_is_told_to_come_again() -> None:
    turns = Turns(at_once=1, in_wait=1, wait_s=0)
    busy = Holder(turns, "a")
    thread = busy.take()
    with pytest.raises(Unavailable), turns.of("a"):
        pass
    busy.release.set()
    thread.join(5)
    with turns.of("a"):
        pass


def test_a_turn_is_given_back_by_whoever_fails() -> None:
    turns = Turns(at_once=1, in_wait=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), turns.of("a"):
            raise ZeroDivisionError
    assert turns._queues == {}


def test_a_business_that_floods_the_hub_leaves_the_others_their_answers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everything of one business stuck in the database, its next request is refused and another's is answered."""
    ours, theirs = world.enrol("KLA"), world.enrol("MAL", world.mallory)
    working, release = threading.Semaphore(0), threading.Event()
    real = call.exchange

    def slow(hub, key, *more):  # type: ignore[no-untyped-def]
        if key.tenant_id == world.tenant_id:
            working.release()
            release.wait(10)
        return real(hub, key, *more)

    monkeypatch.setattr(call, "exchange", slow)
    at_once = max(1, world.hub.settings.pool // 4)
    in_wait = max(1, world.hub.settings.threads // 4)
    results: list[str] = []

    def push() -> None:
        try:
            ours.exchanger.exchange(Batch())
            results.append("done")
        except Refused as refused:
            assert refused.problem.action is Action.WAIT
            assert refused.facts["retry_after_ms"] >= AGAIN_MS
            results.append(refused.problem.code)

    threads = [in_thread(push) for _ in range(at_once + in_wait + 3)]
    for _ in range(at_once):
        assert working.acquire(timeout=5)
    theirs.sync()  # is answered while ours is stuck
    release.set()
    for thread in threads:
        thread.join(20)
    assert results.count("unavailable") >= 3
    assert results.count("done") >= at_once
