"""Customers: added at the counter in a breath, corrected by those who may, archived and never deleted."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from sqlalchemy import func, select

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import find_customer, on_the_list
from shopnode.domain.errors import Conflict, Invalid, NotPermitted
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Line, Name, Note, Optionally, Params, ShortText
from shopnode.domain.people.rules import Email
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import Phone
from shopnode.domain.pricing.models import PriceList
from shopnode.domain.queries import row_or_none

BORN_EARLIEST = date(1900, 1, 1)


def _as_day(value: Any) -> Any:
    """A day written out: JSON has no type for it."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a day like 1990-11-22") from None
    return value


BirthDay = Annotated[date, BeforeValidator(_as_day)]

IdNumber = Annotated[Line, Field(max_length=60)]
Gender = Annotated[Line, Field(max_length=20)]


class CreateCustomer(Params):
    """Who buys: the name, and the telephone number people are found by. All else is optional."""

    name: Name
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None
    address: Annotated[ShortText | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None
    id_number: Annotated[IdNumber | None, Optionally] = None
    date_of_birth: BirthDay | None = None
    gender: Annotated[Gender | None, Optionally] = None
    price_list_id: IdText | None = None
    may_message: bool = Field(default=False, description="Agreed to be sent messages.")


class UpdateCustomer(Params):
    """Any subset of a customer's fields."""

    customer_id: IdText
    name: Name | None = None
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None
    address: Annotated[ShortText | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None
    id_number: Annotated[IdNumber | None, Optionally] = None
    date_of_birth: BirthDay | None = None
    gender: Annotated[Gender | None, Optionally] = None
    price_list_id: IdText | None = None
    may_message: bool | None = None


class ArchiveCustomer(Params):
    customer_id: IdText


class AlreadyCustomer(Conflict):
    """Somebody with this number is known; the answer carries who, so that the counter can take them."""

    code = "already-customer"

    def __init__(self, customer_id: str, name: str):
        self.customer_id = customer_id
        super().__init__(f"This telephone number belongs to {name}.")

    @property
    def details(self) -> dict[str, object]:
        return {"customer_id": self.customer_id}


class CustomerErased(Conflict):
    code = "customer-erased"

    def __init__(self) -> None:
        super().__init__("This customer was erased at their own wish. Add them anew if they come back.")


@action("customers.create", needs=Permission.CUSTOMERS_CREATE, where=Where.ANYWHERE)
def create_customer(ctx: Context, new: CreateCustomer) -> dict[str, Any]:
    """Add a customer. Raises AlreadyCustomer when the telephone number is known, NotPermitted."""
    _check_phone_free(ctx, new.phone)
    given = new.model_dump()
    _check_may_choose_list(ctx, given["price_list_id"], None)
    _check_choices(ctx, given)
    given["may_message_at"] = ctx.now if given.pop("may_message") else None
    customer = Customer(id=ctx.new_id(), created_by=ctx.actor.id, created_at=ctx.now, **given)
    add_rows(ctx.session, customer)
    ctx.about("customer", customer.id)
    return {"id": customer.id}


@action("customers.update", needs=Permission.CUSTOMERS_UPDATE, where=Where.ANYWHERE)
def update_customer(ctx: Context, new: UpdateCustomer) -> dict[str, Any]:
    """Change any of a customer's fields. Raises AlreadyCustomer, CustomerErased, Invalid, NotFound, NotPermitted."""
    customer = find_customer(ctx.session, new.customer_id)
    if customer.erased_at is not None:
        raise CustomerErased
    given = new.model_dump(exclude_unset=True, exclude={"customer_id"})
    if "name" in given and given["name"] is None:
        raise Invalid({"name": "is needed"})
    _check_phone_free(ctx, given.get("phone"), but=customer.id)
    _check_may_choose_list(ctx, given.get("price_list_id", customer.price_list_id), customer.price_list_id)
    _check_choices(ctx, given)
    agreed = given.pop("may_message", None)
    if agreed is not None and agreed is not (customer.may_message_at is not None):
        customer.may_message_at = ctx.now if agreed else None
    for name, value in given.items():
        setattr(customer, name, value)
    ctx.about("customer", customer.id)
    return {"id": customer.id}


@action("customers.archive", needs=Permission.CUSTOMERS_DELETE, where=Where.ANYWHERE)
def archive_customer(ctx: Context, form: ArchiveCustomer) -> dict[str, Any]:
    """Take a customer off the lists; their sales stay in the books."""
    customer = find_customer(ctx.session, form.customer_id)
    customer.archived_at = customer.archived_at or ctx.now
    ctx.about("customer", customer.id)
    return {"id": customer.id}


def _check_may_choose_list(ctx: Context, chosen: str | None, standing: str | None) -> None:
    """A customer's price list is a lower price for every sale of theirs. Raises NotPermitted."""
    if chosen != standing and not ctx.may(Permission.PRODUCTS_UPDATE):
        raise NotPermitted("Only who may change prices says by which price list a customer buys.")


def _check_choices(ctx: Context, given: dict[str, Any]) -> None:
    """Raises Invalid, naming every wrong field."""
    wrong = {}
    born = given.get("date_of_birth")
    if born is not None and not BORN_EARLIEST <= born <= ctx.now.date():
        wrong["date_of_birth"] = "is not a day on which a customer was born"
    list_id = given.get("price_list_id")
    if list_id is not None:
        known = row_or_none(ctx.session, PriceList, list_id)
        if known is None or known.archived_at is not None:
            wrong["price_list_id"] = "is not one of the price lists"
    if wrong:
        raise Invalid(wrong)


def _check_phone_free(ctx: Context, phone: str | None, but: str | None = None) -> None:
    if phone is None:
        return
    same = select(func.coalesce(Customer.merged_into, Customer.id)).where(Customer.phone == phone)
    query = select(Customer).where(Customer.id.in_(same), on_the_list()).order_by(Customer.id)
    for known in ctx.session.scalars(query):
        if known.id != but:
            raise AlreadyCustomer(known.id, known.name)
