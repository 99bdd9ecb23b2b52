"""Each business's own jobs at the hub: its notices, and the messages that go out. A shop's are done in the shop.

One runner for each business, kept for a life of the hub (`merge/lives.py`), so that what changed is told and what did
not is not written.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from cloudhub.every_business import BusinessFailed, for_every_business
from cloudhub.hub import Hub
from shopnode.domain.jobs import daily  # noqa: F401 — they register themselves
from shopnode.domain.jobs.running import JobRunner

_RUNNERS: WeakKeyDictionary[Hub, dict[tuple[str, str], JobRunner]] = WeakKeyDictionary()


def work_for_businesses(hub: Hub) -> str:
    """Do what is due for every business. Raises BusinessFailed, naming those whose jobs failed."""
    runners = _RUNNERS.setdefault(hub, {})
    unlucky: list[str] = []

    def work(tenant_id: str) -> int:
        runner = runners.setdefault((hub.identity.epoch, tenant_id), JobRunner(hub.home(tenant_id)))
        done = len(runner.run_due(sends=True))
        if runner.failures():
            unlucky.append(tenant_id)
        return done

    done, failed = for_every_business(hub, work)
    if failed or unlucky:
        raise BusinessFailed([*unlucky, *failed], "Jobs")
    return f"{sum(done)} jobs done"
