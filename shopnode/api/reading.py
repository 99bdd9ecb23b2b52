"""Reading what a program sent: strictly, in flat memory, and without ever repeating it in an answer.

Invariants:
  * A body is at most `BODY_MAX` bytes; more is refused while it is being read, whatever its length claims.
  * "5" is not 5, but 5.0 is: JSON Schema calls it an integer. NaN, repeated keys and unknown fields are refused.
  * A refusal names every wrong field (at most `FIELDS_MAX` of them) and never what was in it.
"""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, TypeVar

from flask import Request
from pydantic import BaseModel, BeforeValidator, ValidationError

from shopnode.documents.spreadsheets import XLSX_TYPE
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.params import field_messages

BODY_MAX = 1024 * 1024
FILE_MAX = 15 * 1024 * 1024  # of a table; 100,000 lines are about 8 MB. Both homes read requests of 16
FILE_TYPES = ("text/csv", XLSX_TYPE, "application/octet-stream")
FILE_MEMORY_MAX = 1024 * 1024  # of a table that is kept in memory; a longer one goes to the disk
PIECE = 64 * 1024
KEYS_MAX = 200  # of one object; no form of ours has a quarter of them, and naming 90,000 took a second
FIELDS_MAX = 50
FIELD_NAME_MAX = 80
DIGITS_MAX = 18  # of a whole number written with a point or an exponent; no bound of ours is above

M = TypeVar("M", bound=BaseModel)


class Malformed(ShopError):
    code, status = "malformed", 400

    def __init__(self) -> None:
        super().__init__("The body is not one JSON object in UTF-8, names a field twice, or has far too many fields.")


class WrongMediaType(ShopError):
    code, status = "wrong-media-type", 415

    def __init__(self, wanted: str = "application/json") -> None:
        super().__init__(f"Send the body as plain “Content-Type: {wanted}”.")


def read_body(request: Request, model: type[M], *, may_be_absent: bool) -> M | None:
    """The body as the model; None where none was sent and none is needed.

    Raises RequestEntityTooLarge, WrongMediaType, Malformed, Invalid.
    """
    raw = _raw_body(request)
    if not raw and may_be_absent:
        return None
    if request.mimetype != "application/json" or "Content-Encoding" in request.headers:
        raise WrongMediaType
    content = parse_json(raw)
    if not isinstance(content, dict):
        raise Invalid({"body": "must be an object"})
    return _validated(model, content, strict=True)


def read_file(request: Request) -> IO[bytes]:
    """The body as a file, whatever is in it. Raises RequestEntityTooLarge, WrongMediaType."""
    if request.mimetype not in FILE_TYPES or "Content-Encoding" in request.headers:
        raise WrongMediaType(FILE_TYPES[0])
    request.max_content_length = FILE_MAX
    with ExitStack() as undo:
        file: IO[bytes] = undo.enter_context(SpooledTemporaryFile(FILE_MEMORY_MAX))
        for piece in iter(lambda: request.stream.read(PIECE), b""):
            file.write(piece)
        undo.pop_all()  # closed by whoever reads it
    file.seek(0)
    return file


def _raw_body(request: Request) -> bytes:
    """The bytes that were sent. Raises RequestEntityTooLarge.

    Read in pieces until nothing comes: asked for all at once, Werkzeug's reader cuts a chunked body off at the cap
    and says nothing.
    """
    request.max_content_length = BODY_MAX
    return b"".join(iter(lambda: request.stream.read(PIECE), b""))


def read_query(request: Request, model: type[M], *, but: str | None = None) -> M:
    """The query string as the model, without the one name that is no part of it.

    Raises Invalid; a name that stands twice is wrong, too.
    """
    names = request.args.to_dict(flat=False)
    names.pop(but or "", None)
    twice = {name: "stands here more than once" for name, values in names.items() if len(values) > 1}
    if twice:
        raise Invalid(_bounded(twice))
    return _validated(model, {name: values[0] for name, values in names.items()}, strict=False)


def parse_json(raw: bytes) -> Any:
    """Strict JSON. Whole numbers become ints however they are written. Raises Malformed."""
    try:
        return json.loads(
            raw.decode("utf-8"), object_pairs_hook=_object, parse_float=_number, parse_constant=_no_constant
        )
    except (ValueError, ArithmeticError, RecursionError):
        raise Malformed from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or len(pairs) > KEYS_MAX:
        raise ValueError("a key stands twice, or there are too many to name")
    return found


def _number(text: str) -> int | Decimal:
    value = Decimal(text)
    if value.adjusted() >= DIGITS_MAX or value != value.to_integral_value():
        return value  # no model of ours takes a fraction, so it is refused by name
    return int(value)


def _no_constant(text: str) -> Any:
    raise ValueError("JSON has no NaN and no infinity")


def _validated(model: type[M], content: dict[str, Any], *, strict: bool) -> M:
    try:
        return model.model_validate(content, strict=strict)
    except ValidationError as wrong:
        raise Invalid(_bounded(field_messages(wrong))) from None


def _bounded(fields: dict[str, str]) -> dict[str, str]:
    """As many names as anybody reads, none longer than a name of ours can be."""
    return {(name or "body")[:FIELD_NAME_MAX]: text for name, text in list(fields.items())[:FIELDS_MAX]}


def _as_whole_number(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise ValueError("must be a whole number")
    return value


def _as_yes_or_no(value: Any) -> Any:
    if isinstance(value, str) and value not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value


def _as_day(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("must be a day like 2026-11-22")
    return value


QueryInt = Annotated[int, BeforeValidator(_as_whole_number)]  # digits only: not " 5 ", 5_0 or 5.0
QueryBool = Annotated[bool, BeforeValidator(_as_yes_or_no)]
QueryDay = Annotated[date, BeforeValidator(_as_day)]
