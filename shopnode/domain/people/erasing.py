"""Forgetting somebody who left the staff (Uganda's Data Protection and Privacy Act, 2019; rule 91).

Invariants:
  * Their name stays: the books must say who sold, approved and counted. Telephone number, e-mail address, password,
    PIN, second proof, telephone approval and where they were signed in go, here and wherever they were sent.
  * Only who left, and only once nothing is owed either way.
  * What reveals number, address and password leaves the journal and the feed that is kept here. Markers stay, so each
    chain still proves that nothing was removed.
  * The same is done at every home that hears of it: who left and has neither number nor address was erased. The
    password of another shop is erased by the portal, which reaches all of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.commissions.queries import owed_by
from shopnode.domain.context import Context
from shopnode.domain.customers.erasing import forget_reveals
from shopnode.domain.errors import Conflict
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Params, Reason
from shopnode.domain.people.access_models import ApiKey, PasswordReset, RecoveryCode, RememberedDevice, StaffTotp
from shopnode.domain.people.models import PhoneApprover, Staff, StaffPin, StaffPosting, WebSession
from shopnode.domain.people.queries import find_staff
from shopnode.domain.people.ways_in import take_all_from
from shopnode.domain.permissions import Permission
from shopnode.domain.projections import COMPARES, Changed, projection

PERSONAL = ("phone", "email")  # of a person; the name is part of the books


class EraseStaff(Params):
    """Whom to forget, and on whose word."""

    staff_id: IdText
    reason: Reason


class NotYet(Conflict):
    code = "not-yet"


@action("staff.erase", needs=Permission.STAFF_DELETE, where=Where.ANYWHERE)
def erase_staff(ctx: Context, form: EraseStaff) -> dict[str, Any]:
    """Forget what is known of somebody who left, but for their name in the books."""
    person = find_staff(ctx.session, form.staff_id)
    if person.archived_at is None:
        raise NotYet(f"{person.name} is still on the staff. Take them off the staff first.")
    owes = owed_by(ctx.session, person.id)
    if owes:
        who = (f"{person.name} owes", "") if owes > 0 else ("The shop owes", f" to {person.name}")
        raise NotYet(f"{who[0]} {abs(owes):,}{who[1]}. Settle that first.")
    take_all_from(ctx, person.id)
    for column in PERSONAL:
        setattr(person, column, None)
    for posting in ctx.session.scalars(select(StaffPosting).where(StaffPosting.staff_id == person.id)):
        posting.password_hash, posting.archived_at = None, posting.archived_at or ctx.now
    for approver in ctx.session.scalars(select(PhoneApprover).where(PhoneApprover.staff_id == person.id)):
        approver.secret, approver.archived_at = None, approver.archived_at or ctx.now
    ctx.about("staff", person.id)
    return {"id": person.id}


def is_erased(person: Staff) -> bool:
    """Whether somebody was forgotten: on the staff one has a number or an address to sign in with."""
    return person.archived_at is not None and person.phone is None and person.email is None


@projection("staff")
def forget_erased_staff(session: Session, changed: Changed) -> None:
    """Take what was known of an erased person out of this home's journal, feed and local rows, whoever erased them."""
    told = changed.updates.get("staff")
    if not told or session.info.get(COMPARES):  # it was done when it was heard
        return
    people = session.scalars(select(Staff).where(Staff.id.in_(told), Staff.archived_at.is_not(None)).order_by(Staff.id))
    for person in [person for person in people.all() if is_erased(person)]:
        forget_reveals(session, "staff", person.id, PERSONAL)
        for model, column in ((StaffPosting, "password_hash"), (PhoneApprover, "secret")):
            for row_id in session.scalars(select(model.id).where(model.staff_id == person.id).order_by(model.id)).all():
                forget_reveals(session, model.__tablename__, row_id, (column,))
        _forget_ways_in(session, person.id, person.archived_at)


def _forget_ways_in(session: Session, staff_id: str, at: datetime | None) -> None:
    """What this home keeps for itself. The hub deletes no rows of the books: there they are emptied.

    Only what is not empty yet is written: the same runs where books are read anew, which writes nothing.
    """
    emptied: tuple[tuple[type[Any], dict[str, Any]], ...] = (
        (RememberedDevice, {"name": None, "ended_at": at}), (StaffTotp, {"secret": "", "confirmed_at": None}),
        (RecoveryCode, {"used_at": at}), (ApiKey, {"revoked_at": at}), (PasswordReset, {"used_at": at}),
    )  # fmt: skip
    for model, values in emptied:
        for row in session.scalars(select(model).where(model.staff_id == staff_id)).all():
            for name, value in values.items():
                _empty(row, name, value)
    if session.get_bind().dialect.name == "sqlite":  # PINs and sessions are a shop's alone
        for local in (StaffPin, WebSession):
            session.execute(delete(local).where(local.staff_id == staff_id))


def _empty(row: Any, name: str, value: Any) -> None:
    """An instant that is there stays as it was; whatever else is emptied."""
    known = getattr(row, name)
    if known != value and not (known is not None and isinstance(value, datetime)):
        setattr(row, name, value)
