"""The forms of what comes back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from shopnode.domain.params import Amount, Code, IdText, Params, Quantity, Reason
from shopnode.domain.sales.forms import LINES_MAX, NewSale

RestockWord = Literal["new", "open_box", "bench", "supplier", "scrap"]


class BackLine(Params):
    """Pieces of one line of a sale. A phone is named by what is scanned on it."""

    sale_line_id: IdText | None = None
    imei: Code | None = Field(default=None, description="IMEI or serial number, scanned off the phone itself.")
    quantity: Quantity = 1
    restock: RestockWord

    @model_validator(mode="after")
    def _names_one_thing(self) -> BackLine:
        if not (self.sale_line_id or self.imei):
            raise ValueError("needs a sale_line_id, or the imei of the phone")
        return self


RefundReference = Annotated[
    Code | None, Field(description="Of the transaction by which mobile money or a bank sends it back.")
]


class ComesBack(Params):
    """Goods of one sale that come back. Without its receipt the sale is found by the phone's IMEI."""

    sale_id: IdText | None = None
    sale_number: Code | None = Field(default=None, description="The receipt's number, where the id is not known.")
    lines: Annotated[list[BackLine], Field(min_length=1, max_length=LINES_MAX)]
    reason: Reason
    had_receipt: bool = True
    fee_amount: Amount | None = Field(default=None, description="Kept of the price; by the settings when left out.")


class TakeBackGoods(ComesBack):
    """Goods that come back, and where their money goes."""

    refund_to: Literal["original", "cash", "store_credit"] = "original"
    customer_id: IdText | None = Field(default=None, description="Whose store credit; the sale's customer if left out.")
    refund_reference: RefundReference = None


class ExchangeGoods(ComesBack):
    """Goods that come back, and what is bought instead, in one ticket."""

    refund_reference: RefundReference = None
    sale: NewSale


class ClaimWarranty(Params):
    """A claim under the warranty of something sold here."""

    sale_line_id: IdText | None = None
    imei: Code | None = Field(default=None, description="Of the phone that came back.")
    outcome: Literal["repair", "replace", "refuse"]
    new_imei: Code | None = Field(default=None, description="Of the phone that is given instead.")
    restock: RestockWord | None = Field(
        default=None, description="Where what came back goes; a phone to its supplier, else scrapped, when left out."
    )
    reason: Reason

    @model_validator(mode="after")
    def _names_one_thing(self) -> ClaimWarranty:
        if not (self.sale_line_id or self.imei):
            raise ValueError("needs a sale_line_id, or the imei of the phone")
        return self
