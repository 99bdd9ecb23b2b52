"""Payments on account, store credit and corrections. Money goes through `cash.moves`, entries through the ledger."""

from __future__ import annotations

from typing import Any

from shopnode.domain.accounts.forms import (
    CorrectAccount,
    PayOut,
    SellStoreCredit,
    SetCredit,
    TakePayment,
    UseStoreCredit,
)
from shopnode.domain.accounts.ledger import (
    About,
    account_holder,
    add_points,
    balance_now,
    charge,
    discharge,
    open_charges,
    owe_customer,
    take_points,
    take_store_credit,
)
from shopnode.domain.accounts.models import Account, EntryKind
from shopnode.domain.accounts.rules import OpenCharge
from shopnode.domain.actions import action
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.homes import Where
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role


class NothingOwed(Conflict):
    code = "nothing-owed"

    def __init__(self, name: str, owed_minor: int = 0):
        words = f"{name} owes {owed_minor:,}: take no more than that." if owed_minor > 0 else f"{name} owes nothing."
        super().__init__(words)


@action("accounts.take_payment", needs=Permission.ACCOUNTS_COLLECT)
def take_payment(ctx: Context, form: TakePayment) -> dict[str, Any]:
    """Take money for what a customer owes: chosen charges first, then the oldest; the rest becomes store credit.

    Raises DrawerClosed, Invalid, ReferenceUsed, NotFound.
    """
    customer = account_holder(ctx.session, form.customer_id)
    chosen = _chosen(ctx, customer, form.charge_ids)
    moved = move_money(
        ctx, MoneyKind.ACCOUNT_PAYMENT, form.method, form.amount, reference=form.reference, customer_id=customer.id,
        note=form.note, fee_minor=form.fee, fee_borne_by=form.fee_borne_by,
    )  # fmt: skip
    about = About(money_id=moved.id, number=moved.number, note=form.note)
    rest = discharge(ctx, customer.id, form.amount, about, first=chosen)
    if rest:
        owe_customer(ctx, customer.id, rest, EntryKind.PAYMENT, about)
    ctx.about("customer", customer.id)
    return {
        "number": moved.number, "money_id": moved.id, "paid": form.amount, "applied": form.amount - rest,
        "to_store_credit": rest, **_standing(ctx, customer),
    }  # fmt: skip


@action("accounts.use_store_credit", needs=Permission.ACCOUNTS_COLLECT)
def use_store_credit(ctx: Context, form: UseStoreCredit) -> dict[str, Any]:
    """Pay what a customer owes out of their store credit. Raises TooLittle, NothingOwed, Invalid."""
    customer = account_holder(ctx.session, form.customer_id)
    owed = balance_now(ctx.session, customer.id, Account.CREDIT)
    if form.amount > owed:
        raise NothingOwed(customer.name, owed)
    chosen = _chosen(ctx, customer, form.charge_ids)
    take_store_credit(ctx, customer, form.amount, EntryKind.SPENT, About())
    rest = discharge(ctx, customer.id, form.amount, About(), first=chosen)
    if rest:  # paid twice by two shops: the charges are closed already, and this one keeps its credit
        raise NothingOwed(customer.name, form.amount - rest)
    ctx.about("customer", customer.id)
    return {"applied": form.amount, **_standing(ctx, customer)}


@action("accounts.sell_store_credit", needs=Permission.ACCOUNTS_COLLECT)
def sell_store_credit(ctx: Context, form: SellStoreCredit) -> dict[str, Any]:
    """Take money now for goods later: a gift card. Raises DrawerClosed, Invalid, ReferenceUsed, NotFound."""
    customer = account_holder(ctx.session, form.customer_id)
    moved = move_money(
        ctx, MoneyKind.STORE_CREDIT, form.method, form.amount, reference=form.reference, customer_id=customer.id,
        note=form.note, fee_minor=form.fee, fee_borne_by=form.fee_borne_by,
    )  # fmt: skip
    about = About(money_id=moved.id, number=moved.number, note=form.note)
    owe_customer(ctx, customer.id, form.amount, EntryKind.GIFT, about)
    ctx.about("customer", customer.id)
    return {"number": moved.number, "money_id": moved.id, **_standing(ctx, customer)}


