"""What somebody on the staff did, from the journal."""

from __future__ import annotations

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Paged
from shopnode.api.staff_shapes import ActivityOut, ActivityPage
from shopnode.domain.audit.search import JournalFilter, search_journal
from shopnode.domain.people.queries import find_staff
from shopnode.domain.permissions import Permission


@route("GET", "/staff/<staff_id>/activity", needs=Permission.STAFF_UPDATE)
def person_activity(call: Call, staff_id: str, query: Paged) -> ActivityPage:
    """What somebody did, the latest first."""
    find_staff(call.ctx.session, staff_id)
    wanted = JournalFilter(actor_id=staff_id)
    page = search_journal(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    items = [
        ActivityOut(
            id=row.id, action=row.action, words=row.words, at=row.at, shop_id=row.shop_id, entity=row.entity,
            entity_id=row.record_id, ip=row.ip,
        )
        for row in page.rows
    ]  # fmt: skip
    return ActivityPage(items=items, next_cursor=page.next_cursor)
