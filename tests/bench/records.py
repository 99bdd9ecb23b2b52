"""Sales the door made, as the change records of the shortest path: one for each row, and one for the entry itself.

So a nine-row sale is nine rows on both sides: the sale, its lines and movements, the payment, and who did it when.
A record is [table, id, value, ...] with the values in the order of `TABLES`; nothing shorter says the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import select

from shopnode.domain.context import Context
from shopnode.domain.journal import JournalEntry

Record = list[Any]

TABLES = {
    "sale": (
        "id uuid", "shop_id uuid", "number text", "drawer_session_id uuid", "cashier_id uuid", "seller_id uuid",
        "discount_minor bigint", "business_on text", "sold_at bigint",
    ),
    "sale_line": (
        "id uuid", "sale_id uuid", "shop_id uuid", "line_no bigint", "product_id uuid", "item_name text",
        "quantity bigint", "unit_price_minor bigint", "list_price_minor bigint", "discount_minor bigint",
        "cost_minor bigint", "tax_rate_bp bigint", "warranty_days bigint",
    ),
    "payment": (
        "id uuid", "sale_id uuid", "shop_id uuid", "kind text", "method text", "amount_minor bigint",
        "tendered_minor bigint", "change_minor bigint", "drawer_session_id uuid", "at bigint", "by_id uuid",
    ),
    "stock_movement": (
        "id uuid", "shop_id uuid", "product_id uuid", "kind text", "quantity bigint", "unit_cost_minor bigint",
        "sale_id uuid", "at bigint", "by_id uuid",
    ),
    "entry": (
        "id uuid", "action text", "actor uuid", "at bigint", "boot text", "hash text", "ip text", "mono bigint",
        "n bigint", "schema bigint", "seen bigint", "shop uuid", "ua text",
    ),
}  # fmt: skip


def columns_of(table: str) -> list[str]:
    """The columns of one table, `id` first."""
    return [column.split()[0] for column in TABLES[table]]


def sales_after(ctx: Context, n: int) -> list[Record]:
    """The records of every sale in this node's journal after entry n."""
    query = select(JournalEntry.body, JournalEntry.hash).where(JournalEntry.n > n, JournalEntry.action == "sales.sell")
    with ctx.home.reading() as session:
        found = session.execute(query.order_by(JournalEntry.n)).all()
    return [record for body, hash_ in found for record in _records({**orjson.loads(body), "hash": hash_})]


def _records(entry: dict[str, Any]) -> Iterable[Record]:
    yield ["entry", *(entry.get(name) for name in columns_of("entry"))]
    for table, _, columns, rows in entry["rows"]:
        places = {name: place for place, name in enumerate(columns)}
        known = [places.get(name) for name in columns_of(table)]
        for row in rows:
            yield [table, *(None if place is None else row[place] for place in known)]


def by_table(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The rows of each table, without its name."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record[0], []).append(record[1:])
    return groups
