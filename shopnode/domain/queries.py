"""Finding one row, in words when it is not there; and finding thousands of rows by their ids."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import BindParameter, Boolean, ColumnElement, Select, Text, bindparam, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from shopnode.domain.db import ID_TYPE, SyncedRow
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


def ids_named(name: str) -> BindParameter[str]:
    """Ids that are given when the statement runs: `column.in_(ids_named("order_ids"))`. So a list builds its
    statements once, and not for each who asks."""
    return bindparam(name, expanding=True, type_=ID_TYPE)


class _IdsIn(FunctionElement[str]):
    """The rows of a JSON array of ids."""

    inherit_cache = True
    type = ID_TYPE


@compiles(_IdsIn, "sqlite")
def _ids_in_sqlite(element: _IdsIn, compiler: Any, **kw: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **kw)}))"


@compiles(_IdsIn, "postgresql")
def _ids_in_postgresql(element: _IdsIn, compiler: Any, **kw: Any) -> str:
    return f"(SELECT jsonb_array_elements_text(CAST({compiler.process(element.clauses, **kw)} AS jsonb))::uuid)"


def among(column: Any, ids: Iterable[str]) -> ColumnElement[bool]:
    """The column is one of these ids, which may be thousands: all are passed as one value. A parameter for each would
    take longer to write down than their rows to find."""
    values = literal(orjson.dumps(list(ids)).decode(), Text())
    found: ColumnElement[bool] = column.op("IN", is_comparison=True, return_type=Boolean())(_IdsIn(values))
    return found
