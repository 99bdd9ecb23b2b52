"""The forms of payments on account, store credit and corrections, named as the API names them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.params import Amount, Code, IdText, Line, Params, PositiveAmount, Reason, ShortText

CHARGES_MAX = 100


class MoneyIn(Params):
    """Money as it is handed over or given out: its tender, and the network's number where there is one."""

    method: Code
    amount: PositiveAmount
    reference: Annotated[Line, Field(max_length=60)] | None = None
    fee: PositiveAmount | None = Field(default=None, description="What the network took, beside the amount.")
    fee_borne_by: Literal["shop", "customer"] | None = None


class PaymentOnAccount(MoneyIn):
    """Money for what a customer owes: chosen charges first, then the oldest."""

    charge_ids: Annotated[list[IdText], Field(max_length=CHARGES_MAX)] = Field(default_factory=list)
    note: ShortText | None = None


class TakePayment(PaymentOnAccount):
    """A customer pays what they owe."""

    customer_id: IdText


class CreditUse(Params):
    """Store credit pays what is owed."""

    amount: PositiveAmount
    charge_ids: Annotated[list[IdText], Field(max_length=CHARGES_MAX)] = Field(default_factory=list)


class UseStoreCredit(CreditUse):
    customer_id: IdText


class NotedMoney(MoneyIn):
    """Money, and what it is for."""

    note: ShortText | None = None


class SellStoreCredit(NotedMoney):
    """A gift card, or money left with the shop: paid now, spent later."""

    customer_id: IdText


class PayOut(NotedMoney):
    """Store credit leaves as money."""

    customer_id: IdText


class Correction(Params):
    """Put an account right: so much more (+) or less (−), and why."""

    account: Literal["credit", "store_credit", "points"]
    amount: Annotated[int, Field(ge=-MONEY_MINOR_MAX, le=MONEY_MINOR_MAX)]
    reason: Reason
    shop_id: IdText | None = Field(default=None, description="Whose books it stands in; the counter's own shop.")

    @model_validator(mode="after")
    def _changes_something(self) -> Correction:
        if self.amount == 0:
            raise ValueError("needs an amount that is not 0")
        return self


class CorrectAccount(Correction):
    customer_id: IdText


class CreditTerms(Params):
    """How much a customer may owe, and for how long. An empty limit ends the credit."""

    credit_limit: Amount | None = None
    credit_days: Annotated[int, Field(ge=0, le=365)] | None = None


class SetCredit(CreditTerms):
    customer_id: IdText


class ReceiveUnallocated(MoneyIn):
    """Money that came and nobody knows what for; the customer where one is guessed."""

    customer_id: IdText | None = None
    note: ShortText | None = None


class Owner(Params):
    """Whose money it was, after all."""

    customer_id: IdText


class AllocateMoney(Owner):
    money_id: IdText


class WayBack(Params):
    """Money goes back to whoever sent it."""

    method: Code
    reference: Annotated[Line, Field(max_length=60)] | None = None
    reason: Reason


class SendBack(WayBack):
    money_id: IdText
