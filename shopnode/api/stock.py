"""Stock as a whole: what it is worth, bundles, and what is on its way between shops."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryDay, QueryInt
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.handsets.transfers import PHONES_MAX
from shopnode.domain.handsets.transit import BOTH, TransferView, Way, list_transfers, transfer_view
from shopnode.domain.paging import PAGE_DEFAULT
from shopnode.domain.params import IdText, Params, Reason, ShortText
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.bundles import PARTS_MAX, PartOf, bundles_on_hand, parts_of
from shopnode.domain.stock.transfers import ITEMS_MAX, ArrivedItem, SendGoods
from shopnode.domain.stock.value import stock_value

Devices = Annotated[list[IdText], Field(max_length=PHONES_MAX, description="Phones, by the sender's device ids.")]
Arrived = Annotated[list[ArrivedItem], Field(max_length=ITEMS_MAX)]

TRANSFERS_MAX = 100  # of a page: each comes with all its lines


class ValueQuery(BaseModel):
    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    on: Annotated[QueryDay | None, Field(description="The end of that day; now, when left out.")] = None


class CategoryValueOut(BaseModel):
    category: str
    products: int
    pieces: int
    value: int


class StockValueOut(BaseModel):
    """What the stock is worth, at cost."""

    on: date | None
    pieces: int
    value: int
    categories: list[CategoryValueOut]


class BundleIn(Params):
    """What a bundle consists of; without parts it is a product like others again."""

    parts: Annotated[list[PartOf], Field(max_length=PARTS_MAX)]


class BundlePartOut(BaseModel):
    product_id: str
    name: str
    quantity: int
    is_serialised: bool


class BundleOut(BaseModel):
    """A bundle's parts, and how many of it they make."""

    product_id: str
    on_hand: int
    parts: list[BundlePartOut]


class ArrivedIn(Params):
    """What of a transfer arrived."""

    unit_ids: Devices = []
    items: Arrived = []
    note: ShortText | None = None


class BackIn(Params):
    """What of a transfer never arrived and is here again."""

    unit_ids: Devices = []
    items: Arrived = []
    reason: Reason


class WayPhoneOut(BaseModel):
    device_id: str
    product_id: str
    product_name: str
    number: str
    ended: str | None = Field(description="received or taken_back; null while it is on its way.")
    ended_at: Instant | None


class WayItemOut(BaseModel):
    id: str
    product_id: str
    product_name: str
    quantity: int
    received: int
    taken_back: int
    under_way: int


class TransferOut(BaseModel):
    """Phones and goods from one shop to another."""

    id: str
    number: str
    from_shop_id: str
    to_shop_id: str
    note: str | None
    sent_at: Instant
    sent_by: str | None
    phones: list[WayPhoneOut]
    goods: list[WayItemOut]


class TransferQuery(Paged):
    limit: Annotated[QueryInt, Field(ge=1, le=TRANSFERS_MAX)] = PAGE_DEFAULT
    state: Annotated[Way | None, Field(description="Only what is under way, or only what has ended.")] = None


class TransferPage(BaseModel):
    items: list[TransferOut]
    next_cursor: str | None


@route("GET", "/stock-value", needs=Permission.PRODUCTS_SEE_COST)
def get_stock_value(call: Call, query: ValueQuery) -> StockValueOut:
    """What the stock is worth at cost, now or at the end of a past day, by category."""
    told = stock_value(call.ctx, query.on)
    parts = [
        CategoryValueOut(category=part.category, products=part.products, pieces=part.pieces, value=part.value_minor)
        for part in told.categories
    ]
    return StockValueOut(on=told.on, pieces=told.pieces, value=told.value_minor, categories=parts)


@route("GET", "/products/<product_id>/bundle", needs=Permission.PRODUCTS_READ)
def get_bundle(call: Call, product_id: str) -> BundleOut:
    """What a bundle consists of."""
    return _bundle(call, product_id)


@route("PUT", "/products/<product_id>/bundle", action="products.set_bundle")
def set_bundle(call: Call, product_id: str, body: BundleIn) -> BundleOut:
    """Say what a bundle consists of."""
    call.perform({"product_id": product_id, "parts": [part.model_dump() for part in body.parts]})
    return _bundle(call, product_id)


@route("POST", "/transfers", action="transfers.send", status=201)
def send_transfer(call: Call, body: SendGoods) -> TransferOut:
    """Send phones and goods to another shop."""
    return _transfer(transfer_view(call.ctx, call.perform(body).result["transfer_id"]))


@route("GET", "/transfers", needs=Permission.DEVICES_READ)
def get_transfers(call: Call, query: TransferQuery) -> TransferPage:
    """Transfers with something on its way, then those that have ended, the latest first."""
    ways = BOTH if query.state is None else (query.state,)
    page = list_transfers(call.ctx, ways, limit=query.limit, cursor=query.cursor or None)
    return TransferPage(items=[_transfer(view) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/transfers/<transfer_id>", needs=Permission.DEVICES_READ)
def get_transfer(call: Call, transfer_id: str) -> TransferOut:
    """One transfer."""
    return _transfer(transfer_view(call.ctx, transfer_id))


@route("POST", "/transfers/<transfer_id>/receive", action="transfers.receive")
def receive_transfer(call: Call, transfer_id: str, body: ArrivedIn) -> TransferOut:
    """Take what arrived into stock here, all of it or a part."""
    call.perform({"transfer_id": transfer_id, **body.model_dump(exclude_unset=True)})
    return _transfer(transfer_view(call.ctx, transfer_id))


@route("POST", "/transfers/<transfer_id>/take-back", action="transfers.take_back")
def take_transfer_back(call: Call, transfer_id: str, body: BackIn) -> TransferOut:
    """Take back what never arrived, all of it or a part."""
    call.perform({"transfer_id": transfer_id, **body.model_dump(exclude_unset=True)})
    return _transfer(transfer_view(call.ctx, transfer_id))


def _bundle(call: Call, product_id: str) -> BundleOut:
    ctx = call.ctx
    find_product(ctx.session, product_id)
    parts = [
        BundlePartOut(
            product_id=part.product_id, name=part.name, quantity=part.quantity, is_serialised=part.is_serialised
        )
        for part in parts_of(ctx.session, ctx.shop_id, [product_id])[product_id]
    ]
    level = bundles_on_hand(ctx.session, ctx.shop_id, [product_id])[product_id]
    return BundleOut(product_id=product_id, on_hand=level, parts=parts)


def _transfer(view: TransferView) -> TransferOut:
    phones = [
        WayPhoneOut(
            device_id=line.unit_id, product_id=line.product_id, product_name=line.product_name, number=line.number,
            ended=line.ended, ended_at=line.ended_at,
        )
        for line in view.lines
    ]  # fmt: skip
    goods = [
        WayItemOut(
            id=item.item_id, product_id=item.product_id, product_name=item.product_name, quantity=item.quantity,
            received=item.received, taken_back=item.taken_back, under_way=item.under_way,
        )
        for item in view.items
    ]  # fmt: skip
    return TransferOut(
        id=view.id, number=view.number, from_shop_id=view.from_shop_id, to_shop_id=view.to_shop_id, note=view.note,
        sent_at=view.sent_at, sent_by=view.sent_by, phones=phones, goods=goods,
    )  # fmt: skip
