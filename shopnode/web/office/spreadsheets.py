"""Lists as CSV for a spreadsheet: no cell of ours is ever taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
BOM = "\ufeff"  # without it, Excel reads UTF-8 as something else


def csv_answer(name: str, titles: Sequence[str], rows: Iterable[Sequence[Any]], zone: ZoneInfo) -> Response:
    """A file to download."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(titles)
    for row in rows:
        writer.writerow([cell(value, zone) for value in row])
    response = Response(BOM + text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def cell(value: Any, zone: ZoneInfo) -> Any:
    """A value as a spreadsheet may have it. Text that could be a formula gets a quote in front."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS):
        return "'" + value
    return value
