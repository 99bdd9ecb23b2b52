"""Write the newest migrations from the models, while the schema they belong to is not released yet.

`python -m tools.make_migrations` rewrites the revisions that bring the tables of schema 3: the domain's (both engines)
and the node's own. What came with an earlier schema is recorded in `tests/fixtures` and never edited; new columns and
wider words of older tables are written by hand (`d0005`). A test compares models and migrations on both engines.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import ColumnCollectionConstraint, Table

import shopnode.domain.models
from shopnode.domain.db import ID_TYPE, Base, LocalDateType, UtcTimeType

HOME = Path(__file__).resolve().parent.parent
DOMAIN = HOME / "shopnode/domain/migrations/versions"
NODE = HOME / "shopnode/migrations/versions"

# Tables by revision, so that no file grows over an attention's length.
DOMAIN_PARTS = {
    "d0006_buying_and_counting": (
        "supplier", "purchase_order", "purchase_order_line", "goods_receipt", "goods_receipt_line", "supplier_entry",
        "supplier_return", "stocktake", "stocktake_line", "transfer_item", "transfer_item_receipt", "stock_cost",
    ),
    "d0007_prices_and_used_phones": (
        "price_list", "price", "bundle_part", "used_purchase", "used_purchase_reversal", "seller_identity", "vault_key",
        "valuation", "blocked_number", "unit_cost", "unit_event",
    ),
    "d0008_accounts": (
        "account_entry", "account_allocation", "account_balance", "plan", "plan_line", "plan_due", "financier",
        "financier_entry",
    ),
    "d0009_returns_and_money": (
        "sale_return", "sale_return_line", "warranty_claim", "money_move", "foreign_cash", "phone_approver",
        "payment_outcome", "counter_event",
    ),
    "d0010_repairs": (
        "repair_ticket", "repair_event", "repair_part", "repair_outwork", "repair_transfer", "repair_transfer_receipt",
        "repair_passcode",
    ),
    "d0011_days_and_people": (
        "drawer_count", "z_report", "day_closure", "closure_decision", "bank_confirmation", "expense",
        "expense_decision", "expense_budget", "recurring_expense", "attendance", "attendance_correction",
        "commission_rule", "staff_entry", "staff_choice",
    ),
    "d0012_notices_and_keys": (
        "notice", "notice_read", "outgoing_message", "job_run", "staff_totp", "recovery_code", "api_key",
        "password_reset", "remembered_device",
    ),
}  # fmt: skip
WIDE = 40  # columns and conditions, from which on a table has its indexes in a function of their own
NODE_PARTS = {"n0002_approvals": ("approval_challenge",)}

HEADER = '''"""{title}

