"""The shops' computers: when each was last heard, what it has not sent, and what troubles it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import g, request

from cloudhub.portal.blueprint import bp
from cloudhub.tenancy.nodes import NodeView, nodes_of
from shopnode.domain.people.queries import all_shops
from shopnode.web.ui.frame import page, part

QUIET_AFTER = timedelta(minutes=10)


@bp.get("/nodes")
def nodes() -> str:
    """Every shop's computer."""
    if request.args.get("part") == "list":
        return part("portal/_nodes.html", nodes=_rows())
    return nodes_page()


def nodes_page(refused: str | None = None) -> str:
    """The whole page. `refused` is why a shop's file was not taken."""
    crumbs = [("Shop computers", None)]
    return page("portal/nodes.html", nodes=_rows(), now_at=g.ctx.now, refused=refused, crumbs=crumbs)


def _rows() -> list[dict[str, Any]]:
    shops = {shop.id: shop for shop in all_shops(g.ctx.session)}
    found = nodes_of(g.ctx.session)
    rows = [_row(node, shops[node.shop_id].name if node.shop_id in shops else "") for node in found]
    seen = {node.shop_id for node in found}
    rows += [_never(shop.name, shop.code) for shop in shops.values() if shop.id not in seen]
    return sorted(rows, key=lambda row: (row["shop"].casefold(), row["code"]))


def _row(node: NodeView, shop: str) -> dict[str, Any]:
    state = "never" if node.seen_at is None else "online" if g.ctx.now - node.seen_at < QUIET_AFTER else "quiet"
    return {
        "id": node.id, "shop": shop, "code": node.series, "last_seen_at": node.seen_at,
        "state": "stopped" if node.revoked_at or node.clone_suspected_at else state, "waiting": node.outbox or 0,
        "oldest_at": node.oldest_unsent_at, "version": node.software, "wants_update": False,
        "clock_off_s": (node.clock_error_ms or 0) // 1000, "trouble": _trouble(node),
    }  # fmt: skip


def _never(shop: str, code: str) -> dict[str, Any]:
    return {
        "id": "", "shop": shop, "code": code, "state": "never", "last_seen_at": None, "waiting": 0, "oldest_at": None,
        "version": None, "wants_update": False, "clock_off_s": 0, "trouble": None,
    }  # fmt: skip


def _trouble(node: NodeView) -> str | None:
    if node.revoked_at is not None:
        return "Its permission was withdrawn."
    if node.clone_suspected_at is not None:
        return "Two computers use this identity. Put one away."
    if node.quarantined:
        return f"{node.quarantined} entries could not be applied and are kept."
    return None


def latest_by_shop(found: Iterable[NodeView]) -> dict[str, NodeView]:
    """The computer of each shop that was heard last."""
    latest: dict[str, NodeView] = {}
    for node in found:
        if node.revoked_at is not None:
            continue
        known = latest.get(node.shop_id)
        if known is None or known.seen_at is None or (node.seen_at is not None and node.seen_at > known.seen_at):
            latest[node.shop_id] = node
    return latest
