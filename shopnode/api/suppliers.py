"""Suppliers: whom the business buys from, what is owed to them, and phones that go back to them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryBool, QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Searched, left_out
from shopnode.domain.buying.accounts import Reference
from shopnode.domain.buying.models import Supplier, SupplierEntryKind
from shopnode.domain.buying.owed import balances, debts, statement
from shopnode.domain.buying.queries import find_supplier, search_suppliers
from shopnode.domain.buying.receiving import DeliveredPhone
from shopnode.domain.buying.suppliers import CreateSupplier, Days, TaxId
from shopnode.domain.context import Context
from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.params import Code, IdText, Name, Note, Params, PositiveAmount, Reason, ShortText
from shopnode.domain.people.rules import Email
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import Phone

AMOUNT = {"amount_minor": "amount"}
DEVICE = {"device_id": "unit_id"}


class SupplierChange(Params):
    """Any subset of a supplier's fields; null empties those that may be empty."""

    name: Name = left_out()
    contact: ShortText | None = None
    phone: Phone | None = None
    email: Email | None = None
    address: ShortText | None = None
    tax_id: TaxId | None = None
    terms_days: Days = left_out()
    lead_days: Days | None = None
    notes: Note | None = None
    is_active: bool = left_out()


class SupplierOut(BaseModel):
    """Whom the business buys from."""

    id: str
    name: str
    contact: str | None
    phone: str | None
    email: str | None
    address: str | None
    tax_id: str | None
    terms_days: int
    lead_days: int | None
    notes: str | None
    is_active: bool
    owed: int | None = Field(
        default=None, description="Minor units; below 0 when they owe us. Owners only; left out for others."
    )
    created_by: str | None
    created_at: Instant


class SupplierPage(BaseModel):
    items: list[SupplierOut]
    next_cursor: str | None


class SupplierQuery(Searched):
    archived: QueryBool = False


class DebtOut(BaseModel):
    """What is owed to one supplier, by how long it is over due."""

    supplier_id: str
    name: str
    owed: int
    not_due: int
    days_30: int
    days_60: int
    days_90: int
    older: int


class DebtList(BaseModel):
    items: list[DebtOut]


class StatementQuery(BaseModel):
    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    from_on: QueryDay | None = None
    to_on: QueryDay | None = None


class EntryOut(BaseModel):
    """One entry of an account, and what was owed after it."""

    id: str
    at: Instant
    kind: SupplierEntryKind
    amount: int
    balance: int
    reference: str | None
    note: str | None
    due_on: date | None
    receipt_id: str | None


class StatementOut(BaseModel):
    """A supplier's account from one day to another."""

    supplier_id: str
    name: str
    from_on: date
    to_on: date
    opening: int
    closing: int
    entries: list[EntryOut]


class SupplierMoney(Params):
    """Money to a supplier, or back from them."""

    method: Code
    amount: PositiveAmount
    reference: Reference = None
    note: ShortText | None = None


class CreditNoteIn(Params):
    amount: PositiveAmount
    reference: Reference = None
    reason: Reason


class CorrectionIn(Params):
    amount: Annotated[int, Field(ge=-MONEY_MINOR_MAX, le=MONEY_MINOR_MAX)]
    reason: Reason


class OwedOut(BaseModel):
    """What is owed to the supplier now."""

    supplier_id: str
    owed: int
    number: str | None = Field(default=None, description="Of the money slip.")


class SentBack(Params):
    """A phone that goes back to its supplier."""

    device_id: IdText
    supplier_id: IdText | None = None
    reason: Reason


class ReturnEnd(Params):
    """What the supplier made of it."""

    outcome: Annotated[str, Field(pattern="^(repaired|replaced|credited|refused)$")]
    replacement: DeliveredPhone | None = None
    credited: PositiveAmount | None = None
    note: Reason | None = None


class SupplierReturnOut(BaseModel):
    """A phone with its supplier, or back from there."""

    id: str
    number: str
    device_status: str


@route("POST", "/suppliers", action="suppliers.create", status=201)
def create_supplier(call: Call, body: CreateSupplier) -> SupplierOut:
    """Add a supplier."""
    return _one(call.ctx, call.perform(body).result["id"])


