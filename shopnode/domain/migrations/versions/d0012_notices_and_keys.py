"""The tables of the shop: notices and keys.

Written from the models by tools/make_migrations.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0012"
down_revision = "d0011"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_api_key()
    create_job_run()
    create_notice()
    create_notice_read()
    create_outgoing_message()
    create_password_reset()
    create_recovery_code()
    create_remembered_device()
    create_staff_totp()


def create_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_key")),
    )
    op.create_index("ix_api_key_key_hash", "api_key", ["tenant_id", "key_hash"], unique=False)
    op.create_index("ix_api_key_staff_id", "api_key", ["tenant_id", "staff_id"], unique=False)


def create_job_run() -> None:
    op.create_table(
        "job_run",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("failed", sa.String(300), nullable=True),
        sa.Column("did", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_job_run")),
    )


def create_notice() -> None:
    op.create_table(
        "notice",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("shop_id", ID, nullable=True),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("roles", sa.String(100), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("link", sa.String(500), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_notice")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_notice_tenant_id_key")),
    )
    op.create_index("ix_notice_at_id", "notice", ["tenant_id", "at", "id"], unique=False)


def create_notice_read() -> None:
    op.create_table(
        "notice_read",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("notice_id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "notice_id", "staff_id", name=op.f("pk_notice_read")),
    )


def create_outgoing_message() -> None:
    op.create_table(
        "outgoing_message",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("shop_id", ID, nullable=True),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("subject", sa.String(200), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outgoing_message")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_outgoing_message_tenant_id_key")),
        sa.CheckConstraint(
            "channel IN ('in_app', 'sms', 'mail', 'push')", name=op.f("ck_outgoing_message_channel_known")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'failed', 'cancelled')", name=op.f("ck_outgoing_message_state_known")
        ),
    )
    op.create_index(
        "ix_outgoing_message_created_at_id", "outgoing_message", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_outgoing_message_state_due_at", "outgoing_message", ["tenant_id", "state", "due_at"], unique=False
    )


def create_password_reset() -> None:
    op.create_table(
        "password_reset",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "token_hash", name=op.f("pk_password_reset")),
    )


def create_recovery_code() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "staff_id", "code_hash", name=op.f("pk_recovery_code")),
    )


def create_remembered_device() -> None:
    op.create_table(
        "remembered_device",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=True),
        sa.Column("is_trusted", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "token_hash", name=op.f("pk_remembered_device")),
    )
    op.create_index("ix_remembered_device_staff_id", "remembered_device", ["tenant_id", "staff_id"], unique=False)


def create_staff_totp() -> None:
    op.create_table(
        "staff_totp",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "staff_id", name=op.f("pk_staff_totp")),
    )
