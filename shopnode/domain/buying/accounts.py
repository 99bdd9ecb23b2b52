"""What is owed to a supplier: paid, credited, corrected. Each is an entry of their account, and none is changed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.buying.models import SupplierEntry, SupplierEntryKind
from shopnode.domain.buying.owed import owed_to
from shopnode.domain.buying.queries import find_supplier
from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.params import Code, IdText, Line, Optionally, Params, PositiveAmount, Reason, ShortText
from shopnode.domain.permissions import Permission

Reference = Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally]


class PaySupplier(Params):
    """Money that goes to a supplier, by which tender."""

    supplier_id: IdText
    method: Code
    amount_minor: PositiveAmount
    reference: Reference = None
    note: Annotated[ShortText | None, Optionally] = None
    fee_minor: PositiveAmount | None = None  # what the network took, beside the amount


class CreditNote(Params):
    """What a supplier takes off our account, by their own paper."""

    supplier_id: IdText
    amount_minor: PositiveAmount
    reference: Reference = None
    reason: Reason


class CorrectAccount(Params):
    """What is owed more (+) or less (−) than the account says, and why."""

    supplier_id: IdText
    amount_minor: Annotated[int, Field(ge=-MONEY_MINOR_MAX, le=MONEY_MINOR_MAX)]
    reason: Reason


@action("suppliers.pay", needs=Permission.SUPPLIERS_MANAGE)
def pay_supplier(ctx: Context, form: PaySupplier) -> dict[str, Any]:
    """Pay a supplier, out of the drawer or by a network. Raises DrawerClosed, Invalid, ReferenceUsed, NotFound."""
    return _money(ctx, form, -1)


@action("suppliers.take_refund", needs=Permission.SUPPLIERS_MANAGE)
def take_refund(ctx: Context, form: PaySupplier) -> dict[str, Any]:
    """Take money back from a supplier. Raises DrawerClosed, Invalid, ReferenceUsed, NotFound."""
    return _money(ctx, form, 1)


@action("suppliers.credit_note", needs=Permission.SUPPLIERS_MANAGE)
def credit_note(ctx: Context, form: CreditNote) -> dict[str, Any]:
    """Book a supplier's credit note: we owe less. Raises NotFound."""
    write_entry(
        ctx, form.supplier_id, SupplierEntryKind.CREDIT_NOTE, -form.amount_minor, reference=form.reference,
        note=form.reason,
    )  # fmt: skip
    return _answer(ctx, form.supplier_id)


@action("suppliers.correct_account", needs=Permission.SUPPLIERS_MANAGE)
def correct_account(ctx: Context, form: CorrectAccount) -> dict[str, Any]:
    """Correct what is owed to a supplier, with the reason. Raises Invalid, NotFound."""
    if form.amount_minor == 0:
        raise Invalid({"amount_minor": "must not be 0"})
    write_entry(ctx, form.supplier_id, SupplierEntryKind.CORRECTION, form.amount_minor, note=form.reason)
    return _answer(ctx, form.supplier_id)


def write_entry(
    ctx: Context,
    supplier_id: str,
    kind: SupplierEntryKind,
    amount_minor: int,
    *,
    reference: str | None = None,
    money_id: str | None = None,
    note: str | None = None,
) -> None:
    """One line of a supplier's account, as part of an action. Raises NotFound."""
    supplier = find_supplier(ctx.session, supplier_id)
    entry = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "supplier_id": supplier.id, "kind": kind.value,
        "amount_minor": amount_minor, "money_id": money_id, "reference": reference, "note": note, "at": ctx.now,
        "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, SupplierEntry, [entry])
    ctx.about("supplier", supplier.id)


def _money(ctx: Context, form: PaySupplier, sign: int) -> dict[str, Any]:
    """Money out (−1) lowers what is owed by as much; money back (+1) raises it."""
    supplier = find_supplier(ctx.session, form.supplier_id)
    amount = sign * form.amount_minor
    moved = move_money(
        ctx, MoneyKind.SUPPLIER, form.method, amount, reference=form.reference, about_id=supplier.id,
        note=form.note or supplier.name, fee_minor=form.fee_minor, fee_borne_by="shop" if form.fee_minor else None,
    )  # fmt: skip
    write_entry(
        ctx, supplier.id, SupplierEntryKind.PAYMENT, amount, reference=form.reference, money_id=moved.id,
        note=form.note or f"Payment {moved.number}",
    )  # fmt: skip
    return {**_answer(ctx, supplier.id), "number": moved.number}


def _answer(ctx: Context, supplier_id: str) -> dict[str, Any]:
    return {"supplier_id": supplier_id, "owed": owed_to(ctx, supplier_id)}
