"""What only the hub does to shops and postings: giving an owner a place in a new shop, and adopting a shop that sold
before it was enrolled. Ordinary actions: journalled, and sent to the shops."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select

from cloudhub.merge.passwords import CARRY
from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Params
from shopnode.domain.people.models import Staff, StaffPosting, posting_id
from shopnode.domain.people.queries import find_shop, find_staff
from shopnode.domain.permissions import Permission


class PostStaff(Params):
    """People who may work in a shop from now on, with the password they have elsewhere."""

    shop_id: IdText
    staff_ids: Annotated[list[IdText], Field(max_length=200)]
    password_hash: Annotated[str, Field(max_length=300)] | None = None  # for those who have none yet


class MoveStaff(Params):
    """A person works in another shop from now on, and no longer in this one."""

    staff_id: IdText
    from_shop_id: IdText
    to_shop_id: IdText


class AdoptShop(Params):
    """A shop's place is taken by the one that a standalone PC has been keeping the books of."""

    placeholder_id: IdText
    shop_id: IdText
    password_hash: Annotated[str, Field(max_length=300)] | None = None


class CarryPassword(Params):
    """The password of one posting, or one that was set in the portal, for all postings of a person."""

    posting_id: IdText | None = None
    staff_id: IdText | None = None
    password_hash: Annotated[str, Field(max_length=300)] | None = None


@action(CARRY, needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def carry_password(ctx: Context, form: CarryPassword) -> dict[str, Any]:
    """Let a person's password hold in every shop."""
    staff_id, password_hash = form.staff_id, form.password_hash
    if form.posting_id is not None:
        source = ctx.session.scalars(select(StaffPosting).where(StaffPosting.id == form.posting_id)).one()
        staff_id, password_hash = source.staff_id, source.password_hash
    person = find_staff(ctx.session, staff_id or "")
    works = (StaffPosting.staff_id == person.id, StaffPosting.archived_at.is_(None))
    for posting in ctx.session.scalars(select(StaffPosting).where(*works)):
        posting.password_hash = password_hash
    ctx.about("staff", person.id)
    return {"id": person.id}


@action("staff.post", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def post_staff(ctx: Context, form: PostStaff) -> dict[str, Any]:
    """Let people work in a shop."""
    shop = find_shop(ctx.session, form.shop_id)
    for staff_id in dict.fromkeys(form.staff_ids):
        _post(ctx, find_staff(ctx.session, staff_id), shop.id, form.password_hash)
    ctx.about("shop", shop.id)
    return {"shop_id": shop.id}


@action("staff.move", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def move_staff(ctx: Context, form: MoveStaff) -> dict[str, Any]:
    """Let a person work in another shop instead: with the same password there, and with none here.

    The old shop's computer signs them out when it hears of it. Raises Conflict, NotFound.
    """
    person = find_staff(ctx.session, form.staff_id)
    old, new = find_shop(ctx.session, form.from_shop_id), find_shop(ctx.session, form.to_shop_id)
    if old.id == new.id:
        raise Conflict(f"{person.name} works at {new.name} already. Choose another shop.")
    posting = _posting_or_none(ctx, person.id, old.id)
    if posting is None or posting.archived_at is not None:
        raise Conflict(f"{person.name} does not work at {old.name}.")
    _post(ctx, person, new.id, None)
    posting.archived_at = ctx.now
    posting.password_hash = None  # it is kept only where the person works
    ctx.about("staff", person.id)
    return {"id": person.id, "shop_id": new.id}


@action("shops.adopt", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def adopt_shop(ctx: Context, form: AdoptShop) -> dict[str, Any]:
    """Put a standalone shop in the place that was prepared for it."""
    placeholder = find_shop(ctx.session, form.placeholder_id)
    placeholder.archived_at = ctx.now
    for posting in ctx.session.scalars(select(StaffPosting).where(StaffPosting.shop_id == placeholder.id)).all():
        posting.archived_at = ctx.now
        _post(ctx, find_staff(ctx.session, posting.staff_id), form.shop_id, posting.password_hash)
    ctx.about("shop", placeholder.id)
    return {"shop_id": form.shop_id}


def _posting_or_none(ctx: Context, staff_id: str, shop_id: str) -> StaffPosting | None:
    query = select(StaffPosting).where(StaffPosting.staff_id == staff_id, StaffPosting.shop_id == shop_id)
    return ctx.session.scalars(query).one_or_none()


def _post(ctx: Context, person: Staff, shop_id: str, password_hash: str | None) -> None:
    """One posting; a person who has worked there before gets it back."""
    known = _posting_or_none(ctx, person.id, shop_id)
    elsewhere = select(StaffPosting.password_hash).where(
        StaffPosting.staff_id == person.id, StaffPosting.password_hash.is_not(None)
    )
    stored = password_hash or ctx.session.scalars(elsewhere.limit(1)).first()
    if known is not None:
        known.archived_at = None
        known.password_hash = known.password_hash or stored
        return
    row_id = posting_id(person.id, shop_id)
    add_rows(ctx.session, StaffPosting(id=row_id, staff_id=person.id, shop_id=shop_id, password_hash=stored))
