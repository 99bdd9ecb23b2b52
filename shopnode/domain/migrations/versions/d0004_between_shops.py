"""The tables of the shop: between shops.

Written from the models by tools/make_initial_migration.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0004"
down_revision = "d0003"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_alias()
    create_blob()
    create_transfer()
    create_transfer_line()
    create_transfer_receipt()


def create_alias() -> None:
    op.create_table(
        "alias",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("entity", sa.String(20), nullable=False),
        sa.Column("duplicate_id", ID, nullable=False),
        sa.Column("into_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("feed_no", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_alias")),
        sa.CheckConstraint("entity IN ('customer', 'product')", name=op.f("ck_alias_entity_known")),
        sa.CheckConstraint("duplicate_id <> into_id", name=op.f("ck_alias_of_another")),
    )
    op.create_index("ix_alias_entity", "alias", ["tenant_id", "entity"], unique=False)


def create_blob() -> None:
    op.create_table(
        "blob",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.String(40), nullable=True),
        sa.Column("whole_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "sha256", name=op.f("pk_blob")),
    )


def create_transfer() -> None:
    op.create_table(
        "transfer",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("to_shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_transfer")),
    )
    op.create_index("ix_transfer_number", "transfer", ["tenant_id", "number"], unique=False)
    op.create_index("ix_transfer_to_shop_id", "transfer", ["tenant_id", "to_shop_id"], unique=False)


def create_transfer_line() -> None:
    op.create_table(
        "transfer_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("transfer_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("handset_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("grade", sa.String(10), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_transfer_line")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "handset_id"],
            ["handset.tenant_id", "handset.id"],
            name=op.f("fk_transfer_line_tenant_id_handset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_transfer_line_tenant_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "transfer_id"],
            ["transfer.tenant_id", "transfer.id"],
            name=op.f("fk_transfer_line_tenant_id_transfer_id"),
        ),
    )
    op.create_index("ix_transfer_line_handset_id", "transfer_line", ["tenant_id", "handset_id"], unique=False)
    op.create_index("ix_transfer_line_transfer_id", "transfer_line", ["tenant_id", "transfer_id"], unique=False)


def create_transfer_receipt() -> None:
    op.create_table(
        "transfer_receipt",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("line_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_transfer_receipt")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"],
            ["transfer_line.tenant_id", "transfer_line.id"],
            name=op.f("fk_transfer_receipt_tenant_id_line_id"),
        ),
        sa.CheckConstraint("kind IN ('received', 'taken_back')", name=op.f("ck_transfer_receipt_kind_known")),
    )
    op.create_index("ix_transfer_receipt_line_id", "transfer_receipt", ["tenant_id", "line_id"], unique=False)
