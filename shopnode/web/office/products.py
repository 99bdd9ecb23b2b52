"""The catalogue: the list with its filters and sums, one product, and what happened to it. Cost is for owners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from shopnode.domain.catalogue.queries import (
    ProductFilter,
    ProductView,
    Sort,
    categories,
    list_products,
    product_view,
    products_by_code,
    sum_of_page,
    sum_products,
    with_duplicates,
)
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.queries import units_in_stock
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import all_shops
from shopnode.domain.permissions import Permission
from shopnode.domain.photos.store import whole
from shopnode.domain.stock.models import StockLevel
from shopnode.web.office.blueprint import bp
from shopnode.web.office.history import record_events
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import csv_answer
from shopnode.web.ui.forms import posted, posted_action_id, read_form, without_action_id
from shopnode.web.ui.frame import manner, page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

STATES = [("", "on sale"), ("low", "running low"), ("archived", "archived")]
SORTS = [("", "by name"), ("price", "dearest first"), ("newest", "newest first")]
MONEY = ("price_minor", "cost_minor", "floor_minor")
BOXES = ("is_serialised", "is_preloaded")
FIELDS = (
    *MONEY,
    *BOXES,
    "name",
    "category",
    "brand",
    "sku",
    "barcode",
    "description",
    "min_stock_level",
    "warranty_days",
    "only_shop_id",
)
UNITS_SHOWN = 30
EXPORT_MAX = 100_000


def chosen_products() -> tuple[dict[str, str], ProductFilter]:
    """The filters in force: as words for the form, and as the query takes them."""
    words = {name: request.args.get(name, "").strip()[:200] for name in ("q", "category", "state", "sort")}
    if words["state"] not in dict(STATES):
        words["state"] = ""
    sort = Sort(words["sort"]) if words["sort"] in set(Sort) else Sort.NAME
    wanted = ProductFilter(
        q=words["q"], category=words["category"] or None, archived=words["state"] == "archived",
        low_stock=words["state"] == "low", sort=sort,
    )  # fmt: skip
    return words, wanted


@bp.get("/products")
def products() -> str:
    """The catalogue."""
    words, wanted = chosen_products()
    found = list_products(g.ctx, wanted, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("office.products", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {"rows": found.rows, "next_url": next_url, "filters": words}
    if "cursor" in request.args:
        return part("office/_product_rows.html", **values)
    if "sums" in request.args:
        return part("office/_product_sums.html", sums=sum_products(g.ctx, wanted))
    # A list of many pages is shown before it is added up.
    values["sums"] = sum_of_page(found.rows) if next_url is None else None
    values["sums_url"] = url_for("office.products", **asked, sums=1) if next_url else None
    values["has_filters"] = bool(asked)
    if is_htmx():
        return part("office/_products.html", **values)
    names = [(name, name) for name in categories(g.ctx.session)]
    choices = {"categories": [("", "all categories"), *names], "states": STATES, "sorts": SORTS}
    return page("office/products_list.html", choices=choices, crumbs=[("Products", None)], **values)


@bp.get("/products.csv")
def export_products() -> Response:
    """The list as it is filtered, for a spreadsheet; its columns can be imported again."""
    titles = ["sku", "barcode", "name", "category", "brand", "serialised", "selling_price", "floor_price",
              "min_stock_level", "warranty_days", "on_hand"]  # fmt: skip
    with_cost = g.ctx.may(Permission.PRODUCTS_SEE_COST)
    zone = manner().zone
    assert isinstance(zone, ZoneInfo)
    titles += ["cost_price"] if with_cost else []
    return csv_answer(f"products-{manner().now:%Y-%m-%d}", titles, _export_rows(with_cost), zone)


def _export_rows(with_cost: bool) -> Iterator[list[Any]]:
    (_, wanted), cursor, sent = chosen_products(), None, 0
    while sent < EXPORT_MAX:
        found = list_products(g.ctx, wanted, limit=PAGE_MAX, cursor=cursor)
        for row in found.rows:
            money = [row.price_minor, row.floor_minor]
            yield [row.sku, row.barcode, row.name, row.category, row.brand, row.is_serialised,
                   *map(plain_amount, money), row.min_stock_level, row.warranty_days, row.on_hand,
                   *([plain_amount(row.cost_minor)] if with_cost and row.cost_minor is not None else [])]  # fmt: skip
        sent, cursor = sent + len(found.rows), found.next_cursor
        if cursor is None:
            return


@bp.route("/products/new", methods=["GET", "POST"])
def new_product() -> ResponseReturnValue:
    """Write a new product down."""
    if request.method == "GET":
        return product_page(None)
    typed = posted()
    on_refusal(lambda error: product_page(None, field_errors(error, FIELDS), typed))
    done = act("products.create", _form(typed), action_id=posted_action_id(typed))
    return redirect(url_for("office.product", product_id=done.result["id"], saved=1), 303)


@bp.get("/products/<id:product_id>")
def product(product_id: str) -> str:
    """One product."""
    return product_page(product_view(g.ctx, product_id))


@bp.post("/products/<id:product_id>")
def save_product(product_id: str) -> ResponseReturnValue:
    """Change a product: only what differs is written, so that two people's edits of two fields both stay."""
    typed, known = posted(), product_view(g.ctx, product_id)
    on_refusal(lambda error: product_page(known, field_errors(error, FIELDS), typed))
    form = _form(typed)
    if known.on_hand:  # the box is shut while there are pieces; a shut box posts nothing
        form.pop("is_serialised", None)
    changes = {name: value for name, value in form.items() if _differs(getattr(known, name, None), value)}
    if changes:
        act("products.update", {"product_id": product_id, **changes}, action_id=posted_action_id(typed))
    return redirect(url_for("office.product", product_id=product_id, saved=1), 303)


