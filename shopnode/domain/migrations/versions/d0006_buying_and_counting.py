"""The tables of the shop: buying and counting.

Written from the models by tools/make_migrations.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0006"
down_revision = "d0005"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_stock_cost()
    create_stocktake()
    create_supplier()
    create_purchase_order()
    create_stocktake_line()
    create_supplier_entry()
    create_transfer_item()
    create_goods_receipt()
    create_purchase_order_line()
    create_transfer_item_receipt()
    create_goods_receipt_line()
    create_supplier_return()


def create_stock_cost() -> None:
    op.create_table(
        "stock_cost",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("average_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "shop_id", "product_id", name=op.f("pk_stock_cost")),
    )


def create_stocktake() -> None:
    op.create_table(
        "stocktake",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("category", sa.String(100), nullable=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("started_by", ID, nullable=True),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.Column("submitted_by", ID, nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", ID, nullable=True),
        sa.Column("difference_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stocktake")),
        sa.CheckConstraint(
            "status IN ('counting', 'submitted', 'approved', 'cancelled')", name=op.f("ck_stocktake_status_known")
        ),
    )
    op.create_index("ix_stocktake_started_at", "stocktake", ["tenant_id", "started_at"], unique=False)
    op.create_index("ix_stocktake_status", "stocktake", ["tenant_id", "status"], unique=False)


def create_supplier() -> None:
    op.create_table(
        "supplier",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(20), nullable=True),
        sa.Column("email", sa.String(200), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("tax_id", sa.String(40), nullable=True),
        sa.Column("terms_days", sa.BigInteger(), nullable=False),
        sa.Column("lead_days", sa.BigInteger(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_supplier")),
    )
    op.create_index("ix_supplier_name", "supplier", ["tenant_id", "name"], unique=False)


def create_purchase_order() -> None:
    op.create_table(
        "purchase_order",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("expected_on", sa.String(10), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=True),
        sa.Column("ordered_by", ID, nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_purchase_order")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supplier_id"],
            ["supplier.tenant_id", "supplier.id"],
            name=op.f("fk_purchase_order_tenant_id_supplier_id"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'ordered', 'closed', 'cancelled')", name=op.f("ck_purchase_order_status_known")
        ),
    )
    op.create_index("ix_purchase_order_number", "purchase_order", ["tenant_id", "number"], unique=False)
    op.create_index("ix_purchase_order_status", "purchase_order", ["tenant_id", "status"], unique=False)
    op.create_index("ix_purchase_order_supplier_id", "purchase_order", ["tenant_id", "supplier_id"], unique=False)


def create_stocktake_line() -> None:
    op.create_table(
        "stocktake_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("stocktake_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=True),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("number", sa.String(60), nullable=True),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stocktake_line")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_stocktake_line_tenant_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "stocktake_id"],
            ["stocktake.tenant_id", "stocktake.id"],
            name=op.f("fk_stocktake_line_tenant_id_stocktake_id"),
        ),
        sa.CheckConstraint("counted >= 0", name=op.f("ck_stocktake_line_counted_not_negative")),
    )
    op.create_index("ix_stocktake_line_stocktake_id", "stocktake_line", ["tenant_id", "stocktake_id"], unique=False)


def create_supplier_entry() -> None:
    op.create_table(
        "supplier_entry",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("receipt_id", ID, nullable=True),
        sa.Column("money_id", ID, nullable=True),
        sa.Column("reference", sa.String(60), nullable=True),
        sa.Column("due_on", sa.String(10), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_supplier_entry")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supplier_id"],
            ["supplier.tenant_id", "supplier.id"],
            name=op.f("fk_supplier_entry_tenant_id_supplier_id"),
        ),
        sa.CheckConstraint(
            "kind IN ('bill', 'payment', 'credit_note', 'correction')", name=op.f("ck_supplier_entry_kind_known")
        ),
    )
    op.create_index(
        "ix_supplier_entry_supplier_id_at", "supplier_entry", ["tenant_id", "supplier_id", "at"], unique=False
    )


def create_transfer_item() -> None:
    op.create_table(
        "transfer_item",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("transfer_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_transfer_item")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_transfer_item_tenant_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "transfer_id"],
            ["transfer.tenant_id", "transfer.id"],
            name=op.f("fk_transfer_item_tenant_id_transfer_id"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_transfer_item_quantity_positive")),
    )
    op.create_index("ix_transfer_item_product_id", "transfer_item", ["tenant_id", "product_id"], unique=False)
    op.create_index("ix_transfer_item_transfer_id", "transfer_item", ["tenant_id", "transfer_id"], unique=False)


def create_goods_receipt() -> None:
    op.create_table(
        "goods_receipt",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("supplier_id", ID, nullable=True),
        sa.Column("order_id", ID, nullable=True),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("delivery_note", sa.String(60), nullable=True),
        sa.Column("extra_cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("received_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_goods_receipt")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["purchase_order.tenant_id", "purchase_order.id"],
            name=op.f("fk_goods_receipt_tenant_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supplier_id"],
            ["supplier.tenant_id", "supplier.id"],
            name=op.f("fk_goods_receipt_tenant_id_supplier_id"),
        ),
        sa.CheckConstraint("extra_cost_minor >= 0", name=op.f("ck_goods_receipt_extra_not_negative")),
    )
    op.create_index("ix_goods_receipt_order_id", "goods_receipt", ["tenant_id", "order_id"], unique=False)
    op.create_index("ix_goods_receipt_received_at", "goods_receipt", ["tenant_id", "received_at"], unique=False)
    op.create_index("ix_goods_receipt_supplier_id", "goods_receipt", ["tenant_id", "supplier_id"], unique=False)


def create_purchase_order_line() -> None:
    op.create_table(
        "purchase_order_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_purchase_order_line")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["purchase_order.tenant_id", "purchase_order.id"],
            name=op.f("fk_purchase_order_line_tenant_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_purchase_order_line_tenant_id_product_id"),
        ),
        sa.CheckConstraint("quantity >= 0 AND unit_cost_minor >= 0", name=op.f("ck_purchase_order_line_not_negative")),
    )
    op.create_index("ix_purchase_order_line_order_id", "purchase_order_line", ["tenant_id", "order_id"], unique=False)
    op.create_index(
        "ix_purchase_order_line_product_id", "purchase_order_line", ["tenant_id", "product_id"], unique=False
    )


def create_transfer_item_receipt() -> None:
    op.create_table(
        "transfer_item_receipt",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_transfer_item_receipt")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "item_id"],
            ["transfer_item.tenant_id", "transfer_item.id"],
            name=op.f("fk_transfer_item_receipt_tenant_id_item_id"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_transfer_item_receipt_quantity_positive")),
    )
    op.create_index("ix_transfer_item_receipt_item_id", "transfer_item_receipt", ["tenant_id", "item_id"], unique=False)


def create_goods_receipt_line() -> None:
    op.create_table(
        "goods_receipt_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("receipt_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("order_line_id", ID, nullable=True),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("damaged", sa.BigInteger(), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("landed_cost_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_goods_receipt_line")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_line_id"],
            ["purchase_order_line.tenant_id", "purchase_order_line.id"],
            name=op.f("fk_goods_receipt_line_tenant_id_order_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_goods_receipt_line_tenant_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["goods_receipt.tenant_id", "goods_receipt.id"],
            name=op.f("fk_goods_receipt_line_tenant_id_receipt_id"),
        ),
        sa.CheckConstraint(
            "quantity >= 0 AND damaged >= 0 AND quantity + damaged > 0",
            name=op.f("ck_goods_receipt_line_something_came"),
        ),
    )
    op.create_index(
        "ix_goods_receipt_line_order_line_id", "goods_receipt_line", ["tenant_id", "order_line_id"], unique=False
    )
    op.create_index("ix_goods_receipt_line_product_id", "goods_receipt_line", ["tenant_id", "product_id"], unique=False)
    op.create_index("ix_goods_receipt_line_receipt_id", "goods_receipt_line", ["tenant_id", "receipt_id"], unique=False)


def create_supplier_return() -> None:
    op.create_table(
        "supplier_return",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_by", ID, nullable=True),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.Column("replaced_by_unit_id", ID, nullable=True),
        sa.Column("credited_minor", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_supplier_return")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supplier_id"],
            ["supplier.tenant_id", "supplier.id"],
            name=op.f("fk_supplier_return_tenant_id_supplier_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "unit_id"],
            ["stock_unit.tenant_id", "stock_unit.id"],
            name=op.f("fk_supplier_return_tenant_id_unit_id"),
        ),
        sa.CheckConstraint(
            "outcome IN ('repaired', 'replaced', 'credited', 'refused')", name=op.f("ck_supplier_return_outcome_known")
        ),
    )
    op.create_index("ix_supplier_return_number", "supplier_return", ["tenant_id", "number"], unique=False)
    op.create_index("ix_supplier_return_supplier_id", "supplier_return", ["tenant_id", "supplier_id"], unique=False)
    op.create_index("ix_supplier_return_unit_id", "supplier_return", ["tenant_id", "unit_id"], unique=False)
