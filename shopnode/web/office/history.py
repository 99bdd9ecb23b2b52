"""What happened to a record, in words from the journal: who did what, when, with before and after.

A node's own journal knows what was done here; decisions that came from elsewhere are told from their rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select

from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Context
from shopnode.domain.journal import JournalEntry, history_of
from shopnode.domain.money import format_minor
from shopnode.domain.people.queries import all_shops, currency_of, names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.sales.models import DecisionKind, SaleDecision, SaleLine
from shopnode.domain.sales.queries import SaleDetail

ENTRIES_MAX = 200
SYSTEM = "The shop’s computer"

DEEDS = {
    "sales.sell": ("sold it", "good"), "sales.amend": ("corrected the sale", "waiting"),
    "sales.approve": ("approved the sale", "good"), "sales.reject": ("rejected the sale", "refused"),
    "sales.lock": ("locked the sale", "good"), "sales.unlock": ("unlocked the sale", "waiting"),
    "sales.void": ("voided the sale", "refused"), "sales.reverse": ("reversed the sale", "attention"),
    "sales.pay_refund": ("paid the refund out", "attention"),
    "products.create": ("added the product", "good"), "products.update": ("changed the product", ""),
    "products.archive": ("archived the product", "attention"), "products.restore": ("took it on sale again", "good"),
    "products.set_photo": ("changed the photo", ""),
    "stock.adjust": ("adjusted the stock", "waiting"),
}  # fmt: skip
RESTOCKED = {"resell": "Restocked as new.", "inspect": "Phones wait for inspection.", "scrap": "Scrapped."}
LABELS = {
    "name": "Name", "category": "Category", "brand": "Brand", "sku": "SKU", "barcode": "Barcode",
    "description": "Description", "price_minor": "Price", "cost_minor": "Cost", "floor_minor": "Lowest price",
    "min_stock_level": "Warn below", "warranty_days": "Warranty, days", "is_serialised": "Sold by IMEI",
    "is_preloaded": "Quick tile",
}  # fmt: skip
HIDDEN = frozenset({"archived_at", "photo", "id"})


@dataclass
class Event:
    """One line of what happened."""

    words: str
    at: datetime
    tone: str = ""
    note: str | None = None
    approver: str | None = None
    place: str | None = None
    changes: list[dict[str, str]] = field(default_factory=list)


def record_events(ctx: Context, subject_id: str) -> list[Event]:
    """Everything the journal here tells of one record, newest first."""
    told = _Teller(ctx, list(ctx.session.scalars(history_of(subject_id).limit(ENTRIES_MAX))))
    return _newest_first([told.event(entry) for entry in told.entries])


def sale_events(ctx: Context, detail: SaleDetail) -> list[Event]:
    """Everything that happened to a sale, newest first; also what was decided elsewhere."""
    told = _Teller(ctx, list(ctx.session.scalars(history_of(detail.sale.id).limit(ENTRIES_MAX))))
    lines = _line_changes(ctx, detail, told.currency)
    events = [told.event(entry, lines) for entry in told.entries]
    known = told.row_ids("sale_decision")
    events += [told.decision(row) for row in detail.decisions if row.id not in known]
    return _newest_first(events)


def _newest_first(events: list[Event]) -> list[Event]:
    """The last told first, also among those of one moment."""
    return sorted(events, key=lambda event: event.at)[::-1]


def _line_changes(ctx: Context, detail: SaleDetail, currency: str) -> dict[str, tuple[str, str]]:
    """What each amendment made of the lines: those that went and those that came, in words."""
    by_version: dict[str | None, list[str]] = defaultdict(list)
    query = select(SaleLine).where(SaleLine.sale_id == detail.sale.id).order_by(SaleLine.line_no)
    for row in ctx.session.scalars(query):
        by_version[row.amendment_id].append(_line_words(row, currency))
    found, now = {}, by_version[None]
    for change in detail.amendments:
        if change.replaces_lines:
            before, now = now, by_version[change.id]
            gone, come = Counter(before) - Counter(now), Counter(now) - Counter(before)
            found[change.id] = (", ".join(gone.elements()), ", ".join(come.elements()))
    return found


def _line_words(row: SaleLine, currency: str) -> str:
    amount = format_minor(row.quantity * row.unit_price_minor - row.discount_minor, currency)
    return f"{row.quantity} × {row.item_name} {amount}" if row.quantity != 1 else f"{row.item_name} {amount}"


class _Teller:
    """Turns entries into sentences, with the names and places they need read once."""

    def __init__(self, ctx: Context, entries: list[JournalEntry]):
        self.ctx, self.entries = ctx, entries
        self.documents = {entry.entry_id: _document(entry) for entry in entries}
        people = {document.get(key) for document in self.documents.values() for key in ("actor", "approver")}
        self.names = names_of(ctx.session, {person for person in people if person})
        self.currency = currency_of(ctx.session)
        self.shops = {shop.id: shop.name for shop in all_shops(ctx.session)}

    def row_ids(self, entity: str) -> set[str]:
        return {
            row[0]
            for document in self.documents.values()
            for name, _, _, rows in document["rows"]
            if name == entity
            for row in rows
        }

    def event(self, entry: JournalEntry, lines: dict[str, tuple[str, str]] | None = None) -> Event:
        document = self.documents[entry.entry_id]
        deed, tone = DEEDS.get(entry.action, (entry.action.replace(".", ": ").replace("_", " "), ""))
        actor, approver = document.get("actor"), document.get("approver")
        who = self.names.get(actor or "", SYSTEM)
        event = Event(
            f"{who} {deed}", entry.at, tone,
            approver=self.names.get(approver) if approver else None,
            place=self.shops.get(entry.shop_id or "", "The owner’s portal" if not entry.shop_id else None),
        )  # fmt: skip
        for name, kind, columns, rows in document["rows"]:
            self._add(event, document, name, kind, columns, rows, lines or {})
        return event

    def _add(
        self,
        event: Event,
        document: dict[str, Any],
        entity: str,
        kind: str,
        columns: list[str],
        rows: list[list[Any]],
        lines: dict[str, tuple[str, str]],
    ) -> None:
        if kind == "u" and entity in ("product", "customer"):
            for values in rows:
                event.changes += self._changes(document, columns, values)
        for values in rows if kind == "i" else []:
            row = dict(zip(columns, values, strict=True))
            if entity in ("sale_decision", "sale_amendment"):
                event.note = row.get("reason") or event.note
                restock = RESTOCKED.get(row.get("restock") or "")
                event.words += f". {restock}" if restock else ""
            if entity == "sale_amendment":
                event.changes += self._amended(row, lines)
            if entity == "stock_movement" and row.get("kind") in ("opening", "received", "adjusted"):
                event.note = row.get("note") or event.note
                event.words += f": {row.get('quantity', 0):+d}"
            if entity == "product":
                event.changes.append(_change("Price", "", format_minor(row.get("price_minor") or 0, self.currency)))

    def _changes(self, document: dict[str, Any], columns: list[str], values: list[Any]) -> list[dict[str, str]]:
        sees_cost = self.ctx.may(Permission.PRODUCTS_SEE_COST)
        found = []
        for name, pair in list(zip(columns, values, strict=True))[1:]:
            if name in HIDDEN or (name == "cost_minor" and not sees_cost):
                continue
            before, after = (self._said(document, name, value) for value in pair[:2])
            found.append(_change(LABELS.get(name, name.replace("_", " ").capitalize()), before, after))
        return found

    def _amended(self, row: dict[str, Any], lines: dict[str, tuple[str, str]]) -> list[dict[str, str]]:
        found = []
        if row["id"] in lines:
            found.append(_change("Lines", *lines[row["id"]]))
        if row.get("discount_minor") is not None:
            found.append(_change("Discount", "", format_minor(row["discount_minor"], self.currency)))
        if row.get("notes"):
            found.append(_change("Notes", "", row["notes"]))
        return found

    def _said(self, document: dict[str, Any], name: str, value: Any) -> str:
        """A value as people read it; erased personal values say so."""
        if value is None or value == "":
            return "nothing"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str) and value.startswith("~"):
            known = document.get("personal", {}).get(value)
            return str(known[1]) if known else "erased"
        if isinstance(value, int) and name.endswith("_minor"):
            return format_minor(value, self.currency)
        return str(value)

    def decision(self, row: SaleDecision) -> Event:
        """A decision that came from elsewhere, told from its row."""
        deed, tone = DEEDS[f"sales.{DecisionKind(row.kind).value}"]
        who = names_of(self.ctx.session, {row.by_id}).get(row.by_id or "", SYSTEM) if row.by_id else SYSTEM
        restock = RESTOCKED.get(row.restock or "")
        at = row.at if isinstance(row.at, datetime) else to_datetime(row.at)
        return Event(f"{who} {deed}" + (f". {restock}" if restock else ""), at, tone, note=row.reason)


def _document(entry: JournalEntry) -> dict[str, Any]:
    """The entry as it was written, with the personal values that were not erased."""
    document: dict[str, Any] = orjson.loads(entry.body)
    document["personal"] = orjson.loads(entry.personal) if entry.personal else {}
    return document


def _change(label: str, before: str, after: str) -> dict[str, str]:
    return {"label": label, "before": before, "after": after}
