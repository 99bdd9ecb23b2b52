"""Who is who: tenants, their shops' seats, nodes, enrolment codes, and the owners' logins to the portal.

Secrets are kept as hashes: codes and session ids by SHA-256 (they are random), passwords by Argon2id.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cloudhub.base import HubBase, TenantRow
from shopnode.domain.db import Id, UtcTime


class HubIdentity(HubBase):
    """This hub: one row. `epoch` changes when the database was restored from a backup.

    mark  written now and then, here and outside the database; the smaller one was restored
    """

    __tablename__ = "hub_identity"
    gate = "SELECT, UPDATE (mark)"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    private_key: Mapped[bytes] = mapped_column(LargeBinary)
    audience: Mapped[str] = mapped_column(String(100))  # the name that requests are signed for
    epoch: Mapped[str] = mapped_column(String(36))
    made_at: Mapped[UtcTime]
    mark: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class GateThrottle(HubBase):
    """Wrong tries at a code or a password, by account or address; survives restarts."""

    __tablename__ = "gate_throttle"
    gate = "SELECT, INSERT, UPDATE, DELETE"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    tries: Mapped[int]
    window_started_at: Mapped[UtcTime]


class Tenant(TenantRow):
    """A business that uses the hub. Its portal is an origin of its own."""

    __tablename__ = "tenant"
    app = "SELECT, INSERT, UPDATE"
    gate = "SELECT"

    name: Mapped[str]
    portal_origin_id: Mapped[Id]
    made_at: Mapped[UtcTime]


class ShopSeat(TenantRow):
    """A shop's place at the hub: what enrolment needs to know before any row of the shop's own exists."""

    __tablename__ = "shop_seat"
    __table_args__ = (UniqueConstraint("tenant_id", "code"),)
    app = "SELECT, INSERT, UPDATE, DELETE"
    gate = "SELECT"

    shop_id: Mapped[Id] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(12))
    installations: Mapped[int]  # how many PCs have been enrolled here, ever: the next one's series


class Node(TenantRow):
    """One installation in a shop. `run_id` and `earlier_run_id` are its last two starts: A, B, A betrays a clone."""

    __tablename__ = "node"
    __table_args__ = (Index("ix_node_shop_id", "tenant_id", "shop_id"),)
    app = "SELECT, INSERT, UPDATE"
    gate = "SELECT"

    id: Mapped[Id] = mapped_column(primary_key=True)
    shop_id: Mapped[Id]
    origin_id: Mapped[Id]
    series: Mapped[str] = mapped_column(String(32))
    public_key: Mapped[str] = mapped_column(String(43))
    next_public_key: Mapped[str | None] = mapped_column(String(43))  # counts from the first request signed with it
    past_public_key: Mapped[str | None] = mapped_column(String(43))  # the one before: whoever still has it is a copy
    rotate_asked_at: Mapped[UtcTime | None]  # it is told to take a new key
    device: Mapped[str] = mapped_column(String(200))
    software: Mapped[str] = mapped_column(String(200))
    enrolled_at: Mapped[UtcTime]
    revoked_at: Mapped[UtcTime | None]
    clone_suspected_at: Mapped[UtcTime | None]
    living_run_id: Mapped[Id | None]  # the run the owner chose, until it has a key of its own
    run_id: Mapped[Id | None]
    run_signed_s: Mapped[int | None]  # when the newest request of that run was signed
    earlier_run_id: Mapped[Id | None]
    seen_at: Mapped[UtcTime | None]
    sent_at: Mapped[UtcTime | None]  # when it last brought or took anything
    outbox: Mapped[int | None]
    oldest_unsent_at: Mapped[UtcTime | None]
    quarantined: Mapped[int | None]
    clock_error_ms: Mapped[int | None]  # how far its wall clock is ahead of ours
    free_disk_bytes: Mapped[int | None]
    protocol: Mapped[int | None]
    schema: Mapped[int | None]
    cursor: Mapped[int | None]


class NodeRun(TenantRow):
    """A start of a node's process: what an owner needs to tell two PCs with one identity apart. The newest few."""

    __tablename__ = "node_run"
    app = "SELECT, INSERT, UPDATE, DELETE"

    node_id: Mapped[Id] = mapped_column(primary_key=True)
    run_id: Mapped[Id] = mapped_column(primary_key=True)
    origin_id: Mapped[Id]  # what it signed for
    series: Mapped[str] = mapped_column(String(32))
    device: Mapped[str | None] = mapped_column(String(200))
    software: Mapped[str | None] = mapped_column(String(200))
    ip: Mapped[str | None] = mapped_column(String(64))
    first_at: Mapped[UtcTime]
    last_at: Mapped[UtcTime]
    refused_at: Mapped[UtcTime | None]  # the owner chose another one


class EnrolCode(TenantRow):
    """A one-time invitation for a PC to become a shop's node."""

    __tablename__ = "enrol_code"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "shop_id"], ["shop_seat.tenant_id", "shop_seat.shop_id"]),)
    app = "SELECT, INSERT, UPDATE, DELETE"
    gate = "SELECT"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    shop_id: Mapped[Id]
    made_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    used_at: Mapped[UtcTime | None]
    node_id: Mapped[Id | None]


class PortalLogin(TenantRow):
    """A person of the staff who may sign in to the portal."""

    __tablename__ = "portal_login"
    __table_args__ = (UniqueConstraint("tenant_id", "email"), Index("ix_portal_login_email", "tenant_id", "email"))
    app = "SELECT, INSERT, UPDATE"
    gate = "SELECT"

    id: Mapped[Id] = mapped_column(primary_key=True)
    staff_id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(200))  # lowercase
    password_hash: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[UtcTime]
    ended_at: Mapped[UtcTime | None]


class PortalSession(TenantRow):
    """A signed-in browser at the portal, found by the hash of the secret in its cookie."""

    __tablename__ = "portal_session"
    app = "SELECT, INSERT, UPDATE, DELETE"
    gate = "SELECT"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    login_id: Mapped[Id]
    made_at: Mapped[UtcTime]
    seen_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    ended_at: Mapped[UtcTime | None]
    ip: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(300))
