"""The journal: one entry for each action performed here; at the hub, of every origin.

Invariants:
  * An entry and the rows it names are written in one transaction, or neither is.
  * An entry is never edited. Applying it twice changes nothing.
  * Entries of one origin are applied in that origin's order; origins may mix freely.
  * hash(n) = SHA-256(hash(n-1) || canonical entry n): nothing can be changed, removed or slipped in unseen.
  * Personal values stand beside the entry under salted hashes, so erasing them leaves the chain whole.

The same table is the audit trail people read, the outbox that is sent, and the chained proof. See protocol.md 1.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Index, Select, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.capture import Block, Capture, entity_order
from shopnode.domain.db import DerivedRow, Id, Kind, Sync, UtcTime, synced_models
from sync_protocol.personal import seal
from sync_protocol.versions import SCHEMA_VERSION

FORGETTING = frozenset({"staff.erase"})  # actions whose entry never tells what they take away


class JournalEntry(DerivedRow):
    """One performed action. At a node: its own. At the hub: the raw inbox of all origins, with the verdicts."""

    __tablename__ = "journal_entry"
    __table_args__ = (
        # At a node an action is performed once. The hub may be sent an entry again under another origin, by a restored
        # node, and keeps both: the second as a duplicate.
        Index("uq_journal_entry_entry_id", "tenant_id", "entry_id", unique=True).ddl_if(dialect="sqlite"),
        Index("ix_journal_entry_entry_id", "tenant_id", "entry_id").ddl_if(dialect="postgresql"),
        Index("ix_journal_entry_subject_id", "tenant_id", "subject_id"),
        Index("ix_journal_entry_shop_id_at", "tenant_id", "shop_id", "at"),
    )

    origin_id: Mapped[Id] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[Id]
    action: Mapped[str] = mapped_column(String(80))
    actor_id: Mapped[Id | None]
    shop_id: Mapped[Id | None]
    subject_entity: Mapped[str | None] = mapped_column(String(40))
    subject_id: Mapped[Id | None]
    at: Mapped[UtcTime]
    hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)  # the canonical JSON that was hashed
    personal: Mapped[str | None] = mapped_column(Text)  # {marker: [salt, value]} as JSON; NULL once erased
    fingerprint: Mapped[str | None] = mapped_column(String(64))  # keyed hash of what was asked, for replays
    result: Mapped[str | None] = mapped_column(Text)  # what the action answered, for replays
    received_at: Mapped[UtcTime | None]  # at the hub
    verdict: Mapped[str | None] = mapped_column(String(20))  # at the hub; NULL while plain ok


@dataclass
class EntryDraft:
    """An entry before it has a number: what was done, by whom, and what it wrote."""

    entry_id: str
    action: str
    actor_id: str | None
    approver_id: str | None
    shop_id: str | None
    subject: tuple[str, str] | None
    ip: str | None
    user_agent: str | None
    capture: Capture
    approved: list[str] = field(default_factory=list)  # what the approver said yes to; names nobody
    wrote_off_minor: int = 0  # the cost of goods that left the books as worthless: a day's are added up
    seen: int = 0
    clock: dict[str, int | str] = field(default_factory=dict)  # at, mono, boot, offset
    personal: dict[str, list[Any]] = field(default_factory=dict)


SeenNumbers = Callable[[list[tuple[str, str, str]]], dict[tuple[str, str, str], int]]


def entry_document(draft: EntryDraft, n: int, seen_numbers: SeenNumbers, salt: Callable[[], bytes]) -> dict[str, Any]:
    """The entry as the document that is hashed; reveals of personal values go to `draft.personal`."""
    document: dict[str, Any] = {
        "action": draft.action,
        "actor": draft.actor_id,
        "id": draft.entry_id,
        "n": n,
        "rows": _blocks(draft, seen_numbers, salt),
        "schema": SCHEMA_VERSION,
        "seen": draft.seen,
        **draft.clock,
    }
    extra = {
        "approved": draft.approved or None,
        "approver": draft.approver_id,
        "ip": draft.ip,
        "shop": draft.shop_id,
        "subject": list(draft.subject) if draft.subject else None,
        "ua": draft.user_agent,
        "wrote_off": draft.wrote_off_minor or None,
    }
    document.update({key: value for key, value in extra.items() if value is not None})
    return document


def _blocks(draft: EntryDraft, seen_numbers: SeenNumbers, salt: Callable[[], bytes]) -> list[Block]:
    models = synced_models()
    blocks: list[Block] = []
    order = entity_order()
    for entity in sorted(draft.capture.inserts, key=order.__getitem__):
        sync = models[entity].__sync__
        blocks.append(_insert_block(entity, sync, draft, salt))
    for entity in sorted(draft.capture.updates, key=order.__getitem__):
        blocks.extend(_update_blocks(entity, models[entity].__sync__, draft, seen_numbers, salt))
    return blocks


def _insert_block(entity: str, sync: Sync, draft: EntryDraft, salt: Callable[[], bytes]) -> Block:
    rows = list(draft.capture.inserts[entity].values())
    columns = [name for name in rows[0] if name == "id" or any(row[name] is not None for row in rows)]
    values = [[_sealed(draft.personal, sync, name, row[name], salt) for name in columns] for row in rows]
    return [entity, "i", columns, values]


def _update_blocks(
    entity: str, sync: Sync, draft: EntryDraft, seen_numbers: SeenNumbers, salt: Callable[[], bytes]
) -> list[Block]:
    """One block for each set of columns that changed together."""
    changed = draft.capture.updates[entity]
    seen: dict[tuple[str, str, str], int] = {}
    if sync.kind is Kind.REGISTER:
        seen = seen_numbers([(entity, row_id, name) for row_id, columns in changed.items() for name in columns])
    blocks: dict[tuple[str, ...], Block] = {}
    for row_id, columns in changed.items():
        names = tuple(columns)
        forgets = draft.action in FORGETTING or columns.get("erased_at", (None, None))[1] is not None
        block = blocks.setdefault(names, [entity, "u", ["id", *names], []])
        values: list[Any] = [row_id]
        for name, (before, after) in columns.items():
            # Who is erased is not told once more by the entry that erases them: only a marker is left of before.
            told = {} if forgets else draft.personal
            pair = [_sealed(told, sync, name, before, salt), _sealed(draft.personal, sync, name, after, salt)]
            values.append([*pair, seen.get((entity, row_id, name), 0)] if sync.kind is Kind.REGISTER else pair)
        block[3].append(values)
    return list(blocks.values())


def _sealed(told: dict[str, list[Any]], sync: Sync, name: str, value: Any, salt: Callable[[], bytes]) -> Any:
    """The value, or of a personal column its marker; what reveals it goes to `told`."""
    if value is None or name not in sync.personal:
        return value
    grain = salt()
    marker = seal(value, grain)
    told[marker] = [base64.urlsafe_b64encode(grain).rstrip(b"=").decode(), value]
    return marker


def history_of(subject_id: str) -> Select[JournalEntry]:
    """The entries about one record, oldest first."""
    return select(JournalEntry).where(JournalEntry.subject_id == subject_id).order_by(JournalEntry.at, JournalEntry.n)
