"""Books that stand in memory, for tests that tell thousands of stories: made once, and put back after each.

One connection holds everything. What the door commits is a savepoint that is released, and the end of a story goes back
to the savepoint at its beginning. So nothing is copied, encrypted or waited for; the guard, the journal and every
statement are the node's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool
from sqlcipher3 import dbapi2 as sqlcipher

from shopnode.domain.engine import NodeDatabase


class Standing(sqlcipher.Connection):  # type: ignore[misc]
    """A connection that neither commits nor goes back when it is told to: savepoints do."""

    def commit(self) -> None: ...

    def rollback(self) -> None: ...


class MemoryBooks(NodeDatabase):
    """A node's database, read from a file once. Whoever reads sees what was written, as in the file after a commit."""

    def __init__(self, file: Path, key: bytes, *, tenant_id: str = ""):
        super().__init__(file, key, tenant_id=tenant_id)
        super().close()  # the file's own connections
        self._writer = self._readers = _engine(file, key)
        self._driver: Any = self._writer.raw_connection().driver_connection

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """As in the file: all of it, or nothing."""
        if self._depth:
            raise RuntimeError("a write inside a write: pass the session on instead")
        self._depth = 1
        with self._back_unless_well("act"), Session(
            self._writer, info={"tenant_id": self.tenant_id}, expire_on_commit=False
        ) as session:  # fmt: skip
            yield session
            session.commit()

    @contextmanager
    def story(self) -> Iterator[None]:
        """Whatever happens inside is gone at the end."""
        self._driver.execute("SAVEPOINT story")
        try:
            yield
        finally:
            self._driver.execute("ROLLBACK TO story")
            self._driver.execute("RELEASE story")

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a statement, as they are stored: invariants are looked at thousands of times."""
        rows: list[tuple[Any, ...]] = self._driver.execute(statement, values).fetchall()
        return rows

    @contextmanager
    def _back_unless_well(self, name: str) -> Iterator[None]:
        self._driver.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self._driver.execute(f"ROLLBACK TO {name}")
            raise
        finally:
            self._driver.execute(f"RELEASE {name}")
            self._depth = 0


def _engine(file: Path, key: bytes) -> Engine:
    """One connection to a copy in memory, of which nothing is ended but by savepoints."""
    engine = create_engine(
        "sqlite://", module=sqlcipher, poolclass=StaticPool,
        connect_args={"check_same_thread": False, "cached_statements": 1024, "factory": Standing},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"ATTACH DATABASE ? AS file KEY \"x'{key.hex()}'\"", (str(file),))
        connection.execute("SELECT sqlcipher_export('main', 'file')").fetchall()
        connection.execute("DETACH DATABASE file")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")

    return engine
