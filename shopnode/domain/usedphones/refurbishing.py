"""What making a phone ready costs: parts out of stock, labour, the rest. It belongs to its cost (rule 20)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.errors import NotInStock
from shopnode.domain.handsets.models import Handset, UnitStatus
from shopnode.domain.handsets.states import add_to_cost, own_unit
from shopnode.domain.params import Amount, IdText, Optionally, Params, ShortText
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.stock.models import MovementKind, StockCost, StockMovement
from shopnode.domain.usedphones.models import UnitCost, UnitCostKind
from shopnode.domain.worths import Worth, refuse_absurd

PIECES_MAX = 20
WORKED_ON = (UnitStatus.IN_STOCK, UnitStatus.INSPECT, UnitStatus.BENCH)


class AddCost(Params):
    """A part, an hour or a fee that went into a phone."""

    unit_id: IdText
    kind: UnitCostKind
    product_id: IdText | None = Field(default=None, description="The part, out of this shop's stock.")
    quantity: Annotated[int, Field(ge=1, le=PIECES_MAX)] = 1
    amount: Amount | None = Field(default=None, description="Of labour and the rest; a part costs what it cost us.")
    note: Annotated[ShortText | None, Optionally] = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> AddCost:
        if self.kind is UnitCostKind.PART and (self.product_id is None or self.amount is not None):
            raise ValueError("a part is named by its product_id, and costs what it cost us")
        if self.kind is not UnitCostKind.PART and (self.product_id is not None or self.amount is None):
            raise ValueError("needs an amount, and no product_id: only a part comes out of stock")
        return self


@action("usedphones.add_cost", needs=Permission.DEVICES_UPDATE)
def add_cost(ctx: Context, form: AddCost) -> dict[str, Any]:
    """Add a part, labour or a fee to what a phone cost. Raises NotInStock, Invalid, NotFound."""
    unit = own_unit(ctx, form.unit_id)
    if unit.status not in WORKED_ON:
        raise NotInStock(unit.status)
    handset = find_row(ctx.session, Handset, unit.handset_id)
    amount_minor = form.amount or 0
    if form.product_id is not None:
        amount_minor = _use_part(ctx, form.product_id, form.quantity, f"Used in {handset.number}")
    refuse_absurd([Worth("amount", handset.number, unit.cost_minor + amount_minor)], "amount")
    cost = {
        "id": ctx.new_id(), "unit_id": unit.id, "shop_id": ctx.shop_id, "kind": form.kind.value,
        "amount_minor": amount_minor, "product_id": form.product_id, "note": form.note, "at": ctx.now,
        "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, UnitCost, [cost])
    add_to_cost(ctx, unit, amount_minor, f"Made ready: {form.kind.value}")
    ctx.about("handset", handset.id)
    return {"unit_id": unit.id}


def _use_part(ctx: Context, product_id: str, quantity: int, note: str) -> int:
    """Take a part out of stock; answers what it cost, by the shop's average. Raises Invalid."""
    product = find_product(ctx.session, product_id)
    if product.is_serialised:
        raise Invalid({"product_id": f"“{product.name}” is counted by IMEI and is no part"})
    here = select(StockCost.average_minor).where(StockCost.shop_id == ctx.shop_id, StockCost.product_id == product.id)
    average = ctx.session.scalar(here)
    piece_minor = product.cost_minor if average is None else average
    movement = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "product_id": product.id, "unit_id": None,
        "kind": MovementKind.USED.value, "quantity": -quantity, "unit_cost_minor": piece_minor, "note": note,
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, StockMovement, [movement])
    return quantity * piece_minor
