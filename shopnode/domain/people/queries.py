"""Who works here, and who is who."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, func, select
from sqlalchemy.orm import Session

from shopnode.domain.context import Actor
from shopnode.domain.errors import NotFound
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, page_of
from shopnode.domain.people.access_models import StaffChoice
from shopnode.domain.people.models import Business, Shop, Staff, StaffPin, StaffPosting
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.phones import phone_or_none
from shopnode.domain.queries import find_row


class StaffState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"


@dataclass(frozen=True)
class StaffView:
    """A person in a list of the staff."""

    id: str
    name: str
    role: Role
    phone: str | None
    email: str | None
    suspended_at: datetime | None
    archived_at: datetime | None

    @property
    def is_active(self) -> bool:
        return self.suspended_at is None and self.archived_at is None


@dataclass(frozen=True)
class Colleague:
    """A person on the PIN screen of this shop."""

    id: str
    name: str
    role: Role
    has_pin: bool
    may_approve: bool  # as the second person


def the_business(session: Session) -> Business:
    """The tenant's business. Raises NotFound before it was set up."""
    business = business_or_none(session)
    if business is None:
        raise NotFound("The business")
    return business


def business_or_none(session: Session) -> Business | None:
    return session.scalars(select(Business)).one_or_none()


def find_shop(session: Session, shop_id: str) -> Shop:
    """The shop with this id. Raises NotFound."""
    return find_row(session, Shop, shop_id, "The shop")


def all_shops(session: Session) -> list[Shop]:
    """Every shop the session can reach, by code."""
    return list(session.scalars(select(Shop).where(Shop.archived_at.is_(None)).order_by(Shop.code)))


def find_staff(session: Session, staff_id: str) -> Staff:
    """The person with this id. Raises NotFound."""
    return find_row(session, Staff, staff_id, "This person")


def staff_list(session: Session) -> list[StaffView]:
    """Everybody on the staff, the active ones first."""
    people = session.scalars(select(Staff).order_by(Staff.archived_at, Staff.suspended_at, func.lower(Staff.name)))
    views = [StaffView(p.id, p.name, Role(p.role), p.phone, p.email, p.suspended_at, p.archived_at) for p in people]
    return sorted(views, key=lambda person: (not person.is_active, person.name.casefold()))


def page_of_staff(
    session: Session,
    *,
    q: str = "",
    state: StaffState | None = None,
    role: Role | None = None,
    limit: int = PAGE_DEFAULT,
    cursor: str | None = None,
) -> Page[Staff]:
    """People by name. Raises Invalid for a wrong cursor."""
    name = func.lower(Staff.name)
    query = select(Staff).order_by(name, Staff.id).limit(limit + 1)
    if q:
        query = query.where(name.contains(q.lower(), autoescape=True))
    if role is not None:
        query = query.where(Staff.role == role.value)
    query = query.where(*_in_state(state))
    place = decode_cursor(cursor, (str, str))
    if place is not None:
        query = query.where(beyond((name, Staff.id), place))
    return page_of(list(session.scalars(query)), limit, lambda person: (person.name.lower(), person.id))


def _in_state(state: StaffState | None) -> Sequence[ColumnElement[bool]]:
    gone, out = Staff.archived_at, Staff.suspended_at
    return {
        StaffState.ACTIVE: [gone.is_(None), out.is_(None)],
        StaffState.SUSPENDED: [gone.is_(None), out.is_not(None)],
        StaffState.ARCHIVED: [gone.is_not(None)],
        None: [gone.is_(None)],
    }[state]


def active_here(shop_id: str | BindParameter[str] | None) -> Select[Staff]:
    """People who may work now; in this shop, when one is named."""
    query = select(Staff).where(Staff.suspended_at.is_(None), Staff.archived_at.is_(None))
    if shop_id is None:
        return query
    posted = select(StaffPosting.id).where(
        StaffPosting.staff_id == Staff.id, StaffPosting.shop_id == shop_id, StaffPosting.archived_at.is_(None)
    )
    return query.where(posted.exists())


def staff_of_shop(session: Session, shop_id: str) -> list[Colleague]:
    """The people of the PIN screen: active, posted here."""
    pins = set(session.scalars(select(StaffPin.staff_id)))
    people = actors_of(session, active_here(shop_id).order_by(func.lower(Staff.name)))
    return [
        Colleague(p.id or "", p.name, p.role, p.id in pins, Permission.LIMITS_APPROVE in p.permissions) for p in people
    ]


def actor_for(session: Session, staff_id: str | None, shop_id: str | None) -> Actor | None:
    """The person as an actor, or None when they may not work (here) now. Every request asks it."""
    query = _ACTOR if shop_id is None else _ACTOR_HERE
    return next(iter(_actors(session.execute(query, {"staff_id": staff_id, "shop_id": shop_id}))), None)


def actors_of(session: Session, people: Select[Staff]) -> list[Actor]:
    """These people as actors, each with what was chosen for them; in one query."""
    return _actors(session.execute(_with_choices(people)))


def _with_choices(people: Select[Staff]) -> Select[*tuple[Any, ...]]:
    chosen = (StaffChoice.staff_id == Staff.id) & StaffChoice.value.is_not(None)
    columns = (Staff.id, Staff.name, Staff.role, StaffChoice.key, StaffChoice.value)
    return people.with_only_columns(*columns).outerjoin(StaffChoice, chosen)


def _actors(rows: Iterable[Any]) -> list[Actor]:
    found: dict[str, tuple[str, str, list[tuple[str, str]]]] = {}
    for staff_id, name, role, key, value in rows:
        found.setdefault(staff_id, (name, role, []))[2].extend([(key, value)] if key else [])
    return [
        Actor(staff_id, name, Role(role), tuple(sorted(choices))) for staff_id, (name, role, choices) in found.items()
    ]


_ONE = Staff.id == bindparam("staff_id")
_ACTOR = _with_choices(active_here(None).where(_ONE))
_ACTOR_HERE = _with_choices(active_here(bindparam("shop_id")).where(_ONE))


def people_by_login(session: Session, login: str) -> list[Staff]:
    """Who is meant by this telephone number or e-mail address; usually one, for two homes may both have typed it."""
    text = login.strip()
    if "@" in text:
        return list(session.scalars(select(Staff).where(Staff.email == text.lower()).order_by(Staff.id)))
    phone = phone_or_none(text)
    return [] if phone is None else list(session.scalars(select(Staff).where(Staff.phone == phone).order_by(Staff.id)))


def password_hash_of(session: Session, staff_id: str, shop_id: str | None) -> str | None:
    """The hash of the person's password in this shop (in any shop, where the home is none)."""
    query = select(StaffPosting.password_hash).where(
        StaffPosting.staff_id == staff_id, StaffPosting.archived_at.is_(None), StaffPosting.password_hash.is_not(None)
    )
    if shop_id is not None:
        query = query.where(StaffPosting.shop_id == shop_id)
    return session.scalars(query.order_by(StaffPosting.id)).first()


def names_of(session: Session, staff_ids: set[str]) -> dict[str, str]:
    """The names behind some ids, for lists."""
    rows = session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(staff_ids)))
    return {row.id: row.name for row in rows}


def currency_of(session: Session) -> str:
    """The business's currency; the country's own before the business was set up."""
    business = business_or_none(session)
    return business.currency if business else "UGX"
