"""The forms of repairs, named as the API names them: `issue_description`, `estimated_cost`, `labor_cost`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from shopnode.domain.accounts.forms import MoneyIn
from shopnode.domain.params import Amount, Code, IdText, Line, Name, Note, Optionally, Params, PositiveAmount, Reason
from shopnode.domain.params import ShortText as Text
from shopnode.domain.phones import Phone
from shopnode.domain.photos.rules import UPLOAD_BYTES_MAX
from shopnode.domain.repairs.checklists import Answer, DeviceType
from shopnode.domain.repairs.models import DataConsent, OldPart, PasscodeWay, RepairPriority
from shopnode.domain.repairs.rules import REPAIR_TYPES
from shopnode.domain.sales.forms import TENDERS_MAX, Tendered

PHOTOS_MAX = 8
WORDS_MAX = 30
PIECES_MAX = 20
WARRANTY_DAYS_MAX = 3650


def _as_instant(value: Any) -> Any:
    """An instant with its zone: JSON has no type for it."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("must be an instant like 2026-11-22T17:00:00+03:00") from None
    if isinstance(value, datetime) and (value.tzinfo is None or not 2000 <= value.year < 2200):
        raise ValueError("must be an instant of our time with its zone, like 2026-11-22T17:00:00+03:00")
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _one_of(words: type[StrEnum]) -> BeforeValidator:
    """One of several words: JSON has no type for it, and it is refused as any other that is none of them."""
    return BeforeValidator(lambda text: words(text) if isinstance(text, str) and text in set(words) else text)


