"""Commission rules, and money between a person and the shop.

Invariants:
  * A rule begins today or later and ends tomorrow or later: nothing that was earned changes. A new rule about the same
    goods and person ends the one before.
  * What is paid to a person leaves a drawer or a wallet, with a slip. Nobody pays themselves alone (rule 89).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.commissions.models import CommissionRule, StaffEntry, StaffEntryKind
from shopnode.domain.commissions.queries import owed_by
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import Amount, Code, IdText, Note, Optionally, Params, PositiveAmount
from shopnode.domain.people.queries import find_staff
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.queries import find_row
from shopnode.domain.stock.days import Day, today

RATE_BP_MAX = 10_000
# What each kind does to what the person owes, and which way money moves: + into the drawer.
OWES = {"advance": 1, "repaid": -1, "kept_from_pay": -1, "forgiven": -1, "commission_paid": 0}
MOVES = {"advance": -1, "commission_paid": -1, "repaid": 1}


class AddRule(Params):
    """What a person, or everybody, earns by selling; or a technician by labour."""

    category: Annotated[Code | None, Optionally] = None
    staff_id: IdText | None = None
    of_repairs: bool = False
    rate_bp: Annotated[int, Field(ge=0, le=RATE_BP_MAX)] = 0
    per_piece_minor: Amount = 0
    starts_on: Day | None = None  # today when left out


class EndRule(Params):
    rule_id: IdText
    ends_on: Day | None = None  # the first day on which it holds no more; tomorrow when left out


class BookForStaff(Params):
    """Money between a person and the shop. What moves money says how."""

    staff_id: IdText
    kind: Literal["advance", "repaid", "kept_from_pay", "forgiven", "commission_paid"]
    amount: PositiveAmount
    method: Code | None = None
    reference: Annotated[Code | None, Optionally] = None
    note: Annotated[Note | None, Optionally] = None


@action("commissions.add_rule", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def add_rule(ctx: Context, form: AddRule) -> dict[str, Any]:
    """Say what is earned from a day on. It ends the rule before it about the same."""
    starts_on = form.starts_on or today(ctx)
    if starts_on < today(ctx):
        raise Invalid({"starts_on": "is over: what was earned stays as it is"})
    if not form.rate_bp and not form.per_piece_minor:
        raise Invalid({"rate_bp": "is needed, or an amount for each piece"})
    if form.of_repairs and form.category is not None:
        raise Invalid({"category": "is for goods; a rule about repairs is about their labour"})
    if form.staff_id is not None:
        find_staff(ctx.session, form.staff_id)
    for older in _same_scope(ctx, form):
        if older.starts_on >= starts_on:
            raise Conflict(f"A rule about the same begins on {older.starts_on}. End that one first.")
        older.ends_on = starts_on
    row = CommissionRule(
        id=ctx.new_id(), category=form.category, staff_id=form.staff_id, of_repairs=int(form.of_repairs),
        rate_bp=form.rate_bp, per_piece_minor=form.per_piece_minor, starts_on=starts_on, ends_on=None,
    )  # fmt: skip
    add_rows(ctx.session, row)
    ctx.about("commission_rule", row.id)
    return {"id": row.id}


@action("commissions.end_rule", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def end_rule(ctx: Context, form: EndRule) -> dict[str, Any]:
    """Let a rule hold no more from a day on."""
    row = find_row(ctx.session, CommissionRule, form.rule_id, "This rule")
    tomorrow = today(ctx) + timedelta(days=1)
    if row.ends_on is not None and row.ends_on <= tomorrow:
        raise Conflict("This rule has ended already.")
    ends_on = form.ends_on or max(tomorrow, row.starts_on)
    if ends_on < max(tomorrow, row.starts_on):
        raise Invalid({"ends_on": "must be tomorrow or later: what was earned stays as it is"})
    row.ends_on = ends_on
    ctx.about("commission_rule", row.id)
    return {"id": row.id}


@action("staff.book", needs=Permission.LIMITS_APPROVE)
def book_for_staff(ctx: Context, form: BookForStaff) -> dict[str, Any]:
    """Pay a commission or an advance, take money back, or keep or forgive what a person owes."""
    person = find_staff(ctx.session, form.staff_id)
    if ctx.actor.role is not Role.OWNER or person.id == ctx.actor.id:
        words = "Money between a person and the shop is an owner's to decide."
        ctx.require_approval(words, enough=lambda role: role is Role.OWNER)
    if OWES[form.kind] < 0 and form.amount > owed_by(ctx.session, person.id):
        raise Invalid({"amount": f"is more than {person.name} owes, {owed_by(ctx.session, person.id):,}"})
    number = _move(ctx, form, person.name)
    row = StaffEntry(
        id=ctx.new_id(), shop_id=ctx.shop_id, staff_id=person.id, kind=StaffEntryKind(form.kind).value,
        amount_minor=form.amount * (OWES[form.kind] or 1), about_id=number[1] if number else None, note=form.note,
        at=ctx.now, by_id=ctx.actor.id,
    )  # fmt: skip
    add_rows(ctx.session, row)
    ctx.about("staff", person.id)
    return {"id": row.id, "number": number[0] if number else None}


def _move(ctx: Context, form: BookForStaff, name: str) -> tuple[str, str] | None:
    """The slip's number and the money's id, where money moves. Raises Invalid."""
    way = MOVES.get(form.kind)
    if way is None:
        if form.method is not None:
            raise Invalid({"method": "is for money that moves, and none does"})
        return None
    if form.method is None:
        raise Invalid({"method": "is needed: how is it paid"})
    moved = move_money(
        ctx, MoneyKind.STAFF, form.method, way * form.amount, reference=form.reference, about_id=form.staff_id,
        note=form.note or name,
    )  # fmt: skip
    return moved.number, moved.id


def _same_scope(ctx: Context, form: AddRule) -> list[CommissionRule]:
    """Rules about the same goods and person that have not ended by then."""
    query = select(CommissionRule).where(
        CommissionRule.of_repairs == int(form.of_repairs), CommissionRule.ends_on.is_(None)
    )
    named = (form.category or "").casefold()
    return [
        row
        for row in ctx.session.scalars(query)
        if row.staff_id == form.staff_id and (row.category or "").casefold() == named
    ]


def _figures(ctx: Context, form: BookForStaff) -> tuple[int, str]:
    """What the owner is told over the telephone: how much, as what, and for whom."""
    return form.amount, f"{form.kind} {find_staff(ctx.session, form.staff_id).name}"[:60]


register_figures("staff.book", _figures)
