"""Days a list of the staff is about: today, yesterday, a week, or one of the last twelve months."""

from __future__ import annotations

import re
from datetime import date, timedelta

from flask import request

from shopnode.web.ui.frame import manner

MONTHS = 12
WEEK = timedelta(days=7)
_MONTH = re.compile(r"(2[01][0-9]{2})-(0[1-9]|1[0-2])")


def today() -> date:
    """The day it is in the shop."""
    return manner().now.date()


def periods() -> list[tuple[str, str]]:
    """What there is to choose from."""
    return [("today", "today"), ("yesterday", "yesterday"), ("week", "in the last 7 days"), *month_choices("in ")]


def month_choices(before: str = "") -> list[tuple[str, str]]:
    """The last twelve months, this one first."""
    first = today().replace(day=1)
    found = []
    for _ in range(MONTHS):
        found.append((f"{first:%Y-%m}", f"{before}{first:%B %Y}"))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


def asked_period() -> str:
    """The period the address asks for; this month where it names none that we know."""
    text = request.args.get("period", "")
    return text if text in ("today", "yesterday", "week") or _MONTH.fullmatch(text) else f"{today():%Y-%m}"


def days_of(period: str) -> tuple[date, date]:
    """From when until when, both included. A month that is not over ends with its last day all the same."""
    now = today()
    if period == "today":
        return now, now
    if period == "yesterday":
        return now - timedelta(days=1), now - timedelta(days=1)
    if period == "week":
        return now - WEEK + timedelta(days=1), now
    year, _, month = period.partition("-")
    first = date(int(year), int(month), 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
