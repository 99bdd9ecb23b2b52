"""Layaways, instalments and reservations: goods at an agreed price, paid bit by bit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryBool
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.accounts.forms import MoneyIn
from shopnode.domain.params import IdText
from shopnode.domain.permissions import Permission
from shopnode.domain.plans.forms import Cancelling, Completing, GivingUp, OpenPlan
from shopnode.domain.plans.models import PlanKind, PlanStatus
from shopnode.domain.plans.queries import PlanRow, deposits_owed, list_plans, plan_view


class PlanQuery(Paged):
    status: PlanStatus | None = None
    customer_id: IdText | None = None
    passed: Annotated[QueryBool, Field(description="Open ones alone whose day has gone by.")] = False


class PlanOut(BaseModel):
    """A plan in a list."""

    id: str
    shop_id: str
    number: str
    kind: PlanKind
    status: PlanStatus
    customer_id: str
    customer_name: str
    total_amount: int
    deposit: int
    paid: int
    open: int
    keep_until: date | None
    has_passed: bool
    sale_id: str | None
    created_at: Instant


class PlanItemOut(BaseModel):
    product_id: str
    name: str
    device_id: str | None
    imei: str | None
    quantity: int
    unit_price: int


class PlanPartOut(BaseModel):
    """A part of the price, its day, and what is left of it."""

    due_on: date
    amount: int
    open: int


class PlanWhole(PlanOut):
    """A plan with its goods and its days."""

    forfeit_bp: int = Field(description="Kept of what was paid when the customer gives it up, in basis points.")
    notes: str | None
    ended_at: Instant | None
    end_reason: str | None
    items: list[PlanItemOut]
    dues: list[PlanPartOut]


class PlanPage(BaseModel):
    items: list[PlanOut]
    next_cursor: str | None


class DepositsOut(BaseModel):
    """Paid for goods that have not left: owed to customers."""

    plans: int
    owed: int


class PlanEndOut(BaseModel):
    """Where the money of a plan went."""

    plan: PlanWhole
    kept: int
    given_back: int
    to_store_credit: int


@route("POST", "/plans", action="plans.open", status=201, takes_approval=True)
def open_plan(call: Call, body: OpenPlan) -> PlanWhole:
    """Agree on goods at a price, take the deposit, and keep the goods; instalments leave at once, as a sale."""
    return _whole(call, call.perform(body).result["plan_id"])


@route("GET", "/plans", needs=Permission.ACCOUNTS_COLLECT)
def list_all_plans(call: Call, query: PlanQuery) -> PlanPage:
    """List plans, the latest first."""
    page = list_plans(
        call.ctx, status=query.status, customer_id=query.customer_id, passed=query.passed, limit=query.limit,
        cursor=query.cursor or None,
    )  # fmt: skip
    return PlanPage(items=[PlanOut(**_fields(row)) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/plans/deposits", needs=Permission.REPORTS_EXPORT)
def get_deposits(call: Call) -> DepositsOut:
    """What is owed to customers for goods they have paid for and do not have yet."""
    found = deposits_owed(call.ctx.session, call.ctx.shop_id)
    return DepositsOut(plans=found.plans, owed=found.owed_minor)


@route("GET", "/plans/<plan_id>", needs=Permission.ACCOUNTS_COLLECT)
def get_plan(call: Call, plan_id: str) -> PlanWhole:
    """One plan with its goods and its days."""
    return _whole(call, plan_id)


@route("POST", "/plans/<plan_id>/payments", action="plans.pay", status=201)
def pay_plan(call: Call, plan_id: str, body: MoneyIn) -> PlanWhole:
    """Take money towards a plan."""
    call.perform({"plan_id": plan_id, **body.model_dump(exclude_unset=True)})
    return _whole(call, plan_id)


@route("POST", "/plans/<plan_id>/complete", action="plans.complete", takes_approval=True)
def complete_plan(call: Call, plan_id: str, body: Completing) -> PlanWhole:
    """Hand the goods over: the plan becomes a sale at the agreed prices, and what is left is paid now."""
    call.perform({"plan_id": plan_id, **body.model_dump(exclude_unset=True)})
    return _whole(call, plan_id)


@route("POST", "/plans/<plan_id>/cancel", action="plans.cancel", takes_approval=True)
def cancel_plan(call: Call, plan_id: str, body: Cancelling) -> PlanEndOut:
    """Call a plan off: all that was paid goes back, with a second person."""
    return _ended(call, plan_id, call.perform({"plan_id": plan_id, **body.model_dump(exclude_unset=True)}).result)


@route("POST", "/plans/<plan_id>/forfeit", action="plans.forfeit", takes_approval=True)
def forfeit_plan(call: Call, plan_id: str, body: GivingUp) -> PlanEndOut:
    """End a plan the customer gave up: the agreed part is kept, the rest store credit, with a second person."""
    return _ended(call, plan_id, call.perform({"plan_id": plan_id, "reason": body.reason}).result)


def _ended(call: Call, plan_id: str, done: dict[str, Any]) -> PlanEndOut:
    return PlanEndOut(
        plan=_whole(call, plan_id), kept=done.get("kept", 0), given_back=done.get("given_back", 0),
        to_store_credit=done["to_store_credit"],
    )  # fmt: skip


def _whole(call: Call, plan_id: str) -> PlanWhole:
    view = plan_view(call.ctx, plan_id)
    items = [
        PlanItemOut(
            product_id=line.product_id, name=line.name, device_id=line.unit_id, imei=line.imei,
            quantity=line.quantity, unit_price=line.unit_price_minor,
        )
        for line in view.goods
    ]  # fmt: skip
    dues = [PlanPartOut(due_on=part.due_on, amount=part.amount_minor, open=part.open_minor) for part in view.parts]
    return PlanWhole(
        **_fields(view.row), forfeit_bp=view.forfeit_bp, notes=view.notes, ended_at=view.ended_at,
        end_reason=view.end_reason, items=items, dues=dues,
    )  # fmt: skip


def _fields(row: PlanRow) -> dict[str, Any]:
    return {
        "id": row.id, "shop_id": row.shop_id, "number": row.number, "kind": row.kind, "status": row.status,
        "customer_id": row.customer_id, "customer_name": row.customer, "total_amount": row.total_minor,
        "deposit": row.deposit_minor, "paid": row.paid_minor, "open": row.open_minor, "keep_until": row.keep_until,
        "has_passed": row.has_passed, "sale_id": row.sale_id, "created_at": row.opened_at,
    }  # fmt: skip
