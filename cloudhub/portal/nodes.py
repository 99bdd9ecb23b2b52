"""The shops' computers: when each was last heard, what it has not sent, and what troubles it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import g, request

from cloudhub.portal.blueprint import bp, this_hub
from cloudhub.tenancy.clones import choose_run, runs_of
from cloudhub.tenancy.nodes import NodeView, nodes_of, revoke_node
from cloudhub.tenancy.rotation import ask_for_new_key
from cloudhub.tenancy.withdrawn import keep_withdrawn
from shopnode.domain.people.queries import all_shops
from shopnode.web.ui.forms import posted
from shopnode.web.ui.frame import page, part

QUIET_AFTER = timedelta(minutes=10)


@bp.get("/nodes")
def nodes() -> str:
    """Every shop's computer."""
    if request.args.get("part") == "list":
        return part("portal/_nodes.html", nodes=_rows())
    return nodes_page()


@bp.post("/nodes/<id:node_id>/choose")
def choose_computer(node_id: str) -> str:
    """Of two computers with one identity, this one lives; the other is shut out once it has a key of its own."""
    choose_run(this_hub().database, g.portal_user.tenant_id, node_id, posted().get("run", ""), _now_ms())
    return part("portal/_nodes.html", nodes=_rows())


@bp.post("/nodes/<id:node_id>/key")
def change_key(node_id: str) -> str:
    """The computer takes a new key when it is next heard; whoever has a copy of the old one is shut out then."""
    ask_for_new_key(this_hub().database, g.portal_user.tenant_id, node_id, _now_ms())
    return part("portal/_nodes.html", nodes=_rows())


@bp.post("/nodes/<id:node_id>/withdraw")
def withdraw(node_id: str) -> str:
    """The computer was stolen or put away: nothing it sends is taken any more, from its next word on."""
    revoke_node(this_hub().database, g.portal_user.tenant_id, node_id, _now_ms())
    keep_withdrawn(this_hub())
    return part("portal/_nodes.html", nodes=_rows())


def _now_ms() -> int:
    return this_hub().clock.wall_ms()


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
        "sent": _sent_words(node, state),
        "oldest_at": node.oldest_unsent_at, "version": node.software, "wants_update": False,
        "clock_off_s": (node.clock_error_ms or 0) // 1000, "trouble": _trouble(node),
        "runs": runs_of(g.ctx.session, node.id) if node.clone_suspected_at and not node.revoked_at else [],
        "chosen": node.chosen_run_id, "is_new_key_due": node.rotating, "is_withdrawn": node.revoked_at is not None,
    }  # fmt: skip


def _sent_words(node: NodeView, state: str) -> str:
    """Of a computer where nothing waits. What one that is not heard has recorded since, nobody knows here."""
    if node.revoked_at or node.clone_suspected_at or node.quarantined or state == "never":
        return ""
    return "all sent" if state == "online" else "nothing when last heard"


def _never(shop: str, code: str) -> dict[str, Any]:
    return {
        "id": "", "shop": shop, "code": code, "state": "never", "last_seen_at": None, "waiting": 0, "oldest_at": None,
        "sent": "",
        "version": None, "wants_update": False, "clock_off_s": 0, "trouble": None, "runs": [], "chosen": None,
        "is_new_key_due": False, "is_withdrawn": False,
    }  # fmt: skip


def _trouble(node: NodeView) -> str | None:
    if node.revoked_at is not None:
        return "Its permission was withdrawn."
    if node.clone_suspected_at is not None:
        if node.chosen_run_id is not None:
            return "Two computers used this identity. The one you chose takes a new key when it is next heard."
        return "Two computers use this identity, so neither is heard. Choose the one that goes on."
    if node.rotating:
        return "It takes a new key when it is next heard."
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
