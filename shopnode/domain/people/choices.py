"""What an owner chooses for one person beside their role: a permission given or taken, a limit of their own.

Invariants:
  * Only an owner chooses, and never about an owner: who has all permissions is known by the role alone.
  * What would let somebody choose for themselves (staff, settings) stays with owners (`OWNERS_ALONE`).
  * A choice that is taken back leaves its row with no value: the role says again.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Params
from shopnode.domain.people.access_models import StaffChoice, staff_choice_id
from shopnode.domain.people.limits import PERSONAL_LIMITS
from shopnode.domain.people.queries import find_staff
from shopnode.domain.permissions import GIVEN, NEVER_TAKEN, OWNERS_ALONE, TAKEN, Permission, Role
from shopnode.domain.settings.rules import CHOICES, read_setting

CHOICES_MAX = 100
Given = Annotated[dict[str, StrictBool | None], Field(max_length=CHOICES_MAX)]
Limits = Annotated[dict[str, int | None], Field(max_length=CHOICES_MAX)]


class ChooseForStaff(Params):
    """Permissions given (true), taken (false) or left to the role (null), and limits of this person's own."""

    staff_id: IdText
    permissions: Given = Field(default_factory=dict)
    limits: Limits = Field(default_factory=dict)


@action("staff.choose", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def choose_for_staff(ctx: Context, form: ChooseForStaff) -> dict[str, Any]:
    """Give a person a permission their role has not, take one it has, or set a limit of their own."""
    person = find_staff(ctx.session, form.staff_id)
    if person.role == Role.OWNER.value:
        raise Conflict(f"{person.name} is an owner, and owners may everything. Change the role first.")
    wanted = {**_permissions(form), **_limits(form, Role(person.role))}
    known = {row.key: row for row in _rows(ctx.session, person.id)}
    for key, value in wanted.items():
        if key in known:
            known[key].value = value
        elif value is not None:
            row = StaffChoice(id=staff_choice_id(person.id, key), staff_id=person.id, key=key, value=value)
            add_rows(ctx.session, row)
    ctx.about("staff", person.id)
    return {"id": person.id}


def choices_about(session: Session, staff_id: str) -> dict[str, str]:
    """What was chosen for a person: permission or limit → value."""
    return {row.key: row.value for row in _rows(session, staff_id) if row.value is not None}


def _rows(session: Session, staff_id: str) -> list[StaffChoice]:
    return list(session.scalars(select(StaffChoice).where(StaffChoice.staff_id == staff_id)))


def _permissions(form: ChooseForStaff) -> dict[str, str | None]:
    """Raises Invalid, naming every permission that cannot be chosen."""
    wrong: dict[str, str] = {}
    known = {permission.value for permission in Permission}
    for key, value in form.permissions.items():
        if key not in known:
            wrong[f"permissions.{key}"] = "is no permission"
        elif key in OWNERS_ALONE and value:
            wrong[f"permissions.{key}"] = "stays with owners; make the person an owner instead"
        elif key in NEVER_TAKEN and value is False:
            wrong[f"permissions.{key}"] = "cannot be taken away"
    if wrong:
        raise Invalid(wrong)
    words = {True: GIVEN, False: TAKEN, None: None}
    return {key: words[value] for key, value in form.permissions.items()}


def _limits(form: ChooseForStaff, role: Role) -> dict[str, str | None]:
    """Raises Invalid, naming every limit that is none or out of its bounds."""
    wrong: dict[str, str] = {}
    for key, value in form.limits.items():
        if key not in PERSONAL_LIMITS:
            wrong[f"limits.{key}"] = "is no limit of a person"
            continue
        setting = CHOICES.get(PERSONAL_LIMITS[key].format(role=role.value.lower()))
        setting = setting or CHOICES[PERSONAL_LIMITS[key].format(role=Role.SUPERVISOR.value.lower())]
        try:
            read_setting(setting, value or 0)
        except ValueError as fault:
            wrong[f"limits.{key}"] = str(fault)
    if wrong:
        raise Invalid(wrong)
    return {key: None if value is None else str(value) for key, value in form.limits.items()}
