"""X and Z: what the events of one drawer session add up to, at any time, and for good when it is closed (rule 80).

Invariants:
  * An X report writes nothing. A Z report is written once, in the action that closes the session, and never changes.
  * Every sale, payment and move names its session, so it is in one Z; what comes later is in a later one.
  * Z reports of one series are numbered without gaps, and each carries what the series has taken since its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.counting import (
    as_text,
    counts_of,
    difference_of,
    not_come,
    opening_count,
    sums_counted,
    within_limit,
)
from shopnode.domain.cash.models import DrawerSession, ForeignCash, MoneyKind, MoneyMove
from shopnode.domain.cash.no_sales import no_sales_of
from shopnode.domain.cash.rules import FLOATS
from shopnode.domain.closures.models import DrawerCount, ZReport
from shopnode.domain.context import Context
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.sales.models import MONEY, Payment, PaymentKind, Sale, SaleStatus, SaleSummary

MONEY_WORDS = sorted(tender.value for tender in MONEY)
# Money of customers, or of those who pay for them. The rest moves between the drawer, the safe, the bank and others.
COLLECTIONS = frozenset({
    MoneyKind.ACCOUNT_PAYMENT.value, MoneyKind.STORE_CREDIT.value, MoneyKind.PLAN_PAYMENT.value,
    MoneyKind.UNALLOCATED.value, MoneyKind.FINANCIER.value, MoneyKind.REPAIR.value,
})  # fmt: skip


def session_report(session: Session, drawer: DrawerSession) -> dict[str, Any]:
    """What the events of a session add up to so far, in minor units. Reads alone."""
    payments, moves = _rows(session, Payment, drawer), _rows(session, MoneyMove, drawer)
    collected = sum(row["amount"] for row in payments if row["kind"] in _MOVING and row["method"] in MONEY_WORDS)
    collected += sum(row["amount"] for row in moves if row["kind"] in COLLECTIONS)
    opens = no_sales_of(session, drawer.id)
    return {
        "opening_float": drawer.opening_float_minor, "sales": _sales(session, drawer), "payments": payments,
        "moves": moves, "foreign": _foreign(session, drawer), "coming": not_come(session, drawer.id),
        "no_sales": [{"reason": row.note, "at": row.at.isoformat(), "by_id": row.by_id} for row in opens],
        "collected": collected,
    }  # fmt: skip


_MOVING = frozenset({PaymentKind.PAYMENT.value, PaymentKind.REFUND.value, PaymentKind.CORRECTION.value})


def write_z(ctx: Context, drawer: DrawerSession, count: DrawerCount) -> ZReport:
    """Write the report of a session that ends by this count."""
    report = session_report(ctx.session, drawer)
    off, counted = difference_of(ctx.session, count), sums_counted(count)
    counts = counts_of(ctx.session, drawer.id)
    report |= {
        "expected": orjson.loads(count.expected), "counted": counted.as_json(), "counts": _told(counts),
        "difference": {"cash": off.cash_minor, "foreign": dict(off.foreign), "others": dict(off.others)},
        "difference_in_all": off.total_minor, "size": off.size_minor, "is_within_limit": within_limit(ctx.session, off),
        "floats": _floats(ctx.session, drawer, counted.others),
    }  # fmt: skip
    before = last_z_of_series(ctx.session, ctx.home.series)
    number = next_document_number(ctx, Document.Z_REPORT)
    row: dict[str, Any] = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "drawer_session_id": drawer.id, "number": number,
        "business_on": drawer.business_on, "till": drawer.till, "body": as_text(report),
        "expected_minor": int(report["expected"]["cash"]), "counted_minor": counted.cash_minor,
        "difference_minor": off.total_minor,
        "since_inception_minor": (before.since_inception_minor if before else 0) + report["collected"],
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, ZReport, [row])
    return ctx.session.scalars(select(ZReport).where(ZReport.id == row["id"])).one()


def last_z_of_series(session: Session, series: str) -> ZReport | None:
    """The latest of an installation's Z reports, by its number: clocks may go back."""
    begins = f"{series}-{Document.Z_REPORT.value}"
    # KLA1-Z000007 is of KLA1; KLA1-ZQ2MK-Z000001 is of another series, that of a copy which was restored.
    numbered = select(ZReport).where(
        func.substr(ZReport.number, 1, len(begins)) == begins, ZReport.number.not_like(f"{begins}%-%")
    )
    return session.scalars(
        numbered.order_by(func.length(ZReport.number).desc(), ZReport.number.desc()).limit(1)
    ).first()


def _rows(session: Session, money: type[Payment] | type[MoneyMove], drawer: DrawerSession) -> list[dict[str, Any]]:
    query = (
        select(money.kind, money.method, func.count(), func.sum(money.amount_minor))
        .where(money.drawer_session_id == drawer.id)
        .group_by(money.kind, money.method)
        .order_by(money.kind, money.method)
    )
    return [
        {"kind": kind, "method": method, "count": int(count), "amount": int(amount)}
        for kind, method, count, amount in session.execute(query)
    ]


def _sales(session: Session, drawer: DrawerSession) -> dict[str, int]:
    undone = SaleSummary.status.in_((SaleStatus.VOIDED.value, SaleStatus.REVERSED.value))
    query = (
        select(
            func.count(), func.sum(SaleSummary.total_minor), func.sum(SaleSummary.discount_minor),
            func.sum(SaleSummary.tax_minor), func.count().filter(undone),
        )
        .join(Sale, Sale.id == SaleSummary.sale_id)
        .where(SaleSummary.business_on == drawer.business_on, Sale.drawer_session_id == drawer.id)
    )  # fmt: skip
    count, total, discount, tax, voided = session.execute(query).one()
    return {
        "count": int(count), "total": int(total or 0), "discount": int(discount or 0), "tax": int(tax or 0),
        "undone": int(voided),
    }  # fmt: skip


def _foreign(session: Session, drawer: DrawerSession) -> dict[str, dict[str, int]]:
    query = (
        select(ForeignCash.currency, func.sum(ForeignCash.amount_minor), func.sum(ForeignCash.worth_minor))
        .where(ForeignCash.drawer_session_id == drawer.id)
        .group_by(ForeignCash.currency)
    )
    return {row[0]: {"amount": int(row[1]), "worth": int(row[2])} for row in session.execute(query)}


def _told(counts: Sequence[DrawerCount]) -> list[dict[str, Any]]:
    """All that was counted, the opening too: a recount does not take the first count's place."""
    return [
        {
            "kind": row.kind, "nth": row.nth, "denominations": orjson.loads(row.notes_counted),
            **sums_counted(row).as_json(), "at": row.at.isoformat(), "by_id": row.by_id,
        }
        for row in counts
    ]  # fmt: skip


def _floats(session: Session, drawer: DrawerSession, now: Any) -> dict[str, dict[str, int | None]]:
    """Floats beside the drawer: what their phones showed at the opening, and at the end (rule 86)."""
    opening = opening_count(session, drawer.id)
    before = opening.others if opening else {}
    return {
        name: {"before": before.get(name), "after": now.get(name)}
        for name in FLOATS
        if name in before or name in now
    }  # fmt: skip
