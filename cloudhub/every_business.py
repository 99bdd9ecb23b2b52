"""The same work for every business, one after the other, so that none of them keeps it from the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from cloudhub.hub import Hub
from cloudhub.tenancy.tenants import all_tenants
from shopnode.domain.errors import Conflict

T = TypeVar("T")

log = logging.getLogger("cloudhub.jobs")


class BusinessFailed(Conflict):
    """Work was done for every business that let it; these did not."""

    code = "business-failed"

    def __init__(self, tenant_ids: list[str], what: str = "Work"):
        super().__init__(f"{what} failed for business {', '.join(tenant_ids)}; the log says where.")


def for_every_business(hub: Hub, work: Callable[[str], T]) -> tuple[list[T], list[str]]:
    """What the work came to for each business, and the ids of those where it failed."""
    done: list[T] = []
    failed: list[str] = []
    for tenant in all_tenants(hub):
        try:
            done.append(work(tenant.id))
        except Exception as fault:  # whatever it is, the next business has nothing to do with it
            log.exception("work failed for one business", extra={"tenant": tenant.id, "kind": type(fault).__name__})
            failed.append(tenant.id)
    return done, failed
