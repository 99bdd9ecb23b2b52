"""Setting up the business and its shops, and looking after the staff."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.db import BasisPoints
from shopnode.domain.errors import Conflict, Invalid, NotPermitted
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Name, Note, Optionally, Params, ShortText
from shopnode.domain.people.models import (
    BUSINESS_ID,
    Business,
    Shop,
    Staff,
    StaffPosting,
    posting_id,
)
from shopnode.domain.people.passwords import Password, TypedPassword, hash_secret, verify_secret
from shopnode.domain.people.queries import all_shops, find_shop, find_staff, password_hash_of, the_business
from shopnode.domain.people.rules import (
    VAT_RATE_BP_MAX,
    Currency,
    Email,
    ShopCode,
    TimeZone,
    check_owner_remains,
    check_role_change,
)
from shopnode.domain.people.ways_in import end_sessions_of
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.phones import Phone

RateBp = Annotated[BasisPoints, Field(ge=0, le=VAT_RATE_BP_MAX)]


class SetUpBusiness(Params):
    """The business's name and currency, once."""

    name: Name
    phone: Annotated[Phone | None, Optionally] = None
    tax_id: Annotated[ShortText | None, Optionally] = None
    currency: Currency = "UGX"


class UpdateBusiness(Params):
    """What is printed on every receipt; the currency stays."""

    name: Name | None = None
    phone: Annotated[Phone | None, Optionally] = None
    tax_id: Annotated[ShortText | None, Optionally] = None


class OpenShop(Params):
    """A place of business."""

    name: Name
    code: ShopCode
    address: Annotated[ShortText | None, Optionally] = None
    phone: Annotated[Phone | None, Optionally] = None
    timezone: TimeZone = "Africa/Kampala"
    vat_rate_bp: RateBp = 0
    receipt_footer: Annotated[Note | None, Optionally] = None


class UpdateShop(Params):
    """Any subset of a shop's fields; its code stays, for it starts every receipt number."""

    shop_id: IdText
    name: Name | None = None
    address: Annotated[ShortText | None, Optionally] = None
    phone: Annotated[Phone | None, Optionally] = None
    timezone: TimeZone | None = None
    vat_rate_bp: RateBp | None = None
    receipt_footer: Annotated[Note | None, Optionally] = None


class AddStaff(Params):
    """A person who works for the business, signs in with a telephone number or an e-mail address."""

    name: Name
    role: Role
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None
    password: Annotated[Password | None, Optionally] = None
    shop_ids: Annotated[list[IdText], Field(max_length=200)] | None = None  # this shop when left out


class UpdateStaff(Params):
    """Any subset of a person's fields."""

    staff_id: IdText
    name: Name | None = None
    role: Role | None = None
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None


class OnePerson(Params):
    staff_id: IdText


class SetPassword(Params):
    """One's own new password with the current one, or somebody else's where the role allows it."""

    staff_id: IdText
    current_password: TypedPassword | None = None
    new_password: Password


