"""The forms of what comes in: pydantic types shared by actions, forms, the API and imports.

Every text is normalised to NFC, trimmed, bounded and free of control characters; every number has bounds.
Unknown fields are refused (what arrives by sync keeps them instead: see journal).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shopnode.domain.errors import Invalid
from shopnode.domain.money import MONEY_MINOR_MAX

NAME_MAX = 200
NOTE_MAX = 2000
QUANTITY_MAX = 100_000
REASON_MIN = 3


class Params(BaseModel):
    """What an action takes. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def _clean_line(text: Any) -> Any:
    return " ".join(unicodedata.normalize("NFC", text).split()) if isinstance(text, str) else text


def _clean_note(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def _no_controls(text: str) -> str:
    if any(unicodedata.category(sign) in {"Cc", "Cs", "Co"} and sign != "\n" for sign in text):
        raise ValueError("contains a character that cannot be printed")
    return text


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Line = Annotated[str, BeforeValidator(_clean_line), AfterValidator(_no_controls)]
NoteText = Annotated[str, BeforeValidator(_clean_note), AfterValidator(_no_controls)]

Name = Annotated[Line, Field(min_length=1, max_length=NAME_MAX)]
ShortText = Annotated[Line, Field(max_length=NAME_MAX)]
Note = Annotated[NoteText, Field(max_length=NOTE_MAX)]
Reason = Annotated[Line, Field(min_length=REASON_MIN, max_length=NAME_MAX)]
Code = Annotated[Line, Field(min_length=1, max_length=100)]
Amount = Annotated[int, Field(ge=0, le=MONEY_MINOR_MAX)]
PositiveAmount = Annotated[int, Field(ge=1, le=MONEY_MINOR_MAX)]
Quantity = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
IdText = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="a record's id")]
Optionally = BeforeValidator(_blank_is_none)  # an empty form field means "none"


P = TypeVar("P", bound=Params)


def read_params(model: type[P], content: Mapping[str, Any]) -> P:
    """The content as the model. Raises Invalid, naming every wrong field in words, and never the value itself."""
    try:
        return model.model_validate(dict(content))
    except ValidationError as wrong:
        raise Invalid(field_messages(wrong)) from None


def field_messages(wrong: ValidationError) -> dict[str, str]:
    """Every wrong field and what is wrong with it: {"items.0.quantity": "must be at least 1"}."""
    found: dict[str, str] = {}
    for error in wrong.errors(include_input=False, include_url=False, include_context=True):
        place = ".".join(str(part) for part in error["loc"])
        found.setdefault(place, _in_words(error["type"], error.get("ctx") or {}, error["msg"]))
    return found


_WORDS = {
    "missing": "is needed",
    "extra_forbidden": "is not a field of this form",
    "string_too_short": "is needed, at least {min_length} characters",
    "string_too_long": "is too long, at most {max_length} characters",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large",
    "string_type": "must be text",
    "bool_parsing": "must be yes or no",
    "bool_type": "must be yes or no",
    "string_pattern_mismatch": "is not in the right form",
    "too_short": "needs at least {min_length}",
    "too_long": "has too many, at most {max_length}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
}


def _in_words(kind: str, context: Mapping[str, Any], fallback: str) -> str:
    if kind in {"too_short", "too_long"} and context.get("field_type") == "Value":
        kind = f"string_{kind}"  # a text that passed a validator of ours before it was measured
    if kind in _WORDS:
        return _WORDS[kind].format(**context)
    return fallback.removeprefix("Value error, ")
