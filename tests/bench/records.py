"""Sales the door made, as the change records of the shortest path: one for each row, and one for the entry itself.

So a nine-row sale is nine rows on both sides: the sale, its lines and movements, the payment, and who did it when.
A record is {"table": …, "row": {column: value, …}}: it can be read by itself, and names its columns as our entries do,
so that a newer sender may add one. The tables they are merged into are ours, with the same keys and indexes, because a
row nobody can find again is of no use; links between tables, rules, tenants' walls and all derived rows are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from shopnode.domain.context import Context
from shopnode.domain.db import ID_TYPE
from shopnode.domain.journal import JournalEntry
from shopnode.domain.sales.models import Payment, Sale, SaleLine
from shopnode.domain.stock.models import StockMovement

Record = dict[str, Any]  # {"table": name, "row": {"id": …, column: value}}

TABLES = {
    "sale": (
        "id", "shop_id", "number", "drawer_session_id", "cashier_id", "seller_id", "discount_minor", "business_on",
        "sold_at",
    ),
    "sale_line": (
        "id", "sale_id", "shop_id", "line_no", "product_id", "item_name", "quantity", "unit_price_minor",
        "list_price_minor", "discount_minor", "cost_minor", "tax_rate_bp", "warranty_days",
    ),
    "payment": (
        "id", "sale_id", "shop_id", "kind", "method", "amount_minor", "tendered_minor", "change_minor",
        "drawer_session_id", "at", "by_id",
    ),
    "stock_movement": (
        "id", "shop_id", "product_id", "kind", "quantity", "unit_cost_minor", "sale_id", "at", "by_id",
    ),
    "entry": ("id", "action", "actor", "at", "boot", "hash", "ip", "mono", "n", "schema", "seen", "shop", "ua"),
}  # fmt: skip


def sales_after(ctx: Context, n: int) -> list[Record]:
    """The records of every sale in this node's journal after entry n."""
    query = sa.select(JournalEntry.body, JournalEntry.hash).where(
        JournalEntry.n > n, JournalEntry.action == "sales.sell"
    )
    with ctx.home.reading() as session:
        found = session.execute(query.order_by(JournalEntry.n)).all()
    return [record for body, hash_ in found for record in _records({**orjson.loads(body), "hash": hash_})]


def _records(entry: dict[str, Any]) -> Iterable[Record]:
    yield {"table": "entry", "row": {name: entry[name] for name in TABLES["entry"] if name in entry}}
    for table, _, columns, rows in entry["rows"]:
        for row in rows:
            yield {"table": table, "row": dict(zip(columns, row, strict=True))}


def by_table(records: Iterable[Record]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault(record["table"], []).append(record["row"])
    return groups


def bare_tables(schema: str | None = None) -> sa.MetaData:
    """Our tables as the shortest path has them."""
    metadata = sa.MetaData(schema=schema)
    for model in (Sale, SaleLine, Payment, StockMovement):
        table = model.__table__.to_metadata(metadata, schema=schema)
        table.constraints = {one for one in table.constraints if isinstance(one, sa.PrimaryKeyConstraint)}
        for column in table.columns:
            column.foreign_keys = set()
    columns = [sa.Column(name, _entry_type(name), nullable=True) for name in TABLES["entry"][1:]]
    keys = [sa.Column(name, ID_TYPE, primary_key=True) for name in ("tenant_id", "id")]
    sa.Table("entry", metadata, *keys, *columns, sa.Index("ix_entry_shop_at", "tenant_id", "shop", "at"))
    return metadata


def _entry_type(name: str) -> Any:
    if name in ("actor", "shop"):
        return ID_TYPE
    return sa.Text() if name in ("action", "boot", "hash", "ip", "ua") else sa.BigInteger()


def statements(metadata: sa.MetaData, dialect: sa.Dialect) -> Iterator[str]:
    """What creates the tables and their indexes."""
    for table in metadata.tables.values():
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
