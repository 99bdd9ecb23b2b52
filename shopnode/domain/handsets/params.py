"""The fields that several forms about phones share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shopnode.domain.params import Line, Optionally

Typed = Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally]
Word = Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally]
ShortWord = Annotated[Annotated[Line, Field(max_length=40)] | None, Optionally]
Grade = Annotated[Annotated[Line, Field(max_length=10)] | None, Optionally]
Source = Annotated[Annotated[Line, Field(max_length=200)] | None, Optionally]
Percent = Annotated[int, Field(ge=0, le=100)]


def _as_moment(value: Any) -> Any:
    """An instant written out, with its zone: JSON has no type for it."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("must be an instant like 2026-11-22T09:30:00Z") from None
    if isinstance(value, datetime):
        if value.tzinfo is None or not 2000 <= value.year < 2200:
            raise ValueError("must be an instant of our time, with its zone, like 2026-11-22T09:30:00Z")
        return value.astimezone(UTC)
    return value


Moment = Annotated[datetime, BeforeValidator(_as_moment)]


def _as_day(value: Any) -> Any:
    """A calendar day written out: JSON has no type for it."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("must be a day like 2026-11-22") from None
    if not isinstance(day, date) or not 2000 <= day.year < 2200:
        raise ValueError("must be a day of our time, like 2026-11-22")
    return day


Day = Annotated[date, BeforeValidator(_as_day)]
