"""Laws about people: who may change whom, what a shop's code looks like."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from shopnode.domain.errors import Conflict, NotPermitted
from shopnode.domain.money import EXPONENTS
from shopnode.domain.params import Line

VAT_RATE_BP_MAX = 5_000  # above any country's VAT; a typing mistake beyond


class LastOwner(Conflict):
    code = "last-owner"

    def __init__(self) -> None:
        super().__init__("This is the only active owner. Make somebody else an owner first.")


def check_owner_remains(active_owners: set[str], leaving_id: str) -> None:
    """Somebody must be able to open the back office. Raises LastOwner."""
    if active_owners <= {leaving_id}:
        raise LastOwner


def check_role_change(actor_id: str | None, staff_id: str) -> None:
    """Nobody changes their own role. Raises NotPermitted."""
    if actor_id == staff_id:
        raise NotPermitted("Nobody changes their own role. Ask another owner.")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a known time zone, for example Africa/Kampala")
    return name


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError("must be one of " + ", ".join(EXPONENTS))
    return code


def _as_code(text: str) -> str:
    code = text.upper()
    if not (code.isascii() and code.isalnum()):
        raise ValueError("must be letters and digits only")
    return code


def _as_email(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", text):
        raise ValueError("is not an e-mail address")
    return text.lower()


TimeZone = Annotated[Line, AfterValidator(_known_zone)]
Currency = Annotated[Line, AfterValidator(_known_currency)]
ShopCode = Annotated[Line, Field(min_length=2, max_length=8), AfterValidator(_as_code)]
Email = Annotated[Line, Field(max_length=200), AfterValidator(_as_email)]
