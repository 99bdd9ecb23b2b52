"""Lists as files: any list of the API comes as JSON, page by page, or whole as CSV or XLSX (`?format=`).

Which calls are lists follows from their answers: a model with `items`. The columns are the items' own fields, what is
nested under its own name ("sale.sale_number"), so a list that is added to the API is a file at once.

Invariants:
  * Whoever takes a list out needs the right to, sees nothing in it that they do not see on the screen, and is written
    down before the first byte goes out (rule 92).
  * A file is whole, or says in words that it was cut.
  * It is written to a file, page by page: memory does not grow with the list.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from enum import Enum
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Literal
from zoneinfo import ZoneInfo

import orjson
from flask import Response, g
from pydantic import BaseModel
from sqlalchemy import select

from shopnode.documents.spreadsheets import CSV_TYPE, XLSX_TYPE, write_csv, write_xlsx
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.exports import EXPORT, ROWS_MAX, TYPED
from shopnode.domain.paging import PAGE_MAX
from shopnode.domain.people.models import Shop
from shopnode.domain.permissions import Permission
from shopnode.web.ui.request import act

PARAMETER = "format"
FORMATS = ("json", "csv", "xlsx")
FileFormat = Literal["csv", "xlsx"]
CONTENT_TYPES: dict[str, str] = {"csv": CSV_TYPE, "xlsx": XLSX_TYPE}
MEMORY_MAX = 1024 * 1024  # of a file that is kept in memory; a longer one goes to the disk
PIECE = 64 * 1024
CUT = f"The list is longer. The rest was left out after {ROWS_MAX:,} rows: narrow it by its filters."

NextPage = Callable[[Mapping[str, Any]], BaseModel]  # the list's page for these changes of its query


def item_model(answer: type[BaseModel] | None) -> type[BaseModel] | None:
    """What a list is a list of; None for an answer that is none, or one record that has items."""
    fields = answer.model_fields if answer is not None else {}
    field = fields.get("items")
    if field is None or "id" in fields or typing.get_origin(field.annotation) is not list:
        return None
    return _model_in(typing.get_args(field.annotation)[0])


def asked_format(sent: list[str]) -> FileFormat | None:
    """The file format in a query; None for JSON. Raises Invalid."""
    if len(sent) > 1:
        raise Invalid({PARAMETER: "stands here more than once"})
    if sent and sent[0] not in FORMATS:
        raise Invalid({PARAMETER: f"must be one of {', '.join(FORMATS)}"})
    return typing.cast(FileFormat, sent[0]) if sent and sent[0] != "json" else None


def list_file(
    ctx: Context, name: str, item: type[BaseModel], wanted: FileFormat, query: BaseModel | None, next_page: NextPage
) -> Response:
    """The whole list as a file to download. Raises NotPermitted for those who may not take lists out."""
    if not ctx.may(Permission.REPORTS_EXPORT):
        raise NotPermitted
    zone, reader = zone_of(ctx), _Reader(query, next_page)
    with ExitStack() as undo:
        file: IO[bytes] = undo.enter_context(SpooledTemporaryFile(MEMORY_MAX))
        _write(file, name, wanted, reader, columns_of(item), zone)
        told = {"rows": reader.count, "was_cut": reader.was_cut}
        act(EXPORT, {"name": name, "format": wanted, "filters": filters_of(query), **told})
        undo.pop_all()
    length = file.tell()
    file.seek(0)
    response = Response(pieces_of(file), content_type=CONTENT_TYPES[wanted])
    response.headers["Content-Length"] = str(length)
    day = g.ctx.now.astimezone(zone).date()
    response.headers["Content-Disposition"] = f'attachment; filename="{name.replace("/", "-")}-{day}.{wanted}"'
    return response


def _write(
    file: IO[bytes], name: str, wanted: FileFormat, reader: _Reader, columns: list[tuple[str, ...]], zone: ZoneInfo
) -> None:
    titles, rows = [".".join(path) for path in columns], reader.rows(columns)
    if wanted == "csv":
        write_csv(file, titles, rows, zone)
    else:
        write_xlsx(file, name, titles, rows, zone)


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield from iter(lambda: file.read(PIECE), b"")


class _Reader:
    """Reads a list page by page and counts."""

    def __init__(self, query: BaseModel | None, next_page: NextPage):
        self.next_page = next_page
        self.is_paged = query is not None and {"limit", "cursor"} <= type(query).model_fields.keys()
        self.count, self.was_cut = 0, False
        self.first: Any = next_page(self._changes(None))  # what is wrong with a query shows before a file is begun

    def rows(self, columns: list[tuple[str, ...]]) -> Iterator[list[Any]]:
        page = self.first
        while True:
            for item in page.items:
                if self.count == ROWS_MAX:
                    self.was_cut = True
                    yield [CUT]
                    return
                self.count += 1
                yield [value_at(item, path) for path in columns]
            cursor = getattr(page, "next_cursor", None)
            if cursor is None or not self.is_paged:
                return
            page = self.next_page(self._changes(cursor))

    def _changes(self, cursor: str | None) -> dict[str, Any]:
        if not self.is_paged:
            return {}
        return {"limit": PAGE_MAX} if cursor is None else {"limit": PAGE_MAX, "cursor": cursor}


def columns_of(item: type[BaseModel]) -> list[tuple[str, ...]]:
    """The path to each column's value, in the order of the fields."""
    found: list[tuple[str, ...]] = []
    for name, field in item.model_fields.items():
        inner = _model_in(field.annotation)
        found += [(name, *path) for path in columns_of(inner)] if inner else [(name,)]
    return found


def value_at(item: BaseModel | None, path: tuple[str, ...]) -> Any:
    """The value at the end of a path; None where a part of it is missing or was left out of the answer."""
    name, *rest = path
    if item is None or name not in item.model_fields_set:
        return None
    value = getattr(item, name)
    return value_at(value, tuple(rest)) if rest else _as_cell(value)


def _as_cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        if any(isinstance(part, BaseModel) for part in value):
            return len(value)  # how many; what they are has a list of its own
        return ", ".join(str(part.value if isinstance(part, Enum) else part) for part in value)
    return orjson.dumps(value, default=str).decode() if isinstance(value, dict) else value


def filters_of(query: BaseModel | None) -> dict[str, str]:
    """The filters that were set. What was typed is not repeated: only what can be chosen (a day, a state, an id)."""
    found: dict[str, str] = {}
    for name in sorted(query.model_fields_set - {"limit", "cursor"}) if query else ():
        value = getattr(query, name)
        if isinstance(value, Enum):
            found[name] = str(value.value)
        elif isinstance(value, str) and not name.endswith("_id"):
            found[name] = TYPED if value else ""
        elif value is not None:
            found[name] = str(value)
    return found


def zone_of(ctx: Context) -> ZoneInfo:
    """The zone of the caller's shop; in the portal, of the business's first."""
    query = select(Shop.timezone).order_by(Shop.id).limit(1)
    if ctx.shop_id is not None:
        query = query.where(Shop.id == ctx.shop_id)
    return ZoneInfo(ctx.session.scalar(query) or "UTC")


def _model_in(hint: Any) -> type[BaseModel] | None:
    """The model of a field, also of one that may be null."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        models = [found for part in typing.get_args(hint) if (found := _model_in(part)) is not None]
        return models[0] if len(models) == 1 else None
    return hint if isinstance(hint, type) and issubclass(hint, BaseModel) else None