Written from the models by tools/make_migrations.py; once released it is never edited, only added to.
"""

import sqlalchemy as sa
from alembic import op
{extra}
revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None

{constants}
'''


def main() -> None:
    tables = Base.metadata.sorted_tables
    write_parts(DOMAIN, "d0005", "The tables of the shop", DOMAIN_PARTS, tables)
    write_parts(NODE, "n0001", "The tables of one installation", NODE_PARTS, tables)
    subprocess.run([Path(sys.executable).parent / "ruff", "format", "-q", DOMAIN, NODE], check=True)


def write_parts(
    folder: Path, down: str, whose: str, parts: Mapping[str, tuple[str, ...]], tables: Sequence[Table]
) -> None:
    """A revision for each part, one after another, from the last that is written by hand."""
    for name, wanted in parts.items():
        revision, _, about = name.partition("_")
        chosen = [table for table in tables if table.name in wanted]
        write(folder / f"{name}.py", f"{whose}: {about.replace('_', ' ')}.", revision, down, chosen)
        down = revision


def write(file: Path, title: str, revision: str, down: str | None, tables: Iterable[Table]) -> None:
    tables = list(tables)
    body = "\n\n".join(create_function(table) for table in tables)
    calls = "\n".join(f"    create_{table.name}()" for table in tables) or "    pass"
    extra, constants = preamble(body)
    head = HEADER.format(title=title, revision=revision, down=down, extra=extra, constants=constants)
    file.write_text(f"{head}\n\ndef upgrade() -> None:\n{calls}\n\n\n{body}\n", encoding="utf-8")


def preamble(body: str) -> tuple[str, str]:
    imports, constants = [], []
    if "ID" in body or "postgresql." in body:
        imports.append("from sqlalchemy.dialects import postgresql")
    imports.append("\nimport shopnode.domain.db  # noqa: F401 — SQLite's keys: see `_sqlite_primary_key`")
    if "ID" in body:
        constants.append('ID = sa.CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")')
    return "\n".join(imports) + "\n", "\n".join(constants)


def create_function(table: Table) -> str:
    parts = [column_line(column) for column in table.columns]
    parts += [constraint_line(constraint) for constraint in ordered_constraints(table)]
    lines = [f"    op.create_table(\n        {table.name!r},"]
    lines += [f"        {part}," for part in parts]
    lines.append("    )")
    indexes = [index_lines(index) for index in sorted(table.indexes, key=lambda index: str(index.name))]
    if len(parts) <= WIDE:
        return f"def create_{table.name}() -> None:\n" + "\n".join(lines + indexes) + "\n"
    lines.append(f"    index_{table.name}()")
    first = f"def create_{table.name}() -> None:\n" + "\n".join(lines) + "\n"
    return f"{first}\n\ndef index_{table.name}() -> None:\n" + "\n".join(indexes) + "\n"


def column_line(column: sa.Column) -> str:
    default = ""
    if column.server_default is not None:
        default = f", server_default=sa.text({str(getattr(column.server_default, 'arg', ''))!r})"
    if column.primary_key and isinstance(column.type, sa.Integer):
        default += f", autoincrement={column.autoincrement is True}"
    return f"sa.Column({column.name!r}, {type_text(column.type)}, nullable={column.nullable}{default})"


def type_text(kind: sa.types.TypeEngine) -> str:
    if isinstance(kind, UtcTimeType):
        return "sa.BigInteger()"
    if isinstance(kind, LocalDateType):
        return "sa.String(10)"
    if kind is ID_TYPE or isinstance(kind, sa.CHAR):
        return "ID"
    if isinstance(kind, postgresql.JSONB):
        return "postgresql.JSONB()"
    if isinstance(kind, sa.String) and not isinstance(kind, sa.Text):
        return f"sa.String({kind.length})"
    for known in (sa.Text, sa.BigInteger, sa.Boolean, sa.LargeBinary, sa.Integer):
        if isinstance(kind, known):
            return f"sa.{known.__name__}()"
    raise ValueError(f"no words for the type {kind!r}")


def ordered_constraints(table: Table) -> list[sa.Constraint]:
    order = (sa.PrimaryKeyConstraint, sa.ForeignKeyConstraint, sa.UniqueConstraint, sa.CheckConstraint)
    return sorted(table.constraints, key=lambda c: (order.index(type(c)), str(c.name)))


def constraint_line(constraint: sa.Constraint) -> str:
    name = sa.dialects.sqlite.dialect().identifier_preparer.format_constraint(constraint)
    # The convention has been applied: op.f() keeps it from being applied again.
    name = f"op.f({str(name)!r})"
    if isinstance(constraint, sa.CheckConstraint):
        return f"sa.CheckConstraint({str(constraint.sqltext)!r}, name={name})"
    assert isinstance(constraint, ColumnCollectionConstraint)
    columns = ", ".join(repr(column.name) for column in constraint.columns)
    if isinstance(constraint, sa.ForeignKeyConstraint):
        targets = [element.target_fullname for element in constraint.elements]
        return f"sa.ForeignKeyConstraint([{columns}], {targets!r}, name={name})"
    return f"sa.{type(constraint).__name__}({columns}, name={name})"


def index_lines(index: sa.Index) -> str:
    assert index.table is not None
    columns = ", ".join(map(part_of_index, index.expressions))
    where = index.dialect_options["postgresql"].get("where")
    extra = ""
    if where is not None:
        extra = f", postgresql_where=sa.text({str(where)!r})"
    line = f"op.create_index({index.name!r}, {index.table.name!r}, [{columns}], unique={index.unique}{extra})"
    only = getattr(index._ddl_if, "dialect", None)
    if only:
        return f"    if op.get_bind().dialect.name == {only!r}:\n        {line}"
    return f"    {line}"


def part_of_index(part: str | sa.ColumnElement) -> str:
    return repr(part.name) if isinstance(part, sa.Column) else f"sa.text({str(part)!r})"


if __name__ == "__main__":
    assert shopnode.domain.models  # the import is what fills the registry
    main()
