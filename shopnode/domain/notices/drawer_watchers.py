"""What is looked for in drawers and days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import or_, select

from shopnode.domain.cash.queries import forgotten_sessions
from shopnode.domain.closures.models import ClosureStatus, ZReport
from shopnode.domain.closures.queries import list_closures
from shopnode.domain.context import Context
from shopnode.domain.notices.watching import Found, watches
from shopnode.domain.people.queries import names_of
from shopnode.domain.settings.queries import number_setting

DAYS_BACK = timedelta(days=30)
CLOSURES_SHOWN = 30
WAITING = (ClosureStatus.SUBMITTED, ClosureStatus.REVIEWED)


@watches("closure_submitted")
def closures_waiting(ctx: Context) -> Iterator[Found]:
    """Days that were submitted and wait for their decision."""
    for view in list_closures(ctx, limit=CLOSURES_SHOWN).rows:
        if view.status in WAITING and view.is_latest:
            title = f"The day of {view.row.business_on:%d %B} waits to be approved"
            yield Found(view.row.id, title, view.row.notes or "", f"closure/{view.row.id}")


@watches("variance")
def large_variances(ctx: Context) -> Iterator[Found]:
    """Drawers that were off by more than the limit (rule 83)."""
    limit = number_setting(ctx.session, "variance_limit_minor")
    query = (
        select(ZReport)
        .where(
            ZReport.shop_id == ctx.shop_id, ZReport.at > ctx.now - DAYS_BACK,
            or_(ZReport.difference_minor > limit, ZReport.difference_minor < -limit),
        )
        .order_by(ZReport.at.desc(), ZReport.id)
    )  # fmt: skip
    rows = list(ctx.session.scalars(query))
    names = names_of(ctx.session, {row.by_id for row in rows if row.by_id})
    for row in rows:
        word = "missing" if row.difference_minor < 0 else "too much"
        title = f"{abs(row.difference_minor):,} {word} in {row.number}"
        yield Found(row.id, title, f"Counted by {names.get(row.by_id or '', 'somebody')}.", f"z-report/{row.id}")


@watches("drawer_forgotten")
def forgotten_drawers(ctx: Context) -> Iterator[Found]:
    """Drawers that are open since long ago (rule 85)."""
    for row in forgotten_sessions(ctx.session, ctx.shop_id or "", ctx.now):
        title = f"The drawer of {row.business_on:%d %B} is still open"
        yield Found(row.id, title, "Count it, or take it over.", f"drawer/{row.id}")
