"""Customers, as far as the counter needs them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Searched, left_out
from shopnode.domain.customers.actions import CreateCustomer
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import find_customer, search_customers
from shopnode.domain.params import Name, Note, Params, ShortText
from shopnode.domain.people.rules import Email
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import Phone


class CustomerChange(Params):
    """Any subset of a customer's fields; null empties those that may be empty."""

    name: Name = left_out()
    phone: Phone | None = None
    email: Email | None = None
    address: ShortText | None = None
    notes: Note | None = None


class CustomerOut(BaseModel):
    """A person or firm that buys."""

    id: str
    name: str
    phone: Annotated[str | None, Field(description="With the country's code: +256772123456.")]
    email: str | None
    address: str | None
    notes: str | None
    is_active: bool
    created_by: str | None
    created_at: Instant


class CustomerPage(BaseModel):
    items: list[CustomerOut]
    next_cursor: str | None


@route("POST", "/customers", action="customers.create", status=201)
def create_customer(call: Call, body: CreateCustomer) -> CustomerOut:
    """Add a customer."""
    done = call.perform(body)
    return _out(find_customer(call.ctx.session, done.result["id"]))


@route("GET", "/customers", needs=Permission.CUSTOMERS_READ)
def list_customers(call: Call, query: Searched) -> CustomerPage:
    """Find customers by any piece of their telephone number, or by name."""
    page = search_customers(call.ctx.session, query.q, limit=query.limit, cursor=query.cursor or None)
    return CustomerPage(items=[_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/customers/<customer_id>", needs=Permission.CUSTOMERS_READ)
def get_customer(call: Call, customer_id: str) -> CustomerOut:
    """One customer."""
    return _out(find_customer(call.ctx.session, customer_id))


@route("PUT", "/customers/<customer_id>", action="customers.update")
def update_customer(call: Call, customer_id: str, body: CustomerChange) -> CustomerOut:
    """Change any of a customer's fields."""
    given = body.model_dump(exclude_unset=True)
    if given:
        call.perform({"customer_id": customer_id, **given})
    return _out(find_customer(call.ctx.session, customer_id))


@route("DELETE", "/customers/<customer_id>", action="customers.archive")
def archive_customer(call: Call, customer_id: str) -> CustomerOut:
    """Take a customer off the lists. They are archived, not deleted: their sales stay in the books."""
    call.perform({"customer_id": customer_id})
    return _out(find_customer(call.ctx.session, customer_id))


def _out(row: Customer) -> CustomerOut:
    return CustomerOut(
        id=row.id, name=row.name, phone=row.phone, email=row.email, address=row.address, notes=row.notes,
        is_active=row.archived_at is None, created_by=row.created_by, created_at=row.created_at,
    )  # fmt: skip
