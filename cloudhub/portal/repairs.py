"""Repairs of all shops as the owner looks at them: what is open, what is late, what waits longest, who has how much.

Nothing is changed here: a ticket is its shop's own, and the device lies there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue

from cloudhub.portal.blueprint import bp
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX, Page
from shopnode.domain.people.queries import all_shops, find_shop, staff_list
from shopnode.domain.phones import show_phone
from shopnode.domain.photos.store import whole
from shopnode.domain.repairs.checklists import label_of
from shopnode.domain.repairs.models import RepairEvent, RepairStatus
from shopnode.domain.repairs.queries import event_photo, find_ticket
from shopnode.domain.repairs.views import (
    TicketFilter,
    TicketRow,
    TicketView,
    count_open,
    list_longest_here,
    list_tickets,
    ticket_view,
    work_in_hand,
)
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.pictures import kept_photo
from shopnode.web.ui.repairs import TONES, told_event
from shopnode.web.ui.request import is_htmx

SHOWN = [("longest", "that wait longest"), ("open", "that came last"), ("late", "that are late"),
         ("ready", "that are ready"), ("all", "also those that left")]  # fmt: skip
STATUSES = [("", "in any state"), *((status.value, status.value.lower()) for status in RepairStatus)]
NAMES = ("show", "shop", "status", "technician", "q")
TITLES = ["repair", "shop", "state", "device", "customer", "technician", "taken_in", "promised", "late", "days_here"]
Q_MAX = 100


@bp.get("/repairs")
def repairs() -> ResponseReturnValue:
    """Repairs of all shops, read-only."""
    shops = {shop.id: shop.name for shop in all_shops(g.ctx.session)}
    people = {person.id: person.name for person in staff_list(g.ctx.session)}
    asked = _asked(shops, people)
    file = asked_file()
    if file is not None:
        return table_answer("repairs", file, TITLES, _file_rows(asked, shops))
    found = _listed(asked, PAGE_DEFAULT, request.args.get("cursor"))
    further: dict[str, Any] = {name: words for name, words in asked.items() if words}
    values: dict[str, Any] = {
        "rows": [_row(row, shops) for row in found.rows], "filters": further, "asked": asked, "tones": TONES,
        "next_url": url_for("portal.repairs", **further, cursor=found.next_cursor) if found.next_cursor else None,
    }  # fmt: skip
    if "cursor" in request.args:
        return part("portal/_repair_rows.html", **values)
    shop_id = asked["shop"] or None
    values |= {"by_state": count_open(g.ctx, shop_id), "in_hand": work_in_hand(g.ctx, shop_id)}
    if is_htmx():
        return part("portal/_repairs.html", **values)
    choices = {
        "shown": SHOWN, "statuses": STATUSES, "shops": [("", "all shops"), *shops.items()],
        "people": [("", "anybody"), *people.items()],
    }  # fmt: skip
    return page("portal/repairs.html", choices=choices, crumbs=[("Repairs", None)], **values)


@bp.get("/repairs/<id:ticket_id>")
def repair(ticket_id: str) -> str:
    """One repair of any shop, as it stands."""
    view = ticket_view(g.ctx, ticket_id)
    ticket = view.row.ticket
    return page(
        "portal/repair.html", view=view, ticket=ticket, row=view.row, tones=TONES,
        shop_name=find_shop(g.ctx.session, ticket.shop_id).name,
        phone=show_phone(view.row.phone) if view.row.phone else None,
        checks=[(label_of(item), answer) for item, answer in view.checklist.items()],
        pictures=_pictures_here(view),
        events=[told_event(told) for told in reversed(view.told)],
        crumbs=[("Repairs", url_for("portal.repairs")), (ticket.number, None)],
    )  # fmt: skip


def _pictures_here(view: TicketView) -> list[RepairEvent]:
    """Photos and signatures that have come here; others are still in the shop."""
    told = [one.event for one in view.told if one.event.photo]
    here = whole(g.ctx.session, [event.photo for event in told if event.photo])
    return [event for event in told if event.photo in here]


@bp.get("/repairs/<id:ticket_id>/photos/<id:event_id>")
def repair_photo(ticket_id: str, event_id: str) -> Response:
    """A photo or a signature of it, once it has come here."""
    return kept_photo(event_photo(g.ctx.session, find_ticket(g.ctx, ticket_id).id, event_id))


def _asked(shops: dict[str, str], people: dict[str, str]) -> dict[str, str]:
    """The filters in force; what the address cannot mean is left out."""
    asked = {name: request.args.get(name, "").strip()[:Q_MAX] for name in NAMES}
    known = {"show": dict(SHOWN), "shop": shops, "status": dict(STATUSES), "technician": people}
    asked |= {name: asked[name] if asked[name] in values else "" for name, values in known.items()}
    asked["show"] = asked["show"] or "longest"
    return asked


def _listed(asked: dict[str, str], limit: int, cursor: str | None) -> Page[TicketRow]:
    shown = asked["show"]
    status = RepairStatus(asked["status"]) if asked["status"] else None
    wanted = TicketFilter(
        text=asked["q"], status=status, is_open=None if shown == "all" or status else True,
        technician_id=asked["technician"] or None, late=shown == "late", ready=shown == "ready",
        shop_id=asked["shop"] or None,
    )  # fmt: skip
    listed = list_tickets if shown in ("open", "all") else list_longest_here
    return listed(g.ctx, wanted, limit=limit, cursor=cursor)


def _row(row: TicketRow, shops: dict[str, str]) -> dict[str, Any]:
    ticket = row.ticket
    until = ticket.delivered_at or g.ctx.now
    return {"row": row, "ticket": ticket, "shop": shops.get(ticket.shop_id, ""), "days": (until - ticket.taken_at).days}


def _file_rows(asked: dict[str, str], shops: dict[str, str]) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = _listed(asked, PAGE_MAX, cursor)
        for row in found.rows:
            told, ticket = _row(row, shops), row.ticket
            yield [ticket.number, told["shop"], ticket.status, f"{ticket.brand} {ticket.model}", row.customer,
                   row.technician, ticket.taken_at, ticket.promised_at, row.is_late, told["days"]]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return
