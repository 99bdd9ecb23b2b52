"""Commissions: their rules, what was earned, and the account between a person and the shop; performance figures."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from pydantic import BaseModel, Field

from shopnode.api.attendance import Done, Period
from shopnode.api.calls import Call
from shopnode.api.reading import QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.commissions.actions import AddRule, BookForStaff
from shopnode.domain.commissions.earned import earnings
from shopnode.domain.commissions.models import CommissionRule
from shopnode.domain.commissions.performance import performance
from shopnode.domain.commissions.queries import all_rules, commissions_of, entries_of, owed_by
from shopnode.domain.params import Params
from shopnode.domain.people.queries import find_staff
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.days import Day


class RuleOut(BaseModel):
    """What is earned by selling, or by labour on repairs."""

    id: str
    category: str | None = Field(description="Null for all goods.")
    staff_id: str | None = Field(description="Null for everybody.")
    of_repairs: bool
    rate_bp: int = Field(description="Of the price without VAT, in basis points.")
    per_piece: int
    starts_on: date
    ends_on: date | None = Field(description="The first day on which it holds no more.")


class RuleList(BaseModel):
    items: list[RuleOut]


class Ending(Params):
    ends_on: Day | None = None


class CommissionOut(BaseModel):
    """What one person earned in a period."""

    staff_id: str
    name: str
    earned: int
    taken_back: int = Field(description="Of what came back or was undone; 0 or less.")
    paid: int
    due: int


class CommissionList(BaseModel):
    items: list[CommissionOut]


class EarningOut(BaseModel):
    """One thing that earned something, or took it back."""

    day: date
    kind: str
    record_id: str
    number: str
    what: str
    quantity: int
    net: int
    amount: int


class EarningList(BaseModel):
    items: list[EarningOut]


class Days(BaseModel):
    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    since: QueryDay
    until: QueryDay


class EntryOut(BaseModel):
    """A line of the account: + what the person owes. A commission that was paid changes nothing of that."""

    id: str
    kind: str
    amount: int
    note: str | None
    at: Instant


class EntryPage(BaseModel):
    items: list[EntryOut]
    next_cursor: str | None
    owed: int


class PerformanceOut(BaseModel):
    """What one person did in a period."""

    staff_id: str
    name: str
    sales: int
    items: int
    sold: int
    average: int
    discounts: int
    margin: int | None = Field(description="Null to who may not see costs.")
    returned: int
    undone: int = Field(description="Sales that were voided or reversed.")
    repairs: int
    reworks: int
    minutes_worked: int


class PerformanceList(BaseModel):
    items: list[PerformanceOut]


@route("GET", "/commission-rules", needs=Permission.STAFF_READ)
def list_commission_rules(call: Call) -> RuleList:
    """Every rule there is or was, the newest first."""
    return RuleList(items=[_rule(row) for row in all_rules(call.ctx.session)])


@route("POST", "/commission-rules", action="commissions.add_rule", status=201, other_statuses=(409,))
def add_commission_rule(call: Call, body: AddRule) -> Done:
    """Say what is earned from a day on. It ends the rule before it about the same."""
    return Done(id=call.perform(body.model_dump(mode="json", exclude_unset=True)).result["id"])


@route("POST", "/commission-rules/<rule_id>/end", action="commissions.end_rule", other_statuses=(409,))
def end_commission_rule(call: Call, rule_id: str, body: Ending | None) -> Done:
    """Let a rule hold no more, from tomorrow or a later day."""
    sent = body.model_dump(mode="json", exclude_unset=True) if body else {}
    return Done(id=call.perform({"rule_id": rule_id, **sent}).result["id"])


@route("GET", "/commissions", needs=Permission.OWN_CREDENTIALS)
def get_commissions(call: Call, query: Period) -> CommissionList:
    """What everybody earned in a period; oneself to who may not see the staff."""
    found = commissions_of(call.ctx, query.since, query.until, query.shop_id or call.ctx.shop_id)
    items = [
        CommissionOut(
            staff_id=row.staff_id, name=row.name, earned=row.earned_minor, taken_back=row.taken_back_minor,
            paid=row.paid_minor, due=row.due_minor,
        )
        for row in found
    ]  # fmt: skip
    return CommissionList(items=items)


@route("GET", "/staff/<staff_id>/earnings", needs=Permission.STAFF_READ)
def get_earnings(call: Call, staff_id: str, query: Days) -> EarningList:
    """Each thing that earned somebody something in a period, or took it back."""
    find_staff(call.ctx.session, staff_id)
    rows = earnings(call.ctx, query.since, query.until, staff_id=staff_id)
    items = [
        EarningOut(
            day=row.day, kind=row.kind, record_id=row.record_id, number=row.number, what=row.what,
            quantity=row.quantity, net=row.net_minor, amount=row.amount_minor,
        )
        for row in rows
    ]  # fmt: skip
    return EarningList(items=items)


@route("GET", "/staff/<staff_id>/account", needs=Permission.STAFF_UPDATE)
def get_staff_account(call: Call, staff_id: str, query: Paged) -> EntryPage:
    """The account between a person and the shop, the latest line first, and what they owe."""
    find_staff(call.ctx.session, staff_id)
    page = entries_of(call.ctx.session, staff_id, limit=query.limit, cursor=query.cursor or None)
    items = [
        EntryOut(id=row.id, kind=row.kind, amount=row.amount_minor, note=row.note, at=row.at) for row in page.rows
    ]  # fmt: skip
    return EntryPage(items=items, next_cursor=page.next_cursor, owed=owed_by(call.ctx.session, staff_id))


@route("POST", "/staff-entries", action="staff.book", status=201, takes_approval=True, other_statuses=(409,))
def add_staff_entry(call: Call, body: BookForStaff) -> Done:
    """Pay a commission or an advance, take money back, or keep or forgive what a person owes."""
    return Done(id=call.perform(body.model_dump(mode="json", exclude_unset=True)).result["id"])


@route("GET", "/performance", needs=Permission.STAFF_READ)
def get_performance(call: Call, query: Period) -> PerformanceList:
    """What everybody did in a period, the most sold first."""
    found = performance(call.ctx, query.since, query.until, query.shop_id or call.ctx.shop_id)
    return PerformanceList(items=[PerformanceOut(**asdict(row)) for row in found])


@route("GET", "/staff/<staff_id>/performance", needs=Permission.STAFF_READ)
def get_person_performance(call: Call, staff_id: str, query: Days) -> PerformanceList:
    """What one person did in a period; nothing where they did nothing."""
    find_staff(call.ctx.session, staff_id)
    found = performance(call.ctx, query.since, query.until, call.ctx.shop_id)
    return PerformanceList(items=[PerformanceOut(**asdict(row)) for row in found if row.staff_id == staff_id])


def _rule(row: CommissionRule) -> RuleOut:
    return RuleOut(
        id=row.id, category=row.category, staff_id=row.staff_id, of_repairs=bool(row.of_repairs), rate_bp=row.rate_bp,
        per_piece=row.per_piece_minor, starts_on=row.starts_on, ends_on=row.ends_on,
    )  # fmt: skip
