"""What the tables of schema 2 hold more of: the state of a phone, who may owe, other ways to pay.

Synced tables: columns are added, words are added, nothing is taken away. Books of schema 2 keep every row.
"""

import re
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0005"
down_revision = "d0004"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")

COLUMNS: dict[str, list[sa.Column[Any]]] = {
    "handset": [sa.Column("eid", sa.String(40))],
    "product": [
        sa.Column("is_bundle", sa.Boolean()),
        sa.Column("supplier_id", ID),
        sa.Column("lead_days", sa.BigInteger()),
        sa.Column("warranty_terms", sa.Text()),
    ],
    "customer": [
        sa.Column("id_number", sa.String(60)),
        sa.Column("date_of_birth", sa.String(10)),
        sa.Column("gender", sa.String(20)),
        sa.Column("price_list_id", ID),
        sa.Column("credit_limit_minor", sa.BigInteger()),
        sa.Column("credit_days", sa.BigInteger()),
        sa.Column("may_message_at", sa.BigInteger()),
        sa.Column("erased_at", sa.BigInteger()),
    ],
    "sale_line": [
        sa.Column("seller_id", ID),
        sa.Column("warranty_terms", sa.Text()),
        sa.Column("margin_paid_minor", sa.BigInteger()),
    ],
    "payment": [
        sa.Column("state", sa.String(20)),
        sa.Column("fee_minor", sa.BigInteger()),
        sa.Column("fee_borne_by", sa.String(20)),
    ],
    "stock_unit": [
        sa.Column("condition", sa.String(20)),
        sa.Column("has_box", sa.Boolean()),
        sa.Column("has_charger", sa.Boolean()),
        sa.Column("battery_pct", sa.BigInteger()),
        sa.Column("lock_state", sa.String(40)),
        sa.Column("region", sa.String(40)),
        sa.Column("vat_scheme", sa.String(20)),
        sa.Column("supplier_id", ID),
        sa.Column("purchase_id", ID),
        sa.Column("hold_until", sa.BigInteger()),
        sa.Column("held_for", ID),
        sa.Column("refurbished_minor", sa.BigInteger()),
        sa.Column("price_minor", sa.BigInteger()),
        sa.Column("supplier_warranty_until", sa.String(10)),
        sa.Column("notes", sa.Text()),
    ],
    "stock_level": [sa.Column("worth_minor", sa.BigInteger(), nullable=False, server_default=sa.text("0"))],
    "drawer_session": [
        sa.Column("till", sa.String(20)),
        sa.Column("cashier_id", ID),
        sa.Column("handed_from_id", ID),
        sa.Column("explanation", sa.Text()),
        sa.Column("approved_by", ID),
    ],
    "transfer_line": [
        sa.Column("condition", sa.String(20)),
        sa.Column("has_box", sa.Boolean()),
        sa.Column("has_charger", sa.Boolean()),
        sa.Column("battery_pct", sa.BigInteger()),
        sa.Column("lock_state", sa.String(40)),
        sa.Column("region", sa.String(40)),
        sa.Column("vat_scheme", sa.String(20)),
        sa.Column("supplier_id", ID),
        sa.Column("purchase_id", ID),
        sa.Column("hold_until", sa.BigInteger()),
        sa.Column("refurbished_minor", sa.BigInteger()),
        sa.Column("price_minor", sa.BigInteger()),
        sa.Column("supplier_warranty_until", sa.String(10)),
        sa.Column("notes", sa.Text()),
    ],
}
WORDS = {
    ("stock_unit", "status"): (
        "expected", "in_stock", "reserved", "sold", "inspect", "bench", "supplier", "lent", "missing", "scrapped",
        "sent",
    ),
    ("stock_movement", "kind"): (
        "opening", "received", "sold", "returned", "adjusted", "sent", "arrived", "back", "counted", "used", "aside",
        "inspect",
    ),
    ("payment", "method"): (
        "cash", "mtn_momo", "airtel_money", "card", "bank", "on_account", "store_credit", "points", "financed",
        "trade_in", "exchange", "plan", "rounding",
    ),
}  # fmt: skip
# What lists are read in the order of, and narrowed by: table, columns or expressions, and of which rows alone.
LOOK_UPS: list[tuple[str, tuple[str, ...], str | None]] = [
    ("product", ("lower(name)", "id"), None),
    ("product", ("price_minor", "id"), None),
    ("product", ("created_at", "id"), None),
    ("product", ("category", "lower(name)", "id"), None),
    ("product", ("category", "price_minor", "id"), None),
    ("product", ("category", "created_at", "id"), None),
    ("product", ("category", "only_shop_id"), "archived_at IS NULL AND merged_into IS NULL"),
    ("product", ("archived_at",), "archived_at IS NOT NULL"),
    ("product", ("brand", "id"), None),
    ("product", ("is_preloaded",), None),
    ("product", ("min_stock_level",), None),
    ("product", ("lead_days",), "lead_days IS NOT NULL"),
    ("product", ("lower(name)",), "is_serialised"),
    ("product", ("id", "category"), None),
    ("customer", ("lower(name)", "id"), None),
    ("customer", ("created_at", "id"), None),
    ("handset", ("serial",), "serial IS NOT NULL"),
    ("handset", ("substr(imei1, 12)",), None),
    ("handset", ("substr(imei2, 12)",), "imei2 IS NOT NULL"),
    ("stock_unit", ("product_id", "status", "id"), None),
    ("stock_unit", ("product_id", "received_at", "id"), None),
    ("stock_unit", ("received_at", "id"), None),
    ("stock_unit", ("status", "received_at", "id"), None),
    ("stock_unit", ("condition", "received_at", "id"), "condition IS NOT NULL"),
    ("stock_unit", ("supplier_id", "received_at", "id"), "supplier_id IS NOT NULL"),
    ("stock_movement", ("at", "id"), None),
    ("stock_movement", ("by_id", "at", "id"), None),
    ("stock_movement", ("kind", "at", "id"), "kind <> 'sold'"),
    ("stock_movement", ("unit_id", "at"), "unit_id IS NOT NULL"),
    ("sale_decision", ("kind", "at"), None),
    ("payment", ("state", "at"), "state IS NOT NULL"),
    ("sale_summary", ("sold_at", "sale_id"), None),
    ("sale_summary", ("status", "sold_at", "sale_id"), "status <> 'Submitted'"),
    ("sale_summary", ("customer_id", "sold_at"), "customer_id IS NOT NULL"),
    ("sale_summary", ("total_minor",), None),
]


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    for (table, name), words in WORDS.items():
        widen(table, name, words)
    with op.batch_alter_table("sale_summary") as summary:
        summary.alter_column("methods", type_=sa.String(200), existing_type=sa.String(100), existing_nullable=False)
    op.create_index(
        "ix_handset_eid", "handset", ["tenant_id", "eid"], unique=False, postgresql_where=sa.text("eid IS NOT NULL")
    )
    if op.get_bind().dialect.name == "sqlite":
        # A file holds one tenant and nobody asks for it: with it in front, every look for an entry read the journal.
        op.drop_index("uq_journal_entry_entry_id", "journal_entry")
        op.create_index("uq_journal_entry_entry_id", "journal_entry", ["tenant_id", "entry_id"], unique=True)
    op.drop_index("ix_product_category", "product")
    op.drop_index("ix_handset_serial", "handset")
    op.drop_index("ix_sale_summary_sold_at", "sale_summary")
    op.drop_index("ix_stock_unit_product_id_status", "stock_unit")
    for table, parts, only in LOOK_UPS:
        look_up(table, parts, only)
    add_up_worth()


