"""The tables of the shop: days and people.

Written from the models by tools/make_migrations.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`

revision = "d0011"
down_revision = "d0010"
branch_labels = None
depends_on = None

ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    create_attendance()
    create_commission_rule()
    create_day_closure()
    create_expense()
    create_expense_budget()
    create_recurring_expense()
    create_attendance_correction()
    create_bank_confirmation()
    create_closure_decision()
    create_drawer_count()
    create_expense_decision()
    create_staff_choice()
    create_staff_entry()
    create_z_report()


def create_attendance() -> None:
    op.create_table(
        "attendance",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("business_on", sa.String(10), nullable=False),
        sa.Column("came_at", sa.BigInteger(), nullable=False),
        sa.Column("went_at", sa.BigInteger(), nullable=True),
        sa.Column("is_corrected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attendance")),
    )
    op.create_index("ix_attendance_came_at_id", "attendance", ["tenant_id", "came_at", "id"], unique=False)
    op.create_index("ix_attendance_staff_id_came_at", "attendance", ["tenant_id", "staff_id", "came_at"], unique=False)


def create_commission_rule() -> None:
    op.create_table(
        "commission_rule",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("category", sa.String(100), nullable=True),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("of_repairs", sa.BigInteger(), nullable=False),
        sa.Column("rate_bp", sa.BigInteger(), nullable=False),
        sa.Column("per_piece_minor", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.String(10), nullable=False),
        sa.Column("ends_on", sa.String(10), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_commission_rule")),
        sa.CheckConstraint("rate_bp >= 0 AND per_piece_minor >= 0", name=op.f("ck_commission_rule_not_negative")),
    )
    op.create_index("ix_commission_rule_starts_on", "commission_rule", ["tenant_id", "starts_on"], unique=False)


def create_day_closure() -> None:
    op.create_table(
        "day_closure",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("business_on", sa.String(10), nullable=False),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("corrects_id", ID, nullable=True),
        sa.Column("cash_minor", sa.BigInteger(), nullable=False),
        sa.Column("mtn_minor", sa.BigInteger(), nullable=False),
        sa.Column("airtel_minor", sa.BigInteger(), nullable=False),
        sa.Column("card_minor", sa.BigInteger(), nullable=False),
        sa.Column("bank_minor", sa.BigInteger(), nullable=False),
        sa.Column("other_minor", sa.BigInteger(), nullable=False),
        sa.Column("collected_minor", sa.BigInteger(), nullable=False),
        sa.Column("expected_minor", sa.BigInteger(), nullable=False),
        sa.Column("variance_minor", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_day_closure")),
    )
    op.create_index("ix_day_closure_at_id", "day_closure", ["tenant_id", "at", "id"], unique=False)
    op.create_index("ix_day_closure_business_on", "day_closure", ["tenant_id", "business_on"], unique=False)


def create_expense() -> None:
    op.create_table(
        "expense",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("expense_on", sa.String(10), nullable=False),
        sa.Column("supplier_id", ID, nullable=True),
        sa.Column("photo", sa.String(64), nullable=True),
        sa.Column("recurring_id", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("paid_at", sa.BigInteger(), nullable=True),
        sa.Column("paid_by", ID, nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_expense")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_expense_amount_positive")),
    )
    op.create_index("ix_expense_category_expense_on", "expense", ["tenant_id", "category", "expense_on"], unique=False)
    op.create_index("ix_expense_created_at_id", "expense", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index("ix_expense_expense_on_id", "expense", ["tenant_id", "expense_on", "id"], unique=False)


def create_expense_budget() -> None:
    op.create_table(
        "expense_budget",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("only_shop_id", ID, nullable=True),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("month_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_expense_budget")),
    )


def create_recurring_expense() -> None:
    op.create_table(
        "recurring_expense",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("only_shop_id", ID, nullable=False),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("day_of_month", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.String(10), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_recurring_expense")),
    )
    op.create_index(
        "ix_recurring_expense_only_shop_id", "recurring_expense", ["tenant_id", "only_shop_id"], unique=False
    )


def create_attendance_correction() -> None:
    op.create_table(
        "attendance_correction",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("attendance_id", ID, nullable=True),
        sa.Column("came_at", sa.BigInteger(), nullable=False),
        sa.Column("went_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", ID, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attendance_correction")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"],
            ["staff.tenant_id", "staff.id"],
            name=op.f("fk_attendance_correction_tenant_id_staff_id"),
        ),
    )
    op.create_index(
        "ix_attendance_correction_asked_at_id", "attendance_correction", ["tenant_id", "asked_at", "id"], unique=False
    )


def create_bank_confirmation() -> None:
    op.create_table(
        "bank_confirmation",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("money_move_id", ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=True),
        sa.Column("confirmed_on", sa.String(10), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_bank_confirmation")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "money_move_id"],
            ["money_move.tenant_id", "money_move.id"],
            name=op.f("fk_bank_confirmation_tenant_id_money_move_id"),
        ),
    )
    op.create_index(
        "ix_bank_confirmation_money_move_id", "bank_confirmation", ["tenant_id", "money_move_id"], unique=False
    )


def create_closure_decision() -> None:
    op.create_table(
        "closure_decision",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("closure_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("feed_no", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_closure_decision")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "closure_id"],
            ["day_closure.tenant_id", "day_closure.id"],
            name=op.f("fk_closure_decision_tenant_id_closure_id"),
        ),
        sa.CheckConstraint(
            "kind IN ('review', 'approve', 'reject', 'lock')", name=op.f("ck_closure_decision_kind_known")
        ),
    )
    op.create_index("ix_closure_decision_closure_id", "closure_decision", ["tenant_id", "closure_id"], unique=False)


def create_drawer_count() -> None:
    op.create_table(
        "drawer_count",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("drawer_session_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("notes_counted", sa.Text(), nullable=False),
        sa.Column("cash_minor", sa.BigInteger(), nullable=False),
        sa.Column("foreign_counted", sa.Text(), nullable=False),
        sa.Column("others_counted", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_drawer_count")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "drawer_session_id"],
            ["drawer_session.tenant_id", "drawer_session.id"],
            name=op.f("fk_drawer_count_tenant_id_drawer_session_id"),
        ),
        sa.CheckConstraint("kind IN ('opening', 'handover', 'closing')", name=op.f("ck_drawer_count_kind_known")),
    )
    op.create_index(
        "ix_drawer_count_drawer_session_id", "drawer_count", ["tenant_id", "drawer_session_id"], unique=False
    )


def create_expense_decision() -> None:
    op.create_table(
        "expense_decision",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("expense_id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("feed_no", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_expense_decision")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "expense_id"],
            ["expense.tenant_id", "expense.id"],
            name=op.f("fk_expense_decision_tenant_id_expense_id"),
        ),
        sa.CheckConstraint("kind IN ('approve', 'reject')", name=op.f("ck_expense_decision_kind_known")),
    )
    op.create_index("ix_expense_decision_expense_id", "expense_decision", ["tenant_id", "expense_id"], unique=False)


def create_staff_choice() -> None:
    op.create_table(
        "staff_choice",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("value", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_staff_choice")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_staff_choice_tenant_id_staff_id")
        ),
    )
    op.create_index("ix_staff_choice_staff_id", "staff_choice", ["tenant_id", "staff_id"], unique=False)


def create_staff_entry() -> None:
    op.create_table(
        "staff_entry",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("about_id", ID, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_staff_entry")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_staff_entry_tenant_id_staff_id")
        ),
        sa.CheckConstraint(
            "kind IN ('shortage', 'advance', 'repaid', 'kept_from_pay', 'commission_paid', 'forgiven')",
            name=op.f("ck_staff_entry_kind_known"),
        ),
    )
    op.create_index("ix_staff_entry_staff_id_at_id", "staff_entry", ["tenant_id", "staff_id", "at", "id"], unique=False)


def create_z_report() -> None:
    op.create_table(
        "z_report",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", ID, nullable=False),
        sa.Column("drawer_session_id", ID, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("business_on", sa.String(10), nullable=False),
        sa.Column("till", sa.String(20), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("expected_minor", sa.BigInteger(), nullable=False),
        sa.Column("counted_minor", sa.BigInteger(), nullable=False),
        sa.Column("difference_minor", sa.BigInteger(), nullable=False),
        sa.Column("since_inception_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_z_report")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "drawer_session_id"],
            ["drawer_session.tenant_id", "drawer_session.id"],
            name=op.f("fk_z_report_tenant_id_drawer_session_id"),
        ),
    )
    op.create_index("ix_z_report_at_id", "z_report", ["tenant_id", "at", "id"], unique=False)
    op.create_index("ix_z_report_business_on", "z_report", ["tenant_id", "business_on"], unique=False)
    op.create_index("ix_z_report_drawer_session_id", "z_report", ["tenant_id", "drawer_session_id"], unique=False)
