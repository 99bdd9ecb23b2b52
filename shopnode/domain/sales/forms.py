"""The forms of a sale, named as the API names them: what is sold, how it is paid, what is decided later."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from shopnode.domain.params import Amount, Code, IdText, Line, Name, Note, Params, PositiveAmount, Quantity, Reason

LINES_MAX = 300
TENDERS_MAX = 20


class Item(Params):
    """One line: a product, a handset in stock, or a thing named by hand."""

    product_id: IdText | None = None
    device_id: IdText | None = Field(default=None, description="A handset's stock unit; its product follows from it.")
    item_name: Name | None = None
    category: Annotated[Line, Field(max_length=100)] | None = None
    imeis: Annotated[list[Code], Field(max_length=50)] = Field(
        default_factory=list, description="The pieces of a serialised product, one number each."
    )
    quantity: Quantity = 1
    unit_price: Amount | None = Field(
        default=None, description="Minor units; left out, what the customer's price list and the quantity say."
    )
    discount_amount: Amount = 0
    unit_cost: Amount | None = Field(default=None, description="What a thing named by hand cost, about; it needs it.")
    seller_id: IdText | None = Field(default=None, description="Who sold this line; the ticket's seller if left out.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> Item:
        if not (self.product_id or self.device_id or self.item_name):
            raise ValueError("needs a product_id, a device_id or an item_name")
        if self.device_id and self.quantity != 1:
            raise ValueError("one handset is one piece: add each with its own device_id")
        if not (self.product_id or self.device_id) and self.unit_price is None:
            raise ValueError("a line without a product needs its unit_price")
        return self

    @property
    def missing(self) -> dict[str, str]:
        """What a thing named by hand must say of itself, and does not (rule 26): it is in no other book."""
        if self.product_id or self.device_id:
            return {}
        needed = {"category": self.category, "unit_cost": self.unit_cost}
        words = {"category": "is needed: what kind of thing it is", "unit_cost": "is needed: what it cost, about"}
        return {name: words[name] for name, value in needed.items() if value in (None, "")}


class Tendered(Params):
    """Money as the customer gave it."""

    method: Code
    amount: PositiveAmount = Field(description="Minor units of the shop's currency; of foreign notes, their worth.")
    reference: Annotated[Line, Field(max_length=60)] | None = None
    about_id: IdText | None = Field(default=None, description="What the tender is about: a financier, for one.")
    currency: Annotated[Code, Field(max_length=3)] | None = Field(default=None, description="Of foreign notes: USD.")
    foreign_amount: PositiveAmount | None = Field(default=None, description="Minor units of that currency.")
    fee: PositiveAmount | None = Field(default=None, description="What the network took, beside the amount.")
    fee_borne_by: Literal["shop", "customer"] | None = None
    state: Literal["initiated", "pending"] | None = Field(
        default=None, description="Of mobile money that has not come yet, where the shop takes such."
    )


class NewSale(Params):
    """A ticket, ready to be booked."""

    items: Annotated[list[Item], Field(min_length=1, max_length=LINES_MAX)]
    payments: Annotated[list[Tendered], Field(max_length=TENDERS_MAX)] = Field(default_factory=list)
    customer_id: IdText | None = None
    seller_id: IdText | None = None
    discount_amount: Amount = 0
    notes: Note | None = None
    print_receipt: bool = True


class AmendSale(Params):
    """What is to be different, and why. Fields left out stay as they were."""

    sale_id: IdText
    reason: Reason
    items: Annotated[list[Item], Field(min_length=1, max_length=LINES_MAX)] | None = None
    payments: Annotated[list[Tendered], Field(max_length=TENDERS_MAX)] | None = None
    customer_id: IdText | None = None
    discount_amount: Amount | None = None
    notes: Note | None = None
    came_back: Annotated[list[Code], Field(max_length=LINES_MAX)] = Field(
        default_factory=list, description="Phones that leave the ticket: the number of each, scanned off the phone."
    )


class Decide(Params):
    """A decision about one sale."""

    sale_id: IdText
    reason: Reason | None = None


class Undo(Params):
    """Void or reverse a sale: why, and where the goods go."""

    sale_id: IdText
    reason: Reason
    restock: Literal["resell", "inspect", "scrap"] = "inspect"
