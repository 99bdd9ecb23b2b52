"""What the doctor compares: each function reads the books in two ways and lists where they differ, in words.

Read-only, and free of the web, devices and sync, so that it runs on a folder nothing else can open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table, case, func, select
from sqlalchemy.orm import Session

from shopnode.domain.audit.chains import LISTED, listed_wrongly
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import drawer_figures
from shopnode.domain.catalogue.models import Product
from shopnode.domain.db import Kind, synced_models
from shopnode.domain.handsets.models import ON_HAND_STATUSES, StockUnit
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Counter, Installation
from shopnode.domain.origins import PastOrigin
from shopnode.domain.printing.models import JobState, Printer, PrintJob
from shopnode.domain.sales.lookup import amendments_of, lines_now
from shopnode.domain.sales.models import Payment, PaymentKind, Sale, SaleAmendment, SaleLine, SaleSummary, Tender
from shopnode.domain.stock.models import StockLevel, StockMovement
from shopnode.domain.stock.queries import stock_differences
from sync_protocol.chain import genesis, link

PAGE = 500
LISTED_MAX = 50
UNCHANGING = (Kind.FACT, Kind.DECISION)


def chain_breaks(session: Session) -> tuple[int, list[str]]:
    """How many entries there are, and where the chain of this origin, or of one it left, breaks."""
    entries, breaks = 0, []
    for origin in _origins(session):
        expected_n, prev = 1, genesis(origin.id)
        for entry in _entries(session, origin):
            if entry.n != expected_n:
                breaks.append(f"entries {expected_n} to {entry.n - 1} are missing")
            elif link(prev, entry.body.encode()) != entry.hash:
                breaks.append(f"entry {entry.n} is not what was recorded")
            elif (wrong := listed_wrongly(entry, is_shop=True)) is not None:
                breaks.append(f"entry {entry.n} is listed otherwise than it was recorded: {wrong}")
            expected_n, prev = entry.n + 1, entry.hash
            if len(breaks) >= LISTED_MAX:
                return entries, breaks
        if not breaks and (expected_n - 1, prev) != (origin.until_n, origin.hash or prev):
            breaks.append(f"the journal ends at {expected_n - 1}, but {origin.until_n} entries were recorded")
        entries += expected_n - 1
    return entries, breaks


class _Origin(NamedTuple):
    """A chain that must be whole up to an entry; `hash` is that entry's, where it was written down."""

    id: str
    until_n: int
    hash: str | None


def _origins(session: Session) -> list[_Origin]:
    """Those that were left, as far as their entries stayed there, and the current one."""
    left = session.scalars(select(PastOrigin).order_by(PastOrigin.id)).all()
    chains = [
        _Origin(past.origin_id, past.head_n, past.head_hash)
        if past.common_n in (None, past.head_n)
        else _Origin(past.origin_id, past.common_n or 0, None)
        for past in left
    ]
    own = session.execute(select(Installation.origin_id, Installation.head_n, Installation.head_hash)).one()
    return [*chains, _Origin(own.origin_id, own.head_n, own.head_hash)]


def _entries(session: Session, origin: _Origin) -> Iterator[Any]:
    """An origin's entries in order, a page at a time: a year of them does not fit in memory."""
    last = 0
    while True:
        query = select(*LISTED)
        query = query.where(JournalEntry.origin_id == origin.id, JournalEntry.n > last)
        if origin.hash is None:
            query = query.where(JournalEntry.n <= origin.until_n)  # those after it are on their way to another origin
        page = session.execute(query.order_by(JournalEntry.n).limit(PAGE)).all()
        if not page:
            return
        yield from page
        last = page[-1].n


