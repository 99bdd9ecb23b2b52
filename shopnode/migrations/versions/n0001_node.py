"""The tables of one installation.

Written from the models by tools/make_initial_migration.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "n0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_cart()
    create_counter()
    create_enrol_attempt()
    create_entry_verdict()
    create_feed_line()
    create_feed_page()
    create_field_state()
    create_hub_link()
    create_installation()
    create_login_throttle()
    create_past_origin()
    create_photo_pace()
    create_photo_sent()
    create_printer()
    create_returned_line()
    create_returned_page()
    create_snapshot_fetch()
    create_snapshot_part()
    create_staff_pin()
    create_stream_begin()
    create_stream_mark()
    create_web_session()
    create_print_job()


def create_cart() -> None:
    op.create_table(
        "cart",
        sa.Column("id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("label", sa.String(200), nullable=True),
        sa.Column("parked_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart")),
    )


def create_counter() -> None:
    op.create_table(
        "counter",
        sa.Column("series", sa.String(40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_counter")),
    )


def create_enrol_attempt() -> None:
    op.create_table(
        "enrol_attempt",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrol_attempt")),
    )


def create_entry_verdict() -> None:
    op.create_table(
        "entry_verdict",
        sa.Column("n", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_entry_verdict")),
    )


def create_feed_line() -> None:
    op.create_table(
        "feed_line",
        sa.Column("no", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("stream", sa.String(40), nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(80), nullable=True),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("personal", sa.Text(), nullable=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("no", "stream", name=op.f("pk_feed_line")),
    )


def create_feed_page() -> None:
    op.create_table(
        "feed_page",
        sa.Column("to_no", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("from_no", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.String(200), nullable=False),
        sa.Column("sig", sa.String(86), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_n", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("to_no", name=op.f("pk_feed_page")),
    )


def create_field_state() -> None:
    op.create_table(
        "field_state",
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.Column("field", sa.String(40), nullable=False),
        sa.Column("seen_no", sa.BigInteger(), nullable=False),
        sa.Column("pending_n", sa.BigInteger(), nullable=True),
        sa.Column("shadow", sa.Text(), nullable=True),
        sa.Column("shadow_no", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("entity", "row_id", "field", name=op.f("pk_field_state")),
    )
    op.create_index("ix_field_state_pending_n", "field_state", ["pending_n"], unique=False)


def create_hub_link() -> None:
    op.create_table(
        "hub_link",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("audience", sa.String(200), nullable=False),
        sa.Column("hub_key", sa.String(43), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("next_private_key", sa.LargeBinary(), nullable=True),
        sa.Column("past_private_key", sa.LargeBinary(), nullable=True),
        sa.Column("epoch", sa.String(200), nullable=False),
        sa.Column("accepted_n", sa.BigInteger(), nullable=False),
        sa.Column("durable_n", sa.BigInteger(), nullable=False),
        sa.Column("whole_until", sa.BigInteger(), nullable=True),
        sa.Column("last_ok_at", sa.BigInteger(), nullable=True),
        sa.Column("schema", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("check_report", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_link")),
    )


def create_installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("node_id", ID, nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("series", sa.String(32), nullable=False),
        sa.Column("head_n", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=True),
        sa.Column("latest_ms", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint_key", sa.LargeBinary(), nullable=False),
        sa.Column("awaits_books", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )


def create_login_throttle() -> None:
    op.create_table(
        "login_throttle",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_throttle")),
    )


def create_past_origin() -> None:
    op.create_table(
        "past_origin",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("series", sa.String(32), nullable=False),
        sa.Column("head_n", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
        sa.Column("sent_n", sa.BigInteger(), nullable=False),
        sa.Column("common_n", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_origin")),
    )


def create_photo_pace() -> None:
    op.create_table(
        "photo_pace",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("asked_for", sa.String(64), nullable=False),
        sa.Column("fruitless", sa.BigInteger(), nullable=False),
        sa.Column("ask_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_pace")),
    )


def create_photo_sent() -> None:
    op.create_table(
        "photo_sent",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("epoch", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_photo_sent")),
    )


def create_printer() -> None:
    op.create_table(
        "printer",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("transport", sa.String(10), nullable=False),
        sa.Column("address", sa.String(120), nullable=False),
        sa.Column("paper_mm", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.BigInteger(), nullable=False),
        sa.Column("code_page", sa.String(10), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("kicks_drawer", sa.Boolean(), nullable=False),
        sa.Column("cuts", sa.Boolean(), nullable=False),
        sa.Column("asks_status", sa.Boolean(), nullable=False),
        sa.Column("qr_as_image", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printer")),
        sa.CheckConstraint("code_page IN ('cp1252', 'cp858', 'ascii')", name=op.f("ck_printer_code_page_known")),
        sa.CheckConstraint("columns BETWEEN 24 AND 64", name=op.f("ck_printer_columns_fit")),
        sa.CheckConstraint("paper_mm IN (58, 80)", name=op.f("ck_printer_paper_known")),
        sa.CheckConstraint("transport IN ('tcp', 'device')", name=op.f("ck_printer_transport_known")),
    )


def create_returned_line() -> None:
    op.create_table(
        "returned_line",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("page_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(40), nullable=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("personal", sa.Text(), nullable=True),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returned_line")),
    )
    op.create_index("ix_returned_line_page_id", "returned_line", ["page_id"], unique=False)


def create_returned_page() -> None:
    op.create_table(
        "returned_page",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("from_no", sa.BigInteger(), nullable=False),
        sa.Column("to_no", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.String(200), nullable=False),
        sa.Column("sig", sa.String(86), nullable=False),
        sa.Column("hashes", sa.Text(), nullable=False),
        sa.Column("lost_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returned_page")),
    )


def create_snapshot_fetch() -> None:
    op.create_table(
        "snapshot_fetch",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("origin_id", ID, nullable=False),
        sa.Column("schema", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot_fetch")),
    )


def create_snapshot_part() -> None:
    op.create_table(
        "snapshot_part",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_snapshot_part")),
    )


def create_staff_pin() -> None:
    op.create_table(
        "staff_pin",
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("pin_hash", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_pin")),
    )


def create_stream_begin() -> None:
    op.create_table(
        "stream_begin",
        sa.Column("stream", sa.String(40), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("stream", "no", name=op.f("pk_stream_begin")),
    )


def create_stream_mark() -> None:
    op.create_table(
        "stream_mark",
        sa.Column("stream", sa.String(40), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_stream_mark")),
    )


def create_web_session() -> None:
    op.create_table(
        "web_session",
        sa.Column("id_hash", sa.String(64), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("locked_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("refresh_hash", sa.String(64), nullable=True),
        sa.Column("ip", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_web_session")),
    )


def create_print_job() -> None:
    op.create_table(
        "print_job",
        sa.Column("id", ID, nullable=False),
        sa.Column("printer_id", ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("subject_id", ID, nullable=True),
        sa.Column("copy_no", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("printed_at", sa.BigInteger(), nullable=True),
        sa.Column("is_confirmed", sa.Boolean(), nullable=True),
        sa.Column("asked_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_job")),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name=op.f("fk_print_job_printer_id")),
        sa.CheckConstraint("kind IN ('receipt', 'drawer', 'test')", name=op.f("ck_print_job_kind_known")),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'printed', 'failed', 'expired')", name=op.f("ck_print_job_state_known")
        ),
    )
    op.create_index("ix_print_job_state_printer_id", "print_job", ["state", "printer_id"], unique=False)
    op.create_index("ix_print_job_subject_id", "print_job", ["subject_id"], unique=False)
