"""Who took which list out of the shop: written down before the file is handed over (rule 92).

It changes no row: the entry is the trace, with who, when and from where, and its subject names the list. What exactly
was asked for stands in the entry's result, where it was done. Words somebody typed into a search are never part of it:
they may be a name or a telephone number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.homes import Where
from shopnode.domain.journal import JournalEntry
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.params import Line, Params
from shopnode.domain.permissions import Permission

EXPORT = "lists.export"
ROWS_MAX = 100_000  # of one file; a longer list is narrowed by its filters
SUBJECT_MAX = 40
SHOWN_FOR = timedelta(days=92)  # further back the journal is asked, not a screen
TYPED = "(typed)"  # stands for words that are not written down

ListName = Annotated[Line, Field(min_length=1, max_length=60)]
FilterText = Annotated[Line, Field(max_length=200)]


class ExportList(Params):
    """Which list, how it was narrowed, and how much of it."""

    name: ListName
    format: Literal["csv", "xlsx"]
    filters: Annotated[dict[ListName, FilterText], Field(max_length=30)] = {}
    rows: Annotated[int, Field(ge=0, le=ROWS_MAX)]
    was_cut: bool = False


@action(EXPORT, needs=Permission.REPORTS_EXPORT, where=Where.ANYWHERE)
def export_list(ctx: Context, form: ExportList) -> dict[str, Any]:
    """Write down that somebody takes a list out as a file: which, how it was narrowed, how many rows."""
    ctx.about("list_" + re.sub(r"[^a-z0-9]+", "_", form.name.lower())[: SUBJECT_MAX - 5], ctx.action_id)
    return form.model_dump()


@dataclass(frozen=True)
class Taken:
    """One list that somebody took out."""

    id: str
    at: datetime
    actor_id: str | None
    shop_id: str | None
    name: str
    format: str | None = None  # what exactly was asked for is known where it was done
    filters: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None


def lists_taken(ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[Taken]:
    """Who took which list out in the last three months, the latest first. Raises Invalid for a wrong cursor."""
    query = select(JournalEntry).where(JournalEntry.action == EXPORT, JournalEntry.at >= ctx.now - SHOWN_FOR)
    if ctx.shop_id is not None:
        query = query.where(JournalEntry.shop_id == ctx.shop_id)
    page = latest(ctx.session, query, JournalEntry.at, JournalEntry.entry_id, limit, cursor)
    return Page([_taken(row) for row in page.rows], page.next_cursor)


def _taken(row: JournalEntry) -> Taken:
    told = orjson.loads(row.result) if row.result else {}
    name = told.get("name") or (row.subject_entity or "").removeprefix("list_").replace("_", " ")
    return Taken(
        row.entry_id, row.at, row.actor_id, row.shop_id, name, told.get("format"), told.get("filters") or {},
        told.get("rows"),
    )  # fmt: skip