def facts_not_as_journalled(session: Session) -> tuple[int, list[str]]:
    """How many facts and decisions were journalled here, and which of them the books no longer hold as they were."""
    models = {name: model for name, model in synced_models().items() if model.__sync__.kind in UNCHANGING}
    checked, wrong = 0, []
    pending: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in chain.from_iterable(_entries(session, origin) for origin in _origins(session)):
        for entity, op, columns, rows in orjson.loads(entry.body)["rows"]:
            if op == "i" and entity in models:
                pending[entity] += [dict(zip(columns, row, strict=True)) for row in rows]
        for entity in [name for name, rows in pending.items() if len(rows) >= PAGE]:
            rows = pending.pop(entity)
            checked += len(rows)
            wrong += _not_as_written(session, models[entity].__table__, rows)  # type: ignore[arg-type]
        if len(wrong) >= LISTED_MAX:
            return checked, wrong
    for entity, rows in pending.items():
        checked += len(rows)
        wrong += _not_as_written(session, models[entity].__table__, rows)  # type: ignore[arg-type]
    return checked, wrong


def _not_as_written(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> list[str]:
    personal = synced_models()[table.name].__sync__.personal
    ids = [row["id"] for row in rows]
    # Raw values, as they were journalled: no conversion on the way.
    found = {row.id: row._mapping for row in session.execute(_raw(table).where(table.c.id.in_(ids)))}
    wrong = []
    for row in rows:
        stands = found.get(row["id"])
        if stands is None:
            wrong.append(f"{table.name} {row['id']} is missing")
            continue
        changed = [
            name
            for name, value in row.items()
            if name in stands and name not in personal and _plain(stands[name]) != _plain(value)
        ]
        if changed:
            wrong.append(f"{table.name} {row['id']} was changed: {', '.join(changed)}")
    return wrong


def _raw(table: Table) -> Any:
    from sqlalchemy import type_coerce
    from sqlalchemy.types import NullType

    return select(*(type_coerce(column, NullType()).label(column.name) for column in table.columns))


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def wrong_levels(session: Session) -> list[str]:
    """Products whose level is not the sum of their movements."""
    found = stock_differences(session)
    names = _names(session, [row.product_id for row in found])
    wrong = [f"{names.get(row.product_id)}: level {row.level}, movements {row.moved}" for row in found]
    moved = select(StockMovement.id).where(
        StockMovement.product_id == StockLevel.product_id, StockMovement.shop_id == StockLevel.shop_id
    )
    unmoved = session.execute(
        select(Product.name, StockLevel.on_hand)
        .join(Product, Product.id == StockLevel.product_id)
        .where(StockLevel.on_hand != 0, ~moved.exists())
    )
    return wrong + [f"{row.name}: level {row.on_hand}, no movement" for row in unmoved]


def wrong_units(session: Session) -> list[str]:
    """Serialised products whose phones on hand, kept ones too, are not as many as the level; phones that are twice."""
    units = select(
        StockUnit.shop_id,
        StockUnit.product_id,
        func.sum(case((StockUnit.status.in_(ON_HAND_STATUSES), 1), else_=0)).label("pieces"),
    ).group_by(StockUnit.shop_id, StockUnit.product_id)
    counted = {(row.shop_id, row.product_id): row.pieces for row in session.execute(units)}
    levels = (
        select(StockLevel.shop_id, StockLevel.product_id, StockLevel.on_hand)
        .join(Product, Product.id == StockLevel.product_id)
        .where(Product.is_serialised)
    )
    known = {(row.shop_id, row.product_id): row.on_hand for row in session.execute(levels)}
    keys = [key for key in counted.keys() | known.keys() if counted.get(key, 0) != known.get(key, 0)]
    names = _names(session, [product_id for _, product_id in keys])
    wrong = sorted(f"{names.get(key[1])}: {counted.get(key, 0)} phones, level {known.get(key, 0)}" for key in keys)
    twice = (
        select(StockUnit.handset_id)
        .where(StockUnit.status.in_(ON_HAND_STATUSES))
        .group_by(StockUnit.handset_id)
        .having(func.count() > 1)
    )
    return wrong + [f"phone {handset_id} is in stock twice" for handset_id in session.scalars(twice)]


def wrong_drawers(session: Session) -> list[str]:
    """Closed drawers whose expected sum is not float and cash; cash that is in no drawer."""
    wrong = []
    for drawer in session.scalars(select(DrawerSession).where(DrawerSession.closed_at.is_not(None))):
        figures = drawer_figures(session, drawer)
        if drawer.expected_minor != figures.expected_minor:
            wrong.append(
                f"drawer of {drawer.business_on}: {drawer.expected_minor:,} was expected, "
                f"its events say {figures.expected_minor:,}"
            )
    astray = select(func.count()).where(
        Payment.method == Tender.CASH.value,
        Payment.drawer_session_id.is_(None),
        Payment.kind.in_((PaymentKind.PAYMENT.value, PaymentKind.REFUND.value)),
    )
    lost = session.scalar(astray) or 0
    return wrong + ([f"{lost} cash payments belong to no drawer"] if lost else [])


def wrong_sales(session: Session) -> tuple[int, list[str]]:
    """How many sales there are, and whose figures beside them are not those of their rows."""
    paid = _sums(session, select(Payment.sale_id, func.sum(Payment.amount_minor)).group_by(Payment.sale_id))
    lines_minor = func.sum(SaleLine.quantity * SaleLine.unit_price_minor - SaleLine.discount_minor)
    lines = _sums(
        session, select(SaleLine.sale_id, lines_minor).where(SaleLine.amendment_id.is_(None)).group_by(SaleLine.sale_id)
    )
    amended = set(session.scalars(select(SaleAmendment.sale_id).distinct()))
    query = select(Sale.id, Sale.number, Sale.discount_minor, SaleSummary.total_minor, SaleSummary.paid_minor)
    sales, wrong = 0, []
    for row in session.execute(query.outerjoin(SaleSummary, SaleSummary.sale_id == Sale.id)):
        sales += 1
        total = _amended_total(session, row) if row.id in amended else lines.get(row.id, 0) - row.discount_minor
        if row.total_minor is None:
            wrong.append(f"sale {row.number} has no figures")
        elif row.paid_minor != paid.get(row.id, 0):
            wrong.append(f"sale {row.number}: {row.paid_minor:,} beside it, {paid.get(row.id, 0):,} paid")
        elif row.total_minor != total:
            wrong.append(f"sale {row.number}: {row.total_minor:,} beside it, its lines say {total:,}")
    return sales, wrong[:LISTED_MAX]


def _sums(session: Session, query: Any) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in session.execute(query)}


