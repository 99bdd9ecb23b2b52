"""Shapes that several resources share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from shopnode.api.reading import QueryInt
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.params import Line, Params, Reason

TEXT_MAX = 200
CURSOR_MAX = 4000


def _written_out(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


# UTC, to the millisecond, and always as wide: programs compare them as text, too.
Instant = Annotated[
    datetime, PlainSerializer(_written_out, return_type=str), Field(json_schema_extra={"format": "date-time"})
]


class Paged(BaseModel):
    """Where in a list, and how much of it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: Annotated[QueryInt, Field(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT
    cursor: Annotated[str, Field(max_length=CURSOR_MAX, description="What the page before called next_cursor.")] = ""


class Searched(Paged):
    """A list that can be searched."""

    q: Annotated[Line, Field(max_length=TEXT_MAX, description="Words to look for.")] = ""


class Why(Params):
    """The reason, where one is known."""

    reason: Reason | None = None


def left_out() -> Any:
    """The default of a field that may be left out, but not be null: what is not sent stays as it is."""
    return Field(default_factory=_nothing)


_nothing: Callable[[], None] = lambda: None  # noqa: E731 — it has no default to show in the schema
