"""The list of repairs at the counter: found by anything that is known of them, narrowed by state and technician."""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for

from shopnode.domain.people.queries import staff_of_shop
from shopnode.domain.repairs.models import RepairStatus
from shopnode.domain.repairs.views import TicketFilter, list_tickets
from shopnode.web.counter.blueprint import bp
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.repairs import TONES
from shopnode.web.ui.request import is_htmx

SHOWN = [("open", "Here"), ("late", "Late"), ("ready", "To be fetched"), ("mine", "Mine"), ("all", "All")]
STATUSES = [("", "in any state"), *((status.value, status.value.lower()) for status in RepairStatus)]
Q_MAX = 100


@bp.get("/repairs")
def repairs() -> str:
    """Repairs, the latest first."""
    people = [(person.id, person.name) for person in staff_of_shop(g.ctx.session, str(g.ctx.shop_id))]
    asked = _asked({staff_id for staff_id, _ in people})
    found = list_tickets(g.ctx, _wanted(asked), cursor=request.args.get("cursor"))
    further: dict[str, Any] = {name: words for name, words in asked.items() if words}
    values: dict[str, Any] = {
        "rows": found.rows, "filters": asked, "tones": TONES,
        "next_url": url_for("counter.repairs", **further, cursor=found.next_cursor) if found.next_cursor else None,
    }  # fmt: skip
    if "cursor" in request.args:
        return part("counter/_repair_rows.html", **values)
    if is_htmx():
        return part("counter/_repairs.html", **values)
    return page(
        "counter/repairs.html", choices=SHOWN, statuses=STATUSES, technicians=[("", "anybody"), *people],
        crumbs=[("Repairs", None)], **values,
    )  # fmt: skip


def _asked(people: set[str]) -> dict[str, str]:
    """The filters in force; what the address cannot mean is left out."""
    asked = {name: request.args.get(name, "").strip()[:Q_MAX] for name in ("show", "q", "status", "technician")}
    asked["show"] = asked["show"] if asked["show"] in dict(SHOWN) else "open"
    asked["status"] = asked["status"] if asked["status"] in dict(STATUSES) else ""
    asked["technician"] = asked["technician"] if asked["technician"] in people else ""
    return asked


def _wanted(asked: dict[str, str]) -> TicketFilter:
    """A state that was chosen is looked for among all: delivered ones are not here any more."""
    shown = asked["show"]
    status = RepairStatus(asked["status"]) if asked["status"] else None
    return TicketFilter(
        text=asked["q"], status=status, is_open=None if shown == "all" or status else True,
        technician_id=g.ctx.actor.id if shown == "mine" else asked["technician"] or None,
        late=shown == "late", ready=shown == "ready",
    )  # fmt: skip
