"""Drawer sessions that were, and what was found in them."""

from __future__ import annotations

from sqlalchemy import select

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.paging import PAGE_DEFAULT, Page, decode_cursor, older_than, page_of


def list_drawer_sessions(ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[DrawerSession]:
    """Drawer sessions, the latest first. Raises Invalid for a cursor of another list."""
    query = select(DrawerSession)
    if ctx.shop_id is not None:
        query = query.where(DrawerSession.shop_id == ctx.shop_id)
    place = decode_cursor(cursor, (int, str))
    if place is not None:
        query = query.where(older_than(DrawerSession.opened_at, DrawerSession.id, place))
    query = query.order_by(DrawerSession.opened_at.desc(), DrawerSession.id.desc()).limit(limit + 1)
    return page_of(list(ctx.session.scalars(query)), limit, lambda row: (to_ms(row.opened_at), row.id))
