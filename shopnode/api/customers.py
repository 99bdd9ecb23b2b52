"""Customers: who they are, what they bought, and forgetting them. Their accounts are in customer_accounts.py."""

from __future__ import annotations

from shopnode.api.calls import Call
from shopnode.api.customer_shapes import (
    CustomerChange,
    CustomerOut,
    CustomerPage,
    CustomerQuery,
    CustomerWhole,
    Erasing,
    MergeInto,
    OwnedPage,
    customer_fields,
    customers_out,
    owned_out,
)
from shopnode.api.repair_shapes import RepairOut, RepairPage, repair_fields
from shopnode.api.routing import route
from shopnode.api.sale_reading import sale_rows
from shopnode.api.sale_shapes import SalePage
from shopnode.api.shapes import Paged
from shopnode.domain.accounts.queries import balances
from shopnode.domain.customers.actions import CreateCustomer
from shopnode.domain.customers.owned import lifetime_value, owned_devices
from shopnode.domain.customers.queries import find_customer, search_customers
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.views import TicketFilter, list_tickets
from shopnode.domain.sales.queries import SaleFilter, list_sales


@route("POST", "/customers", action="customers.create", status=201)
def create_customer(call: Call, body: CreateCustomer) -> CustomerOut:
    """Add a customer."""
    return _out(call, call.perform(body).result["id"])


@route("GET", "/customers", needs=Permission.CUSTOMERS_READ)
def list_customers(call: Call, query: CustomerQuery) -> CustomerPage:
    """Find customers by any piece of their telephone number, or by name."""
    page = search_customers(
        call.ctx.session, query.q, limit=query.limit, cursor=query.cursor or None,
        newest_first=query.sort == "-created_at",
    )  # fmt: skip
    return CustomerPage(items=customers_out(call.ctx.session, page.rows), next_cursor=page.next_cursor)


@route("GET", "/customers/<customer_id>", needs=Permission.CUSTOMERS_READ)
def get_customer(call: Call, customer_id: str) -> CustomerWhole:
    """One customer, with what they have and what they bought over the years."""
    session = call.ctx.session
    row, worth = find_customer(session, customer_id), lifetime_value(session, customer_id)
    return CustomerWhole(
        **customer_fields(row, balances(session, row.id)), purchases=worth.sales, total_purchases=worth.bought_minor,
        lifetime_value=worth.lifetime_minor, last_purchase_on=worth.last_on,
    )  # fmt: skip


@route("PUT", "/customers/<customer_id>", action="customers.update")
def update_customer(call: Call, customer_id: str, body: CustomerChange) -> CustomerOut:
    """Change any of a customer's fields."""
    given = body.model_dump(exclude_unset=True)
    if given:
        call.perform({"customer_id": customer_id, **given})
    return _out(call, customer_id)


@route("DELETE", "/customers/<customer_id>", action="customers.archive")
def archive_customer(call: Call, customer_id: str) -> CustomerOut:
    """Take a customer off the lists. They are archived, not deleted: their sales stay in the books."""
    call.perform({"customer_id": customer_id})
    return _out(call, customer_id)


@route("GET", "/customers/<customer_id>/purchases", needs=Permission.SALES_READ)
def customer_purchases(call: Call, customer_id: str, query: Paged) -> SalePage:
    """What they bought, their duplicates included, the latest first; as far as the caller sees sales."""
    find_customer(call.ctx.session, customer_id)
    wanted = SaleFilter(customer_id=customer_id)
    page = list_sales(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return SalePage(items=sale_rows(call.ctx, page.rows), next_cursor=page.next_cursor)


@route("GET", "/customers/<customer_id>/devices", needs=Permission.CUSTOMERS_READ)
def customer_devices(call: Call, customer_id: str) -> OwnedPage:
    """The phones they have from us, the latest first, each with its warranty's end."""
    find_customer(call.ctx.session, customer_id)
    return OwnedPage(items=[owned_out(row) for row in owned_devices(call.ctx.session, customer_id)])


@route("GET", "/customers/<customer_id>/repairs", needs=Permission.CUSTOMERS_READ)
def customer_repairs(call: Call, customer_id: str, query: Paged) -> RepairPage:
    """Repairs of their devices, the latest first."""
    find_customer(call.ctx.session, customer_id)
    wanted = TicketFilter(customer_id=customer_id)
    page = list_tickets(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return RepairPage(items=[RepairOut(**repair_fields(row)) for row in page.rows], next_cursor=page.next_cursor)


@route("POST", "/customers/<customer_id>/merge", action="customers.merge")
def merge_customer(call: Call, customer_id: str, body: MergeInto) -> CustomerOut:
    """Read this customer as another from now on; answers the one who is kept."""
    form = {"duplicate_id": customer_id, **body.model_dump(exclude_unset=True)}
    return _out(call, call.perform(form, names={"duplicate_id": "customer_id"}).result["id"])


@route("POST", "/customers/<customer_id>/erase", action="customers.erase")
def erase_customer(call: Call, customer_id: str, body: Erasing) -> CustomerOut:
    """Forget a customer at their own wish, for good and everywhere. Refused while anything is owed either way."""
    return _out(call, call.perform({"customer_id": customer_id, "reason": body.reason}).result["id"])


def _out(call: Call, customer_id: str) -> CustomerOut:
    row = find_customer(call.ctx.session, customer_id)
    return CustomerOut(**customer_fields(row, balances(call.ctx.session, row.id)))
