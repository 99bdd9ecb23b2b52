"""Financiers: who finances phones, what they pay, and what they take back."""

from __future__ import annotations

from typing import Any

from shopnode.domain.accounts.ledger import About, account_holder, charge
from shopnode.domain.accounts.queries import today_of
from shopnode.domain.actions import action
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.financiers.forms import ArchiveFinancier, ChargeBack, CreateFinancier, Settle, UpdateFinancier
from shopnode.domain.financiers.ledger import Receivable, receivables, write_entry
from shopnode.domain.financiers.models import Financier, FinancierEntryKind
from shopnode.domain.homes import Where
from shopnode.domain.named import change, enlist, strike
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.sales.models import Sale


class AlreadyFinancier(Conflict):
    code = "already-financier"

    def __init__(self, name: str):
        super().__init__(f"“{name}” is on the list of financiers already.")


@action("financiers.create", needs=Permission.FINANCIERS_MANAGE, where=Where.ANYWHERE)
def create_financier(ctx: Context, new: CreateFinancier) -> dict[str, Any]:
    """Add a firm that finances phones. Raises AlreadyFinancier."""
    financier = Financier(id=ctx.new_id(), created_by=ctx.actor.id, created_at=ctx.now, **new.model_dump())
    return enlist(ctx, financier, AlreadyFinancier)


@action("financiers.update", needs=Permission.FINANCIERS_MANAGE, where=Where.ANYWHERE)
def update_financier(ctx: Context, new: UpdateFinancier) -> dict[str, Any]:
    """Change any of a financier's fields. Raises AlreadyFinancier, Invalid, NotFound."""
    given = new.model_dump(exclude_unset=True, exclude={"financier_id"})
    return change(ctx, _find(ctx, new.financier_id), given, AlreadyFinancier)


@action("financiers.archive", needs=Permission.FINANCIERS_MANAGE, where=Where.ANYWHERE)
def archive_financier(ctx: Context, form: ArchiveFinancier) -> dict[str, Any]:
    """Finance no more phones by a firm; what they owe stays in the books, and they may still pay it."""
    return strike(ctx, _find(ctx, form.financier_id))


@action("financiers.settle", needs=Permission.FINANCIERS_MANAGE)
def settle_receivables(ctx: Context, form: Settle) -> dict[str, Any]:
    """Take a financier's money: for the phones named, then for the oldest; the rest stands to their credit.

    Raises DrawerClosed, Invalid, ReferenceUsed, NotFound.
    """
    financier = _find(ctx, form.financier_id)
    waiting = [item for item in receivables(ctx.session, financier_id=financier.id) if item.open_minor > 0]
    chosen = _chosen(financier, waiting, form.imeis)
    moved = move_money(
        ctx, MoneyKind.FINANCIER, form.method, form.amount, reference=form.reference, about_id=financier.id,
        note=form.note, fee_minor=form.fee, fee_borne_by=form.fee_borne_by,
    )  # fmt: skip
    left, paid = form.amount, []
    for item in [*chosen, *(item for item in waiting if item not in chosen)]:
        part = min(left, item.open_minor)
        left -= part
        if part:
            paid.append({"imei": item.imei, "amount": part})
            write_entry(
                ctx, financier.id, FinancierEntryKind.SETTLEMENT, -part, sale_id=item.sale_id, imei=item.imei,
                money_id=moved.id, reference=item.reference, note=form.note,
            )  # fmt: skip
    if left:
        write_entry(ctx, financier.id, FinancierEntryKind.SETTLEMENT, -left, money_id=moved.id, note=form.note)
    ctx.about("financier", financier.id)
    return {"number": moved.number, "money_id": moved.id, "phones": paid, "paid_ahead": left}


@action("financiers.charge_back", needs=Permission.FINANCIERS_MANAGE)
def charge_back(ctx: Context, form: ChargeBack) -> dict[str, Any]:
    """Write off what a financier will not pay for a phone, or takes back; the customer may owe it instead.

    Raises Invalid, NotFound.
    """
    financier = _find(ctx, form.financier_id)
    waiting = receivables(ctx.session, financier_id=financier.id)
    (phone,) = _chosen(financier, [item for item in waiting if item.open_minor > 0], [form.imei])[:1]
    if form.amount > phone.open_minor:
        raise Invalid({"amount": f"is more than the {phone.open_minor:,} that {financier.name} owes for this phone"})
    write_entry(
        ctx, financier.id, FinancierEntryKind.CHARGEBACK, -form.amount, sale_id=phone.sale_id, imei=phone.imei,
        reference=phone.reference, note=form.reason,
    )  # fmt: skip
    if form.charge_customer:
        sale = find_row(ctx.session, Sale, phone.sale_id or "", "The sale of this phone")
        customer = account_holder(ctx.session, sale.customer_id or "")
        about = About(sale.id, number=sale.number, note=f"{financier.name}: {form.reason}")
        charge(ctx, customer.id, form.amount, today_of(ctx), about)
    ctx.about("financier", financier.id)
    return {"imei": phone.imei, "charged_back": form.amount, "open": phone.open_minor - form.amount}


def _chosen(financier: Financier, waiting: list[Receivable], imeis: list[str]) -> list[Receivable]:
    """The open phones of these numbers. Raises Invalid."""
    by_number = {item.imei: item for item in waiting if item.imei}
    unknown = [number for number in imeis if number not in by_number]
    if unknown:
        raise Invalid({"imeis": f"{financier.name} owes nothing for {unknown[0][:20]}; look at the list again"})
    return [by_number[number] for number in dict.fromkeys(imeis)]


def _find(ctx: Context, financier_id: str) -> Financier:
    return find_row(ctx.session, Financier, financier_id, "This financier")
