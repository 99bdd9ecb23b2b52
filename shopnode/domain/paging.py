"""Cursor pages: a place in a sorted list, as opaque text. Stable while rows are added, unlike page numbers.

Every list is sorted by a row's id at last, so that no two rows have one place.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import Session

from shopnode.domain.clock import to_ms
from shopnode.domain.db import UtcTimeType
from shopnode.domain.errors import Invalid

T = TypeVar("T")
PAGE_MAX = 200
PAGE_DEFAULT = 30
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBER_MAX = 10**14  # above any amount; as milliseconds still an instant that can be written as a date


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursor of the next ones (None at the end)."""

    rows: list[T]
    next_cursor: str | None


def encode_cursor(*place: Any) -> str:
    """The sort values of the last row shown, as text for a link."""
    return base64.urlsafe_b64encode(orjson.dumps(list(place))).rstrip(b"=").decode()


def decode_cursor(text: str | None, kinds: tuple[type, ...]) -> list[Any] | None:
    """The sort values in a cursor of these kinds; None for no cursor. Raises Invalid for anything else."""
    if not text:
        return None
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        place = None
    if not isinstance(place, list) or len(place) != len(kinds) or not all(map(isinstance, place, kinds)):
        raise Invalid({"cursor": "is not a place in this list; start from the first page"})
    if any(isinstance(value, int) and not 0 <= value <= NUMBER_MAX for value in place):
        raise Invalid({"cursor": "is not a place in this list; start from the first page"})
    if any(isinstance(value, str) and "\0" in value for value in place) or not ID.fullmatch(str(place[-1])):
        raise Invalid({"cursor": "is not a place in this list; start from the first page"})
    return place


def page_of(rows: list[T], limit: int, place: Any) -> Page[T]:
    """A page from `limit + 1` fetched rows; `place(row)` gives the sort values of a row."""
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], encode_cursor(*place(rows[limit - 1])))


def latest(
    session: Session, query: Select[*tuple[Any, ...]], at: Any, row_id: Any, limit: int, cursor: str | None
) -> Page[Any]:
    """The first `limit` rows of a query, newest first, or those after the cursor. Raises Invalid for a wrong cursor.

    query        selects rows of one table (what else it selects is left out of the page)
    at, row_id   columns of that table: the instant the list is sorted by, and the id that settles equal instants
    """
    rows = list(session.scalars(_newest(query, at, row_id, limit, cursor)))
    return page_of(rows, limit, lambda row: (to_ms(getattr(row, at.key)), getattr(row, row_id.key)))


def latest_columns(
    session: Session, query: Select[*tuple[Any, ...]], at: Any, row_id: Any, limit: int, cursor: str | None
) -> Page[Any]:
    """The same of chosen columns, `at` and `row_id` among them, each an attribute of its row: what is only shown needs
    no record, which takes five times as long to make. Raises Invalid for a wrong cursor."""
    rows = list(session.execute(_newest(query, at, row_id, limit, cursor)))
    return page_of(rows, limit, lambda row: (to_ms(getattr(row, at.key)), getattr(row, row_id.key)))


def _newest(
    query: Select[*tuple[Any, ...]], at: Any, row_id: Any, limit: int, cursor: str | None
) -> Select[*tuple[Any, ...]]:
    place = decode_cursor(cursor, (int, str))
    if place is not None:
        query = query.where(older_than(at, row_id, place))
    return query.order_by(at.desc(), row_id.desc()).limit(limit + 1)


def older_than(instant: Any, row_id: Any, place: list[Any]) -> ColumnElement[bool]:
    """The rows after a cursor in a list sorted newest first: `place` is [ms, id] of the last one shown."""
    return tuple_(instant, row_id) < tuple_(literal(place[0], UtcTimeType()), literal(place[1], row_id.type))


def beyond(columns: Sequence[Any], place: list[Any], *, downwards: bool = False) -> ColumnElement[bool]:
    """The rows after a cursor in a list sorted by these columns; values take the columns' types."""
    here = tuple_(*(literal(value, column.type) for column, value in zip(columns, place, strict=True)))
    return tuple_(*columns) < here if downwards else tuple_(*columns) > here
