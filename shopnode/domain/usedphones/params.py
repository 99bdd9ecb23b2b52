"""The forms of buying a phone from a person: the phone, its seller, how they are paid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field

from shopnode.domain.params import (
    Amount,
    Code,
    IdText,
    Line,
    Name,
    Note,
    Optionally,
    Params,
    PositiveAmount,
    Reason,
    ShortText,
)
from shopnode.domain.phones import Phone
from shopnode.domain.photos.rules import UPLOAD_BYTES_MAX
from shopnode.domain.sales.forms import NewSale
from shopnode.domain.usedphones.rules import plain_id_number, read_grade

PHOTOS_MAX = 4

Typed = Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally]
Image = Annotated[str, Field(max_length=UPLOAD_BYTES_MAX * 4 // 3 + 4)]
GradeText = Annotated[Line, Field(max_length=10), AfterValidator(read_grade)]
IdType = Literal["national_id", "passport", "driving_permit", "refugee_id", "other"]


class Seller(Params):
    """Who sells, as their ID says. It is sealed before it is kept."""

    name: Name
    phone: Phone
    id_type: IdType
    id_number: Annotated[Line, Field(min_length=3, max_length=60), AfterValidator(plain_id_number)]
    address: Annotated[ShortText | None, Optionally] = None
    photos: Annotated[list[Image], Field(max_length=PHOTOS_MAX)] = Field(
        default_factory=list, description="Of the ID and of the seller, each as base64."
    )
    signature: Annotated[Image | None, Optionally] = Field(default=None, description="Drawn on the screen, as base64.")
    signed_on_paper: bool = Field(default=False, description="The printed agreement was signed instead.")


class Payout(Params):
    """How the seller is paid: from the open drawer, or from a wallet with the network's transaction id."""

    method: Code = "cash"
    reference: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
    fee: PositiveAmount | None = Field(default=None, description="What the network takes for it, beside the amount.")
    fee_borne_by: Literal["shop", "customer"] | None = None


class UsedPhone(Params):
    """A phone somebody sells us, what was seen of it, and what is offered."""

    product_id: IdText
    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    colour: Typed = Field(default=None, validation_alias=AliasChoices("color", "colour"))
    storage: Typed = None
    grade: Annotated[GradeText | None, Optionally] = Field(
        default=None, description="The one in the product's name when left out."
    )
    offer: Amount
    has_box: bool | None = None
    has_charger: bool | None = None
    battery_pct: Annotated[int, Field(ge=0, le=100)] | None = None
    region: Annotated[Annotated[Line, Field(max_length=40)] | None, Optionally] = None
    locks_removed: bool = Field(description="Signed out of Google and iCloud, seen by the buyer.")
    was_reset: bool
    network_lock: Annotated[Line, Field(min_length=1, max_length=30)] = Field(
        description="The network it is locked to, or none."
    )
    states_ownership: bool = Field(description="The seller says that the phone is theirs to sell.")
    seller: Seller
    customer_id: IdText | None = None
    notes: Annotated[Note | None, Optionally] = None


class BuyPhone(UsedPhone):
    """A phone bought over the counter and paid out at once."""

    payout: Payout = Field(default_factory=Payout)


class TradeIn(Params):
    """A used phone as part of the payment for a sale. What the phone is worth above the sale is paid out."""

    phone: UsedPhone
    sale: NewSale
    payout: Payout = Field(default_factory=Payout)


class ReversePurchase(Params):
    """Give a phone back to whoever sold it, and take the money back."""

    purchase_id: IdText
    reason: Reason
    method: Code = "cash"
    reference: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
