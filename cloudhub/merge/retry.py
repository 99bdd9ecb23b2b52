"""Trying again what an older hub could not write: entries set aside for a technical fault, after every upgrade."""

from __future__ import annotations

import logging
from functools import partial

from cloudhub.hub import Hub
from cloudhub.merge.admission import retry_quarantined
from cloudhub.merge.books import Books
from cloudhub.merge.exchange import again
from cloudhub.merge.settle import settle
from cloudhub.tenancy.tenants import all_tenants
from cloudhub.version import HUB_VERSION

log = logging.getLogger("cloudhub.merge")


def retry_after_upgrade(hub: Hub, version: str = HUB_VERSION) -> int:
    """Try every entry that another version of the hub set aside. Returns how many could be written now."""
    count = sum(again(partial(_retry, hub, tenant.id, version)) for tenant in all_tenants(hub))
    if count:
        log.info("entries that had been set aside were written", extra={"count": count})
    return count


def _retry(hub: Hub, tenant_id: str, version: str) -> int:
    with hub.database.session(tenant_id, bulk=True) as session:
        books = Books(session, tenant_id)
        works = retry_quarantined(books, hub.clock.wall_ms(), version)
        if works:
            books.writer = (works[-1].origin_id, works[-1].n)
            settle(books, works, hub.clock)
    if works:
        hub.feed_moved(tenant_id)
    return len(works)
