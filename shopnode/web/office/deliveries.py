"""Deliveries: taken in with or without an order, pieces by quantity and phones by their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.buying.models import OrderStatus
from shopnode.domain.buying.queries import OrderView, list_receipts, order_view, receipt_view
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.handsets.intake import phones_in
from shopnode.domain.paging import ID, PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import (
    GoodsLine,
    beside_rows,
    goods_lines,
    known_ids,
    money_of,
    number_of,
    posted_lines,
    shop_names,
)
from shopnode.web.office.orders import supplier_choices
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.second import asked_approval, second_people
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

NAMES = {"unit_cost_minor": "cost", "product_id": "quantity", "phones": "phones", "damaged": "damaged"}


@bp.get("/deliveries")
def deliveries() -> ResponseReturnValue:
    """What came, the latest first."""
    words = {name: request.args.get(name, "").strip()[:100] for name in ("q", "supplier_id")}
    words["supplier_id"] = words["supplier_id"] if ID.fullmatch(words["supplier_id"]) else ""
    file = asked_file()
    if file is not None:
        titles = ["Delivery", "Came", "Supplier", "Order", "Their number", "Product", "Good", "Damaged", "Cost of one",
                  "Landed cost of one"]  # fmt: skip
        return table_answer("deliveries", file, titles, _file_rows(words))
    found = list_receipts(
        g.ctx, supplier_id=words["supplier_id"] or None, text=words["q"], limit=PAGE_DEFAULT,
        cursor=request.args.get("cursor"),
    )  # fmt: skip
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("office.deliveries", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {
        "rows": found.rows, "next_url": next_url, "filters": words, "has_filters": bool(asked),
        "may_receive": _may_receive(), "shops": shop_names(),
    }  # fmt: skip
    if "cursor" in request.args:
        return part("office/_delivery_rows.html", **values)
    if is_htmx():
        return part("office/_deliveries.html", **values)
    suppliers = [("", "from anybody"), *((row_id, f"from {name}") for row_id, name in supplier_choices())]
    return page("office/deliveries_list.html", suppliers=suppliers, crumbs=[("Deliveries", None)], **values)


def _file_rows(words: Mapping[str, str]) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = list_receipts(
            g.ctx, supplier_id=words["supplier_id"] or None, text=words["q"], limit=PAGE_MAX, cursor=cursor
        )
        for one in found.rows:
            for line in one.lines:
                costs = [line.unit_cost_minor, line.landed_cost_minor]
                yield [one.number, one.received_at, one.supplier_name, one.order_number, one.delivery_note,
                       line.product_name, line.quantity, line.damaged,
                       *(None if cost is None else plain_amount(cost) for cost in costs)]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


@bp.route("/deliveries/new", methods=["GET", "POST"])
def new_delivery() -> ResponseReturnValue:
    """Take a delivery in: against the order in the address, or without one."""
    order_id = request.args.get("order_id", "")
    order_id = order_id if ID.fullmatch(order_id) else ""
    order = order_view(g.ctx, order_id) if order_id else None
    if request.method == "GET":
        if order is not None and order.status is not OrderStatus.ORDERED:
            return redirect(url_for("office.order", order_id=order.id), 303)
        return _form_page(order, {"supplier_id": request.args.get("supplier_id", "")}, _outstanding(order))
    typed, lines = posted(), posted_lines("delivery")

    def draw(error: ShopError) -> str:
        known = order_view(g.ctx, order_id) if order_id else None
        return _form_page(known, typed, lines, _errors(error, lines), second_people(error, typed))

    on_refusal(draw)
    form = _form(typed, lines, order)
    done = act("goods.receive", form, action_id=posted_action_id(typed), approval=asked_approval(typed))
    return redirect(url_for("office.delivery", receipt_id=done.result["receipt_id"]), 303)


@bp.get("/deliveries/<id:receipt_id>")
def delivery(receipt_id: str) -> str:
    """One delivery as it was taken in."""
    view = receipt_view(g.ctx, receipt_id)
    people = names_of(g.ctx.session, known_ids(view.received_by))
    return page(
        "office/delivery_detail.html", delivery=view, by=people.get(view.received_by or ""),
        crumbs=[("Deliveries", url_for("office.deliveries")), (view.number, None)],
    )  # fmt: skip


def _outstanding(order: OrderView | None) -> dict[str, dict[str, Any]]:
    """What is still to come: everything that is in the box may be left as it stands."""
    lines = order.lines if order is not None else ()
    return {line.product_id: {} if line.is_serialised else {"quantity": line.to_come} for line in lines if line.to_come}


def _form(
    typed: Mapping[str, str], lines: Mapping[str, Mapping[str, str]], order: OrderView | None
) -> dict[str, Any]:  # fmt: skip
    """What was typed, as the action takes it; rows of which nothing came are left out. Raises Invalid."""
    faults: dict[str, str] = {}
    items = []
    for row_id, fields in lines.items():
        phones, wrong = phones_in(fields["phones"])
        if wrong:
            faults[f"phones.{row_id}"] = " ".join(wrong)
        quantity = number_of(row_id, fields, "quantity", default=0) if not phones else len(phones)
        damaged = number_of(row_id, fields, "damaged", default=0)
        cost = money_of(row_id, fields, "cost")
        items.append({
            "product_id": row_id, "quantity": quantity, "damaged": damaged, "unit_cost_minor": cost, "phones": phones,
        })  # fmt: skip
    if faults:
        raise Invalid(faults)
    came = [item for item in items if item["quantity"] or item["damaged"]]
    if not came:
        raise Invalid({"": "Write down what came: pieces, or the IMEIs of phones."})
    return {
        "order_id": order.id if order else None, "supplier_id": None if order else typed.get("supplier_id"),
        "lines": came, "extra_cost_minor": asked_money(typed, "extra_cost_minor", default=0),
        "extra_on_bill": typed.get("extra_on_bill") == "true", "delivery_note": typed.get("delivery_note"),
        "notes": typed.get("notes"),
    }  # fmt: skip


def _errors(error: ShopError, lines: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """By row: the action counts only the rows that were sent to it."""
    sent = [
        row_id for row_id, fields in lines.items()
        if any(fields[name].strip() not in ("", "0") for name in ("quantity", "damaged", "phones"))
    ]  # fmt: skip
    found = beside_rows(field_errors(error), sent, NAMES)
    serialised = {line.product_id for line in goods_lines(lines) if line.is_serialised}
    moved = {f"quantity.{row_id}": f"phones.{row_id}" for row_id in serialised}
    return {moved.get(name, name): text for name, text in found.items()}


def _form_page(
    order: OrderView | None, typed: Mapping[str, Any], lines: Mapping[str, Mapping[str, Any]],
    errors: dict[str, str] | None = None, approvers: list[tuple[str, str]] | None = None,
) -> str:  # fmt: skip
    rows = goods_lines(lines)
    if order is not None:
        _tell_of_order(rows, order)
    title = f"Receive {order.number}" if order else "New delivery"
    place = ("Orders", url_for("office.orders")) if order else ("Deliveries", url_for("office.deliveries"))
    return page(
        "office/delivery_edit.html", order=order, title=title, back=place, lines=rows, typed=typed,
        suppliers=[("", "Nobody on the list"), *supplier_choices()], errors=errors or {}, approvers=approvers or [],
        crumbs=[place, (title, None)],
    )  # fmt: skip


def _tell_of_order(rows: list[GoodsLine], order: OrderView) -> None:
    """What was ordered of each, and what it was to cost."""
    ordered = {line.product_id: line for line in order.lines}
    for row in rows:
        line = ordered.get(row.product_id)
        if line is None:
            row.told = "not on this order"
            continue
        came = f", {line.received} came before" if line.received else ""
        row.told = f"{line.quantity} ordered{came}, {line.to_come} to come"
        row.cost_minor = line.unit_cost_minor


def _may_receive() -> bool:
    return bool(g.ctx.home.is_shop and g.ctx.may(Permission.GOODS_RECEIVE))
