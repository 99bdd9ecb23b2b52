"""Permissions that were withdrawn and keys that were given up, kept beside the database as well: a hub that is put
back to a backup would hear a stolen computer, or the copy of a computer, again.

Invariants:
  * What is kept there holds: it is done again at the next look where the database does not know of it.
  * Nothing in it gives a permission: a computer that the database has withdrawn stays so.
"""

from __future__ import annotations

import logging
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from cloudhub.beside import read_beside, write_beside
from cloudhub.tenancy.models import Node
from cloudhub.tenancy.nodes import revoke_node

if TYPE_CHECKING:
    from cloudhub.hub import Hub

log = logging.getLogger("cloudhub.tenancy")


@dataclass(frozen=True)
class Known:
    """What is known of a computer's right to speak."""

    tenant_id: str
    revoked: bool
    key: str
    given_up: tuple[str, ...]  # earlier keys, which copies of it may still have


def keep_withdrawn(hub: Hub) -> None:
    """At a start, now and then, and when a permission is withdrawn: bring the database and the file together."""
    file = hub.settings.data / "withdrawn.json"
    told = read_beside(file, hub.identity.public_key, "nodes") or {}
    beside = {
        node_id: Known(tenant_id, revoked, key, tuple(given_up))
        for node_id, (tenant_id, revoked, key, given_up) in told.items()
    }
    for node_id, here in _in_database(hub).items():
        if node_id in beside:
            _do_again(hub, node_id, beside[node_id], here)
    now = {node_id: known for node_id, known in _in_database(hub).items() if known.revoked or known.given_up}
    for node_id, known in beside.items():
        current = now.get(node_id, known)  # of a computer that the backup does not know, what was known stays
        given_up = dict.fromkeys((*known.given_up, *current.given_up))
        now[node_id] = replace(current, given_up=tuple(key for key in given_up if key != current.key))
    if now != beside:
        write_beside(file, hub.identity.public_key, "nodes", {name: astuple(known) for name, known in now.items()})


def _do_again(hub: Hub, node_id: str, beside: Known, here: Known) -> None:
    if beside.revoked and not here.revoked:
        revoke_node(hub.database, here.tenant_id, node_id, hub.clock.wall_ms())
        log.warning("a permission was withdrawn again after a restore", extra={"node": node_id})
    if here.key in beside.given_up:
        with hub.database.session(here.tenant_id) as session:
            change = update(Node).where(Node.id == node_id, Node.public_key == here.key)
            session.execute(change.values(public_key=beside.key, past_public_key=here.key, next_public_key=None))
        log.warning("a key was given up again after a restore", extra={"node": node_id})


def _in_database(hub: Hub) -> dict[str, Known]:
    columns = select(Node.id, Node.tenant_id, Node.revoked_at, Node.public_key, Node.past_public_key)
    with hub.database.gate() as session:
        return {
            row.id: Known(
                row.tenant_id, row.revoked_at is not None, row.public_key,
                (row.past_public_key,) if row.past_public_key else (),
            )
            for row in session.execute(columns)
        }  # fmt: skip