@action("accounts.pay_out_store_credit", needs=Permission.ACCOUNTS_COLLECT)
def pay_out_store_credit(ctx: Context, form: PayOut) -> dict[str, Any]:
    """Give store credit out as money, with a second person. Raises TooLittle, ApprovalNeeded, DrawerClosed."""
    customer = account_holder(ctx.session, form.customer_id)
    if ctx.actor.role is not Role.OWNER:
        said = "Paying out {:,} of {} store credit needs a second person."
        ctx.require_approval(
            said.format(form.amount, f"{customer.name}'s"), kept=said.format(form.amount, "a customer's")
        )
    moved = move_money(
        ctx, MoneyKind.STORE_CREDIT, form.method, -form.amount, reference=form.reference, customer_id=customer.id,
        note=form.note, fee_minor=form.fee, fee_borne_by=form.fee_borne_by,
    )  # fmt: skip
    about = About(money_id=moved.id, number=moved.number, note=form.note)
    take_store_credit(ctx, customer, form.amount, EntryKind.PAID_OUT, about)
    ctx.about("customer", customer.id)
    return {"number": moved.number, "money_id": moved.id, "paid_out": form.amount, **_standing(ctx, customer)}


@action("accounts.correct", needs=Permission.CUSTOMERS_CREDIT, where=Where.ANYWHERE)
def correct_account(ctx: Context, form: CorrectAccount) -> dict[str, Any]:
    """Put an account right by an entry of its own, with a reason. Raises TooLittle, NothingOwed, Invalid."""
    customer = account_holder(ctx.session, form.customer_id)
    about = About(note=form.reason, shop_id=form.shop_id)
    account = Account(form.account)
    kind = EntryKind.CORRECTION
    if account is Account.CREDIT and form.amount > 0:
        charge(ctx, customer.id, form.amount, ctx.now.date(), about, kind)
    elif account is Account.CREDIT:
        owed = sum(known.open_minor for known in open_charges(ctx.session, customer.id))
        if -form.amount > owed:
            raise NothingOwed(customer.name, owed)
        discharge(ctx, customer.id, -form.amount, about, kind=kind)
    elif account is Account.STORE_CREDIT and form.amount > 0:
        owe_customer(ctx, customer.id, form.amount, kind, about)
    elif account is Account.STORE_CREDIT:
        take_store_credit(ctx, customer, -form.amount, kind, about)
    elif form.amount > 0:
        add_points(ctx, customer.id, form.amount, kind, about)
    else:
        take_points(ctx, customer, -form.amount, kind, about)
    ctx.about("customer", customer.id)
    return _standing(ctx, customer)


@action("accounts.set_credit", needs=Permission.CUSTOMERS_CREDIT, where=Where.ANYWHERE)
def set_credit(ctx: Context, form: SetCredit) -> dict[str, Any]:
    """Agree how much a customer may owe and for how long; without a limit they buy for money."""
    customer = account_holder(ctx.session, form.customer_id)
    customer.credit_limit_minor = form.credit_limit
    customer.credit_days = form.credit_days
    ctx.about("customer", customer.id)
    return {"credit_limit": form.credit_limit, "credit_days": form.credit_days}


def _chosen(ctx: Context, customer: Customer, charge_ids: list[str]) -> list[OpenCharge]:
    """The open charges of these ids, in the order chosen. Raises Invalid."""
    if not charge_ids:
        return []
    known = {item.id: item for item in open_charges(ctx.session, customer.id)}
    wrong = [row_id for row_id in dict.fromkeys(charge_ids) if row_id not in known]
    if wrong:
        raise Invalid({"charge_ids": f"{customer.name} owes nothing on one of these any more; look at the list again"})
    return [known[row_id] for row_id in dict.fromkeys(charge_ids)]


def _standing(ctx: Context, customer: Customer) -> dict[str, Any]:
    """What stands after it."""
    now = {account: balance_now(ctx.session, customer.id, account) for account in Account}
    return {
        "customer_id": customer.id, "owes": now[Account.CREDIT], "store_credit": now[Account.STORE_CREDIT],
        "points": now[Account.POINTS],
    }  # fmt: skip


def _figures(ctx: Context, form: PayOut) -> tuple[int, str]:
    """What the owner is told over the telephone."""
    return form.amount, "STORE CREDIT"


register_figures("accounts.pay_out_store_credit", _figures)
