"""What is sent and answered about customers and their accounts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from shopnode.api.reading import QueryBool, QueryDay, QueryInt
from shopnode.api.shapes import Instant, Paged, Searched, left_out
from shopnode.domain.accounts.models import Account, AccountEntry, EntryKind
from shopnode.domain.accounts.queries import Balances, Debtor, Due, Statement, balances_of
from shopnode.domain.accounts.rules import Ageing
from shopnode.domain.accounts.unallocated import Waiting
from shopnode.domain.customers.actions import BirthDay, Gender, IdNumber
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.owned import OwnedDevice
from shopnode.domain.params import IdText, Name, Note, Params, Reason, ShortText
from shopnode.domain.people.rules import Email
from shopnode.domain.phones import Phone, guess_network


class CustomerChange(Params):
    """Any subset of a customer's fields; null empties those that may be empty."""

    name: Name = left_out()
    phone: Phone | None = None
    email: Email | None = None
    address: ShortText | None = None
    notes: Note | None = None
    id_number: IdNumber | None = None
    date_of_birth: BirthDay | None = None
    gender: Gender | None = None
    price_list_id: IdText | None = None
    may_message: bool = left_out()


class CustomerQuery(Searched):
    """Any piece of a telephone number, or a name, in `q`."""

    sort: Literal["name", "-created_at"] = "name"


class CustomerOut(BaseModel):
    """A person or firm that buys, and what stands on their accounts."""

    id: str
    name: str
    phone: Annotated[str | None, Field(description="With the country's code: +256772123456.")]
    network: Annotated[str | None, Field(description="Whose number it is, guessed from its prefix.")]
    email: str | None
    address: str | None
    notes: str | None
    id_number: str | None
    date_of_birth: date | None
    gender: str | None
    price_list_id: str | None
    credit_limit: int | None
    credit_days: int | None
    may_message: bool
    owes: int
    store_credit: int
    loyalty_points: int
    is_active: bool
    merged_into: str | None
    erased_at: Instant | None
    created_by: str | None
    created_at: Instant


class CustomerWhole(CustomerOut):
    """With what they bought over the years."""

    purchases: int
    total_purchases: Annotated[int, Field(description="Sales that stand.")]
    lifetime_value: Annotated[int, Field(description="The same, less what was given back for returns.")]
    last_purchase_on: date | None


class CustomerPage(BaseModel):
    items: list[CustomerOut]
    next_cursor: str | None


class OwnedOut(BaseModel):
    """A phone they have from us."""

    handset_id: str
    device_id: str
    name: str
    imei: str
    sale_id: str
    sale_number: str
    sold_at: Instant
    price: int
    warranty_until: date | None


class OwnedPage(BaseModel):
    items: list[OwnedOut]


class MergeInto(Params):
    """The customer this one is a duplicate of."""

    into_id: IdText
    reason: Reason | None = None


class Erasing(Params):
    """On whose word."""

    reason: Reason


class EntryQuery(Paged):
    account: Account | None = None


class EntryOut(BaseModel):
    """One line of an account; + is more of what the account counts."""

    id: str
    account: Account
    kind: EntryKind
    amount: int
    sale_id: str | None
    number: str | None
    due_on: date | None
    note: str | None
    created_at: Instant


class EntryPage(BaseModel):
    items: list[EntryOut]
    next_cursor: str | None


class AgeingOut(BaseModel):
    """What is owed, by the days since it was due."""

    not_due: int
    days_0_30: int
    days_31_60: int
    days_61_90: int
    over_90: int


class StatementQuery(BaseModel):
    """The days; the last three months when left out."""

    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    date_from: QueryDay | None = None
    date_to: QueryDay | None = None


class StatementLineOut(BaseModel):
    created_at: Instant
    kind: EntryKind
    number: str | None
    due_on: date | None
    note: str | None
    amount: int
    balance: int


class StatementOut(BaseModel):
    """What a customer owes and how it came to that."""

    customer_id: str
    name: str
    phone: str | None
    date_from: date
    date_to: date
    opening_balance: int
    lines: list[StatementLineOut]
    closing_balance: int
    ageing: AgeingOut
    store_credit: int
    left_out: int = Field(
        description="The first entries of a long statement, which are in its opening balance and not among its lines."
    )


class Standing(BaseModel):
    """What stands after a call."""

    customer_id: str
    owes: int
    store_credit: int
    points: int


class PaymentOut(Standing):
    """The slip, and where the money went."""

    number: str
    paid: int
    applied: int
    to_store_credit: int


class SlipOut(Standing):
    number: str


class TermsOut(BaseModel):
    credit_limit: int | None
    credit_days: int | None


class DebtorQuery(Paged):
    overdue: QueryBool = False