@action("business.set_up", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def set_up_business(ctx: Context, new: SetUpBusiness) -> dict[str, Any]:
    """Name the business and its currency, once."""
    if ctx.session.scalar(select(Business)) is not None:
        raise Conflict("The business has been set up already.")
    add_rows(ctx.session, Business(id=BUSINESS_ID, **new.model_dump()))
    ctx.about("business", BUSINESS_ID)
    return {"id": BUSINESS_ID}


@action("business.update", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def update_business(ctx: Context, new: UpdateBusiness) -> dict[str, Any]:
    """Change the business's name, telephone number or tax number."""
    business = the_business(ctx.session)
    _change(business, new, required={"name"})
    ctx.about("business", business.id)
    return {"id": business.id}


@action("shops.open", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def open_shop(ctx: Context, new: OpenShop) -> dict[str, Any]:
    """Open a shop; at a node, the one this node stands in."""
    known = all_shops(ctx.session)
    if ctx.home.is_shop and any(shop.id == ctx.home.shop_id for shop in known):
        raise Conflict("This computer serves one shop. Open further shops in the owner's portal.")
    if any(shop.code == new.code for shop in known):
        raise Invalid({"code": "is taken by another shop"})
    shop = Shop(id=ctx.home.shop_id or ctx.new_id(), **new.model_dump())
    add_rows(ctx.session, shop)
    ctx.about("shop", shop.id)
    return {"id": shop.id}


@action("shops.update", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def update_shop(ctx: Context, new: UpdateShop) -> dict[str, Any]:
    """Change what a shop is called, where it is, its VAT rate or the foot of its receipts."""
    shop = find_shop(ctx.session, new.shop_id)
    _change(shop, new, required={"name", "timezone", "vat_rate_bp"})
    ctx.about("shop", shop.id)
    return {"id": shop.id}


@action("staff.add", needs=Permission.STAFF_CREATE, where=Where.ANYWHERE)
def add_staff(ctx: Context, new: AddStaff) -> dict[str, Any]:
    """Add a person to the staff and post them to shops."""
    if new.phone is None and new.email is None:
        raise Invalid({"phone": "is needed, or an e-mail address: it is what the person signs in with"})
    _check_login_free(ctx.session, new.phone, new.email)
    person = Staff(id=ctx.new_id(), name=new.name, role=new.role.value, phone=new.phone, email=new.email)
    add_rows(ctx.session, person)
    password_hash = hash_secret(new.password) if new.password else None
    for shop_id in shops_for(ctx, new.shop_ids):
        posting = StaffPosting(
            id=posting_id(person.id, shop_id), staff_id=person.id, shop_id=shop_id, password_hash=password_hash
        )
        add_rows(ctx.session, posting)
    ctx.about("staff", person.id)
    return {"id": person.id}


@action("staff.update", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def update_staff(ctx: Context, new: UpdateStaff) -> dict[str, Any]:
    """Change a person's name, role, telephone number or e-mail address."""
    person = find_staff(ctx.session, new.staff_id)
    if new.role is not None and new.role.value != person.role:
        check_role_change(ctx.actor.id, person.id)
        if person.role == Role.OWNER.value:
            check_owner_remains(active_owners(ctx.session), person.id)
    given = new.model_fields_set
    phone = new.phone if "phone" in given else person.phone
    email = new.email if "email" in given else person.email
    if phone is None and email is None:
        raise Invalid({"phone": "is needed, or an e-mail address: it is what the person signs in with"})
    _check_login_free(ctx.session, phone, email, but=person.id)
    _change(person, new, required={"name", "role"})
    ctx.about("staff", person.id)
    return {"id": person.id}


@action("staff.suspend", needs=Permission.STAFF_SUSPEND, where=Where.ANYWHERE)
def suspend_staff(ctx: Context, form: OnePerson) -> dict[str, Any]:
    """Shut a person out at once; their past stays theirs."""
    person = find_staff(ctx.session, form.staff_id)
    if person.id == ctx.actor.id:
        raise NotPermitted("Nobody suspends themselves. Ask another owner.")
    if person.role == Role.OWNER.value:
        check_owner_remains(active_owners(ctx.session), person.id)
    person.suspended_at = person.suspended_at or ctx.now
    end_sessions_of(ctx, person.id)
    ctx.about("staff", person.id)
    return {"id": person.id}


@action("staff.activate", needs=Permission.STAFF_SUSPEND, where=Where.ANYWHERE)
def activate_staff(ctx: Context, form: OnePerson) -> dict[str, Any]:
    """Let a person in again who was suspended, or had left the staff."""
    person = find_staff(ctx.session, form.staff_id)
    if person.archived_at is not None:
        _check_login_free(ctx.session, person.phone, person.email, but=person.id)
    person.suspended_at, person.archived_at = None, None
    ctx.about("staff", person.id)
    return {"id": person.id}


@action("staff.set_password", needs=Permission.OWN_CREDENTIALS, where=Where.ANYWHERE)
def set_password(ctx: Context, new: SetPassword) -> dict[str, Any]:
    """Set a new password; all sessions of that person end."""
    person = find_staff(ctx.session, new.staff_id)
    if person.id == ctx.actor.id:
        stored = password_hash_of(ctx.session, person.id, ctx.home.shop_id)
        if not verify_secret(stored, new.current_password or ""):
            raise Invalid({"current_password": "is not right"})
    elif not ctx.may(Permission.STAFF_UPDATE):
        raise NotPermitted("You may change your own password only.")
    return _give_password(ctx, person, new.new_password)


class ResetPassword(Params):
    """A new password for somebody who forgot theirs."""

    staff_id: IdText
    new_password: Password


@action("staff.reset_password", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def reset_password(ctx: Context, new: ResetPassword) -> dict[str, Any]:
    """Give somebody else a new password; all sessions of that person end."""
    person = find_staff(ctx.session, new.staff_id)
    if person.id == ctx.actor.id:
        raise Invalid({"staff_id": "is yourself: change your own password with the one that is right now"})
    return _give_password(ctx, person, new.new_password)


def _give_password(ctx: Context, person: Staff, password: str) -> dict[str, Any]:
    password_hash = hash_secret(password)
    works = (StaffPosting.staff_id == person.id, StaffPosting.archived_at.is_(None))
    for posting in ctx.session.scalars(select(StaffPosting).where(*works)):
        posting.password_hash = password_hash
    end_sessions_of(ctx, person.id)
    ctx.about("staff", person.id)
    return {"id": person.id}


def _change(row: Business | Shop | Staff, new: Params, required: set[str]) -> None:
    """Put the fields that were sent into the row; a field that must have a value keeps its own when none was."""
    for name in new.model_fields_set - {"shop_id", "staff_id"}:
        value = getattr(new, name)
        if value is None and name in required:
            raise Invalid({name: "is needed"})
        setattr(row, name, value.value if isinstance(value, Role) else value)


def _check_login_free(session: Session, phone: str | None, email: str | None, but: str | None = None) -> None:
    for name, column, value in (("phone", Staff.phone, phone), ("email", Staff.email, email)):
        taken = select(Staff.id).where(column == value, Staff.archived_at.is_(None))
        if value is not None and set(session.scalars(taken)) - {but}:
            raise Invalid({name: "belongs to somebody else on the staff"})


def shops_for(ctx: Context, shop_ids: list[str] | None) -> list[str]:
    """The shops that were named, this one when none were. Raises NotFound, Invalid for another shop at a node."""
    wanted = shop_ids if shop_ids is not None else ([ctx.home.shop_id] if ctx.home.shop_id else [])
    shops = [find_shop(ctx.session, shop_id).id for shop_id in dict.fromkeys(wanted)]
    if ctx.home.is_shop and any(shop_id != ctx.home.shop_id for shop_id in shops):
        raise Invalid({"shop_ids": "may name this shop alone; people are posted to other shops in the owner's portal"})
    return shops


def active_owners(session: Session) -> set[str]:
    """Who may open the back office whatever is chosen."""
    owners = select(Staff.id).where(
        Staff.role == Role.OWNER.value, Staff.suspended_at.is_(None), Staff.archived_at.is_(None)
    )
    return set(session.scalars(owners))
