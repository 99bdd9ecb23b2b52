"""The forms of financiers, named as the API names them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shopnode.domain.accounts.forms import MoneyIn
from shopnode.domain.params import Code, IdText, Line, Note, Optionally, Params, PositiveAmount, Reason, ShortText

PHONES_MAX = 200
FirmName = Annotated[Line, Field(min_length=1, max_length=100)]
Agreement = Annotated[Line, Field(max_length=100)]


class CreateFinancier(Params):
    """A firm that finances phones."""

    name: FirmName
    agreement: Annotated[Agreement | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class UpdateFinancier(Params):
    """Any subset of its fields."""

    financier_id: IdText
    name: FirmName | None = None
    agreement: Annotated[Agreement | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class ArchiveFinancier(Params):
    financier_id: IdText


class Settlement(MoneyIn):
    """A financier pays: for the phones named, else for the oldest."""

    imeis: Annotated[list[Code], Field(max_length=PHONES_MAX)] = Field(default_factory=list)
    note: ShortText | None = None


class Settle(Settlement):
    financier_id: IdText


class Refusal(Params):
    """A financier refuses a phone, or takes its money back."""

    imei: Code
    amount: PositiveAmount
    reason: Reason
    charge_customer: bool = Field(default=False, description="The customer owes it instead.")


class ChargeBack(Refusal):
    financier_id: IdText
