"""Customers' accounts: what they owe, payments on account, store credit, and money that belongs to nothing yet."""

from __future__ import annotations

from typing import Any

from shopnode.api.calls import Call
from shopnode.api.customer_shapes import (
    AllocatedOut,
    BookedMoney,
    DebtorPage,
    DebtorQuery,
    DuePage,
    DueQuery,
    EntryPage,
    EntryQuery,
    PaymentOut,
    SentBackOut,
    SlipOut,
    Standing,
    StatementOut,
    StatementQuery,
    TermsOut,
    WaitingPage,
    debtor_out,
    due_out,
    entry_out,
    statement_out,
    waiting_out,
)
from shopnode.api.routing import route
from shopnode.api.shapes import Paged
from shopnode.domain.accounts.forms import (
    Correction,
    CreditTerms,
    CreditUse,
    NotedMoney,
    Owner,
    PaymentOnAccount,
    ReceiveUnallocated,
    WayBack,
)
from shopnode.domain.accounts.queries import due_soon, entries_of, statement, who_owes
from shopnode.domain.accounts.unallocated import unallocated_money
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import Invalid
from shopnode.domain.params import Params
from shopnode.domain.permissions import Permission


@route("GET", "/customers/<customer_id>/account-entries", needs=Permission.CUSTOMERS_READ)
def customer_entries(call: Call, customer_id: str, query: EntryQuery) -> EntryPage:
    """The lines of a customer's accounts, the latest first."""
    find_customer(call.ctx.session, customer_id)
    page = entries_of(
        call.ctx.session, customer_id, account=query.account, limit=query.limit, cursor=query.cursor or None
    )
    return EntryPage(items=[entry_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/customers/<customer_id>/statement", needs=Permission.CUSTOMERS_READ)
def customer_statement(call: Call, customer_id: str, query: StatementQuery) -> StatementOut:
    """What a customer owes and how it came to that, with its age."""
    if query.date_from and query.date_to and query.date_from > query.date_to:
        raise Invalid({"date_from": "is after date_to"})
    row = find_customer(call.ctx.session, customer_id)
    return statement_out(statement(call.ctx, row, query.date_from, query.date_to))


@route("PUT", "/customers/<customer_id>/credit", action="accounts.set_credit")
def set_credit(call: Call, customer_id: str, body: CreditTerms) -> TermsOut:
    """Agree how much a customer may owe and for how long."""
    return TermsOut(**call.perform(_of(customer_id, body)).result)


@route("POST", "/customers/<customer_id>/payments", action="accounts.take_payment", status=201)
def pay_on_account(call: Call, customer_id: str, body: PaymentOnAccount) -> PaymentOut:
    """Take money for what a customer owes: chosen charges first, then the oldest; the rest becomes store credit."""
    return PaymentOut.model_validate(call.perform(_of(customer_id, body)).result)


@route("POST", "/customers/<customer_id>/store-credit", action="accounts.sell_store_credit", status=201)
def sell_store_credit(call: Call, customer_id: str, body: NotedMoney) -> SlipOut:
    """Take money now for goods later: a gift card."""
    return SlipOut.model_validate(call.perform(_of(customer_id, body)).result)


@route("POST", "/customers/<customer_id>/store-credit/use", action="accounts.use_store_credit")
def use_store_credit(call: Call, customer_id: str, body: CreditUse) -> Standing:
    """Pay what a customer owes out of their store credit."""
    return Standing.model_validate(call.perform(_of(customer_id, body)).result)


@route(
    "POST", "/customers/<customer_id>/store-credit/pay-out", action="accounts.pay_out_store_credit", status=201,
    takes_approval=True,
)  # fmt: skip
def pay_out_store_credit(call: Call, customer_id: str, body: NotedMoney) -> SlipOut:
    """Give store credit out as money, with a second person."""
    return SlipOut.model_validate(call.perform(_of(customer_id, body)).result)


@route("POST", "/customers/<customer_id>/corrections", action="accounts.correct", status=201)
def correct_account(call: Call, customer_id: str, body: Correction) -> Standing:
    """Put an account right by an entry of its own, with a reason."""
    return Standing.model_validate(call.perform(_of(customer_id, body)).result)


@route("GET", "/receivables", needs=Permission.CUSTOMERS_READ)
def list_debtors(call: Call, query: DebtorQuery) -> DebtorPage:
    """Customers who owe, the largest debt first, with its age."""
    page = who_owes(call.ctx, limit=query.limit, cursor=query.cursor or None, overdue_only=query.overdue)
    return DebtorPage(items=[debtor_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/receivables/due", needs=Permission.CUSTOMERS_READ)
def list_due(call: Call, query: DueQuery) -> DuePage:
    """What is due within so many days or was due before, the first due first."""
    page = due_soon(call.ctx, query.days, limit=query.limit, cursor=query.cursor or None)
    return DuePage(items=[due_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("POST", "/unallocated-money", action="accounts.receive_unallocated", status=201)
def receive_unallocated(call: Call, body: ReceiveUnallocated) -> BookedMoney:
    """Book money that came for nothing known: a wrong number, or more than was due."""
    return BookedMoney.model_validate(call.perform(body).result)


@route("GET", "/unallocated-money", needs=Permission.ACCOUNTS_COLLECT)
def list_unallocated(call: Call, query: Paged) -> WaitingPage:
    """Money that waits for its owner, the oldest first."""
    page = unallocated_money(call.ctx.session, limit=query.limit, cursor=query.cursor or None)
    return WaitingPage(items=[waiting_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("POST", "/unallocated-money/<money_id>/allocate", action="accounts.allocate_money", takes_approval=True)
def allocate_money(call: Call, money_id: str, body: Owner) -> AllocatedOut:
    """Give unallocated money to the customer it came from, as store credit, with a second person."""
    return AllocatedOut.model_validate(call.perform({"money_id": money_id, "customer_id": body.customer_id}).result)


@route("POST", "/unallocated-money/<money_id>/send-back", action="accounts.send_back_money", takes_approval=True)
def send_back_money(call: Call, money_id: str, body: WayBack) -> SentBackOut:
    """Send unallocated money back, with a second person."""
    form = {"money_id": money_id, **body.model_dump(exclude_unset=True)}
    return SentBackOut.model_validate(call.perform(form).result)


def _of(customer_id: str, body: Params) -> dict[str, Any]:
    return {"customer_id": customer_id, **body.model_dump(exclude_unset=True)}
