"""Goods in a form (an order, a delivery, a transfer): each product stands there once, its fields named after it.

A row posts its `product_id` and, for what is asked of it, `quantity.<product id>` and the like; the rows' order is that
of the `product_id`s. Whatever was typed comes back after a refusal, and what is wrong stands beside its row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import g, request

from shopnode.domain.catalogue.queries import products_as_read
from shopnode.domain.paging import ID
from shopnode.domain.people.queries import all_shops
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.queries import costs_of, on_hand
from shopnode.web.ui.forms import asked_money, asked_number

LINES_MAX = 300
ASKED = {
    "order": ("quantity", "cost"), "delivery": ("quantity", "damaged", "cost", "phones"), "transfer": ("quantity",),
}  # fmt: skip
OF_LINE = re.compile(r"lines\.(\d+)|items\.(\d+)")


@dataclass
class GoodsLine:
    """One product in a form."""

    product_id: str
    name: str
    is_serialised: bool
    on_hand: int
    cost_minor: int | None  # what a piece costs now; None for those who may not see it
    typed: dict[str, Any] = field(default_factory=dict)  # what stands in its fields
    told: str = ""  # what is known of it besides, in words


def goods_lines(typed: Mapping[str, Mapping[str, Any]]) -> list[GoodsLine]:
    """Rows for these products with what stands in their fields; products that are not known are left out."""
    session, shop_id, ids = g.ctx.session, g.ctx.shop_id, list(typed)
    products = products_as_read(session, ids)
    levels = on_hand(session, shop_id, ids) if shop_id else dict.fromkeys(ids, 0)
    costs = costs_of(session, shop_id, ids) if g.ctx.may(Permission.PRODUCTS_SEE_COST) else {}
    return [
        GoodsLine(row_id, products[row_id].name, products[row_id].is_serialised, levels[row_id], costs.get(row_id),
                  dict(typed[row_id]))
        for row_id in ids if row_id in products
    ]  # fmt: skip


def posted_lines(asked: str) -> dict[str, dict[str, str]]:
    """What was typed, by product, in the order of the rows."""
    ids = [text for text in dict.fromkeys(request.form.getlist("product_id")) if ID.fullmatch(text)][:LINES_MAX]
    return {row_id: {name: request.form.get(f"{name}.{row_id}", "") for name in ASKED[asked]} for row_id in ids}


def number_of(row_id: str, fields: Mapping[str, str], name: str, default: int | None = None) -> int | None:
    """A whole number of a row. Raises Invalid, naming its field."""
    key = f"{name}.{row_id}"
    return asked_number({key: fields.get(name, "")}, key, default=default)


def money_of(row_id: str, fields: Mapping[str, str], name: str) -> int | None:
    """An amount of a row, None for an empty field. Raises Invalid, naming its field."""
    key = f"{name}.{row_id}"
    return asked_money({key: fields.get(name, "")}, key)


def shop_names() -> dict[str, str]:
    """The shops by id where a list is of more than one; empty at a node."""
    return {} if g.ctx.shop_id else {shop.id: shop.name for shop in all_shops(g.ctx.session)}


def known_ids(*ids: str | None) -> set[str]:
    """The ids that are there: PostgreSQL takes nothing else for one."""
    return {row_id for row_id in ids if row_id}


def beside_rows(errors: Mapping[str, str], ids: Collection[str], names: Mapping[str, str]) -> dict[str, str]:
    """What an action says of `lines.2.unit_cost_minor`, under the field of that row: `cost.<product id>`.

    names  the action's field → the row's; what is said of a whole line stands at its quantity
    """
    rows = list(ids)
    found: dict[str, str] = {}
    for place, words in errors.items():
        told = OF_LINE.match(place)
        if told is None:
            found[place] = words
            continue
        position = int(told[1] or told[2])
        last = place[told.end() :].lstrip(".").partition(".")[0]
        row_id = rows[position] if position < len(rows) else ""
        found[f"{names.get(last, 'quantity')}.{row_id}"] = words
    return found
