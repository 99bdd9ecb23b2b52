"""Customers: added at the counter in a breath, corrected by those who may, archived and never deleted."""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import func, select

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import find_customer, on_the_list
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Name, Note, Optionally, Params, ShortText
from shopnode.domain.people.rules import Email
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import Phone


class CreateCustomer(Params):
    """Who buys: the name, and the telephone number people are found by."""

    name: Name
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None
    address: Annotated[ShortText | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class UpdateCustomer(Params):
    """Any subset of a customer's fields."""

    customer_id: IdText
    name: Name | None = None
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None
    address: Annotated[ShortText | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


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


@action("customers.create", needs=Permission.CUSTOMERS_CREATE, where=Where.ANYWHERE)
def create_customer(ctx: Context, new: CreateCustomer) -> dict[str, Any]:
    """Add a customer. Raises AlreadyCustomer when the telephone number is known."""
    _check_phone_free(ctx, new.phone)
    customer = Customer(id=ctx.new_id(), created_by=ctx.actor.id, created_at=ctx.now, **new.model_dump())
    add_rows(ctx.session, customer)
    ctx.about("customer", customer.id)
    return {"id": customer.id}


@action("customers.update", needs=Permission.CUSTOMERS_UPDATE, where=Where.ANYWHERE)
def update_customer(ctx: Context, new: UpdateCustomer) -> dict[str, Any]:
    """Change any of a customer's fields."""
    customer = find_customer(ctx.session, new.customer_id)
    given = new.model_dump(exclude_unset=True, exclude={"customer_id"})
    if "name" in given and given["name"] is None:
        raise Invalid({"name": "is needed"})
    _check_phone_free(ctx, given.get("phone"), but=customer.id)
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


def _check_phone_free(ctx: Context, phone: str | None, but: str | None = None) -> None:
    if phone is None:
        return
    same = select(func.coalesce(Customer.merged_into, Customer.id)).where(Customer.phone == phone)
    query = select(Customer).where(Customer.id.in_(same), on_the_list()).order_by(Customer.id)
    for known in ctx.session.scalars(query):
        if known.id != but:
            raise AlreadyCustomer(known.id, known.name)
