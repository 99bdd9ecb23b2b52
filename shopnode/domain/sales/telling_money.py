"""Saying what became of money that was waited for: see `coming.py`, which says what holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.moves import money_with_reference
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.params import IdText, Line, Optionally, Params, ShortText
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.sales.coming import confirmed_with_reference
from shopnode.domain.sales.errors import ReferenceUsed
from shopnode.domain.sales.lookup import sale_with_reference
from shopnode.domain.sales.models import MoneyState, Payment, PaymentKind, PaymentOutcome, Sale, Tender
from shopnode.domain.sales.rules import METHOD_NAMES, NEEDS_REFERENCE, normal_reference


class TellMoney(Params):
    """What became of a payment: it came, with the network's transaction id; it failed; or it was taken back."""

    payment_id: IdText
    state: Literal["confirmed", "failed", "reversed"]
    reference: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
    note: Annotated[ShortText | None, Optionally] = None


class MoneyTold(Conflict):
    code = "money-told"

    def __init__(self, number: str, state: str):
        super().__init__(f"Of this money for {number} it was said already: {state}.")


@action("sales.tell_money", needs=Permission.ACCOUNTS_COLLECT)
def tell_money(ctx: Context, told: TellMoney) -> dict[str, Any]:
    """Say that mobile money came, failed, or was taken back by its network; staff take back with a second person.

    Raises MoneyTold, ReferenceUsed, ApprovalNeeded, Invalid, NotFound.
    """
    payment = find_row(ctx.session, Payment, told.payment_id, "This payment")
    if payment.shop_id != ctx.shop_id or Tender(payment.method) not in NEEDS_REFERENCE or payment.amount_minor <= 0:
        raise NotFound("This payment of mobile money")
    sale = find_row(ctx.session, Sale, payment.sale_id, "This sale")
    state = MoneyState(told.state)
    outcome_id = _next_outcome(ctx, payment, sale, state)
    reference = _reference(ctx, payment, sale, told, state)
    outcome = {
        "id": outcome_id, "payment_id": payment.id, "sale_id": sale.id, "shop_id": ctx.shop_id, "state": state.value,
        "method": payment.method, "reference": reference, "note": told.note, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, PaymentOutcome, [outcome])
    if state is not MoneyState.CONFIRMED:
        _take_off(ctx, payment)
    ctx.about("sale", sale.id)
    return {"sale_id": sale.id, "number": sale.number, "payment_id": payment.id, "state": state.value}


def _next_outcome(ctx: Context, payment: Payment, sale: Sale, state: MoneyState) -> str:
    """The id of what is said; it is said once, and taken back only after it came. Raises MoneyTold, Invalid."""
    first, back = act_id("money", payment.id), act_id("money-reversed", payment.id)
    known, reversed_ = (row_or_none(ctx.session, PaymentOutcome, row_id) for row_id in (first, back))
    if reversed_ is not None:
        raise MoneyTold(sale.number, reversed_.state)
    if state is not MoneyState.REVERSED:
        if known is not None:
            raise MoneyTold(sale.number, known.state)
        if payment.state is None:
            raise MoneyTold(sale.number, MoneyState.CONFIRMED.value)
        return first
    if known is not None and known.state == MoneyState.FAILED:
        raise MoneyTold(sale.number, known.state)
    if known is None and payment.state is not None:
        raise Invalid({"state": "is for money that had come; this failed, or is still coming"})
    if ctx.actor.role is Role.STAFF:
        ctx.require_approval(f"{payment.amount_minor:,} paid for {sale.number} would be taken off again.")
    return back


def _reference(ctx: Context, payment: Payment, sale: Sale, told: TellMoney, state: MoneyState) -> str | None:
    """The network's number of money that came, unused elsewhere (rule 41). Raises Invalid, ReferenceUsed."""
    try:
        reference = normal_reference(told.reference)
    except ValueError as odd:
        raise Invalid({"reference": str(odd)}) from None
    if state is not MoneyState.CONFIRMED:
        return reference
    if payment.reference is not None and reference not in (None, payment.reference):
        raise Invalid({"reference": f"is not {payment.reference}, which was told when the goods left"})
    reference = reference or payment.reference
    tender = Tender(payment.method)
    if reference is None:
        raise Invalid({"reference": f"is needed: the transaction id from the message of {METHOD_NAMES[tender]}"})
    used = sale_with_reference(ctx.session, tender.value, reference, sale.id)
    used = used or money_with_reference(ctx, tender, reference)
    used = used or confirmed_with_reference(ctx.session, tender.value, reference)
    if used is not None:
        raise ReferenceUsed(METHOD_NAMES[tender], used)
    return reference


def _take_off(ctx: Context, payment: Payment) -> None:
    """The same tender against the sale: it was never there, or is there no more."""
    row = {
        "id": act_id("money-gone", payment.id), "sale_id": payment.sale_id, "shop_id": payment.shop_id,
        "kind": PaymentKind.CORRECTION.value, "method": payment.method, "amount_minor": -payment.amount_minor,
        "reference": payment.reference, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, Payment, [row])


def _figures(ctx: Context, told: TellMoney) -> tuple[int, str]:
    """What the owner is told over the telephone."""
    payment = find_row(ctx.session, Payment, told.payment_id, "This payment")
    return payment.amount_minor, find_row(ctx.session, Sale, payment.sale_id, "This sale").number


register_figures("sales.tell_money", _figures)
