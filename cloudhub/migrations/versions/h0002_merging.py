"""The tables of the hub alone: merging.

Written from the models by tools/make_initial_migration.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "h0002"
down_revision = "h0001"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_feed_line()
    create_feed_stream()
    create_field_conflict()
    create_hub_exception()
    create_hub_life()
    create_origin()
    create_register_version()
    create_returned_line()
    create_rule_outcome()
    create_snapshot()
    create_snapshot_chunk()
    create_tenant_feed()
    create_waiting_entry()


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
        sa.Column("settled_word", sa.String(200), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_hub_exception")),
    )
    op.create_index("ix_hub_exception_opened_at", "hub_exception", ["tenant_id", "opened_at"], unique=False)


def create_hub_life() -> None:
    op.create_table(
        "hub_life",
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_hub_life")),
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
        sa.Column("id", ID, nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("given_by", ID, nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_returned_line")),
    )
    op.create_index("ix_returned_line_origin_id_n", "returned_line", ["tenant_id", "origin_id", "n"], unique=False)


def create_rule_outcome() -> None:
    op.create_table(
        "rule_outcome",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.Column("field", sa.String(40), nullable=False),
        sa.Column("rule", sa.String(20), nullable=False),
        sa.Column("standing_value", sa.Text(), nullable=True),
        sa.Column("standing_by", ID, nullable=True),
        sa.Column("standing_origin", ID, nullable=True),
        sa.Column("other_value", sa.Text(), nullable=True),
        sa.Column("other_by", ID, nullable=True),
        sa.Column("other_origin", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "entity", "row_id", "field", name=op.f("pk_rule_outcome")),
    )
    op.create_index("ix_rule_outcome_at", "rule_outcome", ["tenant_id", "at"], unique=False)


def create_snapshot() -> None:
    op.create_table(
        "snapshot",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("node_id", ID, nullable=False),
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("schema", sa.BigInteger(), nullable=False),
        sa.Column("since_schema", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
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
