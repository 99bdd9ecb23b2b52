"""The tables of the shop: repairs.

Written from the models by tools/make_migrations.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0010"
down_revision = "d0009"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_repair_passcode()
    create_repair_ticket()
    create_repair_transfer()
    create_repair_event()
    create_repair_outwork()
    create_repair_part()
    create_repair_transfer_receipt()


def create_repair_passcode() -> None:
    op.create_table(
        "repair_passcode",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "ticket_id", name=op.f("pk_repair_passcode")),
    )


def create_repair_ticket() -> None:
    op.create_table(
        "repair_ticket",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("status", sa.String(30), nullable=False),
        sa.Column("priority", sa.String(20), nullable=False),
        sa.Column("repair_type", sa.String(40), nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("handset_id", ID, nullable=True),
        sa.Column("device_type", sa.String(30), nullable=False),
        sa.Column("brand", sa.String(100), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("colour", sa.String(60), nullable=True),
        sa.Column("imei_serial", sa.String(60), nullable=True),
        sa.Column("faults", sa.Text(), nullable=False),
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("checklist", sa.Text(), nullable=False),
        sa.Column("accessories", sa.Text(), nullable=False),
        sa.Column("water_damage", sa.Boolean(), nullable=False),
        sa.Column("opened_before", sa.Boolean(), nullable=False),
        sa.Column("passcode_way", sa.String(20), nullable=False),
        sa.Column("data_consent", sa.String(20), nullable=False),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("slip_code", sa.String(20), nullable=False),
        sa.Column("estimate_minor", sa.BigInteger(), nullable=True),
        sa.Column("agreed_minor", sa.BigInteger(), nullable=True),
        sa.Column("labour_minor", sa.BigInteger(), nullable=False),
        sa.Column("diagnosis_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("storage_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("warranty_days", sa.BigInteger(), nullable=False),
        sa.Column("technician_id", ID, nullable=True),
        sa.Column("promised_at", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", ID, nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_by", ID, nullable=True),
        sa.Column("rework_of_id", ID, nullable=True),
        sa.Column("claim_id", ID, nullable=True),
        sa.Column("loaner_unit_id", ID, nullable=True),
        sa.Column("came_by_id", ID, nullable=True),
        sa.Column("sale_id", ID, nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_repair_ticket")),
        sa.CheckConstraint(
            "passcode_way IN ('none', 'customer_present', 'stored')", name=op.f("ck_repair_ticket_passcode_way_known")
        ),
        sa.CheckConstraint(
            "priority IN ('Low', 'Normal', 'High', 'Urgent')", name=op.f("ck_repair_ticket_priority_known")
        ),
        sa.CheckConstraint(
            "status IN ('Pending', 'Diagnosed', 'Parts Ordered', 'In Progress', 'Quality Check', 'Completed', 'Delivered', 'Waiting for Approval', 'Declined', 'Cannot Repair', 'Outsourced', 'Unclaimed', 'Disposed', 'Stolen', 'Bought', 'Transferred', 'Cancelled')",
            name=op.f("ck_repair_ticket_status_known"),
        ),
    )
    index_repair_ticket()


def index_repair_ticket() -> None:
    op.create_index("ix_repair_ticket_customer_id", "repair_ticket", ["tenant_id", "customer_id"], unique=False)
    op.create_index(
        "ix_repair_ticket_handset_id",
        "repair_ticket",
        ["tenant_id", "handset_id"],
        unique=False,
        postgresql_where=sa.text("handset_id IS NOT NULL"),
    )
    op.create_index("ix_repair_ticket_imei_serial", "repair_ticket", ["tenant_id", "imei_serial"], unique=False)
    op.create_index("ix_repair_ticket_number", "repair_ticket", ["tenant_id", "number"], unique=False)
    op.create_index(
        "ix_repair_ticket_rework_of_id",
        "repair_ticket",
        ["tenant_id", "rework_of_id"],
        unique=False,
        postgresql_where=sa.text("rework_of_id IS NOT NULL"),
    )
    op.create_index(
        "ix_repair_ticket_sale_id",
        "repair_ticket",
        ["tenant_id", "sale_id"],
        unique=False,
        postgresql_where=sa.text("sale_id IS NOT NULL"),
    )
    op.create_index("ix_repair_ticket_slip_code", "repair_ticket", ["tenant_id", "slip_code"], unique=False)
    op.create_index(
        "ix_repair_ticket_status_taken_at_id", "repair_ticket", ["tenant_id", "status", "taken_at", "id"], unique=False
    )
    op.create_index("ix_repair_ticket_taken_at_id", "repair_ticket", ["tenant_id", "taken_at", "id"], unique=False)
    op.create_index(
        "ix_repair_ticket_technician_id_taken_at_id",
        "repair_ticket",
        ["tenant_id", "technician_id", "taken_at", "id"],
        unique=False,
        postgresql_where=sa.text("technician_id IS NOT NULL"),
    )


def create_repair_transfer() -> None:
    op.create_table(
        "repair_transfer",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("answers_id", ID, nullable=True),
        sa.Column("from_shop_id", ID, nullable=False),
        sa.Column("to_shop_id", ID, nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_repair_transfer")),
    )
    op.create_index(
        "ix_repair_transfer_from_shop_id_sent_at",
        "repair_transfer",
        ["tenant_id", "from_shop_id", "sent_at"],
        unique=False,
    )
    op.create_index("ix_repair_transfer_ticket_id", "repair_transfer", ["tenant_id", "ticket_id"], unique=False)
    op.create_index(
        "ix_repair_transfer_to_shop_id_sent_at", "repair_transfer", ["tenant_id", "to_shop_id", "sent_at"], unique=False
    )


def create_repair_event() -> None:
    op.create_table(
        "repair_event",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("old_status", sa.String(30), nullable=True),
        sa.Column("new_status", sa.String(30), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("via", sa.String(20), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("photo", sa.String(64), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_repair_event")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ticket_id"],
            ["repair_ticket.tenant_id", "repair_ticket.id"],
            name=op.f("fk_repair_event_tenant_id_ticket_id"),
        ),
        sa.CheckConstraint(
            "kind IN ('status', 'assigned', 'estimate', 'answer', 'changed', 'note', 'photo', 'signature', 'passcode_stored', 'passcode_viewed', 'passcode_destroyed', 'notified', 'reminded', 'final_notice', 'storage_fee', 'disputed', 'loaner_out', 'loaner_back', 'loaner_charged')",
            name=op.f("ck_repair_event_kind_known"),
        ),
    )
    op.create_index("ix_repair_event_kind_at", "repair_event", ["tenant_id", "kind", "at"], unique=False)
    op.create_index(
        "ix_repair_event_ticket_id_at_id", "repair_event", ["tenant_id", "ticket_id", "at", "id"], unique=False
    )


def create_repair_outwork() -> None:
    op.create_table(
        "repair_outwork",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("sent_to", sa.String(200), nullable=False),
        sa.Column("supplier_id", ID, nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_by", ID, nullable=True),
        sa.Column("due_on", sa.String(10), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("back_at", sa.BigInteger(), nullable=True),
        sa.Column("back_by", ID, nullable=True),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_repair_outwork")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ticket_id"],
            ["repair_ticket.tenant_id", "repair_ticket.id"],
            name=op.f("fk_repair_outwork_tenant_id_ticket_id"),
        ),
    )
    op.create_index("ix_repair_outwork_ticket_id", "repair_outwork", ["tenant_id", "ticket_id"], unique=False)


def create_repair_part() -> None:
    op.create_table(
        "repair_part",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=True),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("serial", sa.String(60), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("is_customers", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("old_part", sa.String(20), nullable=True),
        sa.Column("reserved_at", sa.BigInteger(), nullable=False),
        sa.Column("reserved_by", ID, nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("used_by", ID, nullable=True),
        sa.Column("returned_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_repair_part")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ticket_id"],
            ["repair_ticket.tenant_id", "repair_ticket.id"],
            name=op.f("fk_repair_part_tenant_id_ticket_id"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_repair_part_quantity_positive")),
        sa.CheckConstraint("state IN ('reserved', 'used', 'returned')", name=op.f("ck_repair_part_state_known")),
    )
    op.create_index(
        "ix_repair_part_product_id_state", "repair_part", ["tenant_id", "product_id", "state"], unique=False
    )
    op.create_index("ix_repair_part_ticket_id", "repair_part", ["tenant_id", "ticket_id"], unique=False)


def create_repair_transfer_receipt() -> None:
    op.create_table(
        "repair_transfer_receipt",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("transfer_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_repair_transfer_receipt")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "transfer_id"],
            ["repair_transfer.tenant_id", "repair_transfer.id"],
            name=op.f("fk_repair_transfer_receipt_tenant_id_transfer_id"),
        ),
    )
    op.create_index(
        "ix_repair_transfer_receipt_transfer_id", "repair_transfer_receipt", ["tenant_id", "transfer_id"], unique=False
    )
