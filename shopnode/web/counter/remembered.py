"""The cookie of a remembered browser: what it is called, sent, read and taken away."""

from __future__ import annotations

from flask import Response, request

from shopnode.domain.people.remembering import KnownPerson, Remembered, known_here
from shopnode.web.counter.home import this_node
from shopnode.web.ui.request import channel

REMEMBERED = "remembered"


def kept_token() -> str | None:
    """What this browser keeps."""
    return request.cookies.get(REMEMBERED)


def known_person() -> KnownPerson | None:
    """Who is remembered in this browser."""
    return known_here(this_node().home, kept_token(), channel())


def keep_cookie(response: Response, kept: Remembered | None) -> Response:
    """Send the browser its token, where it is remembered."""
    if kept is not None:
        response.set_cookie(
            REMEMBERED, kept.token, expires=kept.expires_at, httponly=True, samesite="Lax", secure=request.is_secure
        )
    return response


def drop_cookie(response: Response) -> Response:
    """Have the browser throw its token away."""
    response.delete_cookie(REMEMBERED, httponly=True, samesite="Lax", secure=request.is_secure)
    return response
