"""A list of the office as a file for a spreadsheet; that it was taken out is written down first."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, g, request

from shopnode.documents.spreadsheets import CSV_TYPE, XLSX_TYPE, write_csv, write_xlsx
from shopnode.documents.text import clean
from shopnode.domain.errors import NotPermitted
from shopnode.domain.exports import EXPORT, TYPED
from shopnode.domain.permissions import Permission
from shopnode.web.ui.frame import manner
from shopnode.web.ui.request import act

FREE_TEXT = frozenset({"q"})  # may hold a name or a telephone number
SHOWN_MAX = 100
FILTERS_MAX = 30
FORMATS = {"csv": CSV_TYPE, "xlsx": XLSX_TYPE}


def csv_answer(name: str, titles: Sequence[str], rows: Iterable[Sequence[Any]], zone: ZoneInfo) -> Response:
    """A file to download. Its name begins with the list's."""
    file = io.BytesIO()
    count = write_csv(file, titles, rows, zone)
    asked = {name: TYPED if name in FREE_TEXT else clean(text, SHOWN_MAX) for name, text in _filters()}
    act(EXPORT, {"name": name.partition("-")[0], "format": "csv", "filters": asked, "rows": count})
    response = Response(file.getvalue(), content_type=CSV_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def asked_file() -> str | None:
    """The file a list's address asks for (`?format=xlsx`); None for the list itself. Raises NotPermitted."""
    wanted = request.args.get("format", "")
    if wanted not in FORMATS:
        return None
    if not g.ctx.may(Permission.REPORTS_EXPORT):
        raise NotPermitted
    return wanted


def table_answer(name: str, wanted: str, titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A list as the file that was asked for; `name` is the list's."""
    file, zone = io.BytesIO(), manner().zone
    assert isinstance(zone, ZoneInfo)
    if wanted == "csv":
        count = write_csv(file, titles, rows, zone)
    else:
        count = write_xlsx(file, name, titles, rows, zone)
    asked = {name: TYPED if name in FREE_TEXT else clean(text, SHOWN_MAX) for name, text in _filters()}
    act(EXPORT, {"name": name, "format": wanted, "filters": asked, "rows": count})
    response = Response(file.getvalue(), content_type=FORMATS[wanted])
    day = f"{manner().now:%Y-%m-%d}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{day}.{wanted}"'
    return response


def _filters() -> list[tuple[str, str]]:
    """As many of the filters in the address as anybody sets."""
    named = [(clean(name, SHOWN_MAX // 2), text) for name, text in request.args.items()]
    return [(name, text) for name, text in named if name and text][:FILTERS_MAX]
