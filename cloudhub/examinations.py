"""What the doctor looks at beside bytes and hashes: what was computed, what is durable, the hub's jobs, the nodes.

A *finding* is something wrong with the hub. A *note* is worth knowing and leaves it healthy: no backup is set up, a
shop has been silent for days.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhub.hub import Hub
from cloudhub.jobs import LastRun
from cloudhub.merge.rebuild_tables import Difference, compare, copy_live
from cloudhub.tenancy.models import Node, ShopSeat
from shopnode.domain.clock import to_datetime
from shopnode.domain.deriving import computed_tables, derive_all, derived_tables

BACKUP_OLD = timedelta(hours=50)  # two nights and some hours
NODE_SILENT = timedelta(days=3)
OWN_WORDS = "stock_level"  # told by a check of its own, which names shop and product
LISTED_MAX = 20


def wrong_derived(hub: Hub, tenant_id: str) -> Iterator[str]:
    """Derived rows and columns that are not what their rows make of them."""
    computed = computed_tables()
    tables = [*computed, *derived_tables()]
    with hub.database.shadowed(tenant_id, [table.name for table in tables]) as session:
        for table in computed:
            copy_live(session, table)
        derive_all(session)
        found: list[Difference] = []
        for table in tables:
            if table.name != OWN_WORDS:
                found += compare(session, table)[2]
    yield from (f"{each.table} {each.row} {each.what}" for each in found[:LISTED_MAX])


def wrong_jobs(hub: Hub, runs: list[LastRun]) -> Iterator[tuple[str, str]]:
    """Jobs whose last run failed, or that were cut off; a backup that is too old."""
    now = to_datetime(hub.clock.wall_ms())
    for run in runs:
        when = f"{run.began_at:%Y-%m-%d %H:%M} UTC"
        if run.ok is False:
            yield run.job, f"failed on {when}: {run.words}"
        elif run.ok is None and now - run.began_at > BACKUP_OLD:
            yield run.job, f"was cut off on {when} and has not run since"
        elif run.job == "backup" and now - run.began_at > BACKUP_OLD:
            yield run.job, f"the last one is of {when}; nothing recorded since is durable"


def job_notes(hub: Hub, runs: list[LastRun]) -> Iterator[str]:
    """How the jobs went, for whoever looks."""
    for run in runs:
        yield f"{run.job}: {run.began_at:%Y-%m-%d %H:%M} UTC, {run.words or 'running'}"
    if hub.settings.backup_folder is None:
        yield "No nightly backup is set up (CLOUDHUB_BACKUP_FOLDER), so nothing is durable; shops keep all they sent."


def silent_nodes(hub: Hub, session: Session) -> Iterator[str]:
    """Computers of shops that have not been heard for days, or that may be two."""
    now = to_datetime(hub.clock.wall_ms())
    nodes = select(Node, ShopSeat.code).join(ShopSeat, ShopSeat.shop_id == Node.shop_id)
    for node, code in session.execute(nodes.where(Node.revoked_at.is_(None)).order_by(ShopSeat.code, Node.series)):
        if node.clone_suspected_at is not None:
            yield f"{node.series} in shop {code} may be two computers; the owner has to choose one."
        seen = node.seen_at or node.enrolled_at
        if now - seen > NODE_SILENT:
            yield f"{node.series} in shop {code} was last heard {(now - seen).days} days ago."
