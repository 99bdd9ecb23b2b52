"""Devices between branches at the counter (rule 77): what is on its way here, what we sent, and how a way ends."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.errors import ShopError
from shopnode.domain.repairs.benches import RepairWay, repair_ways
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.repair_words import shown_errors
from shopnode.web.counter.screen import gone_to
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.request import act

SHOWN = [("moving", "On their way"), ("arrived", "Arrived"), ("all", "All")]
ARRIVED = {"moving": False, "arrived": True, "all": None}


@bp.get("/repairs/transfers", endpoint="repair_ways")
def list_repair_ways() -> str:
    """Devices between branches, the latest first."""
    shown = request.args.get("show", "moving")
    values = _values(shown if shown in ARRIVED else "moving", request.args.get("cursor"))
    if "cursor" in request.args:
        return part("counter/_repair_way_rows.html", **values)
    crumbs = [("Repairs", url_for("counter.repairs")), ("Between branches", None)]
    return page("counter/repair_ways.html", choices=SHOWN, crumbs=crumbs, **values)


@bp.post("/repairs/transfers/<id:transfer_id>/receive")
def receive_repair(transfer_id: str) -> str | Response:
    """It is in our hands: to be mended here, or home again."""
    return _end(transfer_id, "repairs.receive_from_branch", "notes")


@bp.post("/repairs/transfers/<id:transfer_id>/recall")
def recall_repair(transfer_id: str) -> str | Response:
    """It never arrived there: we have it still, or again."""
    return _end(transfer_id, "repairs.recall_transfer", "reason")


def _end(transfer_id: str, action: str, asks: str) -> str | Response:
    typed = posted()

    def drawn(error: ShopError) -> str:
        values = _values("moving", None)
        return part("counter/_repair_ways.html", **values | {"about": transfer_id, "typed": typed,
                                                             "errors": shown_errors(error, {asks})})  # fmt: skip

    on_refusal(drawn)
    form = {"transfer_id": transfer_id, asks: typed.get(asks, "")}
    done = act(action, form, action_id=posted_action_id(typed))
    return gone_to(url_for("counter.repair", ticket_id=done.result["ticket_id"]))


def _values(shown: str, cursor: str | None) -> dict[str, Any]:
    found = repair_ways(g.ctx, arrived=ARRIVED[shown], cursor=cursor)
    next_url = url_for("counter.repair_ways", show=shown, cursor=found.next_cursor) if found.next_cursor else None
    rows = [{"way": way, "says": _says(way), "is_for_us": way.to_shop_id == g.ctx.shop_id} for way in found.rows]
    return {"rows": rows, "next_url": next_url, "shown": shown, "about": "", "typed": {}, "errors": {}}


def _says(way: RepairWay) -> str:
    """What became of it, seen from here."""
    if way.received_at is None:
        return "On its way"
    if way.received_by_shop_id == way.from_shop_id:
        return "Taken back"
    return "Home again" if way.is_return else "Arrived"
