"""The staff: who works here, in which shops, what each may, and what each did."""

from __future__ import annotations

from shopnode.api.auth import accounts
from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.staff_shapes import (
    ChoiceIn,
    NewPassword,
    NewPerson,
    PostingIn,
    SessionList,
    StaffChange,
    StaffPage,
    StaffQuery,
    StaffWhole,
    session_list,
    staff_out,
    staff_whole,
)
from shopnode.domain.people.queries import find_staff, page_of_staff
from shopnode.domain.permissions import Permission


@route("POST", "/staff", action="staff.add", status=201)
def add_person(call: Call, body: NewPerson) -> StaffWhole:
    """Add a person to the staff and post them to shops."""
    return _whole(call, call.perform(body).result["id"])


@route("GET", "/staff", needs=Permission.STAFF_READ)
def list_staff(call: Call, query: StaffQuery) -> StaffPage:
    """Everybody on the staff, by name."""
    page = page_of_staff(
        call.ctx.session, q=query.q, state=query.state, role=query.role, limit=query.limit, cursor=query.cursor or None
    )
    return StaffPage(items=staff_out(call.ctx, page.rows), next_cursor=page.next_cursor)


@route("GET", "/staff/<staff_id>", needs=Permission.STAFF_READ)
def get_person(call: Call, staff_id: str) -> StaffWhole:
    """One person, with what they may and what was chosen for them."""
    return _whole(call, staff_id)


@route("PUT", "/staff/<staff_id>", action="staff.update")
def update_person(call: Call, staff_id: str, body: StaffChange) -> StaffWhole:
    """Change any of a person's fields."""
    given = body.model_dump(exclude_unset=True)
    if given:
        call.perform({"staff_id": staff_id, **given})
    return _whole(call, staff_id)


@route("DELETE", "/staff/<staff_id>", action="staff.archive")
def archive_person(call: Call, staff_id: str) -> StaffWhole:
    """Take a person off the staff. They are archived, not deleted: what they did stays theirs."""
    return _done(call, staff_id)


@route("POST", "/staff/<staff_id>/suspend", action="staff.suspend")
def suspend_person(call: Call, staff_id: str) -> StaffWhole:
    """Shut a person out, with effect on the next request of any of their sessions."""
    return _done(call, staff_id)


@route("POST", "/staff/<staff_id>/shut-out", action="staff.shut_out", takes_approval=True, status=204)
def shut_person_out(call: Call, staff_id: str) -> None:
    """Shut a colleague out with an owner's yes: their PIN at the counter, or their code by telephone."""
    call.perform({"staff_id": staff_id})


@route("POST", "/staff/<staff_id>/activate", action="staff.activate")
def activate_person(call: Call, staff_id: str) -> StaffWhole:
    """Let a person in again who was suspended or archived."""
    return _done(call, staff_id)


@route("PUT", "/staff/<staff_id>/choices", action="staff.choose")
def choose_for_person(call: Call, staff_id: str, body: ChoiceIn) -> StaffWhole:
    """Give a person a permission their role has not, take one it has, or set a limit of their own."""
    call.perform({"staff_id": staff_id, **body.model_dump()})
    return _whole(call, staff_id)


@route("PUT", "/staff/<staff_id>/shops", action="staff.set_shops")
def post_person(call: Call, staff_id: str, body: PostingIn) -> StaffWhole:
    """Say in which shops a person works."""
    call.perform({"staff_id": staff_id, **body.model_dump()})
    return _whole(call, staff_id)


@route("POST", "/staff/<staff_id>/password", action="staff.reset_password")
def reset_password(call: Call, staff_id: str, body: NewPassword) -> StaffWhole:
    """Give somebody else a new password. All their sessions end."""
    call.perform({"staff_id": staff_id, **body.model_dump()})
    accounts().end_all(call.ctx, staff_id)
    return _whole(call, staff_id)


@route("GET", "/staff/<staff_id>/sessions", needs=Permission.STAFF_SUSPEND)
def person_sessions(call: Call, staff_id: str) -> SessionList:
    """Where somebody is signed in at this home."""
    find_staff(call.ctx.session, staff_id)
    return session_list(accounts().sessions_of(call.ctx, staff_id))


@route("DELETE", "/staff/<staff_id>/sessions", action="staff.sign_out", status=204)
def end_person_sessions(call: Call, staff_id: str) -> None:
    """Sign somebody out everywhere at this home."""
    call.perform({"staff_id": staff_id})
    accounts().end_all(call.ctx, staff_id)


def _done(call: Call, staff_id: str) -> StaffWhole:
    call.perform({"staff_id": staff_id})
    return _whole(call, staff_id)


def _whole(call: Call, staff_id: str) -> StaffWhole:
    return staff_whole(call.ctx, find_staff(call.ctx.session, staff_id))
