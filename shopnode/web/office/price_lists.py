"""Price lists: which there are, what each says from how many pieces on, and all prices as a file.

“Retail” stands for what everybody pays for more pieces; the price of one is the product's own and is changed there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.catalogue.queries import ProductFilter, list_products, products_by_code
from shopnode.domain.catalogue.rules import fold
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.paging import PAGE_MAX
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.imports import RETAIL_NAME, TITLES
from shopnode.domain.pricing.models import RETAIL
from shopnode.domain.pricing.queries import find_list, list_prices, list_sizes, price_lists, prices_by_product
from shopnode.web.office.blueprint import bp
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_number, posted, posted_action_id, read_form
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

PRICE_FIELDS = {"product", "min_quantity", "price_minor"}
RETAIL_TITLE = "Retail, more pieces"
LOOKED_AT = 20  # products whose name fits what was typed


@bp.get("/price-lists")
def all_price_lists() -> ResponseReturnValue:
    """The lists in use; or every price there is, as a file that can be imported again."""
    wanted = asked_file()
    if wanted is not None:
        return table_answer("prices", wanted, TITLES, _file_rows())
    return _lists_page()


@bp.post("/price-lists")
def new_price_list() -> ResponseReturnValue:
    """Begin a list."""
    typed = posted()
    on_refusal(lambda error: _lists_page(field_errors(error, {"name"}), typed))
    done = act("price_lists.create", {"name": typed.get("name", "")}, action_id=posted_action_id(typed))
    return redirect(url_for("office.price_list", list_id=done.result["id"]), 303)


def _lists_page(errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    sizes = list_sizes(g.ctx.session)
    rows = [(RETAIL, RETAIL_TITLE), *((row.id, row.name) for row in price_lists(g.ctx.session))]
    lists = [
        {"id": list_id, "name": name, "is_retail": list_id == RETAIL, "prices": sizes.get(list_id, (0, 0))[0],
         "customers": sizes.get(list_id, (0, 0))[1]}
        for list_id, name in rows
    ]  # fmt: skip
    return page("office/price_lists.html", lists=lists, errors=errors or {}, typed=typed or {}, filters={},
                crumbs=[("Price lists", None)])  # fmt: skip


@bp.get("/price-lists/<id:list_id>")
def price_list(list_id: str) -> str:
    """One list: what it says of which product."""
    return _list_page(list_id)


@bp.post("/price-lists/<id:list_id>/prices")
def set_list_price(list_id: str) -> ResponseReturnValue:
    """Say what one piece costs from so many on; without a price the step is struck out."""
    typed = posted()
    on_refusal(lambda error: _list_page(list_id, error, typed))
    form: dict[str, Any] = {
        "list_id": None if list_id == RETAIL else list_id, "product_id": typed.get("product_id") or _product(typed),
        "min_quantity": asked_number(typed, "min_quantity", default=1),
        "price_minor": read_form(typed, money=("price_minor",)).get("price_minor"),
    }  # fmt: skip
    act("price_lists.set_price", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.price_list", list_id=list_id), 303)


@bp.post("/price-lists/<id:list_id>/name")
def rename_price_list(list_id: str) -> ResponseReturnValue:
    """Give a list another name."""
    typed = posted()
    on_refusal(lambda error: _list_page(list_id, error, {**typed, "open": "name"}))
    act("price_lists.rename", {"list_id": list_id, "name": typed.get("name", "")}, action_id=posted_action_id(typed))
    return redirect(url_for("office.price_list", list_id=list_id), 303)


@bp.post("/price-lists/<id:list_id>/archive")
def archive_price_list(list_id: str) -> ResponseReturnValue:
    """Take a list out of use: its customers buy at retail from now on."""
    typed = posted()
    on_refusal(lambda error: _list_page(list_id, error, typed))
    act("price_lists.archive", {"list_id": list_id}, action_id=posted_action_id(typed))
    return redirect(url_for("office.all_price_lists"), 303)


def _product(typed: dict[str, str]) -> str:
    """The product that was named by SKU, barcode or name. Raises Invalid."""
    text = " ".join(typed.get("product", "").split())[:200]
    if not text:
        raise Invalid({"product": "is needed: type a name, SKU or barcode"})
    coded = products_by_code(g.ctx, text)
    found = coded or list_products(g.ctx, ProductFilter(q=text), limit=LOOKED_AT).rows
    exact = [row for row in found if fold(row.name) == fold(text)]
    if len(exact or found) != 1:
        several = ", ".join(f"“{row.name}”" for row in found[:3])
        which = f"could be {several}: type the whole name or the SKU" if found else "is not sold here"
        raise Invalid({"product": which})
    return str((exact or found)[0].id)


def _list_page(list_id: str, error: ShopError | None = None, typed: dict[str, str] | None = None) -> str:
    session, is_retail = g.ctx.session, list_id == RETAIL
    name = RETAIL_TITLE if is_retail else find_list(session, list_id).name
    cursor = request.args.get("cursor") if request.method == "GET" else None
    found = list_prices(session, list_id=list_id, cursor=cursor)
    next_url = url_for("office.price_list", list_id=list_id, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {
        "rows": [{"price": row, "name": product} for row, product in found.rows], "next_url": next_url,
        "list_id": list_id, "may_write": g.ctx.may(Permission.PRODUCTS_UPDATE),
    }  # fmt: skip
    if cursor:
        return part("office/_price_rows.html", **values)
    return page(
        "office/price_list.html", name=name, is_retail=is_retail, customers=list_sizes(session).get(list_id, (0, 0))[1],
        errors=field_errors(error, {*PRICE_FIELDS, "name"}) if error else {}, typed=typed or {},
        crumbs=[("Price lists", url_for("office.all_price_lists")), (name, None)], **values,
    )  # fmt: skip


def _file_rows() -> Iterator[list[Any]]:
    """Product by product: its retail price, then every step of every list."""
    names = {RETAIL: RETAIL_NAME, **{row.id: row.name for row in price_lists(g.ctx.session)}}
    cursor: str | None = None
    while True:
        found = list_products(g.ctx, ProductFilter(), limit=PAGE_MAX, cursor=cursor)
        steps = prices_by_product(g.ctx.session, [row.id for row in found.rows])
        for row in found.rows:
            own = [row.sku, row.barcode, row.name]
            yield [*own, RETAIL_NAME, 1, plain_amount(row.price_minor)]
            for step in steps.get(row.id, []):
                if step.list_id in names:
                    yield [*own, names[step.list_id], step.min_quantity, plain_amount(step.price_minor)]
        cursor = found.next_cursor
        if cursor is None:
            return
