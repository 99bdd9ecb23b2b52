"""Clock, ids and randomness, passed in everywhere so that a test can own time and chance.

Nothing else in the project asks the operating system what time it is.
"""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Protocol

_OF_THE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Wall time in whole milliseconds since 1970, a monotonic time that goes on in sleep, and the name of this boot."""

    def wall_ms(self) -> int: ...

    def mono_ms(self) -> int: ...

    def boot_id(self) -> str: ...


class RandomBytes(Protocol):
    """Returns `count` unpredictable bytes (predictable ones in a simulation)."""

    def __call__(self, count: int, /) -> bytes: ...


class SystemClock:
    """The clocks of this computer.

    Linux stops what it calls monotonic while a laptop sleeps, and an edit of the evening before would seem minutes old;
    its clock of the boot goes on. Elsewhere the monotonic one does.
    """

    def __init__(self) -> None:
        self._boot = _read_boot_id()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000  # house: clock — the one place that reads it

    def mono_ms(self) -> int:
        if _OF_THE_BOOT is None:
            return time.monotonic_ns() // 1_000_000
        return time.clock_gettime_ns(_OF_THE_BOOT) // 1_000_000

    def boot_id(self) -> str:
        return self._boot


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, wall_ms: int = 1_790_000_000_000, boot: str = "b0075e1f") -> None:
        self.now_ms = wall_ms
        self.uptime_ms = 1_000
        self.boot = boot

    def wall_ms(self) -> int:
        return self.now_ms

    def mono_ms(self) -> int:
        return self.uptime_ms

    def boot_id(self) -> str:
        return self.boot

    def advance(self, ms: int) -> None:
        self.now_ms += ms
        self.uptime_ms += ms


def _read_boot_id() -> str:
    """Eight hex digits that change when the computer restarts; of this process where the system has none.

    The last ones: versions that named a boot by the first measured it with a clock that slept, and the two are not
    compared.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()[-8:]
    except OSError:
        return secrets.token_hex(4)


def to_datetime(ms: int) -> datetime:
    """Milliseconds since 1970 as an aware instant in UTC."""
    return EPOCH + timedelta(0, 0, 0, ms)


def to_ms(instant: datetime) -> int:
    """An aware instant as whole milliseconds since 1970. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    delta = instant - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def new_id(wall_ms: int, random: RandomBytes = secrets.token_bytes) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) as canonical lowercase text: 48 bits of time, 74 of chance."""
    chance = int.from_bytes(random(10), "big")
    value = (wall_ms & (1 << 48) - 1) << 80 | 7 << 76 | (chance >> 62 & 0xFFF) << 64 | 2 << 62 | chance & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def evenly(random: RandomBytes = secrets.token_bytes) -> float:
    """A number from 0 up to 1, for spreading waits."""
    return int.from_bytes(random(4), "big") / 2**32


ACTS = uuid.UUID("6b6f5c1a-3c5e-5d39-9a51-0d6f3f5a7c11")


def act_id(act: str, *targets: str) -> str:
    """The id of an act that two people may do at once: the same act on the same target has the same id (UUIDv5)."""
    return str(uuid.uuid5(ACTS, "\0".join((act, *targets))))


def is_act_id(row_id: str) -> bool:
    """Whether an id follows from an act and its target (`act_id`), and so may be made at two homes."""
    return row_id[14] == "5"
