"""Remembered browsers of whoever is signed in, and what is kept about one of the staff: taken along, or forgotten."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from shopnode.api.auth import accounts
from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant
from shopnode.domain.params import Params, Reason
from shopnode.domain.people.own_data import data_of
from shopnode.domain.people.remembering import end_remembered, remembered_browsers
from shopnode.domain.permissions import Permission


class BrowserOut(BaseModel):
    """A browser in which one comes back by one's PIN."""

    id: str
    name: str
    made_at: Instant
    used_at: Instant | None
    expires_at: Instant


class BrowserList(BaseModel):
    items: list[BrowserOut]


class Forgetting(Params):
    """On whose word somebody is forgotten."""

    reason: Reason


class DataOut(BaseModel):
    """What this home keeps about one person, without secrets. Amounts are whole minor units."""

    person: dict[str, Any]
    chosen_for_them: dict[str, Any]
    ways_in: dict[str, Any]
    hours: list[dict[str, Any]]
    corrections_of_hours: list[dict[str, Any]]
    commission: list[dict[str, Any]]
    account: dict[str, Any]
    what_they_did: list[dict[str, Any]]


@route("GET", "/auth/browsers", needs=Permission.OWN_CREDENTIALS)
def own_browsers(call: Call) -> BrowserList:
    """Where one is remembered at this home, the last used first."""
    rows = remembered_browsers(call.ctx.session, call.ctx.actor.id or "", call.ctx.now)
    return BrowserList(items=[BrowserOut(**asdict(row)) for row in rows])


@route("DELETE", "/auth/browsers/<browser_id>", needs=Permission.OWN_CREDENTIALS, status=204, other_statuses=(404,))
def forget_own_browser(call: Call, browser_id: str) -> None:
    """Be remembered in one browser no more."""
    end_remembered(call.ctx.home, call.ctx.actor.id or "", browser_id)


@route("POST", "/staff/<staff_id>/data", action="staff.export_data")
def take_data(call: Call, staff_id: str) -> DataOut:
    """What is kept about oneself; an owner takes anybody's. That it was taken is written down."""
    call.perform({"staff_id": staff_id})
    return DataOut(**data_of(call.ctx, staff_id))


@route("POST", "/staff/<staff_id>/erase", action="staff.erase", status=204, other_statuses=(409,))
def erase_person(call: Call, staff_id: str, body: Forgetting) -> None:
    """Forget somebody who left and owes nothing. Their name stays, for the books say who sold."""
    call.perform({"staff_id": staff_id, **body.model_dump()})
    accounts().end_all(call.ctx, staff_id)
