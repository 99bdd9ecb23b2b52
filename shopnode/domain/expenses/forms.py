"""The forms of expenses, named as the API names them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shopnode.domain.params import Amount, Code, IdText, Line, Note, Optionally, Params, PositiveAmount, Reason
from shopnode.domain.photos.reading import Upload
from shopnode.domain.stock.days import Day

Words = Annotated[Note, Field(min_length=3, max_length=500)]


class RequestExpense(Params):
    """Money somebody asks to spend, or spent."""

    category: Code
    description: Words
    amount: PositiveAmount
    payment_method: Code = "cash"
    expense_date: Day | None = Field(default=None, description="Today where none is given.")
    supplier_id: Annotated[IdText | None, Optionally] = None
    receipt: Upload = Field(default=None, description="A photo of the receipt, as base64.")


class ExpenseChange(Params):
    """Any of an expense's fields. What is asked for becomes less, never more."""

    category: Code | None = None
    description: Words | None = None
    amount: PositiveAmount | None = None
    payment_method: Code | None = None
    expense_date: Day | None = None
    supplier_id: Annotated[IdText | None, Optionally] = None
    receipt: Upload = Field(default=None, description="A photo of the receipt, as base64.")


class ChangeExpense(ExpenseChange):
    expense_id: IdText


class AboutExpense(Params):
    expense_id: IdText


class Approving(Params):
    reason: Reason | None = None


class ApproveExpense(Approving):
    expense_id: IdText


class Rejecting(Params):
    reason: Reason


class RejectExpense(Rejecting):
    expense_id: IdText


class Paying(Params):
    """How it is paid: as it was asked for, unless another way is named."""

    method: Annotated[Code | None, Optionally] = None
    reference: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
    fee: PositiveAmount | None = Field(default=None, description="What the network took, beside the amount.")
    fee_borne_by: Literal["shop", "customer"] | None = None


class PayExpense(Paying):
    expense_id: IdText


class AddReceipt(Params):
    """The receipt's photo, as base64."""

    receipt: Annotated[str, Field(min_length=1)]


class AddExpenseReceipt(AddReceipt):
    expense_id: IdText


class SetBudget(Params):
    """What may be spent on a category in a month; none for no budget any more."""

    category: Code
    shop_id: Annotated[IdText | None, Optionally] = Field(default=None, description="All shops together where none.")
    month_amount: Amount | None


class RecurringFields(Params):
    """An expense that comes again every month."""

    category: Code
    description: Words
    amount: PositiveAmount
    payment_method: Code = "cash"
    day_of_month: Annotated[int, Field(ge=1, le=28)]
    starts_on: Day | None = Field(default=None, description="Today where none is given.")
    shop_id: Annotated[IdText | None, Optionally] = Field(default=None, description="This shop where none is given.")


class AddRecurring(RecurringFields):
    pass


class RecurringChange(Params):
    """Any of its fields."""

    category: Code | None = None
    description: Words | None = None
    amount: PositiveAmount | None = None
    payment_method: Code | None = None
    day_of_month: Annotated[int, Field(ge=1, le=28)] | None = None


class ChangeRecurring(RecurringChange):
    recurring_id: IdText


class AboutRecurring(Params):
    recurring_id: IdText


class RaiseRecurring(Params):
    """Nothing to say: what has come due is asked for."""