@route("GET", "/suppliers", needs=Permission.SUPPLIERS_READ)
def list_suppliers(call: Call, query: SupplierQuery) -> SupplierPage:
    """Find suppliers by name, contact or telephone number."""
    page = search_suppliers(
        call.ctx.session, query.q, archived=query.archived, limit=query.limit, cursor=query.cursor or None
    )
    owed = _owed_to(call.ctx, [row.id for row in page.rows])
    return SupplierPage(items=[_out(row, owed) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/suppliers/debts", needs=Permission.SUPPLIERS_MANAGE)
def list_supplier_debts(call: Call) -> DebtList:
    """What is owed to suppliers, the largest debt first, by how long it is over due."""
    return DebtList(
        items=[
            DebtOut(
                supplier_id=debt.supplier_id, name=debt.name, owed=debt.owed_minor, not_due=debt.ages[0],
                days_30=debt.ages[1], days_60=debt.ages[2], days_90=debt.ages[3], older=debt.ages[4],
            )
            for debt in debts(call.ctx)
        ]
    )  # fmt: skip


@route("GET", "/suppliers/<supplier_id>", needs=Permission.SUPPLIERS_READ)
def get_supplier(call: Call, supplier_id: str) -> SupplierOut:
    """One supplier."""
    return _one(call.ctx, supplier_id)


@route("PUT", "/suppliers/<supplier_id>", action="suppliers.update")
def update_supplier(call: Call, supplier_id: str, body: SupplierChange) -> SupplierOut:
    """Change any of a supplier's fields. `is_active` takes them off the list, or puts them back."""
    given = body.model_dump(exclude_unset=True)
    active = given.pop("is_active", None)
    if given:
        call.perform({"supplier_id": supplier_id, **given})
    if active is not None:
        action = "suppliers.restore" if active else "suppliers.archive"
        call.perform({"supplier_id": supplier_id}, action=action, step="is-active")
    return _one(call.ctx, supplier_id)


@route("DELETE", "/suppliers/<supplier_id>", action="suppliers.archive")
def archive_supplier(call: Call, supplier_id: str) -> SupplierOut:
    """Take a supplier off the list. They are archived, not deleted: what was bought stays in the books."""
    call.perform({"supplier_id": supplier_id})
    return _one(call.ctx, supplier_id)


@route("GET", "/suppliers/<supplier_id>/statement", needs=Permission.SUPPLIERS_MANAGE)
def supplier_statement(call: Call, supplier_id: str, query: StatementQuery) -> StatementOut:
    """A supplier's account; the last 90 days when no days are named."""
    told = statement(call.ctx, supplier_id, query.from_on, query.to_on)
    return StatementOut(
        supplier_id=told.supplier_id, name=told.name, from_on=told.from_on, to_on=told.to_on,
        opening=told.opening_minor, closing=told.closing_minor,
        entries=[
            EntryOut(
                id=line.id, at=line.at, kind=line.kind, amount=line.amount_minor, balance=line.balance_minor,
                reference=line.reference, note=line.note, due_on=line.due_on, receipt_id=line.receipt_id,
            )
            for line in told.lines
        ],
    )  # fmt: skip


@route("POST", "/suppliers/<supplier_id>/payments", action="suppliers.pay", status=201)
def pay_supplier(call: Call, supplier_id: str, body: SupplierMoney) -> OwedOut:
    """Pay a supplier."""
    return _owed(call, supplier_id, body)


@route("POST", "/suppliers/<supplier_id>/refunds", action="suppliers.take_refund", status=201)
def take_supplier_refund(call: Call, supplier_id: str, body: SupplierMoney) -> OwedOut:
    """Take money back from a supplier."""
    return _owed(call, supplier_id, body)


@route("POST", "/suppliers/<supplier_id>/credit-notes", action="suppliers.credit_note", status=201)
def book_credit_note(call: Call, supplier_id: str, body: CreditNoteIn) -> OwedOut:
    """Book a supplier's credit note."""
    return _owed(call, supplier_id, body)


@route("POST", "/suppliers/<supplier_id>/corrections", action="suppliers.correct_account", status=201)
def correct_supplier_account(call: Call, supplier_id: str, body: CorrectionIn) -> OwedOut:
    """Correct what is owed to a supplier, with the reason."""
    return _owed(call, supplier_id, body)


@route("POST", "/supplier-returns", action="suppliers.send_back", status=201)
def send_to_supplier(call: Call, body: SentBack) -> SupplierReturnOut:
    """Send a phone back to its supplier."""
    given = {DEVICE.get(name, name): value for name, value in body.model_dump(exclude_unset=True).items()}
    done = call.perform(given, names={"unit_id": "device_id"}).result
    return SupplierReturnOut(id=done["return_id"], number=done["number"], device_status=done["status"])


@route("POST", "/supplier-returns/<return_id>/end", action="suppliers.end_return")
def end_supplier_return(call: Call, return_id: str, body: ReturnEnd) -> SupplierReturnOut:
    """Say what the supplier made of a phone: repaired, replaced, credited or refused."""
    given = body.model_dump(exclude_unset=True)
    if "credited" in given:
        given["credited_minor"] = given.pop("credited")
    done = call.perform({"return_id": return_id, **given}, names={"credited_minor": "credited"}).result
    return SupplierReturnOut(id=done["return_id"], number=done["number"], device_status=done["status"])


def _owed(call: Call, supplier_id: str, body: BaseModel) -> OwedOut:
    given = body.model_dump(exclude_unset=True)
    given["amount_minor"] = given.pop("amount")
    done = call.perform({"supplier_id": supplier_id, **given}, names=AMOUNT).result
    return OwedOut(supplier_id=supplier_id, owed=done["owed"], number=done.get("number"))


def _one(ctx: Context, supplier_id: str) -> SupplierOut:
    return _out(find_supplier(ctx.session, supplier_id), _owed_to(ctx, [supplier_id]))


def _owed_to(ctx: Context, supplier_ids: list[str]) -> dict[str, int] | None:
    """What is owed to each; None for those whose business it is not, as their list of debts is not."""
    return balances(ctx, supplier_ids) if ctx.may(Permission.SUPPLIERS_MANAGE) else None


def _out(row: Supplier, owed: dict[str, int] | None) -> SupplierOut:
    account = {} if owed is None else {"owed": owed.get(row.id, 0)}
    return SupplierOut(
        id=row.id, name=row.name, contact=row.contact, phone=row.phone, email=row.email, address=row.address,
        tax_id=row.tax_id, terms_days=row.terms_days, lead_days=row.lead_days, notes=row.notes,
        is_active=row.archived_at is None, created_by=row.created_by, created_at=row.created_at, **account,
    )  # fmt: skip
