"""The forms of plans, named as the API names them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from shopnode.domain.accounts.forms import MoneyIn
from shopnode.domain.params import Amount, Code, IdText, Line, Note, Params, PositiveAmount, Quantity, Reason
from shopnode.domain.plans.rules import INSTALMENTS_MAX
from shopnode.domain.sales.forms import LINES_MAX, TENDERS_MAX, Tendered
from shopnode.domain.stock.days import Day


class PlanItem(Params):
    """Goods of a plan: a product, or phones by device or number."""

    product_id: IdText | None = None
    device_id: IdText | None = Field(default=None, description="A handset's stock unit; its product follows from it.")
    imeis: Annotated[list[Code], Field(max_length=50)] = Field(default_factory=list)
    quantity: Quantity = 1
    unit_price: Amount | None = Field(default=None, description="Minor units; the customer's price when left out.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> PlanItem:
        if not (self.product_id or self.device_id):
            raise ValueError("needs a product_id or a device_id")
        if self.device_id and self.quantity != 1:
            raise ValueError("one handset is one piece: add each with its own device_id")
        return self


class DueIn(Params):
    """A part and its day."""

    due_on: Day
    amount: PositiveAmount


class OpenPlan(Params):
    """An agreement about goods: at which price, what is paid now, and when the rest is due."""

    kind: Literal["layaway", "instalment", "reservation"]
    customer_id: IdText
    items: Annotated[list[PlanItem], Field(min_length=1, max_length=LINES_MAX)]
    payments: Annotated[list[MoneyIn], Field(max_length=TENDERS_MAX)] = Field(
        default_factory=list, description="The deposit."
    )
    dues: Annotated[list[DueIn], Field(max_length=INSTALMENTS_MAX)] = Field(default_factory=list)
    instalments: Annotated[int, Field(ge=1, le=INSTALMENTS_MAX)] | None = Field(
        default=None, description="Instead of dues: so many equal parts."
    )
    every_days: Annotated[int, Field(ge=1, le=366)] = 30
    keep_until: Day | None = None
    notes: Note | None = None


class PayPlan(MoneyIn):
    """Money towards a plan."""

    plan_id: IdText


class Completing(Params):
    """The goods leave: what is still to be paid comes with it."""

    payments: Annotated[list[Tendered], Field(max_length=TENDERS_MAX)] = Field(default_factory=list)
    print_receipt: bool = True


class CompletePlan(Completing):
    plan_id: IdText


class Cancelling(Params):
    """The shop calls it off: all money goes back, into store credit unless a tender is named."""

    reason: Reason
    method: Code | None = None
    reference: Annotated[Line, Field(max_length=60)] | None = None


class CancelPlan(Cancelling):
    plan_id: IdText


class GivingUp(Params):
    """The customer gives it up, or lets it pass."""

    reason: Reason


class ForfeitPlan(GivingUp):
    plan_id: IdText
