"""Rendering: `page()` draws a whole screen in its frame, `part()` a piece of one.

What the frame shows (who is signed in, which shop, the state of the link) is the home's to say, and is asked for only
when a whole page is drawn: pieces are drawn many times a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, render_template, stream_template

from shopnode.domain.notices.queries import count_unread
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import all_shops, currency_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.web.ui.words import Manner

Frame = Callable[[], dict[str, Any]]
HOME_ZONE = "Africa/Kampala"


def install_frame(app: Flask, frame: Frame) -> None:
    """Say how this home fills the frame: me, shop, and at a node till, link, may_switch."""
    app.extensions["frame"] = frame
    app.jinja_env.globals["unread_notices"] = unread_notices


def page(template: str, **values: Any) -> str:
    """A whole screen. Knows `me`, `shop`, `may` and the rest of the frame beside the values."""
    frame: Frame = current_app.extensions["frame"]
    return render_template(template, **{"errors": {}, "typed": {}, "may": g.may, **frame(), **values})


def streamed_page(template: str, **values: Any) -> Iterator[str]:
    """A whole screen piece by piece, while what it tells is still going on. The frame is read before the first."""
    frame: Frame = current_app.extensions["frame"]
    return stream_template(template, **{"errors": {}, "typed": {}, "may": g.may, **frame(), **values})


def part(template: str, **values: Any) -> str:
    """A piece of a screen, for htmx."""
    return render_template(template, **{"errors": {}, "typed": {}, "may": g.may, **values})


def unread_notices() -> int | None:
    """How many notices ask to be read by whoever is signed in; None where there is no place to read them."""
    if "office.notices" not in current_app.view_functions or Permission.NOTICES_READ not in g.may:
        return None
    return count_unread(g.ctx)


def manner() -> Manner:
    """Currency, zone and time of this request's shop, read once."""
    if "manner" not in g:
        g.manner = _manner()
    return g.manner


def _manner() -> Manner:
    ctx = g.get("ctx")
    if ctx is None:
        raise RuntimeError("amounts and times are shown to people who are signed in")
    shop = row_or_none(ctx.session, Shop, ctx.shop_id) if ctx.shop_id else next(iter(all_shops(ctx.session)), None)
    zone = ZoneInfo(shop.timezone if shop else HOME_ZONE)
    return Manner(currency_of(ctx.session), zone, ctx.now.astimezone(zone))
