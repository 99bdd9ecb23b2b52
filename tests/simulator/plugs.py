"""What a run takes hold of: chance, slow hashes, and every moment at which the plug can be pulled.

A process dies between two statements of its database, or at one of the named steps (`failpoints`). Pulling the plug
raises `Killed`, which no handler of ours catches; whoever drives the process then opens it again from its files.
"""

from __future__ import annotations

import random
import secrets
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal
from unittest import mock

import psycopg
from argon2 import PasswordHasher
from sqlcipher3 import dbapi2 as sqlcipher

import shopnode.domain.engine as engine
from shopnode.domain import clock, failpoints
from shopnode.domain.people import passwords

Side = Literal["node", "hub"]


class Killed(BaseException):
    """The process is gone at this very moment."""

    def __init__(self, side: Side, at: str):
        super().__init__(f"{side} at {at}")
        self.side = side


class Plug:
    """Counts the steps of each side and pulls the plug at the one that was chosen."""

    def __init__(self, last_look: Callable[[Side], None]):
        self.last_look = last_look  # called at the moment of death, before anything is rolled back
        self.side: Side = "node"  # whose code is running, for steps that both sides have
        self.on_the_way: Callable[[str], None] | None = None  # told of every named step
        self._armed: Side | None = None
        self._named = False
        self._left = 0

    def arm(self, side: Side, steps: int, *, named: bool) -> None:
        """Pull after so many steps of that side: named ones, or statements."""
        self._armed, self._left, self._named = side, steps, named

    def disarm(self) -> None:
        self._armed = None

    def pass_step(self, side: Side, at: str, *, named: bool) -> None:
        if self._armed != side or named is not self._named:
            return
        self._left -= 1
        if self._left <= 0:
            self.disarm()
            self.last_look(side)
            raise Killed(side, at)


_plugs: list[Plug] = []


def _pass_step(side: Side, at: str, *, named: bool = False) -> None:
    if _plugs:
        _plugs[-1].pass_step(side, at, named=named)


def _at_failpoint(name: str) -> None:
    if _plugs:
        if _plugs[-1].on_the_way is not None:
            _plugs[-1].on_the_way(name)
        _pass_step("hub" if name.startswith("hub.") else _plugs[-1].side, name, named=True)


class _Cursor(sqlcipher.Cursor):  # type: ignore[misc]
    def execute(self, *values: Any) -> Any:
        _pass_step("node", "a statement")
        return super().execute(*values)

    def executemany(self, *values: Any) -> Any:
        _pass_step("node", "a statement")
        return super().executemany(*values)


class _Connection(sqlcipher.Connection):  # type: ignore[misc]
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


def _driver() -> types.ModuleType:
    """The node's driver, whose cursors count."""
    driver = types.ModuleType("sqlcipher_with_a_plug")
    driver.__dict__.update(sqlcipher.__dict__)

    def connect(*values: Any, **named: Any) -> Any:
        return sqlcipher.connect(*values, factory=_Connection, **named)

    driver.__dict__["connect"] = connect
    return driver


def _counting(execute: Callable[..., Any]) -> Callable[..., Any]:
    def counted(*values: Any, **named: Any) -> Any:
        _pass_step("hub", "a statement")
        return execute(*values, **named)

    return counted


@contextmanager
def plugged(plug: Plug, chance: random.Random) -> Iterator[None]:
    """Hold of every statement, step and draw of this process, for one run."""
    with (
        cheap_hashes(),
        mock.patch.object(secrets, "token_bytes", chance.randbytes),
        mock.patch.object(clock.new_id, "__defaults__", (chance.randbytes,)),
        mock.patch.object(engine, "sqlcipher", _driver()),
        mock.patch.object(psycopg.Cursor, "execute", _counting(psycopg.Cursor.execute)),
        mock.patch.object(psycopg.Cursor, "executemany", _counting(psycopg.Cursor.executemany)),
    ):
        _plugs.append(plug)
        failpoints.watch(_at_failpoint)
        try:
            yield
        finally:
            failpoints.watch(None)
            _plugs.pop()


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """Passwords are no part of what is simulated, and their slow hash would be most of the time."""
    with mock.patch.object(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        yield
