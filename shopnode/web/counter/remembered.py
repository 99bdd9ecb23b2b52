"""The cookie of a remembered browser: what it is called, sent, read and taken away."""

from __future__ import annotations

from datetime import datetime

from flask import Response, request

from shopnode.domain.clock import to_datetime
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


def lasts_s(end: datetime) -> int:
    """Seconds until then by the shop's clock: a tablet counts them by its own, which may stand elsewhere."""
    return int((end - to_datetime(this_node().home.clock.wall_ms())).total_seconds())


def keep_cookie(response: Response, kept: Remembered | None) -> Response:
    """Send the browser its token, where it is remembered."""
    if kept is not None:
        lasts = lasts_s(kept.expires_at)
        response.set_cookie(
            REMEMBERED, kept.token, max_age=lasts, httponly=True, samesite="Lax", secure=request.is_secure
        )
    return response


def drop_cookie(response: Response) -> Response:
    """Have the browser throw its token away."""
    response.delete_cookie(REMEMBERED, httponly=True, samesite="Lax", secure=request.is_secure)
    return response
