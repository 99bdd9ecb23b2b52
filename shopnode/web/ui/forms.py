"""What a form posted, as the actions want it: money as whole minor units, boxes as yes and no, the rest as text.

Whatever cannot be read stays as it was typed; the action's own form then refuses it by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from flask import current_app, request

from shopnode.domain.errors import Invalid

FIELD_CHARACTERS_MAX = 20_000
ACTION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def posted() -> dict[str, str]:
    """The form's fields, each once. Raises Invalid for one that no field of ours can hold."""
    typed = {name: request.form[name] for name in request.form}
    long = [name for name, text in typed.items() if len(text) > FIELD_CHARACTERS_MAX]
    if long:
        raise Invalid(dict.fromkeys(long, "is too long"))
    return typed


def read_money(text: str | None, exponent: int = 0) -> Any:
    """Whole minor units from "640,000", "640 000" or, with a decimal point, "1,500.50". None for an empty field."""
    plain = re.sub(r"[\s,\u00a0\u202f_']", "", text or "")
    if not plain:
        return None
    whole, point, fraction = plain.partition(".")
    if not re.fullmatch(r"-?\d{1,16}", whole) or (point and not re.fullmatch(r"\d{1,6}", fraction)):
        return text
    if not point:
        return int(whole)
    if len(fraction.rstrip("0")) > exponent:
        return text
    return int(whole + fraction[:exponent].ljust(exponent, "0"))


def money_exponent() -> int:
    """Decimal places of this shop's currency."""
    return int(current_app.jinja_env.filters["exponent"](""))


def read_form(typed: Mapping[str, str], *, money: Collection[str] = (), boxes: Collection[str] = ()) -> dict[str, Any]:
    """The typed fields as an action takes them. Boxes that are not ticked are false."""
    exponent = money_exponent() if money else 0
    read: dict[str, Any] = dict(typed)
    for name in money:
        if name in read:
            read[name] = read_money(typed[name], exponent)
    for name in boxes:
        read[name] = typed.get(name) == "true"
    return read


def asked_money(typed: Mapping[str, str], name: str, *, default: int | None = None) -> int | None:
    """One amount of a form. Raises Invalid when it is no amount."""
    amount = read_money(typed.get(name), money_exponent())
    if amount is None:
        return default
    if not isinstance(amount, int):
        raise Invalid({name: "must be an amount, such as 15,000"})
    return amount


def asked_number(typed: Mapping[str, str], name: str, *, default: int | None = None) -> int | None:
    """One whole number of a form. Raises Invalid when it is none."""
    text = re.sub(r"[\s,\u00a0]", "", typed.get(name) or "")
    if not text:
        return default
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise Invalid({name: "must be a whole number"})
    return int(text)


def posted_action_id(typed: Mapping[str, str]) -> str | None:
    """The id this form was given when it was drawn: pressed twice, it is one action. None without one."""
    text = typed.get("action_id", "")
    return text if ACTION_ID.fullmatch(text) else None


def without_action_id(typed: Mapping[str, str]) -> dict[str, str]:
    """The fields themselves."""
    return {name: text for name, text in typed.items() if name != "action_id"}
