"""Write the initial migrations from the models, while nothing is released yet.

`python -m tools.make_initial_migration` rewrites the first revisions of the three places: the domain's (both
engines), the node's own tables (SQLite) and the hub's own tables (PostgreSQL). What follows a release is written by
hand and only adds. A test compares models and migrations on both engines.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import ColumnCollectionConstraint, Table

import shopnode.domain.models
from shopnode.domain.db import ID_TYPE, Base, LocalDateType, LocalRow, UtcTimeType

HOME = Path(__file__).resolve().parent.parent
DOMAIN = HOME / "shopnode/domain/migrations/versions"
NODE = HOME / "shopnode/migrations/versions"
HUB = HOME / "cloudhub/migrations/versions"

# Tables of the domain by revision, so that no file grows over an attention's length; the rest go to the last one.
DOMAIN_PARTS = {
    "people_and_goods": ("business", "shop", "staff", "staff_posting", "product", "customer", "handset", "setting"),
    "stock_and_drawer": ("stock_unit", "stock_movement", "stock_level", "drawer_session", "journal_entry"),
    "sales": (),
    "between_shops": ("transfer", "transfer_line", "transfer_receipt", "alias", "blob"),
}
HUB_PARTS = {
    "hub": (
        "hub_identity", "hub_job_run", "gate_throttle", "tenant", "shop_seat", "node", "node_run", "enrol_code",
        "portal_login", "portal_session",
    ),
    "merging": (),
}  # fmt: skip
OPTIONAL_MODULES = ("shopnode.sync.models",)

HEADER = '''"""{title}

Written from the models by tools/make_initial_migration.py; once released it is never edited, only added to.
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
    for module in OPTIONAL_MODULES:
        if importlib.util.find_spec(module):
            importlib.import_module(module)
    local = {mapper.class_.__tablename__ for mapper in Base.registry.mappers if issubclass(mapper.class_, LocalRow)}
    tables = Base.metadata.sorted_tables
    write_parts(DOMAIN, "d", "the shop", DOMAIN_PARTS, [table for table in tables if table.name not in local])
    own = [table for table in tables if table.name in local]
    write(NODE / "n0001_node.py", "The tables of one installation.", "n0001", None, own)
    if importlib.util.find_spec("cloudhub.models"):
        from cloudhub.models import HubBase

        write_parts(HUB, "h", "the hub alone", HUB_PARTS, HubBase.metadata.sorted_tables)
    subprocess.run([Path(sys.executable).parent / "ruff", "format", "-q", DOMAIN, NODE, HUB], check=True)


def write_parts(
    folder: Path, letter: str, whose: str, parts: Mapping[str, tuple[str, ...]], tables: Sequence[Table]
) -> None:
    """A revision for each part, one after another; the part that names no table gets the rest."""
    named = {name for names in parts.values() for name in names}
    down = None
    for number, (part, names) in enumerate(parts.items(), 1):
        chosen = [table for table in tables if (table.name in names if names else table.name not in named)]
        revision = f"{letter}{number:04}"
        title = f"The tables of {whose}: {part.replace('_', ' ')}."
        write(folder / f"{revision}_{part}.py", title, revision, down, chosen)
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
    lines += [index_lines(index) for index in sorted(table.indexes, key=lambda index: str(index.name))]
    return f"def create_{table.name}() -> None:\n" + "\n".join(lines) + "\n"


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
    columns = [column.name for column in index.columns]
    where = index.dialect_options["postgresql"].get("where")
    extra = ""
    if where is not None:
        extra = f", postgresql_where=sa.text({str(where)!r})"
    line = f"op.create_index({index.name!r}, {index.table.name!r}, {columns!r}, unique={index.unique}{extra})"
    only = getattr(index._ddl_if, "dialect", None)
    if only:
        return f"    if op.get_bind().dialect.name == {only!r}:\n        {line}"
    return f"    {line}"


if __name__ == "__main__":
    assert shopnode.domain.models  # the import is what fills the registry
    main()
