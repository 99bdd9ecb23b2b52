"""Every table of the hub's own, imported once so that the mapper and the migrations know them all."""

from cloudhub.base import APP_ROLE, GATE_ROLE, HubBase, TenantRow
from cloudhub.merge import models as merge
from cloudhub.merge import snapshot_models as snapshots
from cloudhub.tenancy import models as tenancy
from cloudhub.upkeep import models as upkeep

__all__ = ["APP_ROLE", "GATE_ROLE", "HubBase", "TenantRow", "merge", "snapshots", "tenancy", "upkeep"]
