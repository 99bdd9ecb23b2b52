"""The ways to pay that a ticket has now, each with what is suggested, and what is wrong with a tender that was entered.

Money in the hand is always offered. An account is offered where the customer has one, points where the owner lets them
pay, a financier for a phone, dollars where the owner has set their rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from shopnode.domain.accounts.queries import Balances, balances, today_of
from shopnode.domain.accounts.rules import points_to_spend
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.financiers.queries import FinancierView, list_financiers
from shopnode.domain.money import exponent, format_minor
from shopnode.domain.sales.carts import CartBody, CartTender
from shopnode.domain.sales.lookup import sale_with_reference
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.paying import NEEDS_CONTRACT
from shopnode.domain.sales.rules import METHOD_NAMES, NEEDS_REFERENCE, normal_reference, worth_of
from shopnode.domain.sales.terms import terms_now
from shopnode.domain.settings.queries import all_numbers
from shopnode.web.counter.paying import Due
from shopnode.web.counter.pricing import CartView

USD, DOLLARS = "USD", "usd"
MONEY_WAYS = tuple(tender for tender in Tender if tender in MONEY)
NO_CUSTOMER = "Choose or add the customer first, then enter this payment."


@dataclass(frozen=True)
class Way:
    """One way to pay, as the panel offers it."""

    key: str
    label: str
    amount_minor: int  # suggested
    hint: str = ""
    choices: list[tuple[str, str]] = field(default_factory=list)


def ways_to_pay(ctx: Context, body: CartBody, cart: CartView, due: Due) -> list[Way]:
    """Money first, then what this customer and this cart allow."""
    ways = [
        Way(tender.value, METHOD_NAMES[tender], due.cash_minor if tender is Tender.CASH else due.exact_minor)
        for tender in MONEY_WAYS
    ]
    ways.append(Way(Tender.ON_ACCOUNT.value, "On account", due.exact_minor, _account_words(ctx, body, cart)))
    rate = terms_now(ctx).usd_rate_minor
    if rate:
        ways.append(Way(DOLLARS, "US dollars", _dollars_for(due.cash_minor, rate), f"1 dollar is {format_minor(rate)}"))
    if body.customer_id is not None:
        ways += _of_customer(ctx, body, due)
    firms = [(view.financier.id, view.financier.name) for view in list_financiers(ctx) if _is_open(view)]
    if firms and any(line.imei for line in cart.lines):
        hint = "They owe it to us, phone by phone." if body.customer_id else NO_CUSTOMER
        ways.append(Way(Tender.FINANCED.value, "Financed", due.exact_minor, hint, firms))
    return ways


def _is_open(view: FinancierView) -> bool:
    return view.financier.archived_at is None  # the list holds those who still owe, too


def _account_words(ctx: Context, body: CartBody, cart: CartView) -> str:
    if cart.customer is None or body.customer_id is None:
        return NO_CUSTOMER
    limit, owes = cart.customer.credit_limit_minor, balances(ctx.session, body.customer_id).owes_minor
    if limit is None:
        return f"{cart.customer.name} has no credit agreed: a second person approves."
    days = cart.customer.credit_days
    due_on = today_of(ctx) + timedelta(days=all_numbers(ctx.session)["credit_days"] if days is None else days)
    return f"Owes {format_minor(owes)} of {format_minor(limit)}. Due {_day(due_on)}."


def _day(on: date) -> str:
    return f"{on.day} {on:%b %Y}"


def _of_customer(ctx: Context, body: CartBody, due: Due) -> list[Way]:
    has, numbers = _left(ctx, body), all_numbers(ctx.session)
    ways = []
    if has.store_credit_minor > 0:
        words = f"Has {format_minor(has.store_credit_minor)}."
        suggested = min(due.exact_minor, has.store_credit_minor)
        ways.append(Way(Tender.STORE_CREDIT.value, "Store credit", suggested, words))
    worth = numbers["point_worth_minor"]
    if worth and has.points >= max(1, numbers["points_spend_min"]):
        words = f"Has {has.points:,} points, worth {format_minor(has.points * worth)}."
        ways.append(Way(Tender.POINTS.value, "Points", min(due.exact_minor, has.points * worth), words))
    return ways


def _left(ctx: Context, body: CartBody) -> Balances:
    """What the customer's accounts have beyond what is in this ticket already."""
    has, worth = balances(ctx.session, body.customer_id or ""), all_numbers(ctx.session)["point_worth_minor"]
    spent = sum(tender.amount for tender in body.tenders if tender.method == Tender.STORE_CREDIT)
    points = sum(points_to_spend(tender.amount, worth) for tender in body.tenders if tender.method == Tender.POINTS)
    return Balances(has.owes_minor, has.store_credit_minor - spent, has.points - points)