def _differs(known: Any, given: Any) -> bool:
    return str(given if given is not None else "").strip() != str(known if known is not None else "")


@bp.post("/products/<id:product_id>/archive")
def archive_product(product_id: str) -> ResponseReturnValue:
    """Take a product off the counter, or put it back."""
    typed = posted()
    name = "products.restore" if product_view(g.ctx, product_id).archived_at else "products.archive"
    act(name, {"product_id": product_id}, action_id=posted_action_id(typed))
    return redirect(url_for("office.product", product_id=product_id), 303)


@bp.post("/products/<id:product_id>/merge")
def merge_product(product_id: str) -> ResponseReturnValue:
    """Read this product as another from now on: the one with the code that was typed."""
    typed, known = posted(), product_view(g.ctx, product_id)
    on_refusal(lambda error: product_page(known, field_errors(error, {"code"}), typed))
    found = [view for view in products_by_code(g.ctx, typed.get("code", "")) if view.id != product_id]
    if len(found) != 1:
        words = "belongs to more than one other product" if found else "belongs to no other product on sale"
        raise Invalid({"code": words})
    form = {"duplicate_id": product_id, "into_id": found[0].id}
    act("products.merge", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.product", product_id=found[0].id), 303)


def _form(typed: dict[str, str]) -> dict[str, Any]:
    """What was typed, as the action takes it; empty amounts and numbers are 0."""
    form = read_form(without_action_id(typed), money=MONEY, boxes=BOXES)
    for name in ("cost_minor", "floor_minor", "min_stock_level", "warranty_days"):
        if name in form and form[name] in (None, ""):
            form[name] = 0
    if not g.ctx.may(Permission.PRODUCTS_SEE_COST):
        form.pop("cost_minor", None)
    return form


def product_page(
    known: ProductView | None, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None
) -> str:
    """The product's screen, for a new one with `known` None; what was typed comes back after a refusal."""
    shown: Any = known
    if typed is not None and known is not None:  # boxes come back as they were ticked
        shown = {**vars(known), **{name: typed.get(name) == "true" for name in BOXES}}
    units = []
    if known is not None:
        shown = {**(shown if isinstance(shown, dict) else vars(known)), "stock": _stock(known.id)}
        units = [_unit(unit) for unit in units_in_stock(g.ctx, known.id)[:UNITS_SHOWN]] if known.is_serialised else []
    return page(
        "office/product_edit.html", product=shown, units=units, kept=_kept(known), shops=_shops(),
        errors=errors or {}, typed=typed or {},
        photo_here=_is_here(known),
        events=record_events(g.ctx, known.id) if known else [], saved="saved" in request.args, waits=False,
        category_choices=categories(g.ctx.session),
        crumbs=[("Products", url_for("office.products")), (known.name if known else "New product", None)],
    )  # fmt: skip


def _kept(known: ProductView | None) -> ProductView | None:
    return product_view(g.ctx, known.merged_into) if known is not None and known.merged_into else None


def _shops() -> list[tuple[str, str]]:
    """Where a product may be offered, as the owner chooses it in the portal."""
    if g.ctx.home.is_shop:
        return []
    return [("", "All shops"), *((shop.id, f"{shop.name} only") for shop in all_shops(g.ctx.session))]


def _is_here(known: ProductView | None) -> bool:
    """Whether the bytes of its photo have arrived here."""
    return known is not None and bool(known.photo and whole(g.ctx.session, [known.photo]))


def _stock(product_id: str) -> list[dict[str, Any]]:
    """Pieces by shop; at a node the one figure above says it."""
    if g.ctx.home.is_shop:
        return []
    pieces = select(StockLevel.shop_id, func.sum(StockLevel.on_hand)).group_by(StockLevel.shop_id)
    same = list(with_duplicates(g.ctx.session, [product_id]))
    levels = {row[0]: int(row[1]) for row in g.ctx.session.execute(pieces.where(StockLevel.product_id.in_(same)))}
    return [{"shop": shop.name, "on_hand": levels.get(shop.id, 0)} for shop in all_shops(g.ctx.session)]


def _unit(unit: Any) -> dict[str, Any]:
    return {"imei": unit.number, "colour": unit.colour, "received_at": unit.received_at, "cost_minor": unit.cost_minor}
