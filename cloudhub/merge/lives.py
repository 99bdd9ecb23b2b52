"""The hub's lives: each time its database was put back to an earlier state, it begins another one.

A life is begun by `cloudhub restore`; at a start that finds the database older than the mark beside it; and when a
node shows a page that this hub signed and does not remember. Nodes notice by the epoch.

Invariants:
  * A life begins for all tenants in one transaction, or not at all.
  * A feed number is never given twice. What was lost had numbers that nobody knows any more, so a life begins far above
    them, and higher the later it begins: two lives that grew from one backup do not share numbers either.
  * In each life the portal's acts are another origin: the same places of the old one may bear other acts, now lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from cloudhub.beside import read_beside, write_beside
from cloudhub.tenancy.models import HubIdentity, Tenant
from cloudhub.tenancy.withdrawn import keep_withdrawn
from shopnode.domain.errors import Busy
from sync_protocol.chain import genesis

if TYPE_CHECKING:
    from cloudhub.hub import Hub

GAP = 1_000_000  # numbers that nobody in one tenant can have been given since the last backup
COUNTED_FROM_MS = 1_767_225_600_000  # the first of January 2026: the milliseconds since then are added to the gap
MARK_EVERY_S = 300
ONE_LIFE = 7_403_226_003  # advisory lock: two processes may find out at the same time

log = logging.getLogger("cloudhub.lives")


def begin_new_life(hub: Hub, reason: str, lost: Mapping[str, int] | None = None) -> str:
    """Let the hub begin another life, unless another process has just begun it; the epoch that holds now.

    lost  tenant → the greatest number known to have been given and lost
    """
    with hub.database.gate() as session:
        tenants = list(session.scalars(select(Tenant.tenant_id)))
    url = hub.owner_url.replace("postgresql+psycopg", "postgresql", 1)
    with psycopg.connect(url, options="-c timezone=UTC") as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_LIFE])
        row = connection.execute("SELECT epoch FROM hub_identity").fetchone()
        if row == (hub.identity.epoch,):
            _begin(hub, connection, reason, tenants, lost or {})
    hub.notice_life()
    return hub.identity.epoch


def _begin(hub: Hub, connection: psycopg.Connection, reason: str, tenants: list[str], lost: Mapping[str, int]) -> None:
    epoch, now_ms = hub.new_id(), hub.clock.wall_ms()
    connection.execute("INSERT INTO hub_life (epoch, began_at, reason) VALUES (%s, %s, %s)", [epoch, now_ms, reason])
    connection.execute("UPDATE hub_identity SET epoch = %s, mark = greatest(mark + 1, %s)", [epoch, now_ms])
    gap = GAP + max(0, now_ms - COUNTED_FROM_MS)
    for tenant_id in sorted(tenants):
        # Even the owner of the tables sees a tenant's rows only by naming it.
        connection.execute("SELECT set_config('app.tenant', %s, true)", [tenant_id])
        connection.execute(_JUMP, {"gap": gap, "lost": lost.get(tenant_id, 0), "epoch": epoch, "tenant": tenant_id})
        portal = hub.new_id()
        connection.execute(_ORIGIN, {"tenant": tenant_id, "portal": portal, "genesis": genesis(portal), "now": now_ms})
        connection.execute(_PORTAL, {"portal": portal, "tenant": tenant_id})
    log.warning("another life of the hub begins", extra={"reason": reason, "tenants": len(tenants)})


def keep_mark(hub: Hub) -> None:
    """At a start, and now and then: compare the mark in the database with the one beside it, and move both on; and
    what was withdrawn from computers.

    A database whose mark is the smaller one was put back without a word. No mark beside it means another computer.
    """
    file = _mark_file(hub.settings.data)
    beside = read_beside(file, hub.identity.public_key, "mark")  # before the database, which only grows meanwhile
    with hub.database.gate() as session:
        kept = session.scalars(select(HubIdentity.mark)).one()
    if beside is not None and beside > kept:
        begin_new_life(hub, "mark")
    with hub.database.gate() as session:
        mark = session.execute(_MARK, {"now": hub.clock.wall_ms()}).scalar_one()
    write_beside(file, hub.identity.public_key, "mark", mark)
    keep_withdrawn(hub)
    hub.notice_life()


def keep_marking(hub: Hub, stop: threading.Event) -> None:
    """Move the mark on while the hub runs, so that a restore is noticed however long ago it was started."""
    while not stop.wait(MARK_EVERY_S):
        try:
            keep_mark(hub)
        except (Busy, SQLAlchemyError, psycopg.Error, OSError) as fault:
            log.warning("the mark was not moved on", extra={"kind": type(fault).__name__})


def _mark_file(data: Path) -> Path:
    return data / "mark.json"


_MARK = text("UPDATE hub_identity SET mark = greatest(mark + 1, :now) RETURNING mark")
_JUMP = """
UPDATE tenant_feed SET seq = greatest(seq, %(lost)s) + %(gap)s, base_no = greatest(seq, %(lost)s) + %(gap)s,
  epoch = %(epoch)s WHERE tenant_id = %(tenant)s
"""
_ORIGIN = """
INSERT INTO origin (tenant_id, id, head_n, head_hash, durable_n, opened_at)
VALUES (%(tenant)s, %(portal)s, 0, %(genesis)s, 0, %(now)s)
"""
_PORTAL = "UPDATE tenant SET portal_origin_id = %(portal)s WHERE tenant_id = %(tenant)s"
