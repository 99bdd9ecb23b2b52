"""Tries at proving who one is: few, ever slower, and remembered over a restart.

A try is counted before the secret is checked and given back when it was right, so fifty tries at once count as fifty.
An account locks after five wrong tries, for longer each time; an address after ten, whatever accounts it tried.
In no 15 minutes are there more than ten tries at an account.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import TooManyTries
from shopnode.domain.homes import Home
from shopnode.domain.people.models import LoginThrottle

ACCOUNT_TRIES = 5
ACCOUNT_LOCKS_MIN = (1, 2, 4, 8, 15, 30, 60)
ADDRESS_TRIES = 10
WINDOW = timedelta(minutes=15)
MEMORY = timedelta(days=1)


def count_try(home: Home, account: str, ip: str | None) -> None:
    """Count one try at an account from an address. Raises TooManyTries while either is locked."""
    now = to_datetime(home.clock.wall_ms())
    keys = _keys(account, ip)
    with home.writing() as session:
        locked = [_seconds_left(session.get(LoginThrottle, key), now) for key in keys]
        if any(locked):
            raise TooManyTries(max(locked))
        session.execute(delete(LoginThrottle).where(LoginThrottle.last_at < now - MEMORY))
        for key in keys:
            _count(session, key, now)


def forgive_tries(home: Home, account: str, ip: str | None) -> None:
    """The secret was right: forget the account's wrong tries, and take back this one of the address."""
    with home.writing() as session:
        for key in _keys(account, ip):
            row = session.get(LoginThrottle, key)
            if row is None:
                continue
            row.failures = row.failures - 1 if key.startswith("address:") else 0
            row.locked_until = None


def forgive_address(home: Home, ip: str | None) -> None:
    """The password was right and a second proof is asked for: a try of the account it stays, of the address it is none.
    Many people of one shop sign in from one address."""
    if ip is not None:
        with home.writing() as session:
            row = session.get(LoginThrottle, _keys("", ip)[1])
            if row is not None:
                row.failures, row.locked_until = row.failures - 1, None


def account_key(kind: str, staff_id: str | None, typed: str) -> str:
    """What a try is counted under: the person, or what was typed when nobody is meant by it."""
    return f"{kind}:{staff_id or hashlib.sha256(typed.encode()).hexdigest()}"


def _keys(account: str, ip: str | None) -> list[str]:
    return [account] if ip is None else [account, f"address:{ip[:64]}"]


def _seconds_left(row: LoginThrottle | None, now: datetime) -> int:
    if row is None or row.locked_until is None or row.locked_until <= now:
        return 0
    # A clock that was set back must not lock anybody out for longer than the longest lock.
    longest = timedelta(minutes=ACCOUNT_LOCKS_MIN[-1])
    return int(min(row.locked_until - now, longest).total_seconds()) + 1


def _count(session: Session, key: str, now: datetime) -> None:
    row = session.get(LoginThrottle, key)
    if row is None:
        row = LoginThrottle(key=key, failures=0, last_at=now)
        session.add(row)
    is_address = key.startswith("address:")
    if is_address and row.last_at <= now - WINDOW:
        row.failures = 0
    row.failures += 1
    row.last_at = now
    row.locked_until = _lock(row.failures, now, is_address)


def _lock(failures: int, now: datetime, is_address: bool) -> datetime | None:
    beyond = failures - (ADDRESS_TRIES if is_address else ACCOUNT_TRIES)
    if beyond < 0:
        return None
    if is_address:
        return now + WINDOW
    return now + timedelta(minutes=ACCOUNT_LOCKS_MIN[min(beyond, len(ACCOUNT_LOCKS_MIN) - 1)])
