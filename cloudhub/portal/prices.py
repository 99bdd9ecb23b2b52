"""Products of all shops, with the price one tap away, and which shops have not heard of the new one yet."""

from __future__ import annotations

from typing import Any

from flask import g, make_response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from cloudhub.merge.models import RegisterVersion
from cloudhub.portal.blueprint import bp
from cloudhub.portal.nodes import latest_by_shop
from cloudhub.tenancy.nodes import nodes_of
from shopnode.domain.catalogue.queries import ProductView, categories, list_products, product_view, sum_products
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.paging import PAGE_DEFAULT
from shopnode.web.office.products import STATES, chosen_products
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

PRICES = ("price_minor", "floor_minor")


@bp.get("/prices")
def products() -> str:
    """The catalogue, to look at and to change prices."""
    words, wanted = chosen_products()
    found = list_products(g.ctx, wanted, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("portal.products", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {"rows": _rows(found.rows), "next_url": next_url, "filters": words}
    if "cursor" in request.args:
        return part("portal/_product_rows.html", **values)
    values["sums"] = sum_products(g.ctx, wanted)
    if is_htmx():
        return part("portal/_products.html", **values)
    names = [(name, name) for name in categories(g.ctx.session)]
    choices = {"categories": [("", "all categories"), *names], "states": STATES}
    return page("portal/products.html", choices=choices, crumbs=[("Products", None)], **values)


def _rows(found: list[ProductView], new_id: str | None = None) -> list[dict[str, Any]]:
    waits = _waits([view.id for view in found])
    return [{**vars(view), "waits": waits.get(view.id, 0), "is_new": view.id == new_id} for view in found]


def _waits(product_ids: list[str]) -> dict[str, int]:
    """How many shops have not fetched the newest price of each product."""
    cursors = [node.cursor or 0 for node in latest_by_shop(nodes_of(g.ctx.session)).values()]
    query = select(RegisterVersion.row_id, func.max(RegisterVersion.no)).where(
        RegisterVersion.entity == "product", RegisterVersion.row_id.in_(product_ids), RegisterVersion.field.in_(PRICES)
    )
    rows = g.ctx.session.execute(query.group_by(RegisterVersion.row_id))
    return {row_id: sum(cursor < no for cursor in cursors) for row_id, no in rows}


@bp.route("/prices/<id:product_id>", methods=["GET", "POST"])
def edit_price(product_id: str) -> ResponseReturnValue:
    """Another price for all shops."""
    view = product_view(g.ctx, product_id)
    if request.method == "GET":
        return _sheet(view, {}, {})
    typed = posted()
    on_refusal(lambda error: _refused(view, error, typed))
    price = asked_money(typed, "price_minor")
    if price is None:
        raise Invalid({"price_minor": "is needed"})
    asked = {"price_minor": price, "floor_minor": asked_money(typed, "floor_minor", default=0)}
    changes = {name: value for name, value in asked.items() if value != getattr(view, name)}
    if changes:
        act("products.update", {"product_id": product_id, **changes}, action_id=posted_action_id(typed))
    (row,) = _rows([product_view(g.ctx, product_id)], new_id=product_id)
    return part("portal/_product.html", product=row)


def _sheet(view: ProductView, errors: dict[str, str], typed: dict[str, str]) -> str:
    return part("portal/_price.html", product=view, errors=errors, typed=typed)


def _refused(view: ProductView, error: ShopError, typed: dict[str, str]) -> Any:
    response = make_response(_sheet(view, field_errors(error), typed))
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#sheet", "innerHTML"
    return response
