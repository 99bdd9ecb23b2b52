"""The tenders of a ticket as they are booked: read, looked up, settled against the total.

Every transaction of a network is good once, for ever, whether a sale or other money used it. Foreign notes count at
today's rate; what is paid in cash is rounded to the smallest note. Source: docs/rules/rounding.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shopnode.domain.cash.moves import money_with_reference
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.money import exponent, format_minor
from shopnode.domain.sales.coming import confirmed_with_reference
from shopnode.domain.sales.errors import ReferenceUsed
from shopnode.domain.sales.forms import Tendered
from shopnode.domain.sales.lookup import sale_with_reference
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.rules import (
    METHOD_NAMES,
    NEEDS_REFERENCE,
    Fee,
    Foreign,
    Handed,
    NotSettled,
    Settled,
    normal_reference,
    settle,
    tender_named,
    worth_of,
)
from shopnode.domain.sales.terms import Terms
from shopnode.domain.settings.queries import number_setting

NEEDS_CONTRACT = "needs the number of the contract: the financier's app or message shows it"


def settle_payments(
    ctx: Context, total_minor: int, payments: list[Tendered], terms: Terms, sale_id: str = "", *,
    given: Sequence[Handed] = (), typed: Collection[Tender] = (),
) -> list[Settled]:  # fmt: skip
    """The tenders as they are booked.

    given  tenders that come with the action, such as a trade-in
    typed  tenders beside money that may be named

    Raises Invalid, ReferenceUsed.
    """
    wrong: dict[str, str] = {}
    handed: list[Handed] = []
    for position, payment in enumerate(payments):
        read = _read(payment, terms, typed, f"payments.{position}", wrong)
        if read is not None:
            handed.append(read)
    wrong |= _not_waited_for(ctx, payments, sale_id)
    if wrong:
        raise Invalid(wrong)
    _refuse_used(ctx, handed, sale_id)
    try:
        return settle(total_minor, [*given, *handed], terms.cash_rounding_minor)
    except NotSettled as short:
        raise Invalid({"payments": str(short)}) from None


def _read(
    payment: Tendered, terms: Terms, typed: Collection[Tender], place: str, wrong: dict[str, str]
) -> Handed | None:
    """One tender; what is wrong with it is noted."""
    try:
        method = tender_named(payment.method)
        if method not in MONEY and method not in typed:
            raise ValueError(method)
    except ValueError:
        known = ", ".join(tender.value for tender in Tender if tender in MONEY or tender in typed)
        wrong[f"{place}.method"] = f"must be one of {known}"
        return None
    try:
        reference = normal_reference(payment.reference)
    except ValueError as odd:
        wrong[f"{place}.reference"] = str(odd)
        return None
    if method in NEEDS_REFERENCE and reference is None and payment.state is None:
        wrong[f"{place}.reference"] = f"{METHOD_NAMES[method]} needs the transaction id from the message"
    if method is Tender.FINANCED and reference is None:
        wrong[f"{place}.reference"] = NEEDS_CONTRACT
    foreign = _foreign(payment, method, terms, place, wrong)
    reference = None if method is Tender.CASH else reference
    fee = read_fee(payment.fee, payment.fee_borne_by, method, place, wrong)
    if payment.state is not None and method not in NEEDS_REFERENCE:
        wrong[f"{place}.state"] = "is for mobile money alone: everything else is there or it is not"
    return Handed(method, payment.amount, reference, payment.about_id, foreign, fee, payment.state)


def _not_waited_for(ctx: Context, payments: list[Tendered], sale_id: str) -> dict[str, str]:
    """Money that has not come completes a new sale where the owner allows it, up to their limit (rule 40)."""
    coming = [place for place, payment in enumerate(payments) if payment.state is not None]
    if not coming:
        return {}
    most = number_setting(ctx.session, "momo_pending_max_minor")
    words = {
        True: "is for a new sale: say of a corrected one what has come",
        False: "is not taken here: wait until the money has come" if not most else f"is taken up to {most:,}",
    }
    beyond = sum(payments[place].amount for place in coming) > most
    return {f"payments.{place}.state": words[bool(sale_id)] for place in coming if sale_id or beyond}


def read_fee(
    amount_minor: int | None, borne_by: str | None, method: Tender, place: str, wrong: dict[str, str]
) -> Fee | None:
    """What the network took, with who bears it; one without the other is noted as wrong (rule 43)."""
    before = f"{place}." if place else ""
    if amount_minor is None and borne_by is None:
        return None
    if method is Tender.CASH or method not in MONEY:
        wrong[f"{before}fee"] = f"is for money of a network or a bank: {METHOD_NAMES[method]} costs none"
    elif amount_minor is None:
        wrong[f"{before}fee"] = "is needed where somebody bears it"
    elif borne_by is None:
        wrong[f"{before}fee_borne_by"] = "is needed: shop or customer"
    else:
        return Fee(amount_minor, borne_by)
    return None


def _foreign(payment: Tendered, method: Tender, terms: Terms, place: str, wrong: dict[str, str]) -> Foreign | None:
    """Notes of another currency, at today's rate; the amount that was shown must be what they are worth."""
    if payment.currency is None and payment.foreign_amount is None:
        return None
    if payment.currency != "USD" or payment.foreign_amount is None:
        wrong[f"{place}.currency"] = "must be USD, with its foreign_amount: no other notes are taken"
    elif method is not Tender.CASH:
        wrong[f"{place}.currency"] = "is for cash alone"
    elif not terms.usd_rate_minor:
        wrong[f"{place}.currency"] = "is not taken here: the owner has set no rate for dollars"
    else:
        worth = worth_of(payment.foreign_amount, terms.usd_rate_minor, exponent(payment.currency))
        if worth == payment.amount:
            return Foreign(payment.currency, payment.foreign_amount, terms.usd_rate_minor, worth)
        dollars = format_minor(payment.foreign_amount, payment.currency)
        wrong[f"{place}.amount"] = f"must be {worth:,}: that is what {dollars} USD are worth at today's rate"
    return None


def _refuse_used(ctx: Context, handed: list[Handed], sale_id: str) -> None:
    given = [(tender.method, tender.reference) for tender in handed if tender.reference and tender.method in MONEY]
    if len(set(given)) != len(given):
        raise Invalid({"payments": "the same transaction id was entered twice"})
    for method, reference in given:
        used = sale_with_reference(ctx.session, method.value, reference or "", sale_id)
        used = used or money_with_reference(ctx, method, reference or "")
        used = used or confirmed_with_reference(ctx.session, method.value, reference or "")
        if used is not None:
            raise ReferenceUsed(METHOD_NAMES[method], used)
