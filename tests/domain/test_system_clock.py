"""The clocks of the computer the program runs on."""

from __future__ import annotations

import time

import pytest

from shopnode.domain import clock
from shopnode.domain.clock import SystemClock

ASLEEP_S = 12 * 3_600


def test_the_age_of_an_edit_goes_on_while_a_laptop_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Linux calls monotonic stands still in sleep; the clock of the boot does not."""
    slept = [0]
    monkeypatch.setattr(clock, "_OF_THE_BOOT", 7)
    monkeypatch.setattr(time, "clock_gettime_ns", lambda which: (100 + slept[0]) * 10**9 if which == 7 else 0)
    monkeypatch.setattr(time, "monotonic_ns", lambda: 100 * 10**9)
    system = SystemClock()
    before = system.mono_ms()
    slept[0] = ASLEEP_S
    assert system.mono_ms() - before == ASLEEP_S * 1000


def test_where_the_system_has_no_clock_of_the_boot_the_monotonic_one_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_OF_THE_BOOT", None)
    monkeypatch.setattr(time, "monotonic_ns", lambda: 5 * 10**9)
    assert SystemClock().mono_ms() == 5_000


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has none")
def test_this_system_is_asked_for_the_clock_of_the_boot() -> None:
    assert clock._OF_THE_BOOT == time.CLOCK_BOOTTIME
    assert len(SystemClock().boot_id()) == 8
