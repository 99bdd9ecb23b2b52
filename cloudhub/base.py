"""The hub's own tables, beside those it shares with the nodes.

Invariants:
  * A table with rows of tenants has `tenant_id`, and every key of it begins with that; row-level security does the
    rest (`rls.py`). What a role may do with a table stands here, beside its columns; what is not granted is denied.
  * `phoneshop_app` works for one tenant at a time. `phoneshop_gate` only finds out who somebody is.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shopnode.domain.db import Base, Id

APP_ROLE = "phoneshop_app"
GATE_ROLE = "phoneshop_gate"


class HubBase(DeclarativeBase):
    """Tables that only the hub has.

    app   what phoneshop_app may do with the rows of its tenant
    gate  what phoneshop_gate may do with the rows of all tenants
    """

    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    type_annotation_map: ClassVar[dict[Any, Any]] = Base.type_annotation_map

    app: ClassVar[str] = ""
    gate: ClassVar[str] = ""


class TenantRow(HubBase):
    """A row of one tenant."""

    __abstract__ = True

    tenant_id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-1)  # every key begins with it
