"""The running hub's connections: one pool that works for a tenant at a time, and a small one that looks people up.

Invariants:
  * A session of the application role belongs to one tenant from its first statement: the tenant is set inside the
    transaction (SET LOCAL), so nothing of it is left on a pooled connection.
  * Both roles are checked before the first use; a role that could see past the policies is refused.
  * Connections are never held while waiting for anybody: `session()` spans database work only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, SessionTransaction

from cloudhub.base import APP_ROLE, GATE_ROLE
from cloudhub.rls import holes, role_fault
from shopnode.domain.errors import Busy

POOL_WAIT_S = 5
GATE_POOL = 4

_ENTER = text(
    "SELECT set_config('app.tenant', :tenant, true), set_config('app.shops', :shops, true), "
    "set_config('app.bulk', :bulk, true), set_config('transaction_read_only', :read_only, true)"
)
_SHADOW = sql.SQL("CREATE TEMP TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)")
_TOUCHED = "CREATE TEMP TABLE IF NOT EXISTS touched (entity text, row_id text, op text) ON COMMIT DELETE ROWS"


class UnsafeDatabase(RuntimeError):
    """The database would let one tenant see another's rows; the hub refuses to run."""


class TenantSession(Session):
    """A session of the application role, for one tenant."""


class HubDatabase:
    """Sessions for tenants' work and for "who is this"."""

    def __init__(self, app_url: str, gate_url: str, *, pool: int = 12, statement_timeout_ms: int = 20_000):
        self._app = _engine(app_url, pool, statement_timeout_ms)
        # Admission looks rows up by key, also inside the checks of foreign keys. Those plans are kept with a
        # connection; made while a table is still small they would read it from end to end for ever after.
        self._bulk = _engine(app_url, max(2, pool // 2), statement_timeout_ms, "-c enable_seqscan=off")
        self._gate = _engine(gate_url, GATE_POOL, statement_timeout_ms, ping=True)
        for engine in (self._app, self._bulk):
            event.listen(engine, "connect", _prepare_app_connection)

    @property
    def name(self) -> str:
        """What the server calls this database."""
        return self._app.url.database or ""

    def check(self) -> None:
        """Raises UnsafeDatabase unless both roles and all policies are as they must be."""
        for engine, role in ((self._app, APP_ROLE), (self._gate, GATE_ROLE)):
            with engine.connect() as connection:
                fault = role_fault(connection, role)
                if fault:
                    raise UnsafeDatabase(fault)
        found = self.holes()
        if found:
            raise UnsafeDatabase("The hub does not run with a hole in its walls: " + "; ".join(found))

    def holes(self) -> list[str]:
        """What could leak, by the catalogue of the database."""
        with self._app.connect() as connection:
            return holes(connection)

    @contextmanager
    def session(
        self,
        tenant_id: str,
        *,
        shops: Sequence[str] = (),
        read_only: bool = False,
        bulk: bool = False,
        one_moment: bool = False,
    ) -> Iterator[Session]:
        """One transaction for one tenant; kept at the end, or nothing happened.

        shops       which shops' rows it reaches; all of the tenant's when none is named
        bulk        the writer keeps its own account of what it writes, so the capture guard stays quiet
        one_moment  everything is read as it stood at the first statement (repeatable read)

        Raises Busy when no connection can be had.
        """
        info = {"tenant_id": tenant_id, "shops": tuple(shops), "read_only": read_only, "bulk": bulk}
        engine = self._bulk if bulk else self._app
        if one_moment:
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with _in_words(), self._entered(engine, info) as session:
            transaction = session.get_transaction()
            assert transaction is not None
            with transaction:
                yield session

    def _entered(self, engine: Engine, info: dict[str, Any]) -> TenantSession:
        """A session inside its tenant's transaction. A connection kept over a restart of the database is replaced."""
        for is_last in (False, True):
            session = TenantSession(engine, info=info, expire_on_commit=False)
            try:
                session.connection()
            except OperationalError as error:
                session.close()
                if is_last or not error.connection_invalidated:
                    raise
            else:
                return session
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def shadowed(self, tenant_id: str, tables: Sequence[str]) -> Iterator[Session]:
        """One state of the tenant's rows, with empty temporary tables in front of these; nothing else can be written.

        The connection is made for this alone: a plan kept from elsewhere would know the tables behind. It sees one
        snapshot in a transaction that is read-only, in which PostgreSQL lets nothing but temporary tables be written.
        """
        url, more = self._app.url, "-c enable_seqscan=off -c temp_buffers=64MB"
        engine = _engine(url.render_as_string(hide_password=False), 1, 0, more)
        info = {"tenant_id": tenant_id, "shops": (), "read_only": True, "bulk": True}
        try:
            with _in_words(), engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert isinstance(driver, psycopg.Connection)
                driver.autocommit = True
                for table in tables:
                    driver.execute(_SHADOW.format(sql.Identifier(table), sql.Identifier("public", table)))
                driver.autocommit = False
                alone = connection.execution_options(isolation_level="REPEATABLE READ")
                with TenantSession(alone, info=info, expire_on_commit=False) as session:
                    yield session
        finally:
            engine.dispose()

    @contextmanager
    def gate(self) -> Iterator[Session]:
        """One transaction that may look up who somebody is, in all tenants, and count wrong tries."""
        with _in_words(), Session(self._gate, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        self._app.dispose()
        self._bulk.dispose()
        self._gate.dispose()


def _engine(url: str, pool: int, statement_timeout_ms: int, more: str = "", *, ping: bool = False) -> Engine:
    options = (
        f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={statement_timeout_ms} "
        "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC -c row_security=on " + more
    )
    return create_engine(
        url, pool_size=pool, max_overflow=0, pool_timeout=POOL_WAIT_S, pool_pre_ping=ping, pool_recycle=1800,
        connect_args={"options": options, "connect_timeout": 5, "application_name": "phoneshop"},
    )  # fmt: skip


def _prepare_app_connection(connection: Any, record: Any) -> None:
    """The capture guard's list, emptied by every commit."""
    connection.autocommit = True
    connection.execute(_TOUCHED)
    connection.autocommit = False


@event.listens_for(TenantSession, "after_begin")
def _enter_tenant(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return
    info = session.info
    connection.execute(
        _ENTER,
        {
            "tenant": info["tenant_id"],
            "shops": ",".join(info["shops"]),
            "bulk": "on" if info["bulk"] else "off",
            "read_only": "on" if info["read_only"] else "off",
        },
    )


@contextmanager
def _in_words() -> Iterator[None]:
    """A database that is away or full is a moment's trouble, not a fault of the caller."""
    try:
        yield
    except PoolTimeout:
        raise Busy from None
    except OperationalError as error:
        if error.connection_invalidated:
            raise Busy from error
        raise
