"""What the tables of schema 2 hold more of: the state of a phone, who may owe, other ways to pay.

Synced tables: columns are added, words are added, nothing is taken away. Books of schema 2 keep every row.
"""

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
    op.create_index("ix_stock_unit_shop_id_received_at", "stock_unit", ["tenant_id", "shop_id", "received_at"])


def widen(table: str, column: str, words: tuple[str, ...]) -> None:
    """Let a column hold further words. SQLite writes the table anew for it, with every row."""
    name = op.f(f"ck_{table}_{column}_known")
    with op.batch_alter_table(table) as changed:
        changed.drop_constraint(name, type_="check")
        changed.create_check_constraint(name, f"{column} IN ({', '.join(repr(word) for word in words)})")
