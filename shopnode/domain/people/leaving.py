"""Somebody leaves: shut out at once, also while the hub is away, or taken off the staff for good.

Invariants:
  * Nobody shuts themselves out, and an active owner remains.
  * Whoever is signed in may ask that a colleague be shut out; it happens with an owner's own yes, by PIN at the
    counter or by a code over the telephone (rule 90). Nobody needs a network for it.
  * Nothing is deleted: who was archived keeps their name in the books and loses every way in.
"""

from __future__ import annotations

from typing import Any

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import NotPermitted
from shopnode.domain.homes import Where
from shopnode.domain.people.actions import OnePerson, active_owners
from shopnode.domain.people.models import Staff
from shopnode.domain.people.queries import find_staff
from shopnode.domain.people.rules import check_owner_remains
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.people.ways_in import end_sessions_of, take_all_from
from shopnode.domain.permissions import Permission, Role

NAME_READ_OUT = 40


@action("staff.shut_out", needs=Permission.OWN_CREDENTIALS)
def shut_out(ctx: Context, form: OnePerson) -> dict[str, Any]:
    """Shut a colleague out at once, with an owner's yes: their PIN here, or their code by telephone."""
    person = _who_leaves(ctx, form.staff_id)
    if ctx.actor.role is not Role.OWNER:
        words = f"{person.name} is shut out by an owner. Call one, or let them enter their PIN."
        kept = "A person is shut out by an owner."
        ctx.require_approval(words, enough=lambda role: role is Role.OWNER, kept=kept)
    person.suspended_at = person.suspended_at or ctx.now
    end_sessions_of(ctx, person.id)
    ctx.about("staff", person.id)
    return {"id": person.id}


@action("staff.sign_out", needs=Permission.STAFF_SUSPEND, where=Where.ANYWHERE)
def sign_out_everywhere(ctx: Context, form: OnePerson) -> dict[str, Any]:
    """End every session of a person at this home, remembered browsers too. They sign in again with their password."""
    person = find_staff(ctx.session, form.staff_id)
    end_sessions_of(ctx, person.id)
    ctx.about("staff", person.id)
    return {"id": person.id}


@action("staff.archive", needs=Permission.STAFF_DELETE, where=Where.ANYWHERE)
def archive_staff(ctx: Context, form: OnePerson) -> dict[str, Any]:
    """Take a person off the staff for good. Their sales and their name stay in the books."""
    person = _who_leaves(ctx, form.staff_id)
    person.archived_at = person.archived_at or ctx.now
    take_all_from(ctx, person.id)
    ctx.about("staff", person.id)
    return {"id": person.id}


def _who_leaves(ctx: Context, staff_id: str) -> Staff:
    """Raises NotFound, NotPermitted, LastOwner."""
    person = find_staff(ctx.session, staff_id)
    if person.id == ctx.actor.id:
        raise NotPermitted("Nobody shuts themselves out. Ask another owner.")
    if person.role == Role.OWNER.value:
        check_owner_remains(active_owners(ctx.session), person.id)
    return person


def _figures(ctx: Context, form: OnePerson) -> tuple[int, str]:
    """The owner hears no amount, and the name."""
    return 0, find_staff(ctx.session, form.staff_id).name[:NAME_READ_OUT]


register_figures("staff.shut_out", _figures)
