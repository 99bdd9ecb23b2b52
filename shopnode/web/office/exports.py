"""Who took which list out of the shop, and when (rule 92)."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g, request, url_for

from shopnode.domain.exports import Taken, lists_taken
from shopnode.domain.people.queries import all_shops, names_of
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.frame import page, part

FILTERS = {"q": "words", "from": "from", "to": "until"}
UNTOLD = frozenset({"format", "sort"})  # they choose no lines


def _in_words(row: Taken) -> str:
    """How the list was narrowed. What was typed is not known, only that something was."""
    told = {name: text for name, text in row.filters.items() if name not in UNTOLD}
    return ", ".join(f"{FILTERS.get(name, name)} {_day_or_word(text)}" for name, text in told.items())


def _day_or_word(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {day:%b %Y}"


@bp.get("/exports")
def exports() -> str:
    """Every list that left as a file, the latest first."""
    found = lists_taken(g.ctx, cursor=request.args.get("cursor"))
    names = names_of(g.ctx.session, {row.actor_id for row in found.rows if row.actor_id})
    shops = {shop.id: shop.name for shop in all_shops(g.ctx.session)} if g.ctx.shop_id is None else {}
    rows = [
        {"taken": row, "who": names.get(row.actor_id or "", "Somebody"), "shop": shops.get(row.shop_id or ""),
         "filters": _in_words(row)}
        for row in found.rows
    ]  # fmt: skip
    next_url = url_for("office.exports", cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {"rows": rows, "next_url": next_url}
    if "cursor" in request.args:
        return part("office/_export_rows.html", **values)
    return page("office/exports.html", crumbs=[("Lists taken out", None)], **values)
