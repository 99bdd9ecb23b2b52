"""Tenders of a customer's account: on account, store credit and points; and money that was paid before, by a plan.

A tender that is given back changes the account it came from. What a customer had paid of a debt meanwhile becomes store
credit: paid out again with a second person, or spent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import func, select

from shopnode.domain.accounts.ledger import (
    About,
    account_holder,
    add_points,
    balance_now,
    charge,
    discharge_only,
    open_charges,
    owe_customer,
    take_points,
    take_store_credit,
)
from shopnode.domain.accounts.models import Account, AccountEntry, EntryKind
from shopnode.domain.accounts.rules import credit_objection, points_to_spend
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid
from shopnode.domain.permissions import Role
from shopnode.domain.plans.models import Plan, PlanDue, PlanKind
from shopnode.domain.queries import row_or_none
from shopnode.domain.sales.models import Payment, Tender
from shopnode.domain.sales.rules import METHOD_NAMES, Settled
from shopnode.domain.sales.tenders import Ticket, register_tender
from shopnode.domain.settings.queries import number_setting


def holder_of(ctx: Context, ticket: Ticket, tender: Tender) -> Customer:
    """The customer of a ticket, whom this tender needs (rule 36). Raises Invalid."""
    if ticket.customer_id is None:
        raise Invalid({"customer_id": f"is needed for “{METHOD_NAMES[tender]}”: choose or add the customer first"})
    return account_holder(ctx.session, ticket.customer_id)


def check_credit(ctx: Context, customer: Customer, more_minor: int) -> None:
    """The limit blocks, unless a second person approves or the owner sells. Raises ApprovalNeeded."""
    if ctx.actor.role is Role.OWNER:
        return
    owed = balance_now(ctx.session, customer.id, Account.CREDIT)
    objection = credit_objection(customer.name, customer.credit_limit_minor, owed, more_minor)
    if objection is not None:
        nameless = credit_objection("The customer", customer.credit_limit_minor, owed, more_minor)
        ctx.require_approval(objection, kept=nameless)


def take_on_account(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The customer owes it, until a day; of an instalment plan, by the days that were agreed."""
    customer = holder_of(ctx, ticket, part.method)
    check_credit(ctx, customer, part.amount_minor)
    about = About(ticket.sale_id, number=ticket.number)
    for due_on, amount in _dues(ctx, ticket, customer, part):
        charge(ctx, customer.id, amount, due_on, about)
    return replace(part, about_id=None)


def _dues(ctx: Context, ticket: Ticket, customer: Customer, part: Settled) -> list[tuple[date, int]]:
    if part.about_id is None:
        days = customer.credit_days
        if days is None:
            days = number_setting(ctx.session, "credit_days")
        return [((ticket.business_on or ctx.now.date()) + timedelta(days=days), part.amount_minor)]
    plan = row_or_none(ctx.session, Plan, part.about_id)
    query = select(PlanDue).where(PlanDue.plan_id == part.about_id).order_by(PlanDue.due_on, PlanDue.id)
    dues = [(due.due_on, due.amount_minor) for due in ctx.session.scalars(query)]
    is_agreed = plan is not None and plan.kind == PlanKind.INSTALMENT and plan.sale_id is None
    if not is_agreed or plan is None or plan.customer_id != customer.id:
        raise Invalid({"payments": "“On account” names a plan that is not this customer's, or that is a sale already"})
    if sum(amount for _, amount in dues) != part.amount_minor:
        raise Invalid({"payments": "the instalments do not come to what is left to pay"})
    return dues


