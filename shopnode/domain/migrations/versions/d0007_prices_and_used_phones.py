"""The tables of the shop: prices and used phones.

Written from the models by tools/make_migrations.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0007"
down_revision = "d0006"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_blocked_number()
    create_price_list()
    create_seller_identity()
    create_vault_key()
    create_bundle_part()
    create_price()
    create_valuation()
    create_used_purchase()
    create_unit_cost()
    create_unit_event()
    create_used_purchase_reversal()


def create_blocked_number() -> None:
    op.create_table(
        "blocked_number",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_blocked_number")),
    )
    op.create_index("ix_blocked_number_number", "blocked_number", ["tenant_id", "number"], unique=False)


def create_price_list() -> None:
    op.create_table(
        "price_list",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_price_list")),
    )


def create_seller_identity() -> None:
    op.create_table(
        "seller_identity",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("keep_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_seller_identity")),
    )


def create_vault_key() -> None:
    op.create_table(
        "vault_key",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("key", sa.String(64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vault_key")),
    )


def create_bundle_part() -> None:
    op.create_table(
        "bundle_part",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("bundle_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_bundle_part")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bundle_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_bundle_part_tenant_id_bundle_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_bundle_part_tenant_id_product_id"),
        ),
        sa.CheckConstraint("bundle_id <> product_id", name=op.f("ck_bundle_part_not_itself")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_bundle_part_quantity_not_negative")),
    )
    op.create_index("ix_bundle_part_bundle_id", "bundle_part", ["tenant_id", "bundle_id"], unique=False)
    op.create_index("ix_bundle_part_product_id", "bundle_part", ["tenant_id", "product_id"], unique=False)


def create_price() -> None:
    op.create_table(
        "price",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("min_quantity", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_price")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"], ["product.tenant_id", "product.id"], name=op.f("fk_price_tenant_id_product_id")
        ),
        sa.CheckConstraint("min_quantity > 0 AND price_minor >= 0", name=op.f("ck_price_sensible")),
    )
    op.create_index("ix_price_list_id", "price", ["tenant_id", "list_id"], unique=False)
    op.create_index("ix_price_product_id", "price", ["tenant_id", "product_id"], unique=False)


def create_valuation() -> None:
    op.create_table(
        "valuation",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("storage", sa.String(60), nullable=True),
        sa.Column("grade", sa.String(10), nullable=False),
        sa.Column("offer_minor", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_valuation")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_valuation_tenant_id_product_id"),
        ),
        sa.CheckConstraint("offer_minor >= 0", name=op.f("ck_valuation_offer_not_negative")),
    )
    op.create_index("ix_valuation_product_id", "valuation", ["tenant_id", "product_id"], unique=False)


def create_used_purchase() -> None:
    op.create_table(
        "used_purchase",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("handset_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("identity_id", ID, nullable=True),
        sa.Column("sale_id", ID, nullable=True),
        sa.Column("grade", sa.String(10), nullable=False),
        sa.Column("valued_minor", sa.BigInteger(), nullable=False),
        sa.Column("offer_minor", sa.BigInteger(), nullable=False),
        sa.Column("locks_removed", sa.Boolean(), nullable=False),
        sa.Column("was_reset", sa.Boolean(), nullable=False),
        sa.Column("network_lock", sa.String(40), nullable=True),
        sa.Column("states_ownership", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_used_purchase")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "handset_id"],
            ["handset.tenant_id", "handset.id"],
            name=op.f("fk_used_purchase_tenant_id_handset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_used_purchase_tenant_id_product_id"),
        ),
        sa.CheckConstraint("offer_minor >= 0 AND valued_minor >= 0", name=op.f("ck_used_purchase_not_negative")),
    )
    op.create_index("ix_used_purchase_at", "used_purchase", ["tenant_id", "at"], unique=False)
    op.create_index("ix_used_purchase_handset_id", "used_purchase", ["tenant_id", "handset_id"], unique=False)
    op.create_index("ix_used_purchase_number", "used_purchase", ["tenant_id", "number"], unique=False)
    op.create_index("ix_used_purchase_sale_id", "used_purchase", ["tenant_id", "sale_id"], unique=False)
    op.create_index("ix_used_purchase_unit_id", "used_purchase", ["tenant_id", "unit_id"], unique=False)


def create_unit_cost() -> None:
    op.create_table(
        "unit_cost",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("product_id", ID, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_unit_cost")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "unit_id"],
            ["stock_unit.tenant_id", "stock_unit.id"],
            name=op.f("fk_unit_cost_tenant_id_unit_id"),
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_unit_cost_amount_not_negative")),
        sa.CheckConstraint("kind IN ('part', 'labour', 'other')", name=op.f("ck_unit_cost_kind_known")),
    )
    op.create_index("ix_unit_cost_unit_id", "unit_cost", ["tenant_id", "unit_id"], unique=False)


def create_unit_event() -> None:
    op.create_table(
        "unit_event",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("from_status", sa.String(20), nullable=True),
        sa.Column("to_status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("about_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_unit_event")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "unit_id"],
            ["stock_unit.tenant_id", "stock_unit.id"],
            name=op.f("fk_unit_event_tenant_id_unit_id"),
        ),
    )
    op.create_index("ix_unit_event_at", "unit_event", ["tenant_id", "at"], unique=False)
    op.create_index("ix_unit_event_unit_id", "unit_event", ["tenant_id", "unit_id"], unique=False)


def create_used_purchase_reversal() -> None:
    op.create_table(
        "used_purchase_reversal",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("purchase_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lost_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_used_purchase_reversal")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "purchase_id"],
            ["used_purchase.tenant_id", "used_purchase.id"],
            name=op.f("fk_used_purchase_reversal_tenant_id_purchase_id"),
        ),
    )
    op.create_index(
        "ix_used_purchase_reversal_purchase_id", "used_purchase_reversal", ["tenant_id", "purchase_id"], unique=False
    )
