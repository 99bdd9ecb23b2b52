"""Bring a database to the newest schema, in one transaction: all of it or nothing.

Two sets of revisions with a version table each: the domain's, which run on both engines, and each home's own.
Revisions only add; a node is migrated when it starts, before anything else opens the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from shopnode.domain.engine import DatabaseUnusable, NodeDatabase

DOMAIN = Path(__file__).parent / "migrations"
NODE = Path(__file__).parent.parent / "migrations"


def upgrade_node(database: NodeDatabase) -> None:
    """Create or upgrade a node's tables. Raises DatabaseUnusable when a newer program has written the file."""
    with database.raw_writer().connect() as connection:
        raw: Any = connection.connection.driver_connection
        # A table that SQLite must rebuild may not take its children along; links are checked below instead.
        raw.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                upgrade(connection, DOMAIN, "version_domain")
                upgrade(connection, NODE, "version_node")
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    raise DatabaseUnusable(f"The upgrade would break links of {broken[0][0]}; nothing was changed.")
        finally:
            raw.execute("PRAGMA foreign_keys = ON")


def upgrade(connection: Connection, scripts: Path, version_table: str) -> None:
    """Run the missing revisions of one set inside the connection's transaction."""
    script = ScriptDirectory(str(scripts))
    refuse_newer(connection, script, version_table)

    def missing(current: Any, context: Any) -> Iterable[Any]:
        return script._upgrade_revs("head", current)

    with EnvironmentContext(Config(), script, fn=missing) as environment:
        environment.configure(connection=connection, version_table=version_table, render_as_batch=True)
        environment.run_migrations()


def refuse_newer(connection: Connection, script: ScriptDirectory, version_table: str) -> None:
    """Raise DatabaseUnusable if the database holds a revision this program does not know."""
    if not connection.dialect.has_table(connection, version_table):
        return
    for (revision,) in connection.exec_driver_sql(f"SELECT version_num FROM {version_table}"):
        if revision not in {known.revision for known in script.walk_revisions()}:
            raise DatabaseUnusable("These books were written by a newer version of the program. Update it first.")
