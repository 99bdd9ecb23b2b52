"""Finding one row, in words when it is not there."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from shopnode.domain.db import SyncedRow
from shopnode.domain.errors import NotFound

R = TypeVar("R", bound=SyncedRow)


def row_or_none(session: Session, model: type[R], row_id: str) -> R | None:
    """The row of that id that this session can reach, or None."""
    found: R | None = session.scalars(_by_id(model), {"row_id": row_id}).one_or_none()
    return found


@cache
def _by_id(model: type[SyncedRow]) -> Select[*tuple[Any, ...]]:
    """Built once for each table: every action finds rows by their ids."""
    return select(model).where(model.id == bindparam("row_id"))


def find_row(session: Session, model: type[R], row_id: str, what: str = "This record") -> R:
    """The row of that id. Raises NotFound when this session cannot reach one."""
    row = row_or_none(session, model, row_id)
    if row is None:
        raise NotFound(what)
    return row
