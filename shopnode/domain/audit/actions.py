"""Taking a journal out: written down before the file is handed over, as every list that leaves (rule 92)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Params
from shopnode.domain.permissions import Permission

EXPORT_JOURNAL = "journal.export"


class ExportJournal(Params):
    """Whose journal, and how far it went."""

    origin_id: IdText
    entries: Annotated[int, Field(ge=0)]


@action(EXPORT_JOURNAL, needs=Permission.AUDIT_READ, where=Where.ANYWHERE)
def export_journal(ctx: Context, form: ExportJournal) -> dict[str, Any]:
    """Write down that somebody takes a journal out as a file: whose, and how many entries."""
    ctx.about("journal", form.origin_id)
    return form.model_dump()
