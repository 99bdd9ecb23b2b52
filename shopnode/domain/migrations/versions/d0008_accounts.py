"""The tables of the shop: accounts.

Written from the models by tools/make_migrations.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0008"
down_revision = "d0007"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_account_balance()
    create_financier()
    create_account_entry()
    create_financier_entry()
    create_plan()
    create_account_allocation()
    create_plan_due()
    create_plan_line()


def create_account_balance() -> None:
    op.create_table(
        "account_balance",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id", "account", name=op.f("pk_account_balance")),
    )


def create_financier() -> None:
    op.create_table(
        "financier",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("agreement", sa.String(100), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_financier")),
    )


def create_account_entry() -> None:
    op.create_table(
        "account_entry",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("sale_id", ID, nullable=True),
        sa.Column("money_id", ID, nullable=True),
        sa.Column("number", sa.String(40), nullable=True),
        sa.Column("due_on", sa.String(10), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_account_entry")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customer.tenant_id", "customer.id"],
            name=op.f("fk_account_entry_tenant_id_customer_id"),
        ),
        sa.CheckConstraint(
            "account IN ('credit', 'store_credit', 'points')", name=op.f("ck_account_entry_account_known")
        ),
        sa.CheckConstraint(
            "kind IN ('charge', 'payment', 'refund', 'gift', 'spent', 'paid_out', 'earned', 'clawed_back', 'expired', 'unallocated', 'correction')",
            name=op.f("ck_account_entry_kind_known"),
        ),
    )
    op.create_index("ix_account_entry_account_at", "account_entry", ["tenant_id", "account", "at"], unique=False)
    op.create_index(
        "ix_account_entry_customer_id_at", "account_entry", ["tenant_id", "customer_id", "at"], unique=False
    )
    op.create_index(
        "ix_account_entry_due_on_at_id",
        "account_entry",
        ["tenant_id", "due_on", "at", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    op.create_index(
        "ix_account_entry_money_id",
        "account_entry",
        ["tenant_id", "money_id"],
        unique=False,
        postgresql_where=sa.text("money_id IS NOT NULL"),
    )
    op.create_index("ix_account_entry_sale_id", "account_entry", ["tenant_id", "sale_id"], unique=False)


def create_financier_entry() -> None:
    op.create_table(
        "financier_entry",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("financier_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("sale_id", ID, nullable=True),
        sa.Column("imei", sa.String(60), nullable=True),
        sa.Column("money_id", ID, nullable=True),
        sa.Column("reference", sa.String(60), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_financier_entry")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "financier_id"],
            ["financier.tenant_id", "financier.id"],
            name=op.f("fk_financier_entry_tenant_id_financier_id"),
        ),
        sa.CheckConstraint(
            "kind IN ('receivable', 'settlement', 'chargeback', 'correction')",
            name=op.f("ck_financier_entry_kind_known"),
        ),
    )
    op.create_index(
        "ix_financier_entry_financier_id_at", "financier_entry", ["tenant_id", "financier_id", "at"], unique=False
    )
    op.create_index("ix_financier_entry_imei", "financier_entry", ["tenant_id", "imei"], unique=False)
    op.create_index("ix_financier_entry_sale_id", "financier_entry", ["tenant_id", "sale_id"], unique=False)


def create_plan() -> None:
    op.create_table(
        "plan",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("deposit_minor", sa.BigInteger(), nullable=False),
        sa.Column("forfeit_bp", sa.BigInteger(), nullable=False),
        sa.Column("keep_until", sa.String(10), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", ID, nullable=True),
        sa.Column("sale_id", ID, nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", ID, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plan")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customer.tenant_id", "customer.id"],
            name=op.f("fk_plan_tenant_id_customer_id"),
        ),
        sa.CheckConstraint("kind IN ('layaway', 'instalment', 'reservation')", name=op.f("ck_plan_kind_known")),
        sa.CheckConstraint("total_minor >= 0 AND deposit_minor >= 0", name=op.f("ck_plan_not_negative")),
        sa.CheckConstraint(
            "status IN ('open', 'completed', 'cancelled', 'forfeited')", name=op.f("ck_plan_status_known")
        ),
    )
    op.create_index("ix_plan_customer_id", "plan", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_plan_number", "plan", ["tenant_id", "number"], unique=False)
    op.create_index("ix_plan_status", "plan", ["tenant_id", "status"], unique=False)


def create_account_allocation() -> None:
    op.create_table(
        "account_allocation",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("payment_id", ID, nullable=False),
        sa.Column("charge_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_account_allocation")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "charge_id"],
            ["account_entry.tenant_id", "account_entry.id"],
            name=op.f("fk_account_allocation_tenant_id_charge_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["account_entry.tenant_id", "account_entry.id"],
            name=op.f("fk_account_allocation_tenant_id_payment_id"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_account_allocation_amount_positive")),
    )
    op.create_index("ix_account_allocation_charge_id", "account_allocation", ["tenant_id", "charge_id"], unique=False)
    op.create_index("ix_account_allocation_payment_id", "account_allocation", ["tenant_id", "payment_id"], unique=False)


def create_plan_due() -> None:
    op.create_table(
        "plan_due",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("due_on", sa.String(10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plan_due")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_id"], ["plan.tenant_id", "plan.id"], name=op.f("fk_plan_due_tenant_id_plan_id")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_plan_due_amount_positive")),
    )
    op.create_index("ix_plan_due_due_on", "plan_due", ["tenant_id", "due_on"], unique=False)
    op.create_index("ix_plan_due_plan_id", "plan_due", ["tenant_id", "plan_id"], unique=False)


def create_plan_line() -> None:
    op.create_table(
        "plan_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plan_line")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_id"], ["plan.tenant_id", "plan.id"], name=op.f("fk_plan_line_tenant_id_plan_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_plan_line_tenant_id_product_id"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_plan_line_quantity_positive")),
    )
    op.create_index("ix_plan_line_plan_id", "plan_line", ["tenant_id", "plan_id"], unique=False)
    op.create_index("ix_plan_line_unit_id", "plan_line", ["tenant_id", "unit_id"], unique=False)
