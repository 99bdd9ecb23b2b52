"""What the four inboxes show: records by the names people know, sides by who said what where, narrowed as asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import g, url_for
from sqlalchemy import select

from cloudhub.merge.conflicts import ExceptionView, open_exceptions
from cloudhub.merge.models import FieldConflict, Origin, RuleOutcome
from cloudhub.merge.technical import Trouble, troubles
from shopnode.domain.catalogue.rules import fold
from shopnode.domain.db import synced_models
from shopnode.domain.people.queries import all_shops, names_of
from shopnode.domain.permissions import Permission
from shopnode.web.office.history import LABELS

PORTAL = "the portal"
NAMES = ("name", "key", "number")  # which column people know a record by
PLACES = {
    "product": ("office.product", "product_id"), "sale": ("office.sale", "sale_id"),
    "day_closure": ("office.closure", "closure_id"),
}  # fmt: skip
RULES = {
    "owner_wins": "An owner's word goes before others'.",
    "later_wins": "The later of the two stands.",
    "keep_current": "What stood there is kept.",
}
# Where a name alone would not say what is meant.
WORDS = {
    **LABELS, "role": "Role", "suspended_at": "Suspended", "vat_rate_bp": "VAT rate", "only_shop_id": "Offered in",
    "archived_at": "Off the lists", "password_hash": "Password", "imei1": "IMEI", "imei2": "Second IMEI",
}  # fmt: skip


@dataclass(frozen=True)
class Narrowed:
    """Which of the rows: of one shop, and with these words."""

    shop_id: str = ""
    q: str = ""

    def takes(self, shops: Iterable[str | None], *texts: str | None) -> bool:
        """Whether a row of these shops with these texts is wanted."""
        if self.shop_id and self.shop_id not in shops:
            return False
        heap = fold(" ".join(text for text in texts if text))
        return all(word in heap for word in fold(self.q).split())


class Rows:
    """Rows for the screen, with names read once for all of them."""

    def __init__(self, rows: Sequence[FieldConflict | RuleOutcome]):
        session = g.ctx.session
        who = {one for row in rows for one in (row.standing_by, row.other_by, getattr(row, "resolved_by", None)) if one}
        self._people = names_of(session, who)
        shops = {shop.id: shop.name for shop in all_shops(session)}
        self._shop_of = {row.id: row.shop_id for row in session.scalars(select(Origin))}
        self._places = {row_id: shops.get(shop_id or "", PORTAL) for row_id, shop_id in self._shop_of.items()}
        self._records = _records(rows)

    def conflict(self, row: FieldConflict, *, swapped: bool = False) -> dict[str, Any]:
        """One conflict, open or settled."""
        kept = self._side(row.standing_value, row.standing_by, row.standing_at, row.standing_origin)
        other = self._side(row.other_value, row.other_by, row.other_at, row.other_origin)
        if swapped:  # the row still tells them as they stood; what is in use now is the other
            kept, other = other, kept
        return {
            "id": row.id, **self._head(row, kept, other), "settled_at": row.resolved_at,
            "settled_by": self._people.get(row.resolved_by or "", "somebody"),
        }  # fmt: skip

    def outcome(self, row: RuleOutcome) -> dict[str, Any]:
        """One field that a rule settled."""
        kept = self._side(row.standing_value, row.standing_by, None, row.standing_origin)
        other = self._side(row.other_value, row.other_by, None, row.other_origin)
        hidden = row.standing_value is None and row.other_value is None
        return {**self._head(row, kept, other), "at": row.at, "why": RULES.get(row.rule, ""), "is_hidden": hidden}

    def _head(self, row: FieldConflict | RuleOutcome, kept: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        is_money = row.field.endswith("_minor") and all(type(one["value"]) is int for one in (kept, other))
        return {
            "what": self._records.get((row.entity, row.row_id), row.row_id),
            "field": WORDS.get(row.field, row.field.replace("_", " ").capitalize()),
            "url": record_url(row.entity, row.row_id), "is_money": is_money, "kept": kept, "other": other,
            "shops": [self._shop_of.get(row.standing_origin or ""), self._shop_of.get(row.other_origin or "")],
        }  # fmt: skip

    def _side(self, value: str | None, who: str | None, at: Any, origin: str | None) -> dict[str, Any]:
        said = None if value is None else orjson.loads(value)
        words = {None: "nothing", True: "yes", False: "no"}
        return {
            "value": words[said] if said is None or type(said) is bool else said, "at": at,
            "by": self._people.get(who or "", "somebody"), "place": self._places.get(origin or "", PORTAL),
        }  # fmt: skip


def conflict_rows(rows: Sequence[FieldConflict], wanted: Narrowed) -> list[dict[str, Any]]:
    """Conflicts as the screen shows them."""
    made = Rows(rows)
    return [row for row in map(made.conflict, rows) if wanted.takes(row["shops"], row["what"], row["field"])]


def outcome_rows(rows: Sequence[RuleOutcome], wanted: Narrowed) -> list[dict[str, Any]]:
    """What rules settled, as the screen shows it."""
    made = Rows(rows)
    return [row for row in map(made.outcome, rows) if wanted.takes(row["shops"], row["what"], row["field"])]


def exception_rows(wanted: Narrowed) -> list[dict[str, Any]]:
    """Exceptions as the screen shows them."""
    shops = _shop_names()
    return [_exception(row, shops) for row in open_exceptions(g.ctx.session) if _takes(wanted, row)]


def trouble_rows(wanted: Narrowed) -> list[dict[str, Any]]:
    """What troubles the machinery, as the screen shows it."""
    shops = _shop_names()
    sees_nodes = g.ctx.may(Permission.SALES_READ_ALL)
    found = [row for row in troubles(g.ctx.session, g.ctx.now) if _takes(wanted, row)]
    return [
        {
            "sentence": row.sentence, "at": row.at, "shop": shops.get(row.shop_id or "", ""), "reason": row.reason,
            "kind": row.kind, "url": url_for("portal.nodes") if row.kind == "clone_suspected" and sees_nodes else None,
        }
        for row in found
    ]  # fmt: skip


def record_url(entity: str, row_id: str) -> str | None:
    """Where the record can be looked at, if there is such a screen."""
    if entity not in PLACES:
        return None
    endpoint, name = PLACES[entity]
    place: dict[str, Any] = {name: row_id}
    return url_for(endpoint, **place)


def _takes(wanted: Narrowed, row: ExceptionView | Trouble) -> bool:
    return wanted.takes([row.shop_id, getattr(row, "found_in", None)], row.sentence, row.key)


def _exception(row: ExceptionView, shops: dict[str, str]) -> dict[str, Any]:
    return {
        "id": row.id, "sentence": row.sentence, "opened_at": row.opened_at, "shop": shops.get(row.shop_id or "", ""),
        "url": record_url(row.entity, row.row_id),
    }  # fmt: skip


def _shop_names() -> dict[str, str]:
    return {shop.id: shop.name for shop in all_shops(g.ctx.session)}


def _records(rows: Sequence[FieldConflict | RuleOutcome]) -> dict[tuple[str, str], str]:
    """What people call the records, a query for each table."""
    wanted: dict[str, set[str]] = {}
    for row in rows:
        wanted.setdefault(row.entity, set()).add(row.row_id)
    found = {}
    for entity, ids in wanted.items():
        model: Any = synced_models()[entity]
        for record in g.ctx.session.scalars(select(model).where(model.id.in_(ids))):
            called = next((getattr(record, name) for name in NAMES if hasattr(record, name)), "")
            found[entity, record.id] = str(called or entity.replace("_", " "))
    return found
