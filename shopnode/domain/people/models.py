"""The business, its shops, its staff, and where each of them works.

Password hashes travel only to the shops where a person works (`StaffPosting` is in the shop's stream). PIN hashes
never leave a node (`StaffPin` is local): a four-digit PIN falls to whoever holds its hash.
"""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.clock import act_id
from shopnode.domain.db import (
    BasisPoints,
    Id,
    Kind,
    LocalRow,
    Rule,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    one_of,
    refs,
)
from shopnode.domain.permissions import Role

BUSINESS_ID = act_id("business")  # one business in each tenant, so two homes that both name it mean the same row


class Business(SyncedRow):
    """The tenant's own name and tax number, printed on every receipt."""

    __tablename__ = "business"
    # Whoever has not seen what stands does not replace it: a shop that joins with its own books brings such a row, too.
    __sync__ = Sync(
        Kind.REGISTER, Stream.TENANT, rules=dict.fromkeys(("name", "phone", "tax_id", "currency"), Rule.KEEP_CURRENT)
    )

    name: Mapped[str]
    phone: Mapped[str | None]
    tax_id: Mapped[str | None]
    currency: Mapped[str] = mapped_column(String(3))


class Shop(SyncedRow):
    """One place of business with its own node, drawer and receipt series."""

    __tablename__ = "shop"
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, rules={"vat_rate_bp": Rule.OWNER_WINS})

    name: Mapped[str]
    code: Mapped[str] = mapped_column(String(12))  # letters and digits; starts every receipt number
    address: Mapped[str | None]
    phone: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(String(60))
    vat_rate_bp: Mapped[BasisPoints]  # 0 for a shop that is not registered for VAT
    receipt_footer: Mapped[str | None] = mapped_column(Text)
    archived_at: Mapped[UtcTime | None]


class Staff(SyncedRow):
    """A person who works for the business. Suspended is not removed: their past stays theirs."""

    __tablename__ = "staff"
    __table_args__ = (one_of("role", Role), look_up("staff", "phone"), look_up("staff", "email"))
    __sync__ = Sync(
        Kind.REGISTER,
        Stream.TENANT,
        rules={"role": Rule.OWNER_WINS, "suspended_at": Rule.OWNER_WINS},
        watched=frozenset({"role"}),
        personal=frozenset({"name", "phone", "email"}),
    )

    name: Mapped[str]
    role: Mapped[str] = mapped_column(String(20))
    phone: Mapped[str | None]  # E.164
    email: Mapped[str | None]  # lowercase
    suspended_at: Mapped[UtcTime | None]
    archived_at: Mapped[UtcTime | None]


class StaffPosting(SyncedRow):
    """A person works in a shop, and the password hash that lets them in there.

    The id follows from person and shop (`posting_id`), so two homes that post the same person mean the same row.
    """

    __tablename__ = "staff_posting"
    __table_args__ = (*refs("staff_id:staff"), look_up("staff_posting", "staff_id"))
    __sync__ = Sync(
        Kind.REGISTER,
        Stream.SHOP,
        rules={"password_hash": Rule.LATER_WINS},
        personal=frozenset({"password_hash"}),
    )

    staff_id: Mapped[Id]
    shop_id: Mapped[Id]
    password_hash: Mapped[str | None]
    archived_at: Mapped[UtcTime | None]


def posting_id(staff_id: str, shop_id: str) -> str:
    return act_id("posting", staff_id, shop_id)


class PhoneApprover(SyncedRow):
    """Somebody who approves by telephone in one shop: the secret their answers are made with.

    Travels to that shop alone. The id follows from person and shop (`phone_approver_id`).
    """

    __tablename__ = "phone_approver"
    __table_args__ = (*refs("staff_id:staff"), look_up("phone_approver", "staff_id"))
    __sync__ = Sync(Kind.REGISTER, Stream.SHOP, personal=frozenset({"secret"}), since=3)

    staff_id: Mapped[Id]
    shop_id: Mapped[Id]
    secret: Mapped[str | None] = mapped_column(String(64))  # 160 bits, base32
    created_at: Mapped[UtcTime]
    archived_at: Mapped[UtcTime | None]


def phone_approver_id(staff_id: str, shop_id: str) -> str:
    return act_id("phone-approver", staff_id, shop_id)


class ApprovalChallenge(LocalRow):
    """A question read out over the telephone. Answered once, and only for what it was asked for."""

    __tablename__ = "approval_challenge"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)  # the signs that are read out
    subject: Mapped[str] = mapped_column(Text)  # JSON: action, amount, document, actor
    asked_at: Mapped[UtcTime]
    tries: Mapped[int]
    answered_at: Mapped[UtcTime | None]
    used_at: Mapped[UtcTime | None]
    staff_id: Mapped[Id | None]  # who answered


class StaffPin(LocalRow):
    """The quick-switch PIN of a person at this node, hashed. Never leaves it."""

    __tablename__ = "staff_pin"

    staff_id: Mapped[Id] = mapped_column(primary_key=True)
    pin_hash: Mapped[str]
    set_at: Mapped[UtcTime]


class LoginThrottle(LocalRow):
    """Failed proofs of identity, by account or address; kept in the database so that a restart forgives nothing."""

    __tablename__ = "login_throttle"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[UtcTime]
    locked_until: Mapped[UtcTime | None]


class WebSession(LocalRow):
    """A signed-in browser (or an API client's session); found by the hash of the secret it carries."""

    __tablename__ = "web_session"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(10))  # "browser" or "api"
    created_at: Mapped[UtcTime]
    seen_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    locked_at: Mapped[UtcTime | None]  # waits for a PIN
    ended_at: Mapped[UtcTime | None]
    refresh_hash: Mapped[str | None] = mapped_column(String(64))  # API: the one refresh token that is still good
    ip: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(300))
