"""Amounts and instants as people read them. Pure: the shop's manner is an argument.

Instants come as aware datetimes or as milliseconds since the epoch, dates as `YYYY-MM-DD`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from shopnode.domain.money import exponent, format_minor

Instant = datetime | int


@dataclass(frozen=True)
class Manner:
    """How this shop writes: its currency, its zone, and what time it is there."""

    currency: str
    zone: tzinfo
    now: datetime


def local(at: Instant, manner: Manner) -> datetime:
    aware = at if isinstance(at, datetime) else datetime.fromtimestamp(at / 1000, manner.zone)
    return aware.astimezone(manner.zone)


def clock(at: Instant, manner: Manner) -> str:
    """14:03"""
    return f"{local(at, manner):%H:%M}"


def moment(at: Instant, manner: Manner) -> str:
    """As short as it stays clear: "14:03" today, "Yesterday 14:03", "21 Nov, 14:03", "21 Nov 2025"."""
    then, now = local(at, manner), local(manner.now, manner)
    if then.date() == now.date():
        return f"{then:%H:%M}"
    if then.date() == now.date() - timedelta(days=1):
        return f"Yesterday {then:%H:%M}"
    if then.year == now.year:
        return f"{then.day} {then:%b, %H:%M}"
    return f"{then.day} {then:%b %Y}"


def exact(at: Instant, manner: Manner) -> str:
    """Sunday 22 November 2026, 14:03:22"""
    then = local(at, manner)
    return f"{then:%A} {then.day} {then:%B %Y, %H:%M:%S}"


def day(on: date | str | Instant, manner: Manner) -> str:
    """Today, Yesterday, Fri 20 Nov, 20 Nov 2025."""
    that = _date(on, manner)
    today = local(manner.now, manner).date()
    if that == today:
        return "Today"
    if that == today - timedelta(days=1):
        return "Yesterday"
    if that.year == today.year:
        return f"{that:%a} {that.day} {that:%b}"
    return f"{that.day} {that:%b %Y}"


def since(at: Instant, manner: Manner) -> str:
    """How long ago, in one unit: "just now", "4 min", "3 h", "2 days"."""
    seconds = int((manner.now - local(at, manner)).total_seconds())
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        return f"{seconds // 3600} h"
    days = seconds // 86_400
    return "1 day" if days == 1 else f"{days} days"


def initials(name: str) -> str:
    """Two letters that stand for a person: "Aisha Nakato" is AN."""
    parts = name.split()
    letters = [part[0] for part in (parts[:1] + parts[1:][-1:])]
    return "".join(letters).upper() or "?"


def filters(manner: Callable[[], Manner]) -> dict[str, Callable[..., Any]]:
    """The Jinja filters, bound to the manner of the current request."""
    return {
        "minor": lambda amount, currency=None: format_minor(amount, currency or manner().currency),
        "currency": lambda _=None: manner().currency,
        "exponent": lambda _=None: exponent(manner().currency),
        "clock": lambda at: clock(at, manner()),
        "moment": lambda at: moment(at, manner()),
        "exact": lambda at: exact(at, manner()),
        "iso": lambda at: local(at, manner()).isoformat(timespec="seconds"),
        "day": lambda on: day(on, manner()),
        "since": lambda at: since(at, manner()),
        "initials": initials,
    }


def _date(on: date | str | Instant, manner: Manner) -> date:
    if isinstance(on, str):
        return date.fromisoformat(on)
    if isinstance(on, datetime | int):
        return local(on, manner).date()
    return on
