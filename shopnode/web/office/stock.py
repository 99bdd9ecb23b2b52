"""Stock as a whole: what it is worth on any day, what came and went, and pieces corrected with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from shopnode.domain.catalogue.queries import product_view, products_as_read
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.paging import ID, PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import all_shops, names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.stock.queries import MovementFilter, list_movements
from shopnode.domain.stock.value import stock_value
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import known_ids
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.second import asked_approval, second_people
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

KIND_WORDS = {
    MovementKind.OPENING: "Opening stock", MovementKind.RECEIVED: "Received", MovementKind.SOLD: "Sold",
    MovementKind.RETURNED: "Came back", MovementKind.ADJUSTED: "Corrected", MovementKind.SENT: "Sent to another shop",
    MovementKind.ARRIVED: "Arrived from another shop", MovementKind.TAKEN_BACK: "Taken back",
    MovementKind.COUNTED: "Counted", MovementKind.USED: "Used in a phone", MovementKind.ASIDE: "Set aside",
    MovementKind.INSPECT_OUT: "Waits for inspection",
}  # fmt: skip
KINDS = [("", "of every kind"), *((kind.value, words.lower()) for kind, words in KIND_WORDS.items())]
DEEDS = [("off", "Take off: lost, broken, used up"), ("on", "Add: found, or never booked in")]


@bp.get("/stock-value")
def value_of_stock() -> ResponseReturnValue:
    """What the stock is worth at cost, now or at the end of a day."""
    text, errors = request.args.get("on", "").strip(), {}
    on: date | None = None
    try:
        on = date.fromisoformat(text) if text else None
    except ValueError:
        errors = {"on": "Must be a day, such as 2026-11-22."}
    told = stock_value(g.ctx, on)
    file = asked_file()
    if file is not None:
        rows = [[one.category, one.products, one.pieces, plain_amount(one.value_minor)] for one in told.categories]
        return table_answer("stock value", file, ["Category", "Products", "Pieces", "Value at cost"], rows)
    return page(
        "office/stock_value.html", told=told, on=text, errors=errors, filters={"on": text} if on else {},
        largest=max((one.value_minor for one in told.categories), default=0), crumbs=[("Stock value", None)],
    )  # fmt: skip


@bp.get("/movements")
def movements() -> ResponseReturnValue:
    """What came and went, the latest first; of one product where the address names it."""
    words, wanted = _asked()
    file = asked_file()
    if file is not None:
        titles = ["At", "Shop", "Product", "Phone", "What happened", "Pieces", "Note", "By"]
        return table_answer("stock movements", file, titles, _file_rows(wanted))
    found = list_movements(g.ctx, wanted, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("office.movements", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {
        "rows": _rows(found.rows), "next_url": next_url, "filters": words, "has_filters": bool(asked),
        "show_shop": g.ctx.shop_id is None,
    }  # fmt: skip
    if "cursor" in request.args:
        return part("office/_movement_rows.html", **values)
    if is_htmx():
        return part("office/_movements.html", **values)
    product = product_view(g.ctx, words["product_id"]) if words["product_id"] else None
    return page("office/movements.html", product=product, kinds=KINDS, crumbs=[("Movements", None)], **values)


@bp.route("/products/<id:product_id>/adjust", methods=["GET", "POST"])
def adjust_stock(product_id: str) -> ResponseReturnValue:
    """Correct how many pieces there are, with the reason."""
    if request.method == "GET":
        return _adjusting(product_id, {}, {})
    typed = posted()

    def draw(error: ShopError) -> str:
        return _adjusting(product_id, field_errors(error, {"quantity", "reason"}), typed, second_people(error, typed))

    on_refusal(draw)
    pieces = asked_number(typed, "quantity")
    if pieces is None or pieces <= 0:
        raise Invalid({"quantity": "is needed: how many pieces"})
    quantity = pieces if typed.get("deed") == "on" else -pieces
    form = {"product_id": product_id, "quantity": quantity, "reason": typed.get("reason", "")}
    act("stock.adjust", form, action_id=posted_action_id(typed), approval=asked_approval(typed))
    return redirect(url_for("office.movements", product_id=product_id), 303)


def _asked() -> tuple[dict[str, str], MovementFilter]:
    words = {name: request.args.get(name, "").strip()[:40] for name in ("product_id", "kind", "from_on", "to_on")}
    words["kind"] = words["kind"] if words["kind"] in dict(KINDS) else ""
    words["product_id"] = words["product_id"] if ID.fullmatch(words["product_id"]) else ""
    days: dict[str, date | None] = {}
    for name in ("from_on", "to_on"):
        try:
            days[name] = date.fromisoformat(words[name]) if words[name] else None
        except ValueError:
            days[name], words[name] = None, ""
    wanted = MovementFilter(
        product_id=words["product_id"] or None, kind=words["kind"] or None, from_on=days["from_on"],
        to_on=days["to_on"],
    )  # fmt: skip
    return words, wanted


def _rows(found: list[StockMovement]) -> list[dict[str, Any]]:
    """Movements with the names they need."""
    session = g.ctx.session
    products = products_as_read(session, {row.product_id for row in found})
    people = names_of(session, known_ids(*(row.by_id for row in found)))
    query = select(StockUnit.id, Handset).join(Handset, Handset.id == StockUnit.handset_id)
    phones = dict(iter(session.execute(query.where(StockUnit.id.in_({row.unit_id for row in found if row.unit_id})))))
    shops = {shop.id: shop.name for shop in all_shops(session)}
    return [
        {
            "at": row.at, "shop": shops.get(row.shop_id, ""), "product_id": row.product_id,
            "product": products[row.product_id].name if row.product_id in products else "",
            "number": phones[row.unit_id].number if row.unit_id in phones else None, "unit_id": row.unit_id,
            "what": KIND_WORDS[MovementKind(row.kind)], "quantity": row.quantity, "note": row.note,
            "by": people.get(row.by_id or ""), "sale_id": row.sale_id,
        }
        for row in found
    ]  # fmt: skip


def _file_rows(wanted: MovementFilter) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = list_movements(g.ctx, wanted, limit=PAGE_MAX, cursor=cursor)
        for row in _rows(found.rows):
            yield [row["at"], row["shop"], row["product"], row["number"], row["what"], row["quantity"], row["note"],
                   row["by"]]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


def _adjusting(
    product_id: str, errors: dict[str, str], typed: Mapping[str, str], approvers: list[tuple[str, str]] | None = None
) -> str:
    product = product_view(g.ctx, product_id)
    place = (product.name, url_for("office.product", product_id=product_id))
    return page(
        "office/adjust.html", product=product, deeds=DEEDS, errors=errors, typed=typed, approvers=approvers or [],
        may_adjust=g.ctx.home.is_shop and g.ctx.may(Permission.PRODUCTS_ADJUST_STOCK),
        crumbs=[("Products", url_for("office.products")), place, ("Correct the stock", None)],
    )  # fmt: skip
