"""Phones: the list of all of them, found by any number, and the page of one with its whole life. Shops act; the portal
looks."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.clock import to_datetime
from shopnode.domain.handsets.errors import STATUS_WORDS
from shopnode.domain.handsets.history import LifeEvent, LifeKind, life_of
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.handsets.queries import UnitFilter, UnitSort, UnitView, find_unit, list_units, unit_view
from shopnode.domain.handsets.states import MAY_FOLLOW
from shopnode.domain.money import format_minor
from shopnode.domain.people.queries import all_shops, currency_of
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

STATES = [("", "in any state"), *((status.value, STATUS_WORDS[status.value]) for status in UnitStatus)]
SORTS = [("", "newest first"), ("oldest", "oldest first"), ("model", "by model")]
TONES = {
    UnitStatus.IN_STOCK: "good", UnitStatus.RESERVED: "waiting", UnitStatus.EXPECTED: "waiting",
    UnitStatus.BENCH: "waiting", UnitStatus.SUPPLIER: "waiting", UnitStatus.LENT: "waiting",
    UnitStatus.SENT: "waiting", UnitStatus.INSPECT: "attention", UnitStatus.MISSING: "refused",
}  # fmt: skip
# What may be done with a phone by hand, in the order of the list; the words are of the button's choice.
DEEDS = {
    UnitStatus.IN_STOCK: "Put it on sale again", UnitStatus.RESERVED: "Keep it for somebody",
    UnitStatus.BENCH: "Set it aside to the bench", UnitStatus.LENT: "Lend it",
    UnitStatus.INSPECT: "Have it looked at", UnitStatus.MISSING: "Say it is missing",
    UnitStatus.SCRAPPED: "Write it off",
}  # fmt: skip
NEEDS_STOCK_RIGHT = frozenset({UnitStatus.MISSING, UnitStatus.SCRAPPED})
NOT_BY_HAND = frozenset({UnitStatus.EXPECTED, UnitStatus.SUPPLIER})  # they come back by a paper of their own
EVENT_TONES = {
    LifeKind.SOLD: "good", LifeKind.RECEIVED: "good", LifeKind.BOUGHT: "good", LifeKind.UNDONE: "attention",
    LifeKind.RETURNED: "attention", LifeKind.CORRECTED: "waiting", LifeKind.CLAIMED: "attention",
}  # fmt: skip


@bp.get("/phones")
def phones() -> str:
    """Every phone that is or was here, the latest first."""
    words = {name: request.args.get(name, "").strip()[:60] for name in ("q", "status", "sort")}
    for name, known in (("status", STATES), ("sort", SORTS)):
        words[name] = words[name] if words[name] in dict(known) else ""
    wanted = UnitFilter(
        number=words["q"], status=UnitStatus(words["status"]) if words["status"] else None,
        sort=UnitSort(words["sort"] or "newest"),
    )  # fmt: skip
    found = list_units(g.ctx, wanted, cursor=request.args.get("cursor"))
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("office.phones", **asked, cursor=found.next_cursor) if found.next_cursor else None
    shops = _shop_names()
    rows = [_row(view, shops) for view in found.rows]
    values: dict[str, Any] = {
        "rows": rows, "next_url": next_url, "filters": words, "has_filters": bool(asked),
        "show_shop": g.ctx.shop_id is None,
    }  # fmt: skip
    if "cursor" in request.args:
        return part("office/_phone_rows.html", **values)
    if is_htmx():
        return part("office/_phones.html", **values)
    choices = {"states": STATES, "sorts": SORTS}
    may_receive = g.ctx.home.is_shop and g.ctx.may(Permission.DEVICES_CREATE)
    return page(
        "office/phones_list.html", choices=choices, may_receive=may_receive, crumbs=[("Phones", None)], **values
    )


@bp.get("/phones/<id:unit_id>")
def phone(unit_id: str) -> str:
    """One phone: what it is, where it is, and everything that happened to it."""
    return _detail(unit_id)


@bp.post("/phones/<id:unit_id>")
def change_phone(unit_id: str) -> ResponseReturnValue:
    """Bring the phone to another state, with the reason."""
    typed = posted()
    on_refusal(lambda error: _detail(unit_id, field_errors(error, {"status", "reason"}), typed))
    form = {"unit_id": unit_id, "status": typed.get("status", ""), "reason": typed.get("reason", "")}
    act("handsets.change_status", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.phone", unit_id=unit_id), 303)


def _detail(unit_id: str, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    view = unit_view(g.ctx, unit_id)
    currency = currency_of(g.ctx.session)
    life = [_event(event, currency) for event in reversed(life_of(g.ctx, view.handset_id))]
    return page(
        "office/phone_detail.html", phone=_shown(view, currency), events=life, deeds=_deeds(view),
        errors=errors or {}, typed=typed or {},
        crumbs=[("Phones", url_for("office.phones")), (view.number, None)],
    )  # fmt: skip


def _deeds(view: UnitView) -> list[tuple[str, str]]:
    """What this person may do with this phone now; nothing in the portal, for it holds no phones."""
    if not g.ctx.home.is_shop or not g.ctx.may(Permission.DEVICES_UPDATE):
        return []
    possible = set(MAY_FOLLOW[view.status.value])
    if view.status in NOT_BY_HAND:
        possible &= NEEDS_STOCK_RIGHT
    if view.status is UnitStatus.MISSING:
        possible &= {UnitStatus.IN_STOCK, UnitStatus.SCRAPPED}
    if not g.ctx.may(Permission.PRODUCTS_ADJUST_STOCK):
        possible -= NEEDS_STOCK_RIGHT
    found = "Say it is found again"
    again = {UnitStatus.MISSING: found, UnitStatus.RESERVED: "Release it"}
    words = DEEDS | {UnitStatus.IN_STOCK: again.get(view.status, DEEDS[UnitStatus.IN_STOCK])}
    return [(status.value, words[status]) for status in DEEDS if status in possible]


def _row(view: UnitView, shops: dict[str, str]) -> dict[str, Any]:
    return {
        "unit_id": view.unit_id, "name": view.product_name, "number": view.number, "received_at": view.received_at,
        "looks": _looks(view), "status": STATUS_WORDS[view.status.value], "tone": TONES.get(view.status, ""),
        "price_minor": view.price_minor, "cost_minor": view.cost_minor, "shop": shops.get(view.shop_id, ""),
        "sale": view.sold.number if view.sold else None,
    }  # fmt: skip


def _looks(view: UnitView) -> str:
    """Colour, storage, grade and the like, in few words."""
    battery = f"battery {view.battery_pct} %" if view.battery_pct is not None else None
    grade = f"grade {view.grade}" if view.grade else None
    state = view.condition.replace("_", " ") if view.condition else None
    return ", ".join(part for part in (view.colour, view.storage, state, grade, battery) if part)


def _shown(view: UnitView, currency: str) -> dict[str, Any]:
    """The phone's facts, in words."""
    said = {True: "yes", False: "no", None: None}
    facts = [
        ("IMEI 1", view.imei1), ("IMEI 2", view.imei2), ("Serial", view.serial), ("EID", view.eid),
        ("Looks", _looks(view)), ("Lock", view.lock_state), ("Region", view.region), ("Box", said[view.has_box]),
        ("Charger", said[view.has_charger]), ("Came from", view.source),
        ("Cost", format_minor(view.cost_minor, currency) if view.cost_minor is not None else None),
        ("Price", format_minor(view.price_minor, currency)), ("VAT", view.vat_scheme),
        ("Shop", _shop_names().get(view.shop_id)),
    ]  # fmt: skip
    is_held = view.hold_until is not None and view.hold_until > to_datetime(g.ctx.clock.wall_ms())
    return {
        "unit_id": view.unit_id, "name": view.product_name, "number": view.number, "facts": facts,
        "handset_id": view.handset_id, "product_id": view.product_id, "status": STATUS_WORDS[view.status.value],
        "tone": TONES.get(view.status, ""),
        "sold": view.sold, "hold_until": view.hold_until if is_held else None, "purchase_id": _purchase_id(view),
    }  # fmt: skip


def _purchase_id(view: UnitView) -> str | None:
    """The purchase it came with, where a person brought it, for those who may print its agreement."""
    return find_unit(g.ctx.session, view.unit_id).purchase_id if g.ctx.may(Permission.USED_BUY) else None


def _event(event: LifeEvent, currency: str) -> dict[str, Any]:
    number = f" · {event.number}" if event.number and event.number not in event.words else ""
    cost = f" for {format_minor(event.amount_minor, currency)}" if event.amount_minor is not None else ""
    by = f", by {event.by}" if event.by else ""
    return {
        "words": f"{event.words}{cost}{number}{by}", "at": event.at, "note": event.note, "place": event.shop,
        "tone": EVENT_TONES.get(event.kind, "refused" if event.status is UnitStatus.SCRAPPED else ""),
    }  # fmt: skip


def _shop_names() -> dict[str, str]:
    return {shop.id: shop.name for shop in all_shops(g.ctx.session)}
