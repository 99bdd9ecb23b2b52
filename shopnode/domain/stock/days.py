"""Days as the shop counts them: in its own zone; at the hub, in that of the business's first shop."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator
from sqlalchemy import select

from shopnode.domain.context import Context
from shopnode.domain.people.models import Shop

FIRST, LAST = date(1970, 1, 2), date(2200, 1, 1)


def _as_day(value: Any) -> Any:
    """A day written out: JSON has no type for it."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a day like 2026-11-22") from None
    if isinstance(value, date) and not 2000 <= value.year < 2200:
        raise ValueError("must be a day of our time, like 2026-11-22")
    return value


Day = Annotated[date, BeforeValidator(_as_day)]


def today(ctx: Context) -> date:
    """The day it is."""
    return ctx.now.astimezone(shop_zone(ctx)).date()


def day_begins(ctx: Context, day: date) -> datetime:
    """The instant at which a day begins. Days far from ours are as good as the first and the last."""
    day = min(max(day, FIRST), LAST)
    return datetime(day.year, day.month, day.day, tzinfo=shop_zone(ctx))


def day_ends(ctx: Context, day: date) -> datetime:
    """The instant at which the next day begins."""
    return day_begins(ctx, min(day, LAST) + timedelta(days=1))


def shop_zone(ctx: Context) -> ZoneInfo:
    query = select(Shop.timezone).order_by(Shop.id).limit(1)
    if ctx.shop_id is not None:
        query = query.where(Shop.id == ctx.shop_id)
    return ZoneInfo(ctx.session.scalar(query) or "UTC")
