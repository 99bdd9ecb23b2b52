"""Settings: the shop and the business, and the business's own choices, a group at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.people.queries import all_shops, the_business
from shopnode.domain.series import all_series
from shopnode.domain.settings.groups import Type, grouped, title_of, type_of, unit_of
from shopnode.domain.settings.queries import everything_set
from shopnode.domain.settings.rules import CHOICES, Choice
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

SHOP, NUMBERS = "shop", "numbers"
SHOP_FIELDS = ("name", "address", "phone", "timezone", "receipt_footer")
BUSINESS_FIELDS = ("name", "phone", "tax_id")
WORDS = {
    "in_app": "On screen", "sms": "SMS", "mail": "Mail", "push": "Telephone (push)", "en": "English",
    "Owner": "Owners", "Supervisor": "Supervisors", "Staff": "Staff",
}  # fmt: skip


@bp.get("/settings")
def settings() -> str:
    """One group of settings; the shop itself where none is named."""
    return _page(request.args.get("group", SHOP))


@bp.post("/settings/<group>")
def save_settings(group: str) -> ResponseReturnValue:
    """Save a group: all of it, or nothing where one is wrong."""
    typed = posted()
    keys = [choice.key for found, choices in grouped() if found.key == group for choice in choices]
    on_refusal(lambda error: _page(group, _by_field(field_errors(error)), typed))
    values = {key: _read(CHOICES[key], typed) for key in keys}
    stored = _now()
    changed = {key: value for key, value in values.items() if value != stored.get(key, _default(CHOICES[key]))}
    if changed:
        act("settings.change_all", {"values": changed}, action_id=posted_action_id(typed))
    return redirect(url_for("office.settings", group=group, saved=1), 303)


@bp.post("/settings/business")
def save_business() -> ResponseReturnValue:
    """What the business is called on every receipt."""
    typed = posted()
    on_refusal(lambda error: _page(SHOP, field_errors(error, BUSINESS_FIELDS), typed, "business"))
    form = {name: typed.get(name) or None for name in BUSINESS_FIELDS}
    act("business.update", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.settings", saved=1), 303)


@bp.post("/settings/shops/<id:shop_id>")
def save_shop(shop_id: str) -> ResponseReturnValue:
    """What a shop is called, where it is, its tax and the foot of its receipts."""
    typed = posted()
    on_refusal(lambda error: _page(SHOP, field_errors(error, {*SHOP_FIELDS, "vat_rate_bp"}), typed, shop_id))
    form: dict[str, Any] = {"shop_id": shop_id, **{name: typed.get(name) or None for name in SHOP_FIELDS}}
    form["vat_rate_bp"] = read_percent(typed.get("vat_rate_bp", ""))
    act("shops.update", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.settings", saved=1), 303)


def _page(
    group: str, errors: dict[str, str] | None = None, typed: Mapping[str, str] | None = None, where: str = ""
) -> str:
    everything = {found.key: (found.title, choices) for found, choices in grouped()}
    groups = [(SHOP, "Shop and business"), *((key, title) for key, (title, _) in everything.items())]
    groups += [(NUMBERS, "Numbers")] if g.ctx.home.is_shop else []
    chosen = group if group in dict(groups) else SHOP
    stored = _now()
    _, choices = everything.get(chosen, ("", []))
    shown = [_shown(choice, stored, errors or {}, typed) for choice in choices]
    return page(
        "office/settings.html", groups=groups, group=chosen, choices=shown, title=dict(groups)[chosen],
        series=all_series(g.ctx.session, g.ctx.home.series) if chosen == NUMBERS else [], errors=errors or {},
        typed=typed or {}, where=where,
        business=the_business(g.ctx.session), shops_here=all_shops(g.ctx.session), percent=percent, words=WORDS,
        saved=request.args.get("saved") == "1", crumbs=[("Settings", None)],
    )  # fmt: skip


def _shown(
    choice: Choice, stored: Mapping[str, Any], errors: Mapping[str, str], typed: Mapping[str, str] | None
) -> dict[str, Any]:
    """One setting as the form has it; what was typed stays after a refusal."""
    kind, value = type_of(choice), stored.get(choice.key, _default(choice))
    if typed is None:
        text = percent(value) if kind is Type.PERCENT and isinstance(value, int) else value
    elif kind is Type.SOME_OF:
        text = request.form.getlist(choice.key)
    else:
        text = typed.get(choice.key, "")
    return {
        "key": choice.key, "title": title_of(choice.key), "type": kind.value, "value": text, "help": choice.help,
        "unit": unit_of(choice), "options": choice.options, "is_changed": choice.key in stored,
        "is_long": isinstance(choice.default, str) and len(choice.default) > 20, "error": errors.get(choice.key),
    }  # fmt: skip


def _now() -> dict[str, Any]:
    return {key: _typed(CHOICES[key], text) for key, text in everything_set(g.ctx.session).items()}


def _default(choice: Choice) -> Any:
    return _typed(choice, str(choice.default))


def _typed(choice: Choice, text: str) -> Any:
    if isinstance(choice.default, int):
        return int(text)
    return [word for word in text.split(",") if word] if choice.many else text


def _read(choice: Choice, typed: Mapping[str, str]) -> Any:
    """What was typed into a setting's field; none for an empty number: its default. Raises Invalid."""
    kind, text = type_of(choice), typed.get(choice.key, "").strip()
    if kind is Type.SOME_OF:
        chosen = request.form.getlist(choice.key)
        return [word for word in choice.options if word in chosen]
    if kind is Type.YES_NO:
        return 1 if text == "true" else 0
    if kind is Type.PERCENT:
        return _default(choice) if not text else read_percent(text)
    if kind is Type.AMOUNT:
        return asked_money(typed, choice.key, default=choice.default if isinstance(choice.default, int) else 0)
    if kind is Type.NUMBER:
        plain = text.replace(",", "")
        return _default(choice) if not plain else int(plain) if plain.isascii() and plain.isdigit() else plain
    return text.replace("\r\n", "\n")


def percent(rate_bp: int) -> str:
    """Basis points as people say them: 750 is "7.5"."""
    whole, part = divmod(rate_bp, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") if part else str(whole)


def read_percent(text: str) -> int | str:
    """Basis points from "7.5"; what cannot be read stays as it was typed, and is refused by name."""
    whole, point, part = text.strip().removesuffix("%").strip().partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and not (part.isascii() and part.isdigit())):
        return text
    return int(whole) * 100 + int(part.ljust(2, "0")) if len(part) <= 2 else text


def _by_field(errors: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("values."): words for name, words in errors.items()}