def give_back_on_account(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The debt of this sale gets smaller; what was paid of it already becomes store credit."""
    customer_id = _whose(ctx, ticket, Account.CREDIT)
    about = About(ticket.sale_id, number=ticket.number)
    of_sale = open_charges(ctx.session, customer_id, sale_id=ticket.sale_id)
    paid = discharge_only(ctx, customer_id, part.amount_minor, about, EntryKind.REFUND, of_sale)
    if paid:
        owe_customer(ctx, customer_id, paid, EntryKind.REFUND, about)
    return part


def take_credit_of_store(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """Paid out of the customer's store credit, never below zero."""
    customer = holder_of(ctx, ticket, part.method)
    take_store_credit(ctx, customer, part.amount_minor, EntryKind.SPENT, About(ticket.sale_id, number=ticket.number))
    return part


def give_back_to_store_credit(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """Into the store credit it came from; money of another tender into that of the customer it names."""
    customer_id = part.about_id or _whose(ctx, ticket, Account.STORE_CREDIT, EntryKind.SPENT)
    owe_customer(ctx, customer_id, part.amount_minor, EntryKind.REFUND, About(ticket.sale_id, number=ticket.number))
    return replace(part, method=Tender.STORE_CREDIT, reference=None, about_id=None)


def take_in_points(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """Paid by points, at what a point is worth now."""
    customer = holder_of(ctx, ticket, part.method)
    try:
        points = points_to_spend(part.amount_minor, number_setting(ctx.session, "point_worth_minor"))
    except ValueError as refused:
        raise Invalid({"payments": str(refused)}) from None
    least = number_setting(ctx.session, "points_spend_min")
    if points < least:
        raise Invalid({"payments": f"points are taken from {least:,} on"})
    take_points(ctx, customer, points, EntryKind.SPENT, About(ticket.sale_id, number=ticket.number))
    return part


def give_back_points(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The points that were taken for this part of the sale come back, as many as were taken."""
    customer_id = _whose(ctx, ticket, Account.POINTS)
    spent = -_sum_of_sale(ctx, ticket.sale_id, Account.POINTS, (EntryKind.SPENT, EntryKind.REFUND))
    paid = _paid_by(ctx, ticket.sale_id, Tender.POINTS)
    points = spent if part.amount_minor >= paid else spent * part.amount_minor // paid
    if points:
        add_points(ctx, customer_id, points, EntryKind.REFUND, About(ticket.sale_id, number=ticket.number))
    return part


def take_paid_before(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """A plan's money: it was taken before, and the plan itself says how much there is."""
    return part


def _whose(ctx: Context, ticket: Ticket, account: Account, kind: EntryKind | None = None) -> str:
    """Whose account it came from: the customer of the sale's own entries, else the ticket's. Raises Invalid."""
    query = select(AccountEntry.customer_id).where(
        AccountEntry.sale_id == ticket.sale_id, AccountEntry.account == account.value
    )
    if kind is not None:
        query = query.where(AccountEntry.kind == kind.value)
    known: str | None = ctx.session.scalar(query.order_by(AccountEntry.at).limit(1))
    return known or holder_of(ctx, ticket, Tender.STORE_CREDIT).id


def _sum_of_sale(ctx: Context, sale_id: str, account: Account, kinds: tuple[EntryKind, ...]) -> int:
    query = select(func.coalesce(func.sum(AccountEntry.amount), 0)).where(
        AccountEntry.sale_id == sale_id,
        AccountEntry.account == account.value,
        AccountEntry.kind.in_([kind.value for kind in kinds]),
    )
    return int(ctx.session.scalar(query) or 0)


def _paid_by(ctx: Context, sale_id: str, method: Tender) -> int:
    query = select(func.coalesce(func.sum(Payment.amount_minor), 0)).where(
        Payment.sale_id == sale_id, Payment.method == method.value
    )
    return int(ctx.session.scalar(query) or 0)


register_tender(Tender.ON_ACCOUNT, take=take_on_account, give_back=give_back_on_account, typed=True)
register_tender(Tender.STORE_CREDIT, take=take_credit_of_store, give_back=give_back_to_store_credit, typed=True)
register_tender(Tender.POINTS, take=take_in_points, give_back=give_back_points, typed=True)
register_tender(Tender.PLAN, take=take_paid_before, give_back=give_back_to_store_credit, typed=False)
