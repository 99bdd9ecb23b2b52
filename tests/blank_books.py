"""Books with every table and nothing in them: migrated once in a session, and copied for each computer of a test."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from shopnode.domain.engine import NodeDatabase
from shopnode.domain.migrate import upgrade_node


def blank_books(file: Path, key: bytes) -> NodeDatabase:
    """A node's database in that file, as `upgrade_node` leaves it."""
    shutil.copy(_migrated(key), file)
    return NodeDatabase(file, key)


@cache
def _migrated(key: bytes) -> Path:
    file = Path(tempfile.mkdtemp(prefix="phoneshop-blank-")) / "shop.db"
    database = NodeDatabase(file, key)
    upgrade_node(database)
    database.checkpoint()
    database.close()
    return file
