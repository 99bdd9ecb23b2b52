"""The log's floor: below it the feed keeps what proves it, and no longer what it said.

A line that was taken as written can be made again from the entry in the inbox, so its body is dropped once nobody is
expected to ask for it any more. Numbers, links and hashes stay: witnesses are found and streams are checked as before.

Invariants:
  * The floor only rises. Every line up to it is older than the days that are kept, and of the entries whose lines lost
    their bodies a verified backup has a copy.
  * A node that has not read up to the floor is told so, and takes a snapshot; it is never sent a feed with holes.
"""

from __future__ import annotations

import logging

from cloudhub.every_business import BusinessFailed, for_every_business
from cloudhub.hub import Hub
from cloudhub.merge.books import Books

LINES_AT_ONCE = 10_000
DAY_MS = 86_400_000

log = logging.getLogger("cloudhub.merge")


def prune_log(hub: Hub, days: int | None = None) -> str:
    """Raise the floors of all businesses. Answers what it came to, in words; a nightly job."""
    kept_days = hub.settings.log_days if days is None else days
    before_ms = hub.clock.wall_ms() - kept_days * DAY_MS
    counts, failed = for_every_business(hub, lambda tenant_id: _prune(hub, tenant_id, before_ms))
    count = sum(counts)
    if count:
        log.info("feed pruned", extra={"count": count})
    if failed:
        raise BusinessFailed(failed, "Pruning the feed")
    return f"{count} lines of the feed are kept as their hashes alone"


def _prune(hub: Hub, tenant_id: str, before_ms: int) -> int:
    """Raise one floor, a few lines in each transaction. Returns how many bodies went."""
    count = 0
    while True:
        with hub.database.session(tenant_id, bulk=True) as session:
            books = Books(session, tenant_id)
            ((floor,),) = books.rows("SELECT floor FROM tenant_feed WHERE tenant_id = %s", [tenant_id])
            ((first_kept,),) = books.rows(_FIRST_KEPT, {"tenant": tenant_id, "floor": floor, "before": before_ms})
            ((raised,),) = books.rows(
                _NEXT, {"tenant": tenant_id, "floor": floor, "kept": first_kept, "lines": LINES_AT_ONCE}
            )
            if raised is None:
                return count
            count += books.run(_DROP, {"tenant": tenant_id, "floor": floor, "raised": raised})
            books.run("UPDATE tenant_feed SET floor = %s WHERE tenant_id = %s", [raised, tenant_id])


# The first line above the floor that must stay: it is young, or nobody else has what it says.
_FIRST_KEPT = """
SELECT min(no) FROM (
  SELECT f.no FROM feed_line f
  LEFT JOIN journal_entry e ON e.tenant_id = f.tenant_id AND e.origin_id = f.origin_id AND e.n = f.n
  LEFT JOIN origin o ON o.tenant_id = f.tenant_id AND o.id = f.origin_id
  WHERE f.tenant_id = %(tenant)s AND f.no > %(floor)s
    AND (e.received_at IS NULL OR e.received_at >= %(before)s OR (f.as_written AND f.n > coalesce(o.durable_n, 0)))
  ORDER BY f.no LIMIT 1
) AS line
"""
_NEXT = """
SELECT max(no) FROM (
  SELECT no FROM feed_line WHERE tenant_id = %(tenant)s AND no > %(floor)s
    AND (%(kept)s::bigint IS NULL OR no < %(kept)s) ORDER BY no LIMIT %(lines)s
) AS line
"""
_DROP = """
UPDATE feed_line SET body = NULL, personal = NULL
WHERE tenant_id = %(tenant)s AND no > %(floor)s AND no <= %(raised)s AND as_written
"""
