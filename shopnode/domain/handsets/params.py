"""The fields that several forms about phones share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shopnode.domain.params import Line, Optionally

Typed = Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally]
Word = Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally]
ShortWord = Annotated[Annotated[Line, Field(max_length=40)] | None, Optionally]
Grade = Annotated[Annotated[Line, Field(max_length=10)] | None, Optionally]
Source = Annotated[Annotated[Line, Field(max_length=200)] | None, Optionally]
Percent = Annotated[int, Field(ge=0, le=100)]
