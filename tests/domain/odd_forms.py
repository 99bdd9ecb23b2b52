"""Forms nobody would send in earnest: a field replaced, left out or doubled, or a whole form made out of its schema.

Ids are mostly of things there are, so that what is odd about a form is met behind the first look.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from shopnode.domain.actions import ACTIONS
from shopnode.domain.everything import __name__ as _everything  # noqa: F401 — the door knows every action
from shopnode.domain.permissions import ROLE_PERMISSIONS, Role
from tests.domain.memory_books import MemoryBooks
from tests.domain.stories import Dice

NUMBERS = (0, 1, -1, 5_000, -5_000, 640_000, 10**15, 2**63, True, "5000", 0.5, None)
WORDS = (
    "cash", " CASH ", "mtn", "rounding", "trade_in", "plan", "exchange", "store_credit", "points", "on_account",
    "financed", "original", "new", "", "as told", "KLA1-000001", "2026-11-22", "×" * 70, None, 7,
)  # fmt: skip
TABLES = {
    "sale_id": "sale", "sale_line_id": "sale_line", "customer_id": "customer", "unit_id": "stock_unit",
    "device_id": "stock_unit", "product_id": "product", "plan_id": "plan", "money_id": "money_move",
    "purchase_id": "used_purchase", "drawer_session_id": "drawer_session", "financier_id": "financier",
    "supplier_id": "supplier", "staff_id": "staff", "seller_id": "staff", "about_id": "financier",
    "charge_ids": "account_entry", "to_shop_id": "shop", "shop_id": "shop",
}  # fmt: skip
SLOW = frozenset({"staff.set_password"})  # hashes on purpose, and touches no money
NAMES = sorted(set(ACTIONS) - SLOW)
OPEN_TO_STAFF = [name for name in NAMES if ACTIONS[name].needs in ROLE_PERMISSIONS[Role.STAFF]]


def twisted(form: dict[str, Any], dice: Dice, books: MemoryBooks) -> dict[str, Any]:
    """The form with one thing about it that is odd."""
    made = copy.deepcopy(form)
    place, key = dice.of(list(_places(made)))
    way = dice.of(["replace", "replace", "leave out", "double"])
    if way == "leave out" and isinstance(place, dict):
        del place[key]
    elif way == "double" and isinstance(place, list):
        place.append(copy.deepcopy(place[key]))
    else:
        place[key] = _odd_value(key if isinstance(key, str) else "", place[key], dice, books)
    return made


def _places(node: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        found.append((node, key))
        if isinstance(value, dict | list):
            found += _places(value)
    return found


def _odd_value(name: str, value: Any, dice: Dice, books: MemoryBooks) -> Any:
    if name in TABLES:
        return _some_id(name, dice, books)
    if isinstance(value, int) and not isinstance(value, bool):
        return dice.of([*NUMBERS, value + 1, value - 1, value * 2])
    if isinstance(value, dict | list):
        return dice.of([[], {}, None, [value]])
    return dice.of(WORDS)


def _some_id(name: str, dice: Dice, books: MemoryBooks) -> Any:
    rows = books.ask(f"SELECT id FROM {TABLES[name]} ORDER BY id DESC LIMIT 20")
    return dice.of([*[row[0] for row in rows], "0b0e5a77-0000-7000-8000-000000000000", None])


def any_call(dice: Dice, books: MemoryBooks) -> tuple[str, dict[str, Any]]:
    """An action, most times one that Staff may perform, with a form made out of its schema."""
    name = dice.of(NAMES if dice.once_in(4) else OPEN_TO_STAFF)
    schema = _schema(name)
    form: dict[str, Any] = _made(schema, schema, "", dice, books)
    return name, form


@cache
def _schema(name: str) -> dict[str, Any]:
    return ACTIONS[name].params.model_json_schema()


def _made(schema: dict[str, Any], whole: dict[str, Any], name: str, dice: Dice, books: MemoryBooks) -> Any:
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        return _made(dice.of(schema["anyOf"]), whole, name, dice, books)
    if "enum" in schema:
        return dice.of(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        needed = set(schema.get("required", ()))
        parts = schema.get("properties", {})
        wanted = [part for part in parts if part in needed or dice.once_in(3)]
        return {part: _made(parts[part], whole, part, dice, books) for part in wanted}
    if kind == "array":
        return [_made(schema["items"], whole, name, dice, books) for _ in range(dice.number(0, 2))]
    if name in TABLES:
        return _some_id(name, dice, books)
    if kind == "integer":
        return dice.of(NUMBERS)
    return dice.once_in(2) if kind == "boolean" else dice.of(WORDS)
