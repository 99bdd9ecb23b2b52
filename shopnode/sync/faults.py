"""Which faults come of what the hub sent, and would come again however often the same rows are tried."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import StatementError


def is_of_the_rows(fault: Exception) -> bool:
    """Whether it would happen again with the same rows: nothing of the disk, and nothing that the line says."""
    cause = fault.orig if isinstance(fault, StatementError) and fault.orig is not None else fault
    if isinstance(cause, sqlite3.Error):
        return isinstance(cause, sqlite3.DataError | sqlite3.IntegrityError | sqlite3.ProgrammingError)
    return isinstance(cause, ValueError | TypeError | ArithmeticError | LookupError | AttributeError)
