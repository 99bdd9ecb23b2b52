"""When a customer may be sent a message: while the shop is open, not at night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shopnode.domain.context import Context
from shopnode.domain.people.models import Shop
from shopnode.domain.settings.queries import number_setting, texts
from shopnode.domain.settings.rules import DAYS

MIDNIGHT = "24:00"


def message_time(ctx: Context) -> datetime:
    """When a message to a customer may leave: now, or when this shop opens next."""
    if not number_setting(ctx.session, "message_in_hours"):
        return ctx.now
    zone = ZoneInfo(ctx.session.scalar(select(Shop.timezone).where(Shop.id == ctx.shop_id)) or "UTC")
    hours = texts(ctx.session, [f"hours_{day}" for day in DAYS])
    return next_open(ctx.now, zone, {day: hours[f"hours_{day}"] for day in DAYS})


def next_open(now: datetime, zone: ZoneInfo, hours: Mapping[str, str]) -> datetime:
    """The instant itself when the shop is open then, else when it opens next; a shop that never opens is always open.

    hours  day → "08:00-20:00", empty for a day on which it is shut
    """
    here = now.astimezone(zone)
    for ahead in range(8):
        day = here.date() + timedelta(days=ahead)
        opens, _, closes = hours[DAYS[day.weekday()]].partition("-")
        if not opens:
            continue
        start = datetime.combine(day, _time(opens), zone)
        end = datetime.combine(day, _time(closes), zone) if closes != MIDNIGHT else None
        if ahead or here < start:
            return start.astimezone(UTC)
        if end is None or here < end:
            return now
    return now


def _time(text: str) -> time:
    hour, _, minute = text.partition(":")
    return time(int(hour), int(minute))
