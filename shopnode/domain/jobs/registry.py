"""The jobs there are. An area that has another one registers it in `daily.py`, in a few lines:

    @job("recurring", "Asks for expenses that have come due", every_s=HOUR, where=Where.SHOP)
    def raise_recurring(work: Work) -> int: ...

A job answers how many things it did, or raises. It acts through the door like everybody, and opens its own sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.homes import Home, Where

MINUTE, HOUR = 60, 3_600


@dataclass(frozen=True)
class Work:
    """What a job gets.

    sends     whether messages go out from this home
    troubles  what is wrong with this computer, in words, and which jobs failed
    """

    home: Home
    sends: bool = False
    troubles: tuple[str, ...] = ()

    @property
    def ctx(self) -> Context:
        """The home itself acts: as nobody of the staff, with an owner's rights."""
        return Context(self.home, CONSOLE, self.home.shop_id)


@dataclass(frozen=True)
class Job:
    """Something that is done again and again.

    says     what it does, for people
    every_s  seconds between two runs; None for once a night
    where    in shops alone, or wherever the books are
    """

    name: str
    says: str
    run: Callable[[Work], int]
    every_s: int | None = None
    where: Where = Where.ANYWHERE


JOBS: list[Job] = []


def job(
    name: str, says: str, *, every_s: int | None = None, where: Where = Where.ANYWHERE
) -> Callable[[Callable[[Work], int]], Callable[[Work], int]]:
    """Register a function as a job."""

    def register(run: Callable[[Work], int]) -> Callable[[Work], int]:
        if any(known.name == name for known in JOBS):
            raise ValueError(f"two jobs are named {name}")
        JOBS.append(Job(name, says, run, every_s, where))
        return run

    return register
