"""The tables of the shop: people and goods.

Written from the models by tools/make_initial_migration.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_business()
    create_customer()
    create_product()
    create_setting()
    create_shop()
    create_staff()
    create_handset()
    create_staff_posting()


def create_business() -> None:
    op.create_table(
        "business",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("tax_id", sa.Text(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_business")),
    )


def create_customer() -> None:
    op.create_table(
        "customer",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(20), nullable=True),
        sa.Column("email", sa.String(200), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("merged_into", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customer")),
    )
    op.create_index(
        "ix_customer_merged_into",
        "customer",
        ["tenant_id", "merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_index("ix_customer_name", "customer", ["tenant_id", "name"], unique=False)
    op.create_index("ix_customer_phone", "customer", ["tenant_id", "phone"], unique=False)


def create_product() -> None:
    op.create_table(
        "product",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("brand", sa.String(100), nullable=True),
        sa.Column("sku", sa.String(100), nullable=True),
        sa.Column("barcode", sa.String(100), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("floor_minor", sa.BigInteger(), nullable=False),
        sa.Column("min_stock_level", sa.BigInteger(), nullable=False),
        sa.Column("warranty_days", sa.BigInteger(), nullable=False),
        sa.Column("is_serialised", sa.Boolean(), nullable=False),
        sa.Column("is_preloaded", sa.Boolean(), nullable=False),
        sa.Column("photo", sa.String(64), nullable=True),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("only_shop_id", ID, nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("merged_into", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_product")),
        sa.CheckConstraint(
            "price_minor >= 0 AND cost_minor >= 0 AND floor_minor >= 0", name=op.f("ck_product_money_not_negative")
        ),
    )
    op.create_index("ix_product_barcode", "product", ["tenant_id", "barcode"], unique=False)
    op.create_index("ix_product_category", "product", ["tenant_id", "category"], unique=False)
    op.create_index(
        "ix_product_merged_into",
        "product",
        ["tenant_id", "merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_index("ix_product_name", "product", ["tenant_id", "name"], unique=False)
    op.create_index("ix_product_sku", "product", ["tenant_id", "sku"], unique=False)


def create_setting() -> None:
    op.create_table(
        "setting",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_setting")),
    )


def create_shop() -> None:
    op.create_table(
        "shop",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.String(12), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("timezone", sa.String(60), nullable=False),
        sa.Column("vat_rate_bp", sa.BigInteger(), nullable=False),
        sa.Column("receipt_footer", sa.Text(), nullable=True),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shop")),
    )


def create_staff() -> None:
    op.create_table(
        "staff",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_staff")),
        sa.CheckConstraint("role IN ('Owner', 'Supervisor', 'Staff')", name=op.f("ck_staff_role_known")),
    )
    op.create_index("ix_staff_email", "staff", ["tenant_id", "email"], unique=False)
    op.create_index("ix_staff_phone", "staff", ["tenant_id", "phone"], unique=False)


def create_handset() -> None:
    op.create_table(
        "handset",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("imei1", sa.String(15), nullable=True),
        sa.Column("imei2", sa.String(15), nullable=True),
        sa.Column("serial", sa.String(60), nullable=True),
        sa.Column("colour", sa.String(60), nullable=True),
        sa.Column("storage", sa.String(60), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_handset")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_handset_tenant_id_product_id"),
        ),
    )
    op.create_index("ix_handset_imei1", "handset", ["tenant_id", "imei1"], unique=False)
    op.create_index("ix_handset_imei2", "handset", ["tenant_id", "imei2"], unique=False)
    op.create_index("ix_handset_serial", "handset", ["tenant_id", "serial"], unique=False)


def create_staff_posting() -> None:
    op.create_table(
        "staff_posting",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_staff_posting")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_staff_posting_tenant_id_staff_id")
        ),
    )
    op.create_index("ix_staff_posting_staff_id", "staff_posting", ["tenant_id", "staff_id"], unique=False)
