"""Every refusal as `application/problem+json` (RFC 9457): one shape, words for people, a code for programs.

Unexpected errors say nothing about what happened; the log does.
"""

from __future__ import annotations

import orjson
from flask import Response
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import HTTPException

from shopnode.domain.errors import ShopError, TooManyTries

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request could not be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not done this way",
    409: "Something is in the way",
    413: "Too large",
    415: "Wrong kind of content",
    422: "Not valid",
    429: "Too many tries",
    500: "Something went wrong here",
    503: "Busy",
}
_CODES = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "wrong-media-type",
    500: "failed",
}
_WORDS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The body is larger than this call takes. Nothing was changed.",
    500: "The shop's computer could not do this. Nothing was changed.",
}


class Problem(BaseModel):
    """Why a call was refused. Further members may come with some codes."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="A name for the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="In words a cashier can act on.")
    code: str = Field(description="Stable, for programs.")
    fields: dict[str, str] = Field(default={}, description="Every wrong field, and what is wrong with it.")
    reason: str = Field(default="", description="With approval-needed: what a second person must approve.")
    reasons: list[str] = Field(default=[], description="With approval-needed: the same, one by one.")
    retry_after_ms: int = Field(default=0, description="With too-many-tries: how long to wait.")


def problem_response(error: Exception) -> Response:
    """The answer for a refusal or a failure."""
    if isinstance(error, ShopError):
        return _response(error.status, error.code, str(error), error.details, _headers_of(error))
    if isinstance(error, HTTPException) and error.code is not None and error.code >= 400:
        allow = {name: value for name, value in error.get_headers() if name == "Allow"}
        status = error.code
        return _response(status, _CODES.get(status, "refused"), _WORDS.get(status, error.name), {}, allow)
    return _response(500, "failed", _WORDS[500], {}, {})


def _headers_of(error: ShopError) -> dict[str, str]:
    if isinstance(error, TooManyTries):
        return {"Retry-After": str(error.wait_s)}
    return {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}


def _response(status: int, code: str, detail: str, more: dict[str, object], headers: dict[str, str]) -> Response:
    document = {
        "type": f"urn:phoneshop:problem:{code}",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    response = Response(orjson.dumps(document), status, headers, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response
