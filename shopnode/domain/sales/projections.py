"""Totals and state of each sale, on both sides; made again from its rows whenever one of them changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from operator import itemgetter
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from shopnode.domain.db import to_wire
from shopnode.domain.projections import Changed, distinct, projection, write_derived
from shopnode.domain.sales.models import (
    DecisionKind,
    Payment,
    PaymentKind,
    Sale,
    SaleAmendment,
    SaleDecision,
    SaleLine,
    SaleSummary,
    Tender,
)
from shopnode.domain.sales.rules import LineSum, fold_status, in_feed_order, ticket_totals

Row = Mapping[str, Any]
Rows = Mapping[str, list[Any]]  # sale id → rows


@projection("sale", "sale_line", "payment", "sale_amendment", "sale_decision")
def project_sale_summaries(session: Session, changed: Changed) -> None:
    """Add up the sales that changed. A sale that arrived whole is added up from memory, others from the tables."""
    fresh = {row["id"]: row for row in changed.rows("sale")}
    later = set(distinct([*changed.rows("sale_amendment"), *changed.rows("sale_decision")], "sale_id"))
    for entity in ("sale_line", "payment"):
        later |= {row["sale_id"] for row in changed.rows(entity) if row["sale_id"] not in fresh}
    later |= _updated(session, changed)
    plain = {sale_id: sale for sale_id, sale in fresh.items() if sale_id not in later}
    rows = _summaries(plain, _by_sale(changed.rows("sale_line")), _by_sale(changed.rows("payment")), {}, {})
    rows += _from_tables(session, later)
    if rows:
        write_derived(session, SaleSummary, ("sale_id",), sorted(rows, key=itemgetter("sale_id")))


def _updated(session: Session, changed: Changed) -> set[str]:
    """Sales whose decisions or amendments only got their feed number."""
    ids: set[str] = set()
    for model in (SaleAmendment, SaleDecision):
        touched = changed.updates.get(model.__tablename__)
        if touched:
            ids |= set(session.scalars(select(model.sale_id).where(model.id.in_(touched))))
    return ids


def _by_sale(rows: Iterable[Row]) -> Rows:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["sale_id"]].append(row)
    return grouped


def _from_tables(session: Session, sale_ids: set[str]) -> list[dict[str, Any]]:
    if not sale_ids:
        return []
    ids = {"ids": sorted(sale_ids)}
    sales = {row["id"]: dict(row) for row in session.execute(_rows_by(Sale, "id"), ids).mappings()}

    def rows_of(model: Any) -> Rows:
        return _by_sale(dict(row) for row in session.execute(_rows_by(model, "sale_id"), ids).mappings())

    rows = _summaries(sales, rows_of(SaleLine), rows_of(Payment), rows_of(SaleAmendment), rows_of(SaleDecision))
    return [{name: to_wire(value) for name, value in row.items()} for row in rows]


@cache
def _rows_by(model: Any, name: str) -> Select[*tuple[Any, ...]]:
    """All columns of a table's rows, built once: naming so many costs more than reading the rows."""
    columns = model.__table__.c
    return select(*columns).where(columns[name].in_(bindparam("ids", expanding=True)))


def _summaries(sales: Mapping[str, Row], lines: Rows, payments: Rows, amended: Rows, decided: Rows) -> list[Any]:
    return [
        _summary(sale, lines.get(i, []), payments.get(i, []), amended.get(i, []), decided.get(i, []))
        for i, sale in sales.items()
    ]


def _summary(sale: Row, lines: list[Row], payments: list[Row], amended: list[Row], decided: list[Row]) -> Any:
    # Rows come as they were gathered or as a table has them; the summary must not tell which.
    payments = sorted(payments, key=itemgetter("at", "id"))
    amendments = in_feed_order(SimpleNamespace(**row) for row in amended)
    decisions = in_feed_order(SimpleNamespace(**row) for row in decided)
    newest = next((change.id for change in reversed(amendments) if change.replaces_lines), None)
    discount, customer_id = sale["discount_minor"], sale["customer_id"]
    for change in amendments:
        discount = discount if change.discount_minor is None else change.discount_minor
        customer_id = change.customer_id or customer_id
    # An older shop says nothing of margins.
    summed = [line for line in lines if line["amendment_id"] == newest]
    sums = [LineSum._make((*_SUMMED(line), line.get("margin_paid_minor"))) for line in summed]
    # Two shops may have amended one sale unseen; a discount that no longer fits must not stop the projection.
    totals = ticket_totals(sums, min(discount, sum(line.net_minor for line in sums)))
    approved = [row for row in decisions if row.kind == DecisionKind.APPROVE]
    locked = [row for row in decisions if row.kind == DecisionKind.LOCK]
    return {
        "sale_id": sale["id"], "shop_id": sale["shop_id"], "number": sale["number"], "sold_at": sale["sold_at"],
        "business_on": sale["business_on"], "cashier_id": sale["cashier_id"], "seller_id": sale["seller_id"],
        "customer_id": customer_id,
        "status": fold_status(row.kind for row in decisions).value,
        "items": totals.items, "gross_minor": totals.gross_minor, "discount_minor": totals.discount_minor,
        "total_minor": totals.total_minor, "tax_minor": totals.tax_minor, "cost_minor": totals.cost_minor,
        "paid_minor": sum(row["amount_minor"] for row in payments),
        "methods": ",".join(dict.fromkeys(row["method"] for row in payments if _is_tender(row))),
        "approved_by": approved[-1].by_id if approved else None,
        "approved_at": approved[-1].at if approved else None,
        "locked_at": locked[-1].at if locked else None,
        "amendments": len(amendments),
    }  # fmt: skip


def _is_tender(payment: Row) -> bool:
    return bool(payment["kind"] != PaymentKind.REFUND_DUE and payment["method"] != Tender.ROUNDING)


_SUMMED = itemgetter(*LineSum._fields[:-1])  # a line has columns of these names
