"""A second person beside a form of a whole page: asked for when the action says so, with their own PIN, once."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g

from shopnode.domain.context import Approval
from shopnode.domain.errors import ApprovalNeeded, ShopError
from shopnode.domain.people.queries import staff_of_shop


def asked_approval(typed: Mapping[str, str]) -> Approval | None:
    """The approval that came with the form."""
    return Approval(typed.get("approver_id", ""), typed["approver_pin"]) if typed.get("approver_pin") else None


def second_people(error: ShopError, typed: Mapping[str, str]) -> list[tuple[str, str]]:
    """Who may say yes, as (id, name), when this refusal asks for one or their PIN was wrong; else nobody."""
    if not isinstance(error, ApprovalNeeded) and not typed.get("approver_pin"):
        return []
    return [
        (person.id, f"{person.name}, {person.role.value}")
        for person in staff_of_shop(g.ctx.session, g.ctx.shop_id)
        if person.has_pin and person.id != g.ctx.actor.id and person.may_approve
    ]
