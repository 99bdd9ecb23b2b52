"""What the API says of the staff."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shopnode.api.shapes import Instant, Searched, left_out
from shopnode.domain.context import Actor, Context
from shopnode.domain.params import IdText, Name, Optionally, Params
from shopnode.domain.people.choices import Given, Limits, choices_about
from shopnode.domain.people.limits import PERSONAL_LIMITS
from shopnode.domain.people.models import Staff
from shopnode.domain.people.passwords import Password, TypedPassword
from shopnode.domain.people.posting import shops_of
from shopnode.domain.people.queries import StaffState
from shopnode.domain.people.rules import Email
from shopnode.domain.people.session_list import OpenSession
from shopnode.domain.permissions import GIVEN, Role
from shopnode.domain.phones import Phone

RoleWord = Literal["Owner", "Supervisor", "Staff"]


class StaffQuery(Searched):
    state: Annotated[StaffState | None, Field(description="Everybody but the archived when left out.")] = None
    role: Role | None = None


class NewPerson(Params):
    """A person who works for the business, signs in with a telephone number or an e-mail address."""

    name: Name
    role: RoleWord
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None
    password: Annotated[Password | None, Optionally] = Field(default=None, repr=False)
    shop_ids: Annotated[list[IdText], Field(max_length=200)] | None = Field(
        default=None, description="This shop when left out."
    )


class StaffChange(Params):
    """Any subset of a person's fields."""

    name: Name = left_out()
    role: RoleWord = left_out()
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None


class ChoiceIn(Params):
    """Permissions given (true), taken (false) or left to the role (null), and limits of this person's own."""

    permissions: Given = Field(default_factory=dict)
    limits: Limits = Field(default_factory=dict)


class PostingIn(Params):
    """Every shop a person works in from now on."""

    shop_ids: Annotated[list[IdText], Field(max_length=200)]


class NewPassword(Params):
    new_password: Password = Field(repr=False)


class OwnPassword(Params):
    """A new password, and the one that is right now."""

    current_password: TypedPassword = Field(repr=False)
    new_password: Password = Field(repr=False)


class StaffOut(BaseModel):
    """A person in a list."""

    id: str
    name: str
    role: Role
    phone: str | None
    email: str | None
    state: StaffState
    suspended_at: Instant | None
    archived_at: Instant | None
    shop_ids: list[str]


class ChoicesOut(BaseModel):
    """What an owner chose for this person beside their role."""

    permissions: dict[str, bool]
    limits: dict[str, int]


class StaffWhole(StaffOut):
    """A person, with what they may."""

    permissions: list[str]
    choices: ChoicesOut


class StaffPage(BaseModel):
    items: list[StaffOut]
    next_cursor: str | None


class ActivityOut(BaseModel):
    """One thing somebody did."""

    id: str
    action: str
    words: str
    at: Instant
    shop_id: str | None
    entity: str | None
    entity_id: str | None
    ip: str | None


class ActivityPage(BaseModel):
    items: list[ActivityOut]
    next_cursor: str | None


class SessionOut(BaseModel):
    """A browser or a program that is signed in."""

    id: str
    kind: str
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    ip: str | None
    user_agent: str | None


class SessionList(BaseModel):
    items: list[SessionOut]


def session_list(rows: list[OpenSession]) -> SessionList:
    return SessionList(items=[SessionOut(**asdict(row)) for row in rows])


def state_of(suspended_at: datetime | None, archived_at: datetime | None) -> StaffState:
    """Archived goes before suspended."""
    if archived_at is not None:
        return StaffState.ARCHIVED
    return StaffState.ACTIVE if suspended_at is None else StaffState.SUSPENDED


def staff_out(ctx: Context, people: list[Staff]) -> list[StaffOut]:
    """People of a list, with the shops of all of them in one query."""
    shops = shops_of(ctx.session, [person.id for person in people])
    return [
        StaffOut(
            id=p.id, name=p.name, role=Role(p.role), phone=p.phone, email=p.email,
            state=state_of(p.suspended_at, p.archived_at), suspended_at=p.suspended_at, archived_at=p.archived_at,
            shop_ids=shops.get(p.id, []),
        )
        for p in people
    ]  # fmt: skip


def staff_whole(ctx: Context, person: Staff) -> StaffWhole:
    """One person. What they may is what they would as soon as they are let in again, also while suspended."""
    (row,) = staff_out(ctx, [person])
    chosen = choices_about(ctx.session, person.id)
    actor = Actor(person.id, person.name, Role(person.role), tuple(sorted(chosen.items())))
    limits = {key: int(value) for key, value in chosen.items() if key in PERSONAL_LIMITS}
    given = {key: value == GIVEN for key, value in chosen.items() if key not in PERSONAL_LIMITS}
    return StaffWhole(
        **row.model_dump(), permissions=sorted(actor.permissions), choices=ChoicesOut(permissions=given, limits=limits)
    )