def _dollars_for(due_minor: int, rate_minor: int) -> int:
    """Whole dollars that cover it, in cents."""
    return -(-due_minor // rate_minor) * int(10 ** exponent(USD))


def in_dollars(ctx: Context, tender_id: str, cents: int) -> CartTender:
    """Dollar notes at today's rate. Raises Invalid."""
    rate = terms_now(ctx).usd_rate_minor
    if not rate:
        raise Invalid({"": "Dollars are not taken: the owner has set no rate for them."})
    if cents <= 0:
        raise Invalid({"dollars": "must be more than nothing"})
    worth = worth_of(cents, rate, exponent(USD))
    return CartTender(id=tender_id, method=Tender.CASH.value, amount=worth, currency=USD, foreign_amount=cents)


def check_tender(ctx: Context, body: CartBody, tender: CartTender, due: Due) -> CartTender:
    """The tender as the cart keeps it. Raises Invalid, naming the field, for what the booking would refuse."""
    try:
        method = Tender(tender.method)
    except ValueError:
        method = Tender.ROUNDING
    if method is Tender.CASH:
        return tender.model_copy(update={"reference": None})
    if method in MONEY:
        _refuse_too_much(tender, due.exact_minor)
        return _with_reference(ctx, body, tender, method)
    if method not in (Tender.ON_ACCOUNT, Tender.STORE_CREDIT, Tender.POINTS, Tender.FINANCED):
        raise Invalid({"": "Choose how it is paid."})
    if body.customer_id is None:
        raise Invalid({"": NO_CUSTOMER})
    _refuse_too_much(tender, due.exact_minor)
    if method is Tender.FINANCED:
        return _financed(ctx, tender)
    _refuse_beyond(ctx, body, tender, method)
    return tender.model_copy(update={"reference": None, "about_id": None})


def _refuse_too_much(tender: CartTender, due_minor: int) -> None:
    if tender.amount > due_minor:
        due = format_minor(due_minor)
        raise Invalid({"amount_minor": f"is more than the {due} that is due; only cash gives change"})


def _refuse_beyond(ctx: Context, body: CartBody, tender: CartTender, method: Tender) -> None:
    """More than stands on the account."""
    has = _left(ctx, body)
    if method is Tender.STORE_CREDIT and tender.amount > has.store_credit_minor:
        raise Invalid({"amount_minor": f"is more than the {format_minor(has.store_credit_minor)} of store credit"})
    if method is Tender.POINTS:
        numbers = all_numbers(ctx.session)
        try:
            points = points_to_spend(tender.amount, numbers["point_worth_minor"])
        except ValueError as refused:
            raise Invalid({"": f"{refused}".capitalize() + "."}) from None
        if points > has.points:
            raise Invalid({"amount_minor": f"needs {points:,} points, and there are {has.points:,}"})
        if points < numbers["points_spend_min"]:
            raise Invalid({"amount_minor": f"is too little: points are taken from {numbers['points_spend_min']:,} on"})


def _financed(ctx: Context, tender: CartTender) -> CartTender:
    known = {view.financier.id for view in list_financiers(ctx) if _is_open(view)}
    if tender.about_id not in known:
        raise Invalid({"about_id": "choose who finances it"})
    try:
        reference = normal_reference(tender.reference)
    except ValueError as odd:
        raise Invalid({"reference": str(odd)}) from None
    if reference is None:
        raise Invalid({"reference": NEEDS_CONTRACT})
    return tender.model_copy(update={"reference": reference})


def _with_reference(ctx: Context, body: CartBody, tender: CartTender, method: Tender) -> CartTender:
    """Each transaction of a network is good once, for ever."""
    try:
        reference = normal_reference(tender.reference)
    except ValueError as odd:
        raise Invalid({"reference": str(odd)}) from None
    if reference is None:
        if method in NEEDS_REFERENCE:
            raise Invalid({"reference": f"{METHOD_NAMES[method]} needs the transaction ID from the message"})
        return tender.model_copy(update={"reference": None, "about_id": None})
    if any(other.method == method and normal_reference(other.reference) == reference for other in body.tenders):
        raise Invalid({"reference": "is in this sale already"})
    number = sale_with_reference(ctx.session, method.value, reference)
    if number is not None:
        raise Invalid({"reference": f"was already used for sale {number}; ask for the right one"})
    return tender.model_copy(update={"reference": reference, "about_id": None})
