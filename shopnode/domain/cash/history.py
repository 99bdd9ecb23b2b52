"""Drawer sessions that were, and what was found in them."""

from __future__ import annotations

from sqlalchemy import select

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.context import Context
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest


def list_drawer_sessions(ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[DrawerSession]:
    """Drawer sessions, the latest first. Raises Invalid for a cursor of another list."""
    query = select(DrawerSession)
    if ctx.shop_id is not None:
        query = query.where(DrawerSession.shop_id == ctx.shop_id)
    return latest(ctx.session, query, DrawerSession.opened_at, DrawerSession.id, limit, cursor)
