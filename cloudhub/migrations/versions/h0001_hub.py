"""The hub's own tables.

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
    create_feed_line()
    create_feed_stream()
    create_field_conflict()
    create_gate_throttle()
    create_hub_exception()
    create_hub_identity()
    create_hub_job_run()
    create_hub_life()
    create_node()
    create_node_run()
    create_origin()
    create_portal_login()
    create_portal_session()
    create_register_version()
    create_returned_line()
    create_shop_seat()
    create_snapshot()
    create_snapshot_chunk()
    create_tenant()
    create_tenant_feed()
    create_waiting_entry()
    create_enrol_code()


def create_feed_line() -> None:
    op.create_table(
        "feed_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("stream", sa.String(38), nullable=False),
        sa.Column("prev", sa.BigInteger(), nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("as_written", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("personal", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "no", name=op.f("pk_feed_line")),
    )
    op.create_index("ix_feed_line_stream_no", "feed_line", ["tenant_id", "stream", "no"], unique=False)


def create_feed_stream() -> None:
    op.create_table(
        "feed_stream",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("stream", sa.String(38), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "stream", name=op.f("pk_feed_stream")),
    )


def create_field_conflict() -> None:
    op.create_table(
        "field_conflict",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.Column("field", sa.String(40), nullable=False),
        sa.Column("standing_value", sa.Text(), nullable=True),
        sa.Column("standing_by", ID, nullable=True),
        sa.Column("standing_at", sa.BigInteger(), nullable=True),
        sa.Column("standing_origin", ID, nullable=True),
        sa.Column("other_value", sa.Text(), nullable=True),
        sa.Column("other_by", ID, nullable=True),
        sa.Column("other_at", sa.BigInteger(), nullable=True),
        sa.Column("other_origin", ID, nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_field_conflict")),
    )
    op.create_index(
        "uq_field_conflict_open",
        "field_conflict",
        ["tenant_id", "entity", "row_id", "field"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )


def create_gate_throttle() -> None:
    op.create_table(
        "gate_throttle",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("window_started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_gate_throttle")),
    )


def create_hub_exception() -> None:
    op.create_table(
        "hub_exception",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=True),
        sa.Column("shop_id", ID, nullable=True),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(200), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_hub_exception")),
    )
    op.create_index("ix_hub_exception_opened_at", "hub_exception", ["tenant_id", "opened_at"], unique=False)


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


def create_hub_life() -> None:
    op.create_table(
        "hub_life",
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_hub_life")),
    )


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


def create_origin() -> None:
    op.create_table(
        "origin",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("node_id", ID, nullable=True),
        sa.Column("shop_id", ID, nullable=True),
        sa.Column("public_key", sa.String(43), nullable=True),
        sa.Column("head_n", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
        sa.Column("head_sig", sa.String(86), nullable=True),
        sa.Column("durable_n", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_origin")),
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


def create_register_version() -> None:
    op.create_table(
        "register_version",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.Column("field", sa.String(40), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by_owner", sa.Boolean(), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "entity", "row_id", "field", name=op.f("pk_register_version")),
    )


def create_returned_line() -> None:
    op.create_table(
        "returned_line",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("stream", sa.String(38), nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("given_by", ID, nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "entry_id", "stream", name=op.f("pk_returned_line")),
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


def create_snapshot() -> None:
    op.create_table(
        "snapshot",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("node_id", ID, nullable=False),
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("schema", sa.BigInteger(), nullable=False),
        sa.Column("since_schema", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_snapshot")),
    )
    op.create_index("ix_snapshot_node_id", "snapshot", ["tenant_id", "node_id"], unique=False)


def create_snapshot_chunk() -> None:
    op.create_table(
        "snapshot_chunk",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("snapshot_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "snapshot_id", "n", name=op.f("pk_snapshot_chunk")),
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


def create_tenant_feed() -> None:
    op.create_table(
        "tenant_feed",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.String(36), nullable=True),
        sa.Column("base_no", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("floor", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant_feed")),
    )


def create_waiting_entry() -> None:
    op.create_table(
        "waiting_entry",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("missing_entity", sa.String(40), nullable=True),
        sa.Column("missing_id", ID, nullable=True),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("software", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "origin_id", "n", name=op.f("pk_waiting_entry")),
    )
    op.create_index("ix_waiting_entry_missing_id", "waiting_entry", ["tenant_id", "missing_id"], unique=False)


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
