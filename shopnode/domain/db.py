"""The tables' common ground: column types, what each synced table declares, and the two engines' differences.

Invariants:
  * What a column holds in the database is what travels: text, whole numbers and booleans (instants are
    milliseconds, dates are ISO text). So rows are applied without conversion.
  * Every synced table has `tenant_id`, filled by the session. Queries never name it: reach belongs to the connection.
  * Primary, foreign and unique keys start with `tenant_id`. A node's file holds one tenant only, so SQLite
    keeps the same keys with the id first (`_sqlite_primary_key`), which is what its queries look for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateIndex

from shopnode.domain.clock import to_datetime, to_ms


def _instant_or_none(ms: int | None) -> datetime | None:
    return None if ms is None else to_datetime(ms)


class UtcTimeType(TypeDecorator[datetime]):
    """An aware instant, kept as whole milliseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return to_ms(value) if isinstance(value, datetime) else value  # rows from the wire are milliseconds already

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[int | None], datetime | None]:
        # Instead of `process_result_value`, which is called through another function: lists hold thousands of instants.
        return _instant_or_none


class LocalDateType(TypeDecorator[date]):
    """A calendar day of the shop's own zone, kept as ISO text."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Any) -> str | None:
        return value.isoformat() if isinstance(value, date) else value  # rows from the wire are text already

    def process_result_value(self, value: str | None, dialect: Any) -> date | None:
        return None if value is None else date.fromisoformat(value)


ID_TYPE = CHAR(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")

Id = Annotated[str, "id"]  # a UUID as canonical lowercase text
MinorUnits = Annotated[int, "minor units of the shop's currency"]
BasisPoints = Annotated[int, "basis points"]
UtcTime = Annotated[datetime, "aware UTC"]
LocalDate = Annotated[date, "a day of the shop's zone"]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        Id: ID_TYPE,
        MinorUnits: BigInteger,
        BasisPoints: BigInteger,
        UtcTime: UtcTimeType,
        LocalDate: LocalDateType,
        int: BigInteger,
        str: Text,
    }


class Kind(StrEnum):
    """How the hub merges a table (protocol.md, section 2)."""

    FACT = "fact"
    HOLDING = "holding"
    DECISION = "decision"
    REGISTER = "register"


class Stream(StrEnum):
    """Who is sent a row: every shop of the tenant, or the shop named in its `shop_id`."""

    TENANT = "t"
    SHOP = "s"


class Rule(StrEnum):
    """What holds when two people changed one field without seeing each other's change."""

    OWNER_WINS = "owner_wins"
    LATER_WINS = "later_wins"
    KEEP_CURRENT = "keep_current"


@dataclass(frozen=True)
class Sync:
    """What a synced table declares.

    rules     field → merge rule of a register; `later_wins` where none is named
    watched   register fields whose concurrent edit is listed for the owner
    personal  fields that enter the journal as salted hashes, so that they can be erased
    derived   columns that are computed on both sides and never travel
    since     the schema that the table came with; a column that came later says so itself: `info={"since": 2}`
    """

    kind: Kind
    stream: Stream
    rules: dict[str, Rule] = field(default_factory=dict)
    watched: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    derived: frozenset[str] = frozenset()
    since: int = 1


class SyncedRow(Base):
    """A row of the tenant's books. Written only inside an action; never deleted."""

    __abstract__ = True
    __sync__: ClassVar[Sync]

    tenant_id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-1)


class DerivedRow(Base):
    """Computed from synced rows by a projection, on both sides; can be thrown away and made again."""

    __abstract__ = True

    tenant_id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-2)  # before the keys of the classes below


class HomeRow(Base):
    """Kept by each home for itself beside the books it belongs to; never part of an entry, never computed."""

    __abstract__ = True

    tenant_id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-2)


class LocalRow(Base):
    """A row of this installation alone (sessions, counters, print jobs); never leaves it."""

    __abstract__ = True


def refs(*columns: str) -> tuple[ForeignKeyConstraint, ...]:
    """Foreign keys inside the tenant: "sale_id:sale" points at `sale.id` of the same tenant."""
    made = []
    for pair in columns:
        column, target = pair.split(":")
        made.append(ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"]))
    return tuple(made)


def look_up(table: str, *columns: str, only: str | None = None) -> Index:
    """A plain index inside the tenant. A column may be an expression: "lower(name)".

    only  of these rows alone, a condition as the database reads it. A query must say it in the same words (`is_one`).
    """
    words = "_".join(re.sub(r"\W", "_", column).strip("_") for column in columns)
    whole = [column if column.isidentifier() else text(column) for column in columns]
    condition = None if only is None else text(only)
    return Index(f"ix_{table}_{words}", "tenant_id", *whole, postgresql_where=condition)


def look_up_few(table: str, *columns: str) -> Index:
    """An index of the rows alone that have its first column set, where few have. Asked for those that have not, the
    planner would take a whole index for a way in, and it is none."""
    return look_up(table, *columns, only=f"{columns[0]} IS NOT NULL")


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """The column holds a word of the enumeration."""
    words = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")


@compiles(PrimaryKeyConstraint, "sqlite")
def _sqlite_primary_key(constraint: PrimaryKeyConstraint, compiler: Any, **kw: Any) -> str:
    names = [column.name for column in constraint.columns]
    if len(names) > 1 and names[0] == "tenant_id":
        names = [*names[1:], "tenant_id"]
    return f"PRIMARY KEY ({', '.join(names)})"


@compiles(CreateIndex, "sqlite")
def _sqlite_index(create: CreateIndex, compiler: Any, **kw: Any) -> str:
    index = create.element
    names = [str(getattr(part, "name", part)) for part in index.expressions]
    if len(names) > 1 and names[0] == "tenant_id":
        table = compiler.preparer.format_table(index.table)
        where = index.dialect_options["postgresql"]["where"]  # the same rows on both engines
        condition = "" if where is None else f" WHERE {where}"
        kind = "UNIQUE INDEX" if index.unique else "INDEX"
        return f"CREATE {kind} {index.name} ON {table} ({', '.join(names[1:])}){condition}"
    return str(compiler.visit_create_index(create, **kw))


def synced_models() -> dict[str, type[SyncedRow]]:
    """Entity name (its table's name) → class, parents before children."""
    return _synced_models(len(Base.metadata.tables))


@cache
def _synced_models(tables: int) -> dict[str, type[SyncedRow]]:
    """Made anew only while modules with further tables are still being imported."""
    found = {
        mapper.class_.__tablename__: mapper.class_
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, SyncedRow)
    }
    order = [table.name for table in Base.metadata.sorted_tables if table.name in found]
    return {name: found[name] for name in order}


def synced_columns(table: Table, sync: Sync) -> list[str]:
    """The columns that travel, in the table's order, `id` first."""
    names = [column.name for column in table.columns if column.name not in {"tenant_id", *sync.derived}]
    names.remove("id")
    return ["id", *names]


def to_wire(value: Any) -> Any:
    """A Python value as it is stored and sent."""
    if isinstance(value, datetime):
        return to_ms(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    return value


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
