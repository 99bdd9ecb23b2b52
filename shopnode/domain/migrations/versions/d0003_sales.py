"""The tables of the shop: sales.

Written from the models by tools/make_initial_migration.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0003"
down_revision = "d0002"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_product_search()
    create_sale()
    create_sale_summary()
    create_payment()
    create_sale_amendment()
    create_sale_decision()
    create_sale_line()


def create_product_search() -> None:
    op.create_table(
        "product_search",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("only_shop_id", ID, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("on_sale", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "product_id", name=op.f("pk_product_search")),
    )


def create_sale() -> None:
    op.create_table(
        "sale",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("drawer_session_id", ID, nullable=True),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("cashier_id", ID, nullable=True),
        sa.Column("seller_id", ID, nullable=True),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("business_on", sa.String(10), nullable=False),
        sa.Column("sold_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sale")),
        sa.CheckConstraint("discount_minor >= 0", name=op.f("ck_sale_discount_not_negative")),
    )
    op.create_index("ix_sale_customer_id", "sale", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_sale_number", "sale", ["tenant_id", "number"], unique=False)


def create_sale_summary() -> None:
    op.create_table(
        "sale_summary",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("sale_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("sold_at", sa.BigInteger(), nullable=False),
        sa.Column("business_on", sa.String(10), nullable=False),
        sa.Column("cashier_id", ID, nullable=True),
        sa.Column("seller_id", ID, nullable=True),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("methods", sa.String(100), nullable=False),
        sa.Column("approved_by", ID, nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("locked_at", sa.BigInteger(), nullable=True),
        sa.Column("amendments", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "sale_id", name=op.f("pk_sale_summary")),
    )
    op.create_index("ix_sale_summary_business_on", "sale_summary", ["tenant_id", "business_on"], unique=False)
    op.create_index(
        "ix_sale_summary_seller_id_sold_at", "sale_summary", ["tenant_id", "seller_id", "sold_at"], unique=False
    )
    op.create_index("ix_sale_summary_sold_at", "sale_summary", ["tenant_id", "sold_at"], unique=False)


def create_payment() -> None:
    op.create_table(
        "payment",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("sale_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("amendment_id", ID, nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tendered_minor", sa.BigInteger(), nullable=True),
        sa.Column("change_minor", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.String(60), nullable=True),
        sa.Column("drawer_session_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_id"], ["sale.tenant_id", "sale.id"], name=op.f("fk_payment_tenant_id_sale_id")
        ),
        sa.CheckConstraint(
            "kind IN ('payment', 'refund', 'refund_due', 'correction')", name=op.f("ck_payment_kind_known")
        ),
        sa.CheckConstraint(
            "method IN ('cash', 'mtn_momo', 'airtel_money', 'card', 'bank')", name=op.f("ck_payment_method_known")
        ),
    )
    op.create_index("ix_payment_drawer_session_id", "payment", ["tenant_id", "drawer_session_id"], unique=False)
    op.create_index("ix_payment_method_reference", "payment", ["tenant_id", "method", "reference"], unique=False)
    op.create_index("ix_payment_sale_id", "payment", ["tenant_id", "sale_id"], unique=False)


def create_sale_amendment() -> None:
    op.create_table(
        "sale_amendment",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("sale_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("discount_minor", sa.BigInteger(), nullable=True),
        sa.Column("replaces_lines", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("feed_no", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sale_amendment")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_id"], ["sale.tenant_id", "sale.id"], name=op.f("fk_sale_amendment_tenant_id_sale_id")
        ),
    )
    op.create_index("ix_sale_amendment_sale_id", "sale_amendment", ["tenant_id", "sale_id"], unique=False)


def create_sale_decision() -> None:
    op.create_table(
        "sale_decision",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("sale_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("restock", sa.String(20), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("feed_no", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sale_decision")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_id"], ["sale.tenant_id", "sale.id"], name=op.f("fk_sale_decision_tenant_id_sale_id")
        ),
        sa.CheckConstraint(
            "kind IN ('approve', 'reject', 'lock', 'unlock', 'void', 'reverse')",
            name=op.f("ck_sale_decision_kind_known"),
        ),
    )
    op.create_index("ix_sale_decision_sale_id", "sale_decision", ["tenant_id", "sale_id"], unique=False)


def create_sale_line() -> None:
    op.create_table(
        "sale_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("sale_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("amendment_id", ID, nullable=True),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("product_id", ID, nullable=True),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("item_name", sa.String(200), nullable=False),
        sa.Column("category", sa.String(100), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("list_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate_bp", sa.BigInteger(), nullable=False),
        sa.Column("warranty_days", sa.BigInteger(), nullable=False),
        sa.Column("imei", sa.String(60), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sale_line")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_id"], ["sale.tenant_id", "sale.id"], name=op.f("fk_sale_line_tenant_id_sale_id")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_sale_line_quantity_positive")),
    )
    op.create_index("ix_sale_line_product_id", "sale_line", ["tenant_id", "product_id"], unique=False)
    op.create_index("ix_sale_line_sale_id", "sale_line", ["tenant_id", "sale_id"], unique=False)
    op.create_index("ix_sale_line_unit_id", "sale_line", ["tenant_id", "unit_id"], unique=False)
