"""What the API tells of drawers: sessions, counts, X and Z."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field

from shopnode.api.shapes import Instant
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.reading import Deposit, XReport
from shopnode.domain.closures.models import ZReport


class DrawerOut(BaseModel):
    """A drawer session. What was expected is told only once it has been counted."""

    id: str
    shop_id: str
    till: str | None
    status: Annotated[str, Field(pattern="^(Open|Closed)$")]
    opening_float: int
    business_on: date
    cashier_id: str | None = Field(description="Who answers for it now.")
    opened_by: str | None
    opened_at: Instant
    closed_by: str | None
    closed_at: Instant | None
    handed_from_id: str | None = Field(description="The session it was handed over from.")
    counted: int | None
    expected: int | None
    difference: int | None = Field(description="Cash counted less cash expected.")
    explanation: str | None = Field(description="Of a difference, by whoever accepted it.")
    approved_by: str | None
    notes: str | None


class DrawerPage(BaseModel):
    items: list[DrawerOut]
    next_cursor: str | None


class CountOut(BaseModel):
    """A count that was kept. By how much it is off is told when the drawer is closed."""

    drawer_session_id: str
    nth: int
    agrees: bool = Field(description="Whether it is within the shop's limit.")
    may_count_again: bool


class SumsOut(BaseModel):
    """What lies in a drawer and beside it."""

    cash: int
    foreign: dict[str, int] = Field(description="By currency, in its own minor units.")
    others: dict[str, int] = Field(description="By tender or float.")


class SalesOut(BaseModel):
    count: int
    total: int
    discount: int
    tax: int
    undone: int = Field(description="Voided or reversed since; they are in the count.")


class MoneyOut(BaseModel):
    """Money of one kind by one tender: + in, − out."""

    kind: str
    method: str
    count: int
    amount: int


class ForeignOut(BaseModel):
    amount: int
    worth: int = Field(description="In the shop's currency, as it was taken.")


class NoSaleOut(BaseModel):
    reason: str | None
    at: Instant
    by_id: str | None


class ReportOut(BaseModel):
    """What the events of a session add up to."""

    opening_float: int
    sales: SalesOut
    payments: list[MoneyOut]
    moves: list[MoneyOut]
    foreign: dict[str, ForeignOut]
    coming: dict[str, int] = Field(description="Mobile money of these sales that nobody has seen come.")
    collected: int = Field(description="From customers, by all tenders, refunds taken off.")


class XOut(BaseModel):
    """A session so far. In the shop there are no sums in it before the drawer was counted."""

    drawer_session_id: str
    is_blind: bool
    is_forgotten: bool
    sales_count: int
    undone_count: int
    no_sales: list[NoSaleOut]
    report: ReportOut | None
    expected: SumsOut | None


class CountedOut(SumsOut):
    kind: str
    nth: int
    denominations: dict[str, int] = Field(description="How many of each note or coin.")
    at: Instant
    by_id: str | None


class FloatOut(BaseModel):
    before: int | None
    after: int | None


class ZOut(BaseModel):
    """The report that ended a session."""

    id: str
    shop_id: str
    number: str
    drawer_session_id: str
    business_on: date
    till: str | None
    expected: int = Field(description="Cash.")
    counted: int = Field(description="Cash.")
    difference: int = Field(description="Over all that was counted.")
    since_inception: int = Field(description="All that was collected in this series of Z reports, this one with it.")
    created_at: Instant
    created_by: str | None


class ZWhole(ZOut):
    report: ReportOut
    no_sales: list[NoSaleOut]
    expected_sums: SumsOut
    counted_sums: SumsOut
    difference_sums: SumsOut
    counts: list[CountedOut]
    floats: dict[str, FloatOut]
    is_within_limit: bool


class ZPage(BaseModel):
    items: list[ZOut]
    next_cursor: str | None


class MoveOut(BaseModel):
    """A slip that was written."""

    id: str
    number: str


class DepositOut(BaseModel):
    """Cash brought to the bank."""

    id: str
    shop_id: str
    number: str | None
    drawer_session_id: str | None
    amount: int
    note: str | None
    has_photo: bool
    created_at: Instant
    created_by: str | None
    confirmed_amount: int | None
    confirmed_on: date | None
    confirmed_by: str | None
    bank_reference: str | None


class DepositPage(BaseModel):
    items: list[DepositOut]
    next_cursor: str | None


def drawer_out(row: DrawerSession) -> DrawerOut:
    counted: dict[str, Any] = {"counted": None, "expected": None, "difference": None}
    if row.counted_minor is not None and row.expected_minor is not None:
        counted = {
            "counted": row.counted_minor, "expected": row.expected_minor,
            "difference": row.counted_minor - row.expected_minor,
        }  # fmt: skip
    return DrawerOut(
        id=row.id, shop_id=row.shop_id, till=row.till, status="Open" if row.is_open else "Closed",
        opening_float=row.opening_float_minor, business_on=row.business_on, opened_by=row.opened_by,
        cashier_id=row.cashier_id or row.opened_by, handed_from_id=row.handed_from_id,
        opened_at=row.opened_at, closed_by=row.closed_by, closed_at=row.closed_at, notes=row.notes,
        explanation=row.explanation, approved_by=row.approved_by, **counted,
    )  # fmt: skip


def x_out(found: XReport) -> XOut:
    return XOut(
        drawer_session_id=found.drawer.id, is_blind=found.is_blind, is_forgotten=found.is_forgotten,
        sales_count=found.sales, undone_count=found.undone, no_sales=_no_sales(found.no_sales),
        report=_report(found.report) if found.report else None,
        expected=SumsOut(**found.expected) if found.expected else None,
    )  # fmt: skip


def z_out(row: ZReport) -> ZOut:
    return ZOut(**_z(row))


def z_whole(row: ZReport) -> ZWhole:
    body = orjson.loads(row.body)
    counts = [CountedOut(**{**told, "at": datetime.fromisoformat(told["at"])}) for told in body["counts"]]
    return ZWhole(
        **_z(row), report=_report(body), no_sales=_no_sales(body["no_sales"]),
        expected_sums=SumsOut(**body["expected"]), counted_sums=SumsOut(**body["counted"]),
        difference_sums=SumsOut(**body["difference"]), counts=counts, floats=body["floats"],
        is_within_limit=body["is_within_limit"],
    )  # fmt: skip


def deposit_out(found: Deposit) -> DepositOut:
    move, confirmed = found.move, found.confirmed
    return DepositOut(
        id=move.id, shop_id=move.shop_id, number=move.number, drawer_session_id=move.drawer_session_id,
        amount=-move.amount_minor, note=move.note, has_photo=move.photo is not None, created_at=move.at,
        created_by=move.by_id, confirmed_amount=confirmed.amount_minor if confirmed else None,
        confirmed_on=confirmed.confirmed_on if confirmed else None,
        confirmed_by=confirmed.by_id if confirmed else None, bank_reference=confirmed.reference if confirmed else None,
    )  # fmt: skip


def _z(row: ZReport) -> dict[str, Any]:
    return {
        "id": row.id, "shop_id": row.shop_id, "number": row.number, "drawer_session_id": row.drawer_session_id,
        "business_on": row.business_on, "till": row.till, "expected": row.expected_minor,
        "counted": row.counted_minor, "difference": row.difference_minor,
        "since_inception": row.since_inception_minor, "created_at": row.at, "created_by": row.by_id,
    }  # fmt: skip


def _report(body: dict[str, Any]) -> ReportOut:
    return ReportOut(**{name: body[name] for name in ReportOut.model_fields})


def _no_sales(rows: list[dict[str, Any]]) -> list[NoSaleOut]:
    return [NoSaleOut(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows]
