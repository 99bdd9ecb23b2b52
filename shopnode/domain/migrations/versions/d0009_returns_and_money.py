"""The tables of the shop: returns and money.

Written from the models by tools/make_migrations.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0009"
down_revision = "d0008"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_counter_event()
    create_foreign_cash()
    create_money_move()
    create_phone_approver()
    create_sale_return()
    create_payment_outcome()
    create_sale_return_line()
    create_warranty_claim()


def create_counter_event() -> None:
    op.create_table(
        "counter_event",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("sale_id", ID, nullable=True),
        sa.Column("copy_no", sa.BigInteger(), nullable=True),
        sa.Column("item_name", sa.String(200), nullable=True),
        sa.Column("imei", sa.String(60), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_counter_event")),
        sa.CheckConstraint(
            "kind IN ('line_removed', 'cart_given_up', 'reprinted', 'no_sale')",
            name=op.f("ck_counter_event_kind_known"),
        ),
    )
    op.create_index("ix_counter_event_at", "counter_event", ["tenant_id", "at"], unique=False)
    op.create_index("ix_counter_event_sale_id", "counter_event", ["tenant_id", "sale_id"], unique=False)


def create_foreign_cash() -> None:
    op.create_table(
        "foreign_cash",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("payment_id", ID, nullable=False),
        sa.Column("drawer_session_id", ID, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("rate_minor", sa.BigInteger(), nullable=False),
        sa.Column("worth_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_foreign_cash")),
        sa.CheckConstraint("amount_minor > 0 AND rate_minor > 0", name=op.f("ck_foreign_cash_positive")),
    )
    op.create_index(
        "ix_foreign_cash_drawer_session_id", "foreign_cash", ["tenant_id", "drawer_session_id"], unique=False
    )
    op.create_index("ix_foreign_cash_payment_id", "foreign_cash", ["tenant_id", "payment_id"], unique=False)


def create_money_move() -> None:
    op.create_table(
        "money_move",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=True),
        sa.Column("number", sa.String(40), nullable=True),
        sa.Column("drawer_session_id", ID, nullable=True),
        sa.Column("about_id", ID, nullable=True),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("fee_borne_by", sa.String(20), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("photo", sa.String(64), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_money_move")),
        sa.CheckConstraint(
            "kind IN ('account_payment', 'store_credit', 'plan_payment', 'unallocated', 'used_phone', 'supplier', 'financier', 'counterfeit', 'pay_in', 'pay_out', 'safe_drop', 'bank_deposit', 'expense', 'repair', 'staff')",
            name=op.f("ck_money_move_kind_known"),
        ),
    )
    op.create_index("ix_money_move_about_id", "money_move", ["tenant_id", "about_id"], unique=False)
    op.create_index("ix_money_move_at", "money_move", ["tenant_id", "at"], unique=False)
    op.create_index("ix_money_move_customer_id", "money_move", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_money_move_drawer_session_id", "money_move", ["tenant_id", "drawer_session_id"], unique=False)
    op.create_index("ix_money_move_kind_at", "money_move", ["tenant_id", "kind", "at"], unique=False)
    op.create_index("ix_money_move_method_reference", "money_move", ["tenant_id", "method", "reference"], unique=False)


def create_phone_approver() -> None:
    op.create_table(
        "phone_approver",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("secret", sa.String(64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_phone_approver")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"],
            ["staff.tenant_id", "staff.id"],
            name=op.f("fk_phone_approver_tenant_id_staff_id"),
        ),
    )
    op.create_index("ix_phone_approver_staff_id", "phone_approver", ["tenant_id", "staff_id"], unique=False)


def create_sale_return() -> None:
    op.create_table(
        "sale_return",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("sale_id", ID, nullable=False),
        sa.Column("exchange_sale_id", ID, nullable=True),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("had_receipt", sa.Boolean(), nullable=False),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("drawer_session_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sale_return")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_id"], ["sale.tenant_id", "sale.id"], name=op.f("fk_sale_return_tenant_id_sale_id")
        ),
        sa.CheckConstraint("refund_minor >= 0 AND fee_minor >= 0", name=op.f("ck_sale_return_not_negative")),
    )
    op.create_index("ix_sale_return_at", "sale_return", ["tenant_id", "at"], unique=False)
    op.create_index("ix_sale_return_exchange_sale_id", "sale_return", ["tenant_id", "exchange_sale_id"], unique=False)
    op.create_index("ix_sale_return_number", "sale_return", ["tenant_id", "number"], unique=False)
    op.create_index("ix_sale_return_sale_id", "sale_return", ["tenant_id", "sale_id"], unique=False)


def create_payment_outcome() -> None:
    op.create_table(
        "payment_outcome",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("payment_id", ID, nullable=False),
        sa.Column("sale_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("reference", sa.String(60), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_outcome")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payment.tenant_id", "payment.id"],
            name=op.f("fk_payment_outcome_tenant_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_id"], ["sale.tenant_id", "sale.id"], name=op.f("fk_payment_outcome_tenant_id_sale_id")
        ),
        sa.CheckConstraint(
            "state IN ('initiated', 'pending', 'confirmed', 'failed', 'reversed')",
            name=op.f("ck_payment_outcome_state_known"),
        ),
    )
    op.create_index(
        "ix_payment_outcome_method_reference", "payment_outcome", ["tenant_id", "method", "reference"], unique=False
    )
    op.create_index("ix_payment_outcome_payment_id", "payment_outcome", ["tenant_id", "payment_id"], unique=False)
    op.create_index("ix_payment_outcome_sale_id", "payment_outcome", ["tenant_id", "sale_id"], unique=False)


def create_sale_return_line() -> None:
    op.create_table(
        "sale_return_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("return_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("sale_line_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("restock", sa.String(20), nullable=False),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sale_return_line")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "return_id"],
            ["sale_return.tenant_id", "sale_return.id"],
            name=op.f("fk_sale_return_line_tenant_id_return_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_line_id"],
            ["sale_line.tenant_id", "sale_line.id"],
            name=op.f("fk_sale_return_line_tenant_id_sale_line_id"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_sale_return_line_quantity_positive")),
        sa.CheckConstraint(
            "restock IN ('new', 'open_box', 'bench', 'supplier', 'scrap')",
            name=op.f("ck_sale_return_line_restock_known"),
        ),
    )
    op.create_index("ix_sale_return_line_return_id", "sale_return_line", ["tenant_id", "return_id"], unique=False)
    op.create_index("ix_sale_return_line_sale_line_id", "sale_return_line", ["tenant_id", "sale_line_id"], unique=False)


def create_warranty_claim() -> None:
    op.create_table(
        "warranty_claim",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("sale_line_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("new_unit_id", ID, nullable=True),
        sa.Column("new_line_id", ID, nullable=True),
        sa.Column("covered_until", sa.String(10), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_warranty_claim")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_line_id"],
            ["sale_line.tenant_id", "sale_line.id"],
            name=op.f("fk_warranty_claim_tenant_id_sale_line_id"),
        ),
        sa.CheckConstraint("outcome IN ('repair', 'replace', 'refuse')", name=op.f("ck_warranty_claim_outcome_known")),
    )
    op.create_index("ix_warranty_claim_new_line_id", "warranty_claim", ["tenant_id", "new_line_id"], unique=False)
    op.create_index("ix_warranty_claim_sale_line_id", "warranty_claim", ["tenant_id", "sale_line_id"], unique=False)
