"""Purchase orders: the list, a draft with its lines, and one order on its way from draft to all here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.buying.models import OrderStatus
from shopnode.domain.buying.queries import OrderFilter, OrderView, list_orders, list_receipts, order_view
from shopnode.domain.buying.queries import search_suppliers as find_suppliers
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.paging import ID, PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.days import today
from shopnode.domain.stock.reorder import suggestions
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import beside_rows, goods_lines, known_ids, money_of, number_of, posted_lines, shop_names
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

STATES = [("", "in any state"), ("draft", "that are drafts"), ("ordered", "still to come"), ("closed", "closed"),
          ("cancelled", "cancelled")]  # fmt: skip
STATE_WORDS = {"draft": "Draft", "ordered": "Ordered", "closed": "Closed", "cancelled": "Cancelled"}
NAMES = {"unit_cost_minor": "cost", "product_id": "quantity", "quantity": "quantity"}


@bp.get("/orders")
def orders() -> ResponseReturnValue:
    """What was ordered, the latest first."""
    words = {name: request.args.get(name, "").strip()[:100] for name in ("q", "state", "supplier_id")}
    words["state"] = words["state"] if words["state"] in dict(STATES) else ""
    words["supplier_id"] = words["supplier_id"] if ID.fullmatch(words["supplier_id"]) else ""
    wanted = OrderFilter(
        OrderStatus(words["state"]) if words["state"] else None, words["supplier_id"] or None, words["q"]
    )
    file = asked_file()
    if file is not None:
        titles = ["Order", "Supplier", "State", "Ordered", "Expected", "Product", "Ordered pieces", "Came", "Damaged",
                  "To come", "Cost of one"]  # fmt: skip
        return table_answer("purchase orders", file, titles, _file_rows(wanted))
    found = list_orders(g.ctx, wanted, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("office.orders", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {
        "rows": found.rows, "next_url": next_url, "filters": words, "has_filters": bool(asked),
        "may_order": _may_order(), "shops": shop_names(),
    }  # fmt: skip
    if "cursor" in request.args:
        return part("office/_order_rows.html", **values)
    if is_htmx():
        return part("office/_orders.html", **values)
    suppliers = [("", "from anybody"), *((row_id, f"from {name}") for row_id, name in supplier_choices())]
    choices = {"states": STATES, "suppliers": suppliers}
    return page("office/orders_list.html", choices=choices, crumbs=[("Orders", None)], **values)


def _file_rows(wanted: OrderFilter) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = list_orders(g.ctx, wanted, limit=PAGE_MAX, cursor=cursor)
        for order in found.rows:
            for line in order.lines:
                cost = None if line.unit_cost_minor is None else plain_amount(line.unit_cost_minor)
                to_come = line.to_come if order.status is OrderStatus.ORDERED else 0
                yield [order.number or "Draft", order.supplier_name, STATE_WORDS[order.status], order.ordered_at,
                       order.expected_on, line.product_name, line.quantity, line.received, line.damaged, to_come,
                       cost]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


@bp.route("/orders/new", methods=["GET", "POST"])
def new_order() -> ResponseReturnValue:
    """Begin an order; what should be ordered from nobody in particular may stand in it already."""
    if request.method == "GET":
        return _form_page(None, {"supplier_id": request.args.get("supplier_id", "")}, _asked_lines())
    typed, lines = posted(), posted_lines("order")
    on_refusal(lambda error: _form_page(None, typed, lines, _errors(error, lines)))
    form = _form(typed, lines)
    done = act("orders.create", form, action_id=posted_action_id(typed))
    order_id = done.result["order_id"]
    if typed.get("then") == "order":
        on_refusal(lambda error: _detail(order_id, field_errors(error, {"-"})))
        act("orders.order", {"order_id": order_id})
    return redirect(url_for("office.order", order_id=order_id), 303)


@bp.route("/orders/<id:order_id>/edit", methods=["GET", "POST"])
def edit_order(order_id: str) -> ResponseReturnValue:
    """Change a draft."""
    known = order_view(g.ctx, order_id)
    if request.method == "GET":
        lines = {line.product_id: {"quantity": line.quantity, "cost": line.unit_cost_minor} for line in known.lines}
        expected = known.expected_on.isoformat() if known.expected_on else ""
        kept = {"supplier_id": known.supplier_id, "expected_on": expected, "notes": known.notes or ""}
        return _form_page(known, kept, lines)
    typed, given = posted(), posted_lines("order")
    on_refusal(lambda error: _form_page(order_view(g.ctx, order_id), typed, given, _errors(error, given)))
    form = {"order_id": order_id, **_form(typed, given)}
    act("orders.change_draft", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.order", order_id=order_id), 303)


@bp.get("/orders/<id:order_id>")
def order(order_id: str) -> str:
    """One order with its lines and what came on it."""
    return _detail(order_id)


@bp.post("/orders/<id:order_id>/order")
def place_order(order_id: str) -> ResponseReturnValue:
    """Order what the draft lists."""
    return _change(order_id, "orders.order")


@bp.post("/orders/<id:order_id>/cancel")
def cancel_order(order_id: str) -> ResponseReturnValue:
    """Give the order up."""
    return _change(order_id, "orders.cancel", "reason")


@bp.post("/orders/<id:order_id>/close")
def close_order(order_id: str) -> ResponseReturnValue:
    """Expect nothing more of it."""
    return _change(order_id, "orders.close", "reason")


def _change(order_id: str, action: str, *names: str) -> ResponseReturnValue:
    typed = posted()
    on_refusal(lambda error: _detail(order_id, field_errors(error, {"reason"}), typed))
    form = {"order_id": order_id, **{name: typed.get(name, "") for name in names}}
    act(action, form, action_id=posted_action_id(typed))
    return redirect(url_for("office.order", order_id=order_id), 303)


def supplier_choices() -> list[tuple[str, str]]:
    """Suppliers on the list, by name."""
    return [(row.id, row.name) for row in find_suppliers(g.ctx.session, limit=PAGE_MAX).rows]


def _asked_lines() -> dict[str, dict[str, Any]]:
    """The lines an address asks for: products, or what nobody in particular is to deliver."""
    if request.args.get("suggested") == "1":
        found = [line for line in suggestions(g.ctx) if line.supplier_id is None]
        return {line.product_id: {"quantity": line.quantity} for line in found}
    ids = [text for text in request.args.getlist("product_id") if ID.fullmatch(text)]
    return {row_id: {} for row_id in ids}


def _form(typed: Mapping[str, str], lines: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What was typed, as the action takes it. Raises Invalid."""
    if not lines:
        raise Invalid({"": "Add what you want to order: search for the first product below."})
    items = []
    for row_id, fields in lines.items():
        quantity = number_of(row_id, fields, "quantity")
        if quantity is None:
            raise Invalid({f"quantity.{row_id}": "is needed"})
        items.append({"product_id": row_id, "quantity": quantity, "unit_cost_minor": money_of(row_id, fields, "cost")})
    if not typed.get("supplier_id"):
        raise Invalid({"supplier_id": "must be chosen"})
    return {
        "supplier_id": typed["supplier_id"], "lines": items, "expected_on": typed.get("expected_on"),
        "notes": typed.get("notes"),
    }  # fmt: skip


