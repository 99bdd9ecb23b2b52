"""In which shops a person works. Their password goes with them to a new one; it stays good nowhere they left."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Params
from shopnode.domain.people.actions import shops_for
from shopnode.domain.people.models import StaffPosting, posting_id
from shopnode.domain.people.queries import find_staff, password_hash_of
from shopnode.domain.people.ways_in import end_sessions_of
from shopnode.domain.permissions import Permission


class SetShops(Params):
    """Every shop a person works in from now on; at a shop's own computer, this shop or none."""

    staff_id: IdText
    shop_ids: Annotated[list[IdText], Field(max_length=200)]


@action("staff.set_shops", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def set_shops(ctx: Context, form: SetShops) -> dict[str, Any]:
    """Say in which shops a person works; where they no longer do, they are out at once."""
    person = find_staff(ctx.session, form.staff_id)
    if person.id == ctx.actor.id and ctx.home.is_shop:
        raise Invalid({"staff_id": "is yourself: another owner, or the portal, posts you elsewhere"})
    wanted = set(shops_for(ctx, form.shop_ids))
    known = {row.shop_id: row for row in _postings(ctx.session, person.id)}
    within_reach = {ctx.home.shop_id} if ctx.home.is_shop else known.keys()
    for shop_id in known.keys() & within_reach:
        ends = None if shop_id in wanted else (known[shop_id].archived_at or ctx.now)
        known[shop_id].archived_at = ends
    secret = password_hash_of(ctx.session, person.id, None)
    for shop_id in sorted(wanted - known.keys()):
        row_id = posting_id(person.id, shop_id)
        add_rows(ctx.session, StaffPosting(id=row_id, staff_id=person.id, shop_id=shop_id, password_hash=secret))
    if ctx.home.is_shop and ctx.home.shop_id not in wanted:
        end_sessions_of(ctx, person.id)
    ctx.about("staff", person.id)
    return {"id": person.id}


def shops_of(session: Session, staff_ids: list[str]) -> dict[str, list[str]]:
    """The shops each person works in now."""
    works = select(StaffPosting.staff_id, StaffPosting.shop_id).where(
        StaffPosting.staff_id.in_(staff_ids), StaffPosting.archived_at.is_(None)
    )
    found: dict[str, list[str]] = {}
    for staff_id, shop_id in session.execute(works.order_by(StaffPosting.shop_id)):
        found.setdefault(staff_id, []).append(shop_id)
    return found


def _postings(session: Session, staff_id: str) -> list[StaffPosting]:
    return list(session.scalars(select(StaffPosting).where(StaffPosting.staff_id == staff_id)))