Kind = Annotated[DeviceType, _one_of(DeviceType)]
Urgency = Annotated[RepairPriority, _one_of(RepairPriority)]
Way = Annotated[PasscodeWay, _one_of(PasscodeWay)]
Consent = Annotated[DataConsent, _one_of(DataConsent)]
Fate = Annotated[OldPart, _one_of(OldPart)]
Moment = Annotated[datetime, BeforeValidator(_as_instant)]
Image = Annotated[str, Field(max_length=UPLOAD_BYTES_MAX * 4 // 3 + 4)]
Images = Annotated[list[Image], Field(max_length=PHOTOS_MAX)]
Words = Annotated[list[Annotated[Line, Field(min_length=1, max_length=60)]], Field(max_length=WORDS_MAX)]
Answers = Annotated[
    dict[Annotated[str, Field(max_length=40)], Annotated[Answer, _one_of(Answer)]], Field(max_length=40)
]
Passcode = Annotated[Annotated[Line, Field(max_length=100)] | None, Optionally]
Via = Literal["call", "sms", "signature", "in_person", "email"]
# The words stand in the rules; the type checker reads no tuple as a choice.
RepairType = Literal[REPAIR_TYPES]  # type: ignore[valid-type]


class Device(Params):
    """What was left, as far as it is described by words. Of a phone known here the IMEI is enough."""

    device_type: Kind = DeviceType.PHONE
    device_brand: Annotated[Annotated[Line, Field(max_length=100)] | None, Optionally] = None
    device_model: Annotated[Text | None, Optionally] = None
    colour: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
    imei_serial: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = Field(
        default=None, description="None while nobody can read it."
    )


class TakeIn(Device):
    """A device as it is taken in, all in one: who, what, which faults, in which condition, what was agreed."""

    customer_id: IdText | None = None
    customer_phone: Annotated[Phone | None, Optionally] = Field(
        default=None, description="Finds the customer; one that is not known is added by it."
    )
    customer_name: Annotated[Name | None, Optionally] = Field(default=None, description="Of a customer who is added.")
    repair_type: RepairType = "Other"
    priority: Urgency = RepairPriority.NORMAL
    faults: Words = Field(default_factory=list)
    issue_description: Annotated[Note, Field(min_length=3)]
    checklist: Answers = Field(default_factory=dict)
    is_dead: bool = Field(default=False, description="Could not be tested: it does not start.")
    accessories: Words = Field(default_factory=list, description="Left with it: SIM, SD card, case, charger.")
    water_damage: bool = False
    opened_before: bool = False
    passcode_way: Way = PasscodeWay.NONE
    passcode: Passcode = None
    data_consent: Consent = DataConsent.KEEP
    estimated_cost: Amount | None = None
    agreed_via: Literal["signature", "in_person"] | None = Field(
        default=None, description="The customer agreed to the estimate at the counter."
    )
    diagnosis_fee: Amount | None = Field(default=None, description="As the settings say when left out.")
    warranty_days: Annotated[int, Field(ge=0, le=WARRANTY_DAYS_MAX)] | None = None
    estimated_completion: Moment | None = None
    deposit: Annotated[list[MoneyIn], Field(max_length=TENDERS_MAX)] = Field(default_factory=list)
    photos: Images = Field(default_factory=list)
    signature: Annotated[Image | None, Optionally] = None
    claim_id: IdText | None = Field(default=None, description="The warranty claim this is mended for, at no cost.")
    notes: Annotated[Note | None, Optionally] = None

    @model_validator(mode="after")
    def _fits_together(self) -> TakeIn:
        if not (self.customer_id or self.customer_phone):
            raise ValueError("needs the customer's telephone number, or their customer_id")
        if (self.passcode_way is PasscodeWay.STORED) != (self.passcode is not None):
            raise ValueError("a passcode is given with passcode_way “stored”, and only then")
        if self.agreed_via is not None and self.estimated_cost is None:
            raise ValueError("needs an estimated_cost that was agreed to")
        return self


class Ticketed(Params):
    """A ticket."""

    ticket_id: IdText


class Changes(Device):
    """Any subset of what may be put right while the device is here."""

    device_type: Kind | None = None  # type: ignore[assignment]  # here it may stay as it is
    repair_type: RepairType | None = None
    priority: Urgency | None = None
    faults: Words | None = None
    issue_description: Annotated[Note, Field(min_length=3)] | None = None
    checklist: Answers | None = None
    accessories: Words | None = None
    water_damage: bool | None = None
    opened_before: bool | None = None
    data_consent: Consent | None = None
    labor_cost: Amount | None = Field(default=None, description="Within what was agreed; above it, estimate anew.")
    diagnosis_fee: Amount | None = None
    warranty_days: Annotated[int, Field(ge=0, le=WARRANTY_DAYS_MAX)] | None = None
    estimated_completion: Moment | None = None
    notes: Annotated[Note | None, Optionally] = None


class UpdateTicket(Changes):
    ticket_id: IdText


class StatusOf(Params):
    """Where it is now, and why."""

    status: Code
    notes: Annotated[Note | None, Optionally] = None


class ChangeStatus(StatusOf):
    ticket_id: IdText


class Assigning(Params):
    """Whose work it is; nobody's without one."""

    technician_id: IdText | None = None


class Assign(Assigning):
    ticket_id: IdText


class Cancelling(Params):
    """It was written by mistake."""

    reason: Reason


class CancelTicket(Cancelling):
    ticket_id: IdText


class Estimating(Params):
    """What all of it will cost the customer, parts and labour."""

    amount: Amount
    notes: Annotated[Note | None, Optionally] = None
    ask: bool = Field(default=True, description="Wait for the customer's answer before the work goes on.")


class GiveEstimate(Estimating):
    ticket_id: IdText


class Answering(Params):
    """What the customer said: to which amount, who said it and how."""

    accepted: bool
    amount: Amount = Field(description="The estimate as it was told; another one is refused.")
    via: Via
    answered_by: Name
    signature: Annotated[Image | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class AnswerEstimate(Answering):
    ticket_id: IdText


class Paying(MoneyIn):
    """A deposit."""


class TakeDeposit(Paying):
    ticket_id: IdText


class GivingBack(Params):
    """Money that was paid for a ticket goes back: as store credit unless a tender is named."""

    amount: PositiveAmount
    reason: Reason
    method: Code | None = None
    reference: Annotated[Line, Field(max_length=60)] | None = None


class GiveBack(GivingBack):
    ticket_id: IdText


class PartKept(Params):
    """A part for a ticket: out of stock, bought for it, or brought by the customer."""

    product_id: IdText | None = None
    name: Annotated[Name | None, Optionally] = Field(default=None, description="Of a part that is not kept in stock.")
    quantity: Annotated[int, Field(ge=1, le=PIECES_MAX)] = 1
    unit_price: Amount | None = Field(default=None, description="To the customer; the product's price when left out.")
    unit_cost: Amount | None = Field(default=None, description="Of a part that is not kept in stock.")
    serial: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
    is_customers: bool = Field(default=False, description="Brought by the customer: no cost, no warranty.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> PartKept:
        if (self.product_id is None) == (self.name is None):
            raise ValueError("needs a product_id, or the name of a part that is not kept in stock")
        if self.is_customers and (self.product_id or self.unit_cost or self.unit_price):
            raise ValueError("the customer's own part is named, and has neither cost nor price")
        if self.product_id and self.unit_cost is not None:
            raise ValueError("a part out of stock costs what it cost us")
        if self.name and not self.is_customers and (self.unit_cost is None or self.unit_price is None):
            raise ValueError("a part that is not kept in stock needs its unit_cost and its unit_price")
        return self


class ReservePart(PartKept):
    ticket_id: IdText


class PartUsed(Params):
    """It was fitted, and what became of the one it replaced."""

    old_part: Fate
    serial: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None


class UsePart(PartUsed):
    part_id: IdText


class ReturnPart(Params):
    """Unused, to the shelf."""

    part_id: IdText


class Notifying(Params):
    """What the customer is told, and how."""

    via: Literal["sms", "email", "call"] = "sms"
    message: Annotated[Note, Field(min_length=3)]


class NotifyCustomer(Notifying):
    ticket_id: IdText


class Noting(Params):
    """Words for whoever works on it next, or photos."""

    notes: Annotated[Note | None, Optionally] = None
    photos: Images = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_something(self) -> Noting:
        if not (self.notes or self.photos):
            raise ValueError("needs words or a photo")
        return self


class AddNote(Noting):
    ticket_id: IdText


class Stating(Params):
    """Something that the customer says was otherwise."""

    item: Annotated[Line, Field(min_length=1, max_length=60)]
    notes: Annotated[Line, Field(min_length=3, max_length=200)]


class Delivering(Params):
    """The device is handed over: to whom, on what proof, and what is still to be paid."""

    taken_by: Name
    slip_code: Annotated[Annotated[Line, Field(max_length=40)] | None, Optionally] = None
    phone: Annotated[Phone | None, Optionally] = Field(
        default=None, description="Instead of the slip: the customer's number, confirmed by them."
    )
    payments: Annotated[list[Tendered], Field(max_length=TENDERS_MAX)] = Field(default_factory=list)
    refund_method: Code | None = Field(
        default=None, description="How what was paid too much goes back; as store credit when left out."
    )
    refund_reference: Annotated[Line, Field(max_length=60)] | None = None
    disputed: Annotated[list[Stating], Field(max_length=WORDS_MAX)] = Field(default_factory=list)
    signature: Annotated[Image | None, Optionally] = None
    print_receipt: bool = True


class Deliver(Delivering):
    ticket_id: IdText


class TellingPasscode(Params):
    """A passcode the customer tells later."""

    passcode: Annotated[Line, Field(min_length=1, max_length=100)]


class StorePasscode(TellingPasscode):
    ticket_id: IdText