def _amended_total(session: Session, sale: Any) -> int:
    discount_minor = sale.discount_minor
    for change in amendments_of(session, sale.id):
        discount_minor = discount_minor if change.discount_minor is None else change.discount_minor
    lines = lines_now(session, sale.id)
    lines_minor = sum(line.quantity * line.unit_price_minor - line.discount_minor for line in lines)
    return max(0, lines_minor - discount_minor)


def number_gaps(session: Session, series: str) -> tuple[int, list[str]]:
    """The last number given in the series, and what is wrong with those up to it."""
    last = session.scalar(select(Counter.value).where(Counter.series == series)) or 0
    prefix = f"{series}-"
    numbers = session.scalars(select(Sale.number).where(Sale.number.startswith(prefix, autoescape=True)))
    given: dict[int, int] = defaultdict(int)
    for number in numbers:
        place = number.removeprefix(prefix)
        if place.isdecimal():  # KLA1-K7Q2M-000001 is of a series that followed this one, after a restore
            given[int(place)] += 1
    wrong = [f"{prefix}{number:06d} is missing" for number in range(1, last + 1) if number not in given]
    wrong += [f"{prefix}{number:06d} was given {count} times" for number, count in given.items() if count > 1]
    wrong += [f"{prefix}{number:06d} is above the last number given" for number in given if number > last]
    return last, wrong


def hub_offset_ms(session: Session) -> int | None:
    """Hub time less ours, when it was last heard."""
    return session.scalars(select(Installation.clock_offset_ms)).one()


def printers_and_waiting(session: Session) -> tuple[list[Printer], int]:
    """Printers in use, and how many jobs wait for one."""
    printers = list(session.scalars(select(Printer).where(Printer.archived_at.is_(None))))
    waiting = session.scalar(select(func.count()).where(PrintJob.state == JobState.QUEUED.value)) or 0
    return printers, waiting


def _names(session: Session, product_ids: list[str]) -> dict[str, str]:
    rows = session.execute(select(Product.id, Product.name).where(Product.id.in_(product_ids)))
    return {row.id: row.name for row in rows}
