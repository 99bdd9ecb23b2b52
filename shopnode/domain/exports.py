"""Who took which list out of the shop: written down before the file is handed over (rule 92).

It changes no row: the entry is the trace, with who, when and from where, and its subject names the list. What exactly
was asked for stands in the entry's result, where it was done. Words somebody typed into a search are never part of it:
they may be a name or a telephone number.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.homes import Where
from shopnode.domain.params import Line, Params
from shopnode.domain.permissions import Permission

EXPORT = "lists.export"
ROWS_MAX = 100_000  # of one file; a longer list is narrowed by its filters
SUBJECT_MAX = 40
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
