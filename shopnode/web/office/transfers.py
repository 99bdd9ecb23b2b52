"""Phones and goods between shops: what is on its way, sending some, and saying what arrived. The portal looks; shops
act. What did not arrive stays on its way until it does, or its sender has it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.handsets.queries import unit_by_number_or_none
from shopnode.domain.handsets.transfers import PHONES_MAX
from shopnode.domain.handsets.transit import (
    TransferSums,
    TransferView,
    Way,
    list_transfers,
    transfer_sums,
    transfer_view,
)
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import all_shops
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import beside_rows, goods_lines, number_of, posted_lines
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

SHOWN = PAGE_DEFAULT
PIECES = "pieces."  # before the id of a line of goods
HOW_ENDED = {"received": ("Received", "good"), "taken_back": ("Taken back", "")}


@bp.get("/transfers")
def transfers() -> ResponseReturnValue:
    """What is on its way, and what arrived last."""
    names = _shop_names()
    file = asked_file()
    if file is not None:
        titles = [
            "Transfer",
            "From",
            "To",
            "Sent",
            "By",
            "What",
            "Number",
            "Pieces",
            "Arrived",
            "Taken back",
            "On the way",
        ]
        return table_answer("transfers", file, titles, _file_rows(names))
    if "cursor" in request.args:
        way = Way.ENDED if request.args.get("state") == Way.ENDED.value else Way.UNDER_WAY
        return part("office/_transfer_rows.html", found=_some(way, names, request.args["cursor"]))
    return page(
        "office/transfers.html", under_way=_some(Way.UNDER_WAY, names), ended=_some(Way.ENDED, names),
        may_send=_may(Permission.DEVICES_UPDATE), may_load=_may(Permission.DEVICES_CREATE),
        crumbs=[("Transfers", None)], filters={},
    )  # fmt: skip


def _some(way: Way, names: Mapping[str, str], cursor: str | None = None) -> dict[str, Any]:
    """A page of those in transit or of those that have ended, and where the next one is."""
    found = transfer_sums(g.ctx, (way,), limit=SHOWN, cursor=cursor)
    more = found.next_cursor
    next_url = url_for("office.transfers", state=way.value, cursor=more) if more else None
    return {"rows": [_row(sums, names) for sums in found.rows], "next_url": next_url}


def _all_views() -> Iterator[TransferView]:
    cursor: str | None = None
    while True:
        found = list_transfers(g.ctx, limit=PAGE_MAX, cursor=cursor)
        yield from found.rows
        cursor = found.next_cursor
        if cursor is None:
            return


def _file_rows(names: Mapping[str, str]) -> Iterator[list[Any]]:
    for view in _all_views():
        head = [view.number, names.get(view.from_shop_id), names.get(view.to_shop_id), view.sent_at, view.sent_by]
        for line in view.lines:
            ended = [int(line.ended == how) for how in HOW_ENDED]
            yield [*head, line.product_name, line.number, 1, *ended, 1 - sum(ended)]
        for item in view.items:
            yield [*head, item.product_name, None, item.quantity, item.received, item.taken_back, item.under_way]


@bp.route("/transfers/new", methods=["GET", "POST"])
def send_phones() -> ResponseReturnValue:
    """Send phones to another shop, their numbers scanned one after another, and goods by quantity."""
    if request.method == "GET":
        return _sending({}, {}, {})
    typed, lines = posted(), posted_lines("transfer")
    on_refusal(lambda error: _sending(_errors(error, lines), typed, lines))
    items = [{"product_id": row_id, "quantity": _pieces(row_id, fields)} for row_id, fields in lines.items()]
    numbers = typed.get("numbers", "")
    if not items and not numbers.strip():
        raise Invalid({"numbers": "is needed: scan the phones you send, or add goods below"})
    form = {
        "to_shop_id": typed.get("to_shop_id", ""), "note": typed.get("note"), "unit_ids": _units(numbers),
        "items": items,
    }  # fmt: skip
    done = act("transfers.send", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.transfer", transfer_id=done.result["transfer_id"]), 303)


def _pieces(row_id: str, fields: Mapping[str, str]) -> int:
    pieces = number_of(row_id, fields, "quantity")
    if pieces is None:
        raise Invalid({f"quantity.{row_id}": "is needed"})
    return pieces


def _errors(error: ShopError, lines: Mapping[str, Any]) -> dict[str, str]:
    shown = {"to_shop_id", "numbers", "note", *(f"quantity.{row_id}" for row_id in lines)}
    found = beside_rows(field_errors(error), lines, {})
    left = " ".join(text for name, text in found.items() if name not in shown)
    return {**({"": left} if left else {}), **{name: text for name, text in found.items() if name in shown}}


@bp.get("/transfers/<id:transfer_id>")
def transfer(transfer_id: str) -> str:
    """One transfer with its phones."""
    return _detail(transfer_id)


@bp.post("/transfers/<id:transfer_id>/receive")
def receive_phones(transfer_id: str) -> ResponseReturnValue:
    """The ticked phones and so many pieces arrived."""
    return _end(transfer_id, "transfers.receive", "note")


@bp.post("/transfers/<id:transfer_id>/take-back")
def take_back(transfer_id: str) -> ResponseReturnValue:
    """The ticked phones and so many pieces never arrived and are here again."""
    return _end(transfer_id, "transfers.take_back", "reason")


def _end(transfer_id: str, action: str, word: str) -> ResponseReturnValue:
    typed, ticked = posted(), request.form.getlist("unit_id")[:PHONES_MAX]
    on_refusal(lambda error: _detail(transfer_id, field_errors(error, {word, *typed}), typed, ticked))
    items = [
        {"item_id": name.removeprefix(PIECES), "quantity": pieces}
        for name in typed if name.startswith(PIECES) and (pieces := asked_number(typed, name, default=0))
    ]  # fmt: skip
    if not ticked and not items:
        raise Invalid({"": "Tick the phones that are here, or say how many pieces are"})
    form = {"transfer_id": transfer_id, "unit_ids": ticked, "items": items, word: typed.get(word)}
    act(action, form, action_id=posted_action_id(typed))
    return redirect(url_for("office.transfer", transfer_id=transfer_id), 303)


def _units(typed: str) -> list[str]:
    """The phones of these numbers, one a line. Raises Invalid, naming each that is not here."""
    numbers = list(dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip()))
    units, wrong = [], []
    for number in numbers[: PHONES_MAX + 1]:
        unit = unit_by_number_or_none(g.ctx, number)
        if unit is None or unit.status is not UnitStatus.IN_STOCK:
            wrong.append(number[:40])
        elif unit.unit_id not in units:
            units.append(unit.unit_id)
    if len(wrong) == 1:
        raise Invalid({"numbers": f"{wrong[0]} is not in stock here; take the line out or check the number"})
    if wrong:
        raise Invalid({"numbers": f"{', '.join(wrong)} are not in stock here; take the lines out or check the numbers"})
    return units


def _sending(errors: dict[str, str], typed: Mapping[str, str], lines: Mapping[str, Mapping[str, Any]]) -> str:
    others = [(shop.id, shop.name) for shop in all_shops(g.ctx.session) if shop.id != g.ctx.shop_id]
    crumbs = [("Transfers", url_for("office.transfers")), ("Send", None)]
    rows = goods_lines(lines)
    return page("office/transfer_new.html", shops=others, lines=rows, errors=errors, typed=typed, crumbs=crumbs)


def _detail(
    transfer_id: str, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None,
    ticked: list[str] | None = None,
) -> str:  # fmt: skip
    view = transfer_view(g.ctx, transfer_id)
    here = g.ctx.shop_id
    return page(
        "office/transfer_detail.html", transfer=_view(view, _shop_names()), errors=errors or {}, typed=typed or {},
        ticked=ticked or [], shop_prints=_may(Permission.PRINTERS_USE),
        may_receive=view.to_shop_id == here and _may(Permission.DEVICES_CREATE),
        may_take_back=view.from_shop_id == here and _may(Permission.DEVICES_UPDATE),
        crumbs=[("Transfers", url_for("office.transfers")), (view.number, None)],
    )  # fmt: skip


def _may(permission: Permission) -> bool:
    return g.ctx.home.is_shop and g.ctx.may(permission)


def _row(sums: TransferSums, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": sums.id, "number": sums.number, "sender": names.get(sums.from_shop_id, "a shop"),
        "receiver": names.get(sums.to_shop_id, "a shop"), "is_coming": sums.to_shop_id == g.ctx.shop_id,
        "sent_at": sums.sent_at, "sent_by": sums.sent_by, "phones": sums.phones, "pieces": sums.pieces,
        "open": sums.under_way,
    }  # fmt: skip


def _view(view: TransferView, names: Mapping[str, str]) -> dict[str, Any]:
    lines = [
        {
            "unit_id": line.unit_id, "name": line.product_name, "number": line.number, "note": line.note,
            "how": HOW_ENDED.get(line.ended or ""), "at": line.ended_at,
        }
        for line in view.lines
    ]  # fmt: skip
    items = [
        {
            "id": item.item_id, "name": item.product_name, "quantity": item.quantity, "received": item.received,
            "taken_back": item.taken_back, "under_way": item.under_way,
        }
        for item in view.items
    ]  # fmt: skip
    pieces = sum(item.quantity for item in view.items)
    return {
        "id": view.id, "number": view.number, "sender": names.get(view.from_shop_id, "a shop"),
        "receiver": names.get(view.to_shop_id, "a shop"), "is_coming": view.to_shop_id == g.ctx.shop_id,
        "sent_at": view.sent_at, "sent_by": view.sent_by, "note": view.note, "lines": lines,
        "phones": len(lines), "open": len(view.on_the_way) + sum(item.under_way for item in view.items),
        "items": items, "pieces": pieces, "whole": len(lines) + pieces,
    }  # fmt: skip


def _shop_names() -> dict[str, str]:
    return {shop.id: shop.name for shop in all_shops(g.ctx.session)}
