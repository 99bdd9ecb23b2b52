"""Few wrong tries at a code or a password, counted in the database so that a restart forgives nothing.

A try is counted before the secret is looked at and given back when it was right, so a hundred tries at once count as
a hundred.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import case, delete, update
from sqlalchemy.dialects.postgresql import insert

from cloudhub.database import HubDatabase
from cloudhub.tenancy.models import GateThrottle
from shopnode.domain.clock import Clock, to_datetime
from shopnode.domain.errors import TooManyTries

WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=1)


def count_try(database: HubDatabase, clock: Clock, limits: dict[str, int]) -> None:
    """Count one try under each key. Raises TooManyTries when any has had as many as it may in fifteen minutes."""
    now = to_datetime(clock.wall_ms())
    waits: list[int] = []
    with database.gate() as session:
        session.execute(delete(GateThrottle).where(GateThrottle.window_started_at < now - KEPT))
        for key, tries_max in sorted(limits.items()):
            fresh = GateThrottle.window_started_at < now - WINDOW
            statement = insert(GateThrottle).values(key=_key(key), tries=1, window_started_at=now)
            counted = statement.on_conflict_do_update(
                index_elements=["key"],
                set_={
                    "tries": case((fresh, statement.excluded.tries), else_=GateThrottle.tries + 1),
                    "window_started_at": case(
                        (fresh, statement.excluded.window_started_at), else_=GateThrottle.window_started_at
                    ),
                },
            )
            row = session.execute(counted.returning(GateThrottle.tries, GateThrottle.window_started_at)).one()
            if row.tries > tries_max:
                waits.append(int((row.window_started_at + WINDOW - now).total_seconds()))
    if waits:
        raise TooManyTries(max(*waits, 1))


def forgive_try(database: HubDatabase, *keys: str) -> None:
    """The secret was right: take the try back."""
    with database.gate() as session:
        for key in sorted(keys):
            statement = update(GateThrottle).where(GateThrottle.key == _key(key), GateThrottle.tries > 0)
            session.execute(statement.values(tries=GateThrottle.tries - 1))


def _key(text: str) -> str:
    """What was typed is not kept: keys may hold addresses and e-mail addresses."""
    return hashlib.sha256(text.encode()).hexdigest()
