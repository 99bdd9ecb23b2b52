"""Price lists and what they say. Which price holds for whom: docs/rules/prices.md."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import Amount, IdText, Line, Params, Quantity
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.models import RETAIL, Price, PriceList, price_id
from shopnode.domain.pricing.queries import find_list, price_lists
from shopnode.domain.queries import row_or_none

LISTS_MAX = 50
ListName = Annotated[Line, Field(min_length=1, max_length=100)]


class NewPriceList(Params):
    """A list for a kind of customer, such as wholesale."""

    name: ListName


class RenamePriceList(Params):
    """Its new name."""

    list_id: IdText
    name: ListName


class OnePriceList(Params):
    """A price list."""

    list_id: IdText


class SetPrice(Params):
    """What one piece costs from so many pieces on; no price strikes the step out."""

    list_id: IdText | None = Field(default=None, description="Left out: for everybody, from a quantity on.")
    product_id: IdText
    min_quantity: Quantity = 1
    price_minor: Amount | None = None


class AssignPriceList(Params):
    """Whose list it is; none for retail."""

    customer_id: IdText
    list_id: IdText | None = None


@action("price_lists.create", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def create_list(ctx: Context, new: NewPriceList) -> dict[str, Any]:
    """Begin a price list."""
    known = price_lists(ctx.session)
    _refuse_name(known, new.name)
    if len(known) >= LISTS_MAX:
        raise Invalid({"name": f"would be one list too many: {LISTS_MAX} are enough for anybody to keep apart"})
    row = PriceList(id=ctx.new_id(), name=new.name, created_by=ctx.actor.id, created_at=ctx.now)
    add_rows(ctx.session, row)
    ctx.about("price_list", row.id)
    return {"id": row.id}


@action("price_lists.rename", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def rename_list(ctx: Context, new: RenamePriceList) -> dict[str, Any]:
    """Give a price list another name."""
    row = find_list(ctx.session, new.list_id)
    _refuse_name([other for other in price_lists(ctx.session) if other.id != row.id], new.name)
    row.name = new.name
    ctx.about("price_list", row.id)
    return {"id": row.id}


@action("price_lists.archive", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def archive_list(ctx: Context, form: OnePriceList) -> dict[str, Any]:
    """Take a price list out of use: its customers buy at retail from now on."""
    row = find_list(ctx.session, form.list_id)
    row.archived_at = ctx.now
    ctx.about("price_list", row.id)
    return {"id": row.id}


@action("price_lists.set_price", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def set_price(ctx: Context, new: SetPrice) -> dict[str, Any]:
    """Set or strike out what one piece costs from so many pieces on, in a list or for everybody."""
    product = find_product(ctx.session, new.product_id)
    if new.list_id is None and new.min_quantity == 1:
        raise Invalid({"min_quantity": "must be at least 2: one piece costs what the product says"})
    list_id = find_list(ctx.session, new.list_id).id if new.list_id else RETAIL
    row_id = price_id(list_id, product.id, new.min_quantity)
    row = row_or_none(ctx.session, Price, row_id)
    if row is None:
        if new.price_minor is None:
            raise Invalid({"price_minor": "is needed: there is no such price to strike out"})
        row = Price(
            id=row_id, list_id=list_id, product_id=product.id, min_quantity=new.min_quantity,
            price_minor=new.price_minor,
        )  # fmt: skip
        add_rows(ctx.session, row)
    elif new.price_minor is None:
        row.archived_at = row.archived_at or ctx.now
    else:
        row.price_minor, row.archived_at = new.price_minor, None
    ctx.about("product", product.id)
    return {"id": row.id}


@action("price_lists.assign", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def assign_list(ctx: Context, form: AssignPriceList) -> dict[str, Any]:
    """Say at which list's prices a customer buys."""
    customer = find_customer(ctx.session, form.customer_id)
    customer.price_list_id = find_list(ctx.session, form.list_id).id if form.list_id else None
    ctx.about("customer", customer.id)
    return {"id": customer.id}


def _refuse_name(known: list[PriceList], name: str) -> None:
    if any(row.name.casefold() == name.casefold() for row in known):
        raise Invalid({"name": "is the name of another price list"})
