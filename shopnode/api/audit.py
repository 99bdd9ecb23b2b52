"""The journal over the API: who did what, each entry with what it changed, and the chain that proves it."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any

from flask import Response
from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.lists import MEMORY_MAX, pieces_of
from shopnode.api.reading import QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.audit import chains, search
from shopnode.domain.audit.actions import EXPORT_JOURNAL
from shopnode.domain.params import IdText, Line
from shopnode.domain.permissions import Permission

JOURNAL_TYPE = "text/tab-separated-values; charset=utf-8"
Word = Annotated[Line, Field(max_length=80)]


class AuditLogQuery(Paged):
    """What is looked for."""

    user_id: Annotated[IdText | None, Field(description="Who did it.")] = None
    entity_type: Annotated[Word, Field(description="The kind of record: sale, customer, product.")] = ""
    entity_id: Annotated[IdText | None, Field(description="One record's own history.")] = None
    action: Annotated[Word, Field(description="An action's name, or its area: sales.sell, sales.")] = ""
    shop_id: IdText | None = None
    date_from: QueryDay | None = None
    date_to: QueryDay | None = None


class AuditLogRow(BaseModel):
    """One entry."""

    id: str
    action: str
    summary: str = Field(description="What the action does.")
    created_at: Instant
    user_id: str | None
    user_name: str | None
    approved_by: str | None
    approver_name: str | None
    approved_for: list[str] = Field(description="What the second person said yes to.")
    shop_id: str | None
    shop_name: str | None
    entity_type: str | None
    entity_id: str | None
    ip_address: str | None
    user_agent: str | None
    rows: int = Field(description="How many rows it wrote.")
    origin_id: str = Field(description="Whose journal it stands in.")
    number: int = Field(description="Its number there.")
    code: str = Field(description="The proof, as receipts carry it.")


class AuditLogPage(BaseModel):
    items: list[AuditLogRow]
    next_cursor: str | None


class FieldOut(BaseModel):
    """One field. What is personal is told to be there, and not what it is."""

    field: str
    old_value: Any = None
    new_value: Any = None
    is_personal: bool = False


class RowOut(BaseModel):
    """One row that was written."""

    entity_type: str
    entity_id: str
    is_new: bool
    fields: list[FieldOut]


class AuditLogWhole(AuditLogRow):
    """One entry with all that it changed."""

    changes: list[RowOut]


class ChainOut(BaseModel):
    """One journal: of a shop's computer, of one before it, or of the portal."""

    origin_id: str
    series: str = Field(description="What its receipts start with; empty for the portal.")
    shop_id: str | None
    shop_name: str | None
    entries: int
    code: str = Field(description="The proof of its end.")
    head: str | None = Field(description="The hash of its end.")
    is_current: bool = Field(description="It still grows.")


class ChainList(BaseModel):
    items: list[ChainOut]


class ChainVerified(ChainOut):
    """What came of reading it from its first entry."""

    is_whole: bool
    verified: int = Field(description="How many entries follow from one another, from the first.")
    breaks: list[str]
    first_at: Instant | None
    last_at: Instant | None


@route("GET", "/audit-logs", needs=Permission.AUDIT_READ)
def list_audit_logs(call: Call, query: AuditLogQuery) -> AuditLogPage:
    """Search the journal by person, record, action, time and shop; the latest first."""
    wanted = search.JournalFilter(
        actor_id=query.user_id, entity=query.entity_type or None, record_id=query.entity_id,
        action=query.action or None, since=query.date_from, until=query.date_to, shop_id=query.shop_id,
    )  # fmt: skip
    page = search.search_journal(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return AuditLogPage(items=[AuditLogRow(**_columns(row)) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/audit-logs/<entry_id>", needs=Permission.AUDIT_READ)
def get_audit_log(call: Call, entry_id: str) -> AuditLogWhole:
    """One entry of the journal with every field it changed, before and after."""
    found = search.find_entry(call.ctx, entry_id)
    return AuditLogWhole(**_columns(found.row), changes=[_row(change) for change in found.changes])


@route("GET", "/audit-chains", needs=Permission.AUDIT_READ)
def list_chains(call: Call) -> ChainList:
    """The journals of this home, each with its end."""
    return ChainList(items=[ChainOut(**_chain(chain)) for chain in chains.all_chains(call.ctx)])


@route("GET", "/audit-chains/<origin_id>", needs=Permission.AUDIT_READ)
def verify_chain(call: Call, origin_id: str) -> ChainVerified:
    """Read a journal from its first entry, and say whether it is whole."""
    found = chains.check_chain(call.ctx, origin_id)
    return ChainVerified(
        **_chain(found.chain), is_whole=found.is_whole, verified=found.entries, breaks=found.breaks,
        first_at=found.first_at, last_at=found.last_at,
    )  # fmt: skip


@route("GET", "/audit-chains/<origin_id>/journal", needs=Permission.AUDIT_READ, media_type=JOURNAL_TYPE)
def get_journal(call: Call, origin_id: str) -> Response:
    """A journal as a file that `shopnode verify` checks, also on another computer. Who took it is written down."""
    chain = chains.find_chain(call.ctx, origin_id)
    file: IO[bytes] = SpooledTemporaryFile(MEMORY_MAX)  # noqa: SIM115 — closed when its last piece is sent
    try:
        for line in chains.journal_lines(call.ctx, chain):
            file.write(line.encode())
        call.perform({"origin_id": origin_id, "entries": chain.head.n}, action=EXPORT_JOURNAL)
    except BaseException:
        file.close()
        raise
    return journal_response(file, chain)


def journal_response(file: IO[bytes], chain: chains.Chain) -> Response:
    """A journal to download."""
    length = file.tell()
    file.seek(0)
    response = Response(pieces_of(file), content_type=JOURNAL_TYPE)
    response.headers["Content-Length"] = str(length)
    name = chain.head.series or "portal"
    response.headers["Content-Disposition"] = f'attachment; filename="journal-{name}-{chain.head.n}.tsv"'
    return response


def _columns(row: search.EntryRow) -> dict[str, Any]:
    return {
        "id": row.id, "action": row.action, "summary": row.words, "created_at": row.at, "user_id": row.actor_id,
        "user_name": row.actor, "approved_by": row.approver_id, "approver_name": row.approver,
        "approved_for": list(row.approved), "shop_id": row.shop_id,
        "shop_name": row.shop, "entity_type": row.entity, "entity_id": row.record_id, "ip_address": row.ip,
        "user_agent": row.user_agent, "rows": row.rows, "origin_id": row.origin_id, "number": row.n, "code": row.code,
    }  # fmt: skip


def _row(change: search.RowChange) -> RowOut:
    fields = [
        FieldOut(field=one.name, old_value=one.old, new_value=one.new, is_personal=one.is_masked)
        for one in change.fields
    ]
    return RowOut(entity_type=change.entity, entity_id=change.record_id, is_new=change.is_new, fields=fields)


def _chain(chain: chains.Chain) -> dict[str, Any]:
    head = chain.head
    return {
        "origin_id": head.origin_id, "series": head.series, "shop_id": head.shop_id, "shop_name": chain.shop,
        "entries": head.n, "code": chain.code, "head": head.hash, "is_current": head.is_current,
    }  # fmt: skip