class DebtorOut(BaseModel):
    """A customer who owes."""

    customer_id: str
    name: str
    phone: str | None
    owes: int
    credit_limit: int | None
    oldest_due_on: date | None
    ageing: AgeingOut


class DebtorPage(BaseModel):
    items: list[DebtorOut]
    next_cursor: str | None


class DueQuery(Paged):
    days: Annotated[QueryInt, Field(ge=0, le=366)] = 7


class DueOut(BaseModel):
    """What is left of a charge."""

    charge_id: str
    customer_id: str
    name: str
    phone: str | None
    sale_number: str | None
    due_on: date | None
    amount: int


class DuePage(BaseModel):
    items: list[DueOut]
    next_cursor: str | None


class WaitingOut(BaseModel):
    """Money that belongs to nothing yet."""

    id: str
    shop_id: str
    number: str | None
    method: str
    reference: str | None
    amount: int
    note: str | None
    created_at: Instant


class WaitingPage(BaseModel):
    items: list[WaitingOut]
    next_cursor: str | None


class BookedMoney(BaseModel):
    money_id: str
    number: str


class AllocatedOut(BaseModel):
    money_id: str
    customer_id: str
    store_credit: int


class SentBackOut(BookedMoney):
    sent_back: int


def customers_out(session: Session, rows: Collection[Customer]) -> list[CustomerOut]:
    """Customers with their balances, in one query more."""
    known = balances_of(session, [row.id for row in rows])
    return [CustomerOut(**customer_fields(row, known[row.id])) for row in rows]


def customer_fields(row: Customer, has: Balances) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "phone": row.phone,
        "network": guess_network(row.phone) if row.phone else None, "email": row.email, "address": row.address,
        "notes": row.notes, "id_number": row.id_number, "date_of_birth": row.date_of_birth, "gender": row.gender,
        "price_list_id": row.price_list_id, "credit_limit": row.credit_limit_minor, "credit_days": row.credit_days,
        "may_message": row.may_message_at is not None, "owes": has.owes_minor,
        "store_credit": has.store_credit_minor, "loyalty_points": has.points, "is_active": row.archived_at is None,
        "merged_into": row.merged_into, "erased_at": row.erased_at, "created_by": row.created_by,
        "created_at": row.created_at,
    }  # fmt: skip


def owned_out(row: OwnedDevice) -> OwnedOut:
    return OwnedOut(
        handset_id=row.handset_id, device_id=row.unit_id, name=row.name, imei=row.imei, sale_id=row.sale_id,
        sale_number=row.sale_number, sold_at=row.sold_at, price=row.price_minor, warranty_until=row.warranty_until,
    )  # fmt: skip


def entry_out(row: AccountEntry) -> EntryOut:
    return EntryOut(
        id=row.id, account=Account(row.account), kind=EntryKind(row.kind), amount=row.amount, sale_id=row.sale_id,
        number=row.number, due_on=row.due_on, note=row.note, created_at=row.at,
    )  # fmt: skip


def ageing_out(row: Ageing) -> AgeingOut:
    return AgeingOut(
        not_due=row.not_due_minor, days_0_30=row.days_30_minor, days_31_60=row.days_60_minor,
        days_61_90=row.days_90_minor, over_90=row.older_minor,
    )  # fmt: skip


def statement_out(row: Statement) -> StatementOut:
    lines = [
        StatementLineOut(
            created_at=line.at, kind=EntryKind(line.kind), number=line.number, due_on=line.due_on, note=line.note,
            amount=line.amount_minor, balance=line.balance_minor,
        )
        for line in row.lines
    ]  # fmt: skip
    return StatementOut(
        customer_id=row.customer_id, name=row.name, phone=row.phone, date_from=row.from_on, date_to=row.to_on,
        opening_balance=row.opening_minor, lines=lines, closing_balance=row.closing_minor,
        ageing=ageing_out(row.ageing), store_credit=row.store_credit_minor, left_out=row.left_out,
    )  # fmt: skip


def debtor_out(row: Debtor) -> DebtorOut:
    return DebtorOut(
        customer_id=row.customer_id, name=row.name, phone=row.phone, owes=row.owes_minor,
        credit_limit=row.limit_minor, oldest_due_on=row.oldest_due_on, ageing=ageing_out(row.ageing),
    )  # fmt: skip


def due_out(row: Due) -> DueOut:
    return DueOut(
        charge_id=row.charge_id, customer_id=row.customer_id, name=row.name, phone=row.phone, sale_number=row.number,
        due_on=row.due_on, amount=row.open_minor,
    )  # fmt: skip


def waiting_out(row: Waiting) -> WaitingOut:
    return WaitingOut(
        id=row.money_id, shop_id=row.shop_id, number=row.number, method=row.method, reference=row.reference,
        amount=row.amount_minor, note=row.note, created_at=row.at,
    )  # fmt: skip
