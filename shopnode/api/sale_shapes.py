"""What is sent and answered about a sale: the seed's columns, and the sale whole.

`total_amount` is the sum of the items after their own discounts, `discount_amount` what the ticket gives on top, and
`final_amount` what is left: the same meaning in what is sent and in what is answered.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shopnode.api.reading import QueryDay, QueryInt
from shopnode.api.shapes import TEXT_MAX, Instant, Searched, left_out
from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.params import Amount, Code, IdText, Note, Params, Reason
from shopnode.domain.sales.forms import LINES_MAX, TENDERS_MAX, Item, Tendered
from shopnode.domain.sales.models import MoneyState, PaymentKind, SaleStatus, Tender

PaymentStatus = Literal["Paid", "Pending", "Unpaid", "Partly refunded", "Refunded", "Refund due"]


class SaleChange(Params):
    """What is to be different. Fields left out stay as they were; the correction is a fact of its own."""

    reason: Reason = "Corrected"
    items: Annotated[list[Item], Field(min_length=1, max_length=LINES_MAX)] = left_out()
    payments: Annotated[list[Tendered], Field(max_length=TENDERS_MAX)] = left_out()
    customer_id: IdText = left_out()
    discount_amount: Amount = left_out()
    notes: Note = left_out()
    came_back: Annotated[list[Code], Field(max_length=LINES_MAX)] = Field(
        default_factory=list, description="Phones that leave the ticket: the number of each, scanned off the phone."
    )


class Undoing(Params):
    """Why the sale is undone, and where its goods go."""

    reason: Reason = left_out()
    restock: Literal["resell", "inspect", "scrap"] = "inspect"


class SaleRow(BaseModel):
    """A sale in a list."""

    id: str
    sale_number: str
    shop_id: str
    customer_id: str | None
    total_amount: int = Field(description="The items after their own discounts.")
    discount_amount: int = Field(description="What the ticket gives on top.")
    tax_amount: int = Field(description="VAT contained in the final amount.")
    final_amount: int
    payment_method: str = Field(description="The tenders used, comma separated.")
    payment_status: PaymentStatus
    status: SaleStatus
    notes: str | None
    business_on: date
    seller_id: str | None
    created_by: str | None
    approved_by: str | None
    approved_at: Instant | None
    created_at: Instant
    updated_at: Instant


class SaleItem(BaseModel):
    """One line, as it was at that moment."""

    id: str
    product_id: str | None
    device_id: str | None
    item_name: str
    is_custom: bool = Field(description="Named by hand: in no catalogue, and what it cost is a guess.")
    imei: str | None
    quantity: int
    unit_price: int
    discount_amount: int
    total_price: int
    warranty_days: int
    warranty_terms: str | None
    seller_id: str | None = Field(description="Who sold this line; the sale's seller if null.")


class SalePayment(BaseModel):
    """Money in (+) or out (−); `amount` is net of change."""

    id: str
    kind: PaymentKind
    method: Tender
    amount: int
    tendered: int | None
    change: int | None
    reference: str | None
    state: MoneyState = Field(description="How far it has come.")
    fee: int | None = Field(description="What the network took, beside the amount.")
    fee_borne_by: str | None
    created_at: Instant


class SaleWhole(SaleRow):
    """A sale with what was sold and how it was paid."""

    items: list[SaleItem]
    payments: list[SalePayment]
    change: int = Field(description="What went back to the customer out of the cash handed over.")


class SalePage(BaseModel):
    items: list[SaleRow]
    next_cursor: str | None


class SaleQuery(Searched):
    """Receipt number, IMEI, item or payment reference in `q`."""

    status: SaleStatus | None = None
    date: Annotated[QueryDay | None, Field(description="One business day.")] = None
    date_from: QueryDay | None = None
    date_to: QueryDay | None = None
    payment_method: Tender | None = None
    seller_id: IdText | None = None
    customer_id: IdText | None = None
    shop_id: IdText | None = None
    amount_from: Annotated[QueryInt | None, Field(ge=0, le=MONEY_MINOR_MAX)] = None
    amount_to: Annotated[QueryInt | None, Field(ge=0, le=MONEY_MINOR_MAX)] = None


class ReceiptQuery(BaseModel):
    """The paper."""

    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    size: Annotated[Literal["a4", "a5", "80mm"], Field(max_length=TEXT_MAX)] = "a5"
