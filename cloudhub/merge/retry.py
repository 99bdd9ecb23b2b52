"""Trying again what an older hub could not write: entries set aside for a technical fault, after every upgrade."""

from __future__ import annotations

import logging
from functools import partial

from cloudhub.hub import Hub
from cloudhub.merge.admission import retry_quarantined
from cloudhub.merge.books import Books
from cloudhub.merge.exchange import again
from cloudhub.tenancy.tenants import all_tenants
from cloudhub.version import HUB_VERSION

log = logging.getLogger("cloudhub.merge")


def retry_after_upgrade(hub: Hub, version: str = HUB_VERSION) -> int:
    """Try every entry that another version of the hub set aside, and what waits for a row that is here. Returns how
    many could be written now. What goes wrong with one business is logged, and concerns no other."""
    count = 0
    for tenant in all_tenants(hub):
        try:
            count += again(partial(_retry, hub, tenant.id, version))
        except Exception:
            log.exception("entries that were set aside could not be tried again", extra={"tenant": tenant.id})
    if count:
        log.info("entries that had been set aside were written", extra={"count": count})
    return count


def _retry(hub: Hub, tenant_id: str, version: str) -> int:
    with hub.database.session(tenant_id, bulk=True) as session:
        works = retry_quarantined(Books(session, tenant_id), hub.clock.wall_ms(), version, hub.clock)
    if works:
        hub.feed_moved(tenant_id)
    return len(works)
