"""Snapshots that were made for nodes, kept for a day so that a bad line can fetch them piece by piece."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cloudhub.base import TenantRow
from shopnode.domain.db import Id, UtcTime


class Snapshot(TenantRow):
    """What was read for one node at one moment. Nobody else is given it."""

    __tablename__ = "snapshot"
    __table_args__ = (Index("ix_snapshot_node_id", "tenant_id", "node_id"),)
    app = "SELECT, INSERT, DELETE"

    id: Mapped[Id] = mapped_column(primary_key=True)
    node_id: Mapped[Id]
    epoch: Mapped[str] = mapped_column(String(36))
    schema: Mapped[int]  # of the node
    since_schema: Mapped[int]  # 0 for all of its rows
    no: Mapped[int]  # of the feed
    made_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    manifest: Mapped[str] = mapped_column(Text)


class SnapshotChunk(TenantRow):
    """One chunk, as the bytes that are sent."""

    __tablename__ = "snapshot_chunk"
    app = "SELECT, INSERT, DELETE"

    snapshot_id: Mapped[Id] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)
