"""The tables of the shop: stock and drawer.

Written from the models by tools/make_initial_migration.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0002"
down_revision = "d0001"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_drawer_session()
    create_journal_entry()
    create_stock_level()
    create_stock_movement()
    create_stock_unit()


def create_drawer_session() -> None:
    op.create_table(
        "drawer_session",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("opened_by", ID, nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("opening_float_minor", sa.BigInteger(), nullable=False),
        sa.Column("business_on", sa.String(10), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", ID, nullable=True),
        sa.Column("counted_minor", sa.BigInteger(), nullable=True),
        sa.Column("expected_minor", sa.BigInteger(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_drawer_session")),
        sa.CheckConstraint("opening_float_minor >= 0", name=op.f("ck_drawer_session_float_not_negative")),
    )
    op.create_index("ix_drawer_session_closed_at", "drawer_session", ["tenant_id", "closed_at"], unique=False)


def create_journal_entry() -> None:
    op.create_table(
        "journal_entry",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("action", sa.String(80), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("shop_id", ID, nullable=True),
        sa.Column("subject_entity", sa.String(40), nullable=True),
        sa.Column("subject_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("personal", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(64), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "origin_id", "n", name=op.f("pk_journal_entry")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_journal_entry_entry_id", "journal_entry", ["tenant_id", "entry_id"], unique=False)
    op.create_index("ix_journal_entry_shop_id_at", "journal_entry", ["tenant_id", "shop_id", "at"], unique=False)
    op.create_index("ix_journal_entry_subject_id", "journal_entry", ["tenant_id", "subject_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("uq_journal_entry_entry_id", "journal_entry", ["tenant_id", "entry_id"], unique=True)


def create_stock_level() -> None:
    op.create_table(
        "stock_level",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "shop_id", "product_id", name=op.f("pk_stock_level")),
    )


def create_stock_movement() -> None:
    op.create_table(
        "stock_movement",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("sale_id", ID, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stock_movement")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_stock_movement_tenant_id_product_id"),
        ),
        sa.CheckConstraint(
            "kind IN ('opening', 'received', 'sold', 'returned', 'adjusted', 'sent', 'arrived', 'back', 'inspect')",
            name=op.f("ck_stock_movement_kind_known"),
        ),
    )
    op.create_index(
        "ix_stock_movement_product_id_at", "stock_movement", ["tenant_id", "product_id", "at"], unique=False
    )
    op.create_index("ix_stock_movement_sale_id", "stock_movement", ["tenant_id", "sale_id"], unique=False)


def create_stock_unit() -> None:
    op.create_table(
        "stock_unit",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("handset_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("grade", sa.String(10), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("received_by", ID, nullable=True),
        sa.Column("sold_line_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stock_unit")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "handset_id"],
            ["handset.tenant_id", "handset.id"],
            name=op.f("fk_stock_unit_tenant_id_handset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_stock_unit_tenant_id_product_id"),
        ),
        sa.CheckConstraint(
            "status IN ('in_stock', 'sold', 'inspect', 'scrapped', 'sent')", name=op.f("ck_stock_unit_status_known")
        ),
    )
    op.create_index("ix_stock_unit_handset_id", "stock_unit", ["tenant_id", "handset_id"], unique=False)
    op.create_index(
        "ix_stock_unit_product_id_status", "stock_unit", ["tenant_id", "product_id", "status"], unique=False
    )
