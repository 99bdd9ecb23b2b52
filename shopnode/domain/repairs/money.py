"""Money of a ticket: deposits, which are owed to the customer until the device leaves, and what goes back (rule 46)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shopnode.domain.accounts.forms import MoneyIn
from shopnode.domain.accounts.ledger import About, owe_customer
from shopnode.domain.accounts.models import EntryKind
from shopnode.domain.actions import action
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.people.limits import check_refund
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.forms import GiveBack, TakeDeposit
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.repairs.queries import came_by, find_open_ticket, find_ticket, paid_so_far, went_by
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import METHOD_NAMES, tender_named


@action("repairs.take_deposit", needs=Permission.ACCOUNTS_COLLECT)
def take_deposit(ctx: Context, form: TakeDeposit) -> dict[str, Any]:
    """Take money for a repair before it is fetched. Raises TicketLocked, Invalid, DrawerClosed, ReferenceUsed."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    (slip,) = take_money(ctx, ticket, [form])
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "slip": slip, "paid": paid_so_far(ctx.session, ticket.id)}


@action("repairs.give_back", needs=Permission.ACCOUNTS_COLLECT)
def give_back(ctx: Context, form: GiveBack) -> dict[str, Any]:
    """Give back what was paid for a repair, or a part of it. Raises Invalid, ApprovalNeeded, DrawerClosed.

    Of a ticket that ended without a sale, too: whoever paid for it is owed that.
    """
    ticket = find_ticket(ctx, form.ticket_id)
    if ticket.sale_id is not None:
        raise Invalid({"amount": "is part of a sale already: take the sale back instead"})
    slip = pay_back(ctx, ticket, form.amount, form.reason, form.method, form.reference)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "slip": slip, "paid": paid_so_far(ctx.session, ticket.id)}


def take_money(ctx: Context, ticket: RepairTicket, parts: Sequence[MoneyIn]) -> list[str]:
    """Money in; the numbers of its slips. Raises NotPermitted, Invalid, DrawerClosed, ReferenceUsed."""
    if parts and not ctx.may(Permission.ACCOUNTS_COLLECT):
        raise NotPermitted("Your role does not take money before a repair is done. Ask a supervisor or the owner.")
    if parts and ticket.came_by_id is not None:
        raise Invalid({"ticket_id": "is of another branch's customer: money is taken there"})
    price = ticket.agreed_minor if ticket.agreed_minor is not None else ticket.estimate_minor
    total = paid_so_far(ctx.session, ticket.id) + sum(part.amount for part in parts)
    if price is not None and total > price + ticket.storage_fee_minor:
        raise Invalid({"amount": f"comes to {total:,}, and the repair costs {price:,}"})
    return [
        move_money(
            ctx, MoneyKind.REPAIR, part.method, part.amount, reference=part.reference, about_id=ticket.id,
            customer_id=ticket.customer_id, fee_minor=part.fee, fee_borne_by=part.fee_borne_by,
        ).number
        for part in parts
    ]  # fmt: skip


def pay_back(
    ctx: Context, ticket: RepairTicket, amount_minor: int, reason: str, method: str | None, reference: str | None
) -> str | None:
    """What was paid goes back, within the limits of who gives it: the slip's number, None where it became store credit.

    Raises Invalid, ApprovalNeeded, DrawerClosed, ReferenceUsed.
    """
    has = paid_so_far(ctx.session, ticket.id)
    if amount_minor > has:
        raise Invalid({"amount": f"is more than the {has:,} that were paid for repair {ticket.number}"})
    came = came_by(ctx.session, ticket.id)
    # In pieces it is no less: what went back of this ticket before counts with it.
    check_refund(ctx, sum(came.values()) - has + amount_minor)
    if method is None:
        about = About(number=ticket.number, note=reason)
        owe_customer(ctx, ticket.customer_id, amount_minor, EntryKind.REFUND, about)
        return None
    _ask_other_way(ctx, ticket, amount_minor, method, came)
    moved = move_money(
        ctx, MoneyKind.REPAIR, method, -amount_minor, reference=reference, about_id=ticket.id,
        customer_id=ticket.customer_id, note=reason,
    )  # fmt: skip
    return moved.number


def _ask_other_way(ctx: Context, ticket: RepairTicket, amount_minor: int, method: str, came: Mapping[str, int]) -> None:
    """Money goes back the way it came, or with a second person (rule 47): a message of a network that was made up
    would otherwise leave as cash. Raises ApprovalNeeded, NotPermitted."""
    try:
        by = tender_named(method)
    except ValueError:
        return  # `move_money` says so in words
    left = came.get(by.value, 0) - went_by(ctx.session, ticket.id, by.value)
    if amount_minor > left:
        others = ", ".join(METHOD_NAMES[Tender(name)] for name in sorted(came) if name != by.value) or "nothing"
        came_words = f"Of what was paid for repair {ticket.number} {max(0, left):,} came by {METHOD_NAMES[by]}"
        ctx.require_approval(f"{came_words}, the rest by {others}: {amount_minor:,} does not go back that way.")


def _figures(ctx: Context, form: GiveBack) -> tuple[int, str]:
    """What the owner is told over the telephone."""
    return form.amount, find_ticket(ctx, form.ticket_id).number


register_figures("repairs.give_back", _figures)
