"""Finding and adding: the counter's own page, its search, its tiles, its scanner."""

from __future__ import annotations

from typing import Any

from flask import Response, g, redirect, request, url_for

from shopnode.domain.catalogue.queries import (
    ProductFilter,
    categories,
    list_products,
    product_view,
    quick_tiles,
    with_duplicates,
)
from shopnode.domain.errors import Conflict, NotFound
from shopnode.domain.handsets.queries import UnitView, find_unit, unit_by_number_or_none, units_in_stock
from shopnode.domain.sales.carts import CartBody, CartLine
from shopnode.web.counter import screen
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.finding import find, scan, sold_words
from shopnode.web.counter.pricing import price_cart
from shopnode.web.counter.screen import cart_answer, change, into, into_sheet, my_cart
from shopnode.web.ui.forms import posted
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import on_refusal

TILES_OF_CATEGORY = 60
CATEGORIES_SHOWN = 30


@bp.get("/sell")
def sell() -> str:
    """The counter."""
    return page("counter/sell.html", **screen.state(my_cart()), **_tiles(""))


@bp.get("/sales/new")
def new_sale() -> Any:
    return redirect(url_for("counter.sell"))


@bp.get("/sell/search")
def search() -> str:
    """What was typed, found; the tiles while nothing is."""
    text = request.args.get("q", "").strip()
    if not text:
        return part("counter/_tiles.html", **_tiles(request.args.get("category", "")))
    return part("counter/_results.html", q=text, hits=find(g.ctx, text))


def _tiles(category: str) -> dict[str, Any]:
    names = categories(g.ctx.session)[:CATEGORIES_SHOWN]
    if category in names:
        tiles = list_products(g.ctx, ProductFilter(category=category), limit=TILES_OF_CATEGORY).rows
    else:
        category, tiles = "", quick_tiles(g.ctx)
    shown = [
        {"product_id": tile.id, "name": tile.name, "price_minor": tile.price_minor, "on_hand": tile.on_hand,
         "is_serialised": tile.is_serialised, "min_stock_level": tile.min_stock_level}
        for tile in tiles
    ]  # fmt: skip
    return {"categories": names, "category": category, "tiles": shown}


@bp.get("/sell/more")
def more() -> str:
    """What else is done at the counter."""
    return part("counter/_more_ways.html", cart=price_cart(g.ctx, my_cart()))


@bp.post("/sell/lines")
def add_line() -> str | Response:
    """Put something in the cart: a product, a phone, or whatever has exactly the scanned code."""
    typed = posted()
    line_id, product_id = typed.get("line_id"), typed.get("product_id")
    if "imei" in typed:
        return _add_typed_imei(typed)
    if typed.get("unit_id"):
        return _add_unit(typed["unit_id"], line_id)
    if product_id:
        return _add_product(product_id)
    return _add_scanned(typed.get("q", ""))


def _add_scanned(text: str) -> str | Response:
    found = scan(g.ctx, text)
    if found.unit is not None:
        words = sold_words(found.unit)
        if words is not None:
            raise Conflict(f"{found.unit.product_name}, IMEI {found.unit.number}: {words}.")
        return _add_unit(found.unit.unit_id, None)
    if found.product is not None:
        return _add_product(found.product.id)
    return into("#results", part("counter/_results.html", q=text.strip(), hits=find(g.ctx, text)))


def _add_product(product_id: str) -> str | Response:
    product = product_view(g.ctx, product_id)
    if product.archived_at is not None:
        raise Conflict(f"“{product.name}” is no longer sold.")
    if product.only_shop_id not in (None, g.ctx.shop_id):
        raise Conflict(f"“{product.name}” is sold in another shop only.")
    if product.is_serialised:
        return into_sheet(_units_sheet(product_id, None))
    return cart_answer(change(lambda body: body.add(CartLine(id=g.ctx.new_id(), product_id=product_id))))


def _add_typed_imei(typed: dict[str, str]) -> str | Response:
    """The phone whose IMEI was typed in the sheet; what is wrong with it is said in the sheet."""
    product_id, line_id, text = typed.get("product_id", ""), typed.get("line_id"), typed["imei"]
    on_refusal(lambda error: into_sheet(_units_sheet(product_id, line_id, error=str(error), typed=text)))
    unit = unit_by_number_or_none(g.ctx, text)
    if unit is None:
        raise NotFound("A phone with this IMEI")
    if unit.product_id not in with_duplicates(g.ctx.session, [product_id]):
        raise Conflict(f"This is the IMEI of a {unit.product_name}.")
    words = sold_words(unit)
    if words is not None:
        raise Conflict(f"This phone cannot be sold: {words}.")
    return _add_unit(unit.unit_id, line_id)


def _add_unit(unit_id: str, line_id: str | None) -> str:
    unit = find_unit(g.ctx.session, unit_id)
    view = next((held for held in units_in_stock(g.ctx, unit.product_id) if held.unit_id == unit_id), None)
    if view is None:
        raise Conflict("This phone is no longer in stock. Choose another one.")

    def put(body: CartBody) -> None:
        line = CartLine(id=g.ctx.new_id(), product_id=view.product_id, unit_id=unit_id, imei=view.number)
        if line_id and any(other.id == line_id for other in body.lines):
            old = body.line(line_id)
            line.unit_price, line.discount, line.reason = old.unit_price, old.discount, old.reason
            body.remove(line_id)
        body.add(line)

    return cart_answer(change(put))


@bp.get("/sell/units/<id:product_id>")
def units(product_id: str) -> str:
    """The pieces of a model, to choose or scan one."""
    return _units_sheet(product_id, request.args.get("line_id"))


def _units_sheet(product_id: str, line_id: str | None, error: str | None = None, typed: str = "") -> str:
    product = product_view(g.ctx, product_id)
    taken = {line.unit_id for line in my_cart().lines}
    held = [_unit(unit) for unit in units_in_stock(g.ctx, product_id) if unit.unit_id not in taken]
    return part(
        "counter/_units.html", product=product, product_id=product_id, units=held, line_id=line_id, error=error,
        typed=typed,
    )  # fmt: skip


def _unit(unit: UnitView) -> dict[str, Any]:
    return {
        "unit_id": unit.unit_id, "imei": unit.number, "colour": unit.colour, "storage": unit.storage,
        "grade": unit.grade, "received_at": unit.received_at, "price_minor": unit.price_minor,
    }  # fmt: skip