def _errors(error: ShopError, lines: Mapping[str, Any]) -> dict[str, str]:
    return beside_rows(field_errors(error), lines, NAMES)


def _form_page(
    known: OrderView | None, typed: Mapping[str, Any], lines: Mapping[str, Mapping[str, Any]],
    errors: dict[str, str] | None = None,
) -> str:  # fmt: skip
    name = (known.number or "Draft") if known else "New order"
    back = url_for("office.order", order_id=known.id) if known else url_for("office.orders")
    return page(
        "office/order_edit.html", order=known, title=name, back=back, lines=goods_lines(lines),
        suppliers=[("", "Choose one"), *supplier_choices()], typed=typed, errors=errors or {},
        crumbs=[("Orders", url_for("office.orders")), (name, None)],
    )  # fmt: skip


def _detail(order_id: str, errors: dict[str, str] | None = None, typed: Mapping[str, str] | None = None) -> str:
    view = order_view(g.ctx, order_id)
    people = names_of(g.ctx.session, known_ids(view.created_by))
    return page(
        "office/order_detail.html", order=view, by=people.get(view.created_by or ""),
        deliveries=list_receipts(g.ctx, order_id=order_id, limit=PAGE_MAX).rows, errors=errors or {}, typed=typed or {},
        is_late=_is_late(view), may_order=_may_order(),
        may_receive=g.ctx.home.is_shop and g.ctx.may(Permission.GOODS_RECEIVE),
        crumbs=[("Orders", url_for("office.orders")), (view.number or "Draft", None)],
    )  # fmt: skip


def _is_late(view: OrderView) -> bool:
    late = view.expected_on is not None and view.expected_on < today(g.ctx)
    return view.status is OrderStatus.ORDERED and late


def _may_order() -> bool:
    return bool(g.ctx.home.is_shop and g.ctx.may(Permission.ORDERS_MANAGE))