def widen(table: str, column: str, words: tuple[str, ...]) -> None:
    """Let a column hold further words. SQLite writes the table anew for it, with every row."""
    name = op.f(f"ck_{table}_{column}_known")
    with op.batch_alter_table(table) as changed:
        changed.drop_constraint(name, type_="check")
        changed.create_check_constraint(name, f"{column} IN ({', '.join(repr(word) for word in words)})")


def add_up_worth() -> None:
    """Each level's worth, from its movements."""
    if op.get_bind().dialect.name == "postgresql":  # else the owner would see no business's rows; `secure` closes again
        for table in ("stock_level", "stock_movement"):
            op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE stock_level SET worth_minor = (SELECT coalesce(sum(moved.quantity * moved.unit_cost_minor), 0) "
        "FROM stock_movement AS moved WHERE moved.product_id = stock_level.product_id "
        "AND moved.shop_id = stock_level.shop_id AND moved.tenant_id = stock_level.tenant_id)"
    )


def look_up(table: str, columns: tuple[str, ...], only: str | None) -> None:
    """An index inside the tenant, named after what it holds."""
    words = "_".join(re.sub(r"\W", "_", column).strip("_") for column in columns)
    whole = [column if column.isidentifier() else sa.text(column) for column in columns]
    where = None if only is None else sa.text(only)
    op.create_index(f"ix_{table}_{words}", table, ["tenant_id", *whole], unique=False, postgresql_where=where)
