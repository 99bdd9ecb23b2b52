"""A drawer that was off by more than the limit: explained, accepted by a second person, perhaps owed (rule 83).

The session was closed by its count whatever it came to, so nobody learns by trying; this comes afterwards, and a day is
not approved before it.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.errors import DifferenceSettled, NotClosedYet
from shopnode.domain.cash.forms import AcceptDifference
from shopnode.domain.cash.models import DrawerSession, MoneyMove
from shopnode.domain.closures.models import ZReport
from shopnode.domain.commissions.models import StaffEntry, StaffEntryKind
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.journal import JournalEntry
from shopnode.domain.people.models import Staff
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.queries import find_row
from shopnode.domain.sales.models import Sale
from shopnode.domain.settings.queries import number_setting


@action("cash.accept_difference", needs=Permission.CLOSURES_CREATE)
def accept_difference(ctx: Context, told: AcceptDifference) -> dict[str, Any]:
    """Explain a drawer's difference and accept it, with a second person; what was missing may be owed by somebody.

    Raises DifferenceSettled, NotClosedYet, ApprovalNeeded, NotPermitted, Invalid, NotFound.
    """
    drawer = find_row(ctx.session, DrawerSession, told.drawer_session_id, "This drawer session")
    if drawer.shop_id != ctx.shop_id:
        raise NotFound("This drawer session")
    if drawer.is_open:
        raise NotClosedYet
    if drawer.explanation is not None:
        raise DifferenceSettled
    z_report = z_of_session(ctx.session, drawer.id)
    if z_report is None:
        raise NotFound("A Z report of this session")
    body = orjson.loads(z_report.body)
    _ask(ctx, drawer, body)
    owed = _charge(ctx, told, drawer, z_report)
    drawer.explanation = told.explanation
    if not body["is_within_limit"]:
        drawer.approved_by = ctx.approver.id if ctx.was_approved and ctx.approver else ctx.actor.id
    ctx.about("drawer_session", drawer.id)
    return {
        "drawer_session_id": drawer.id, "difference": z_report.difference_minor, "approved_by": drawer.approved_by,
        "charged": owed,
    }  # fmt: skip


def z_of_session(session: Session, drawer_id: str) -> ZReport | None:
    return session.scalars(select(ZReport).where(ZReport.drawer_session_id == drawer_id)).first()


def waits(drawer: DrawerSession, body: dict[str, Any]) -> bool:
    """Whether a session's difference is beyond the limit and nobody has accepted it."""
    return not body["is_within_limit"] and drawer.explanation is None


def _ask(ctx: Context, drawer: DrawerSession, body: dict[str, Any]) -> None:
    """Nobody accepts a large difference of a drawer they had in hand, nor staff any at all. An owner may."""
    role, size = ctx.actor.role, int(body["size"])
    if role is Role.OWNER:
        return
    limit = number_setting(ctx.session, "variance_limit_supervisor_minor")

    def enough(role: Role) -> bool:
        return role is Role.OWNER or (role is Role.SUPERVISOR and size <= limit)

    had_it = {drawer.opened_by, drawer.cashier_id, drawer.closed_by, *(count["by_id"] for count in body["counts"])}
    had_it |= hands_in(ctx.session, drawer.id)
    needs_other = not body["is_within_limit"] and (ctx.actor.id in had_it or not enough(role))
    if not (needs_other or role is Role.STAFF):
        return
    words = f"The drawer is off by {size:,}."
    ctx.require_approval(words, enough=enough)
    # A second person is one who had no hand in it, unless it is the owner.
    if ctx.approver is not None and ctx.approver.role is not Role.OWNER and ctx.approver.id in had_it:
        raise Invalid({"approver": "had this drawer in hand, too; another person accepts it"})


def hands_in(session: Session, drawer_id: str) -> set[str | None]:
    """Who sold into a session, moved its money, or answered for it for a while: the last one is on its row alone, so
    those before are read out of the journal."""
    acted = (
        select(Sale.cashier_id).where(Sale.drawer_session_id == drawer_id),
        select(MoneyMove.by_id).where(MoneyMove.drawer_session_id == drawer_id),
        select(JournalEntry.actor_id).where(
            JournalEntry.subject_id == drawer_id, JournalEntry.action == "cash.take_over"
        ),
    )  # fmt: skip
    return {person for query in acted for person in session.scalars(query.distinct())}


def _charge(ctx: Context, told: AcceptDifference, drawer: DrawerSession, z_report: ZReport) -> int:
    """What was missing, as a debt of a person to the shop. Raises Invalid, NotFound."""
    if told.charge_to is None:
        if told.charge is not None:
            raise Invalid({"charge_to": "is needed: who owes it"})
        return 0
    person = find_row(ctx.session, Staff, told.charge_to, "This person")
    missing = -z_report.difference_minor
    if missing <= 0:
        raise Invalid({"charge_to": "owes nothing: nothing was missing"})
    owed = told.charge or missing
    if owed > missing:
        raise Invalid({"charge": f"is more than was missing, {missing:,}"})
    row = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "staff_id": person.id, "kind": StaffEntryKind.SHORTAGE.value,
        "amount_minor": owed, "about_id": drawer.id, "note": f"{z_report.number}: {told.explanation}",
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, StaffEntry, [row])
    return owed


def _figures(ctx: Context, told: AcceptDifference) -> tuple[int, str]:
    z_report = z_of_session(ctx.session, told.drawer_session_id)
    if z_report is None:
        raise NotFound("A Z report of this session")
    return int(orjson.loads(z_report.body)["size"]), z_report.number  # a surplus elsewhere makes it no smaller


register_figures("cash.accept_difference", _figures)
