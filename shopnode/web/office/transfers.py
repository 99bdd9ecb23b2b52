"""Phones between shops: what is on its way, sending some, and saying what arrived. The portal looks; shops act."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.handsets.queries import unit_by_number_or_none
from shopnode.domain.handsets.transfers import PHONES_MAX
from shopnode.domain.handsets.transit import TransferView, ended_transfers, in_transit, transfer_view
from shopnode.domain.people.queries import all_shops
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

ENDED_SHOWN = 20
HOW_ENDED = {"received": ("Received", "good"), "taken_back": ("Taken back", "")}


@bp.get("/transfers")
def transfers() -> str:
    """What is on its way, and what arrived last."""
    names = _shop_names()
    return page(
        "office/transfers.html", under_way=[_view(view, names) for view in in_transit(g.ctx)],
        ended=[_view(view, names) for view in ended_transfers(g.ctx)[:ENDED_SHOWN]],
        may_send=_may(Permission.DEVICES_UPDATE), crumbs=[("Transfers", None)],
    )  # fmt: skip


@bp.route("/transfers/new", methods=["GET", "POST"])
def send_phones() -> ResponseReturnValue:
    """Send phones to another shop: their numbers, scanned one after another."""
    if request.method == "GET":
        return _sending({}, {})
    typed = posted()
    on_refusal(lambda error: _sending(field_errors(error, {"to_shop_id", "numbers", "note"}), typed))
    form = {
        "to_shop_id": typed.get("to_shop_id", ""), "note": typed.get("note"),
        "unit_ids": _units(typed.get("numbers", "")),
    }  # fmt: skip
    done = act("handsets.send", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.transfer", transfer_id=done.result["transfer_id"]), 303)


@bp.get("/transfers/<id:transfer_id>")
def transfer(transfer_id: str) -> str:
    """One transfer with its phones."""
    return _detail(transfer_id)


@bp.post("/transfers/<id:transfer_id>/receive")
def receive_phones(transfer_id: str) -> ResponseReturnValue:
    """The ticked phones arrived."""
    return _end(transfer_id, "handsets.receive_transfer", "note")


@bp.post("/transfers/<id:transfer_id>/take-back")
def take_back(transfer_id: str) -> ResponseReturnValue:
    """The ticked phones never arrived and are here again."""
    return _end(transfer_id, "handsets.take_back", "reason")


def _end(transfer_id: str, action: str, word: str) -> ResponseReturnValue:
    typed, ticked = posted(), request.form.getlist("unit_id")[:PHONES_MAX]
    on_refusal(lambda error: _detail(transfer_id, field_errors(error, {word}), typed, ticked))
    if not ticked:
        raise Invalid({"": "Tick the phones that are here"})
    form = {"transfer_id": transfer_id, "unit_ids": ticked, word: typed.get(word)}
    act(action, form, action_id=posted_action_id(typed))
    return redirect(url_for("office.transfer", transfer_id=transfer_id), 303)


def _units(typed: str) -> list[str]:
    """The phones of these numbers, one a line. Raises Invalid, naming the first that is not here."""
    numbers = list(dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip()))
    if not numbers:
        raise Invalid({"numbers": "is needed: scan the phones you send"})
    units = []
    for number in numbers[: PHONES_MAX + 1]:
        unit = unit_by_number_or_none(g.ctx, number)
        if unit is None or unit.status is not UnitStatus.IN_STOCK:
            raise Invalid({"numbers": f"{number[:40]} is not in stock here; take the line out or check the number"})
        units.append(unit.unit_id)
    return units


def _sending(errors: dict[str, str], typed: dict[str, str]) -> str:
    others = [(shop.id, shop.name) for shop in all_shops(g.ctx.session) if shop.id != g.ctx.shop_id]
    crumbs = [("Transfers", url_for("office.transfers")), ("Send phones", None)]
    return page("office/transfer_new.html", shops=others, errors=errors, typed=typed, crumbs=crumbs)


def _detail(
    transfer_id: str, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None,
    ticked: list[str] | None = None,
) -> str:  # fmt: skip
    view = transfer_view(g.ctx, transfer_id)
    here = g.ctx.shop_id
    return page(
        "office/transfer_detail.html", transfer=_view(view, _shop_names()), errors=errors or {}, typed=typed or {},
        ticked=ticked or [], may_receive=view.to_shop_id == here and _may(Permission.DEVICES_CREATE),
        may_take_back=view.from_shop_id == here and _may(Permission.DEVICES_UPDATE),
        crumbs=[("Transfers", url_for("office.transfers")), (view.number, None)],
    )  # fmt: skip


def _may(permission: Permission) -> bool:
    return g.ctx.home.is_shop and g.ctx.may(permission)


def _view(view: TransferView, names: dict[str, str]) -> dict[str, Any]:
    lines = [
        {
            "unit_id": line.unit_id, "name": line.product_name, "number": line.number, "note": line.note,
            "how": HOW_ENDED.get(line.ended or ""), "at": line.ended_at,
        }
        for line in view.lines
    ]  # fmt: skip
    return {
        "id": view.id, "number": view.number, "sender": names.get(view.from_shop_id, "a shop"),
        "receiver": names.get(view.to_shop_id, "a shop"), "is_coming": view.to_shop_id == g.ctx.shop_id,
        "sent_at": view.sent_at, "sent_by": view.sent_by, "note": view.note, "lines": lines,
        "phones": len(lines), "open": len(view.on_the_way),
    }  # fmt: skip


def _shop_names() -> dict[str, str]:
    return {shop.id: shop.name for shop in all_shops(g.ctx.session)}
