"""Everything kept about one person of the staff, for them to take along (rule 91).

Invariants:
  * It is told to the person and to an owner, and each time it is written down that it was.
  * Secrets are no part of it: no hash, no token, no PIN. Neither is what others did.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.attendance.queries import list_attendance, list_corrections
from shopnode.domain.audit.search import JournalFilter, search_journal
from shopnode.domain.commissions.earned import earnings
from shopnode.domain.commissions.queries import entries_of, owed_by
from shopnode.domain.context import Context
from shopnode.domain.errors import NotPermitted
from shopnode.domain.homes import Where
from shopnode.domain.paging import PAGE_MAX, Page
from shopnode.domain.params import IdText, Params
from shopnode.domain.people.access_models import ApiKey
from shopnode.domain.people.choices import choices_about
from shopnode.domain.people.models import StaffPin, WebSession
from shopnode.domain.people.posting import shops_of
from shopnode.domain.people.queries import all_shops, find_staff
from shopnode.domain.people.remembering import remembered_browsers
from shopnode.domain.people.second_proof import has_second_proof
from shopnode.domain.permissions import Permission

DONE_MAX = 5_000  # what they did, the latest; the journal has the rest
FIRST_DAY = date(2000, 1, 1)


class TakeData(Params):
    staff_id: IdText


@action("staff.export_data", needs=Permission.OWN_CREDENTIALS, where=Where.ANYWHERE)
def note_export(ctx: Context, form: TakeData) -> dict[str, Any]:
    """Write down that somebody takes what is kept about them, or an owner what is kept about somebody."""
    person = find_staff(ctx.session, form.staff_id)
    if person.id != ctx.actor.id and not ctx.may(Permission.STAFF_UPDATE):
        raise NotPermitted("You may take what is kept about yourself only.")
    ctx.about("staff", person.id)
    return {"id": person.id}


def data_of(ctx: Context, staff_id: str) -> dict[str, Any]:
    """What this home keeps about one person. Whether it may be told is asked by `staff.export_data`, before."""
    person = find_staff(ctx.session, staff_id)
    shops = {shop.id: shop.name for shop in all_shops(ctx.session)}
    return {
        "person": {
            "name": person.name, "role": person.role, "phone": person.phone, "email": person.email,
            "suspended_at": person.suspended_at, "left_at": person.archived_at,
            "works_in": [shops.get(one, one) for one in shops_of(ctx.session, [staff_id]).get(staff_id, [])],
        },
        "chosen_for_them": choices_about(ctx.session, staff_id),
        "ways_in": _ways_in(ctx, staff_id),
        "hours": [
            {"day": row.business_on, "came_at": row.came_at, "went_at": row.went_at, "corrected": row.is_corrected}
            for row in _all(lambda cursor: list_attendance(ctx, staff_id=staff_id, limit=PAGE_MAX, cursor=cursor))
        ],
        "corrections_of_hours": [
            {"came_at": row.came_at, "went_at": row.went_at, "reason": row.reason, "asked_at": row.asked_at,
             "outcome": row.outcome}
            for row in _all(lambda cursor: list_corrections(ctx, limit=PAGE_MAX, cursor=cursor))
            if row.staff_id == staff_id
        ],
        "commission": [
            {"day": row.day, "for": row.kind, "number": row.number, "what": row.what, "amount": row.amount_minor}
            for row in earnings(ctx, FIRST_DAY, ctx.now.date(), staff_id=staff_id)
        ],
        "account": {
            "owed": owed_by(ctx.session, staff_id),
            "lines": [
                {"what": row.kind, "amount": row.amount_minor, "note": row.note, "at": row.at}
                for row in _all(lambda cursor: entries_of(ctx.session, staff_id, limit=PAGE_MAX, cursor=cursor))
            ],
        },
        "what_they_did": [
            {"at": row.at, "what": row.words, "address": row.ip} for row in _what_they_did(ctx, staff_id)
        ],
    }  # fmt: skip


def _ways_in(ctx: Context, staff_id: str) -> dict[str, Any]:
    keys = ctx.session.scalars(select(ApiKey).where(ApiKey.staff_id == staff_id).order_by(ApiKey.created_at))
    told: dict[str, Any] = {
        "second_proof": has_second_proof(ctx.session, staff_id),
        "remembered_browsers": [
            {"name": row.name, "since": row.made_at, "used_at": row.used_at, "until": row.expires_at}
            for row in remembered_browsers(ctx.session, staff_id, ctx.now)
        ],
        "keys_of_programs": [
            {"name": key.name, "made_at": key.created_at, "used_at": key.used_at, "revoked_at": key.revoked_at}
            for key in keys
        ],
    }  # fmt: skip
    if ctx.home.is_shop:
        rows = ctx.session.scalars(select(WebSession).where(WebSession.staff_id == staff_id))
        told["pin"] = ctx.session.get(StaffPin, staff_id) is not None
        told["sessions"] = [
            {"kind": row.kind, "since": row.created_at, "used_at": row.seen_at, "address": row.ip,
             "browser": row.user_agent, "ended_at": row.ended_at}
            for row in sorted(rows, key=lambda row: row.created_at)
        ]  # fmt: skip
    return told


def _what_they_did(ctx: Context, staff_id: str) -> Iterator[Any]:
    wanted = JournalFilter(actor_id=staff_id)
    found = _all(lambda cursor: search_journal(ctx, wanted, limit=PAGE_MAX, cursor=cursor))
    for _, row in zip(range(DONE_MAX), found, strict=False):
        yield row


def _all(page_at: Any) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page: Page[Any] = page_at(cursor)
        yield from page.rows
        cursor = page.next_cursor
        if cursor is None:
            return
