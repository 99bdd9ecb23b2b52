"""The tables of the hub alone: hub.

Written from the models by tools/make_initial_migration.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "h0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_gate_throttle()
    create_hub_identity()
    create_hub_job_run()
    create_node()
    create_node_run()
    create_portal_login()
    create_portal_session()
    create_shop_seat()
    create_tenant()
    create_enrol_code()


def create_gate_throttle() -> None:
    op.create_table(
        "gate_throttle",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("window_started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_gate_throttle")),
    )


def create_hub_identity() -> None:
    op.create_table(
        "hub_identity",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("audience", sa.String(100), nullable=False),
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_identity")),
    )


def create_hub_job_run() -> None:
    op.create_table(
        "hub_job_run",
        sa.Column("id", ID, nullable=False),
        sa.Column("job", sa.String(40), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("words", sa.String(400), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_job_run")),
    )
    op.create_index("ix_hub_job_run_job_began_at", "hub_job_run", ["job", "began_at"], unique=False)


def create_node() -> None:
    op.create_table(
        "node",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("series", sa.String(32), nullable=False),
        sa.Column("public_key", sa.String(43), nullable=False),
        sa.Column("next_public_key", sa.String(43), nullable=True),
        sa.Column("past_public_key", sa.String(43), nullable=True),
        sa.Column("rotate_asked_at", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.String(200), nullable=False),
        sa.Column("software", sa.String(200), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("clone_suspected_at", sa.BigInteger(), nullable=True),
        sa.Column("living_run_id", ID, nullable=True),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("run_signed_s", sa.BigInteger(), nullable=True),
        sa.Column("earlier_run_id", ID, nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("outbox", sa.BigInteger(), nullable=True),
        sa.Column("oldest_unsent_at", sa.BigInteger(), nullable=True),
        sa.Column("quarantined", sa.BigInteger(), nullable=True),
        sa.Column("clock_error_ms", sa.BigInteger(), nullable=True),
        sa.Column("free_disk_bytes", sa.BigInteger(), nullable=True),
        sa.Column("protocol", sa.BigInteger(), nullable=True),
        sa.Column("schema", sa.BigInteger(), nullable=True),
        sa.Column("cursor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_node")),
    )
    op.create_index("ix_node_shop_id", "node", ["tenant_id", "shop_id"], unique=False)


def create_node_run() -> None:
    op.create_table(
        "node_run",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("node_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("series", sa.String(32), nullable=False),
        sa.Column("device", sa.String(200), nullable=True),
        sa.Column("software", sa.String(200), nullable=True),
        sa.Column("ip", sa.String(64), nullable=True),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("refused_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "node_id", "run_id", name=op.f("pk_node_run")),
    )


def create_portal_login() -> None:
    op.create_table(
        "portal_login",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("email", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_portal_login")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_portal_login_tenant_id_email")),
    )
    op.create_index("ix_portal_login_email", "portal_login", ["tenant_id", "email"], unique=False)


def create_portal_session() -> None:
    op.create_table(
        "portal_session",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id_hash", sa.String(64), nullable=False),
        sa.Column("login_id", ID, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ip", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id_hash", name=op.f("pk_portal_session")),
    )


def create_shop_seat() -> None:
    op.create_table(
        "shop_seat",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("code", sa.String(12), nullable=False),
        sa.Column("installations", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "shop_id", name=op.f("pk_shop_seat")),
        sa.UniqueConstraint("tenant_id", "code", name=op.f("uq_shop_seat_tenant_id_code")),
    )


def create_tenant() -> None:
    op.create_table(
        "tenant",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("portal_origin_id", ID, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant")),
    )


def create_enrol_code() -> None:
    op.create_table(
        "enrol_code",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("node_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "code_hash", name=op.f("pk_enrol_code")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shop_id"],
            ["shop_seat.tenant_id", "shop_seat.shop_id"],
            name=op.f("fk_enrol_code_tenant_id_shop_id"),
        ),
    )
