"""Each business's own jobs at the hub: its notices, and the messages that go out. A shop's are done in the shop.

One runner for each business, kept while the hub runs, so that what changed is told and what did not is not written.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from cloudhub.hub import Hub
from cloudhub.tenancy.tenants import all_tenants
from shopnode.domain.errors import Conflict
from shopnode.domain.jobs import daily  # noqa: F401 — they register themselves
from shopnode.domain.jobs.running import JobRunner

_RUNNERS: WeakKeyDictionary[Hub, dict[str, JobRunner]] = WeakKeyDictionary()


class BusinessFailed(Conflict):
    code = "business-failed"


def work_for_businesses(hub: Hub) -> str:
    """Do what is due for every business. Raises BusinessFailed, naming those whose jobs failed."""
    runners = _RUNNERS.setdefault(hub, {})
    done, failed = 0, []
    for tenant in all_tenants(hub):
        runner = runners.setdefault(tenant.id, JobRunner(hub.home(tenant.id)))
        done += len(runner.run_due(sends=True))
        if runner.failures():
            failed.append(tenant.id)
    if failed:
        raise BusinessFailed(f"Jobs failed of business {', '.join(failed)}.")
    return f"{done} jobs done"
