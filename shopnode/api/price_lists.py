"""Price lists, their prices by quantity, and whose they are."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.params import IdText, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.actions import ListName, NewPriceList, SetPrice
from shopnode.domain.pricing.models import RETAIL, Price, PriceList
from shopnode.domain.pricing.queries import find_list, list_prices, price_lists


class NewName(Params):
    """Its new name."""

    name: ListName


class WhoseList(Params):
    """The list a customer buys at; null for retail."""

    list_id: IdText | None


class PriceListOut(BaseModel):
    """Prices for a kind of customer."""

    id: str
    name: str
    is_active: bool
    created_by: str | None
    created_at: Instant


class PriceListPage(BaseModel):
    items: list[PriceListOut]
    next_cursor: str | None


class PriceOut(BaseModel):
    """What one piece costs from so many pieces on."""

    id: str
    list_id: str | None = Field(description="Null for a price for everybody.")
    product_id: str
    product_name: str
    min_quantity: int
    price: int


class PricePage(BaseModel):
    items: list[PriceOut]
    next_cursor: str | None


class PriceQuery(Paged):
    """Which prices."""

    list_id: IdText | None = None
    product_id: IdText | None = None


class Changed(BaseModel):
    """The record that was written."""

    id: str


@route("POST", "/price-lists", action="price_lists.create", status=201)
def create_price_list(call: Call, body: NewPriceList) -> PriceListOut:
    """Begin a price list."""
    return _out(find_list(call.ctx.session, call.perform(body).result["id"]))


@route("GET", "/price-lists", needs=Permission.PRODUCTS_READ)
def list_price_lists(call: Call) -> PriceListPage:
    """The price lists in use, by name. There are a handful, so one page holds them all."""
    return PriceListPage(items=[_out(row) for row in price_lists(call.ctx.session)], next_cursor=None)


@route("PUT", "/price-lists/<list_id>", action="price_lists.rename")
def rename_price_list(call: Call, list_id: str, body: NewName) -> PriceListOut:
    """Give a price list another name."""
    call.perform({"list_id": list_id, "name": body.name})
    return _out(find_list(call.ctx.session, list_id))


@route("DELETE", "/price-lists/<list_id>", action="price_lists.archive")
def archive_price_list(call: Call, list_id: str) -> Changed:
    """Take a price list out of use: its customers buy at retail from now on."""
    return Changed(id=call.perform({"list_id": list_id}).result["id"])


@route("GET", "/prices", needs=Permission.PRODUCTS_READ)
def list_all_prices(call: Call, query: PriceQuery) -> PricePage:
    """List the prices of price lists and for quantities, by product."""
    page = list_prices(
        call.ctx.session, list_id=query.list_id, product_id=query.product_id, limit=query.limit,
        cursor=query.cursor or None,
    )  # fmt: skip
    return PricePage(items=[_price(row, name) for row, name in page.rows], next_cursor=page.next_cursor)


@route("PUT", "/prices", action="price_lists.set_price")
def set_price(call: Call, body: SetPrice) -> Changed:
    """Set what one piece costs from so many pieces on; without a price the step is struck out."""
    return Changed(id=call.perform(body).result["id"])


@route("PUT", "/customers/<customer_id>/price-list", action="price_lists.assign")
def assign_price_list(call: Call, customer_id: str, body: WhoseList) -> Changed:
    """Say at which list's prices a customer buys."""
    return Changed(id=call.perform({"customer_id": customer_id, "list_id": body.list_id}).result["id"])


def _out(row: PriceList) -> PriceListOut:
    return PriceListOut(
        id=row.id, name=row.name, is_active=row.archived_at is None, created_by=row.created_by,
        created_at=row.created_at,
    )  # fmt: skip


def _price(row: Price, name: str) -> PriceOut:
    return PriceOut(
        id=row.id, list_id=None if row.list_id == RETAIL else row.list_id, product_id=row.product_id,
        product_name=name, min_quantity=row.min_quantity, price=row.price_minor,
    )  # fmt: skip
