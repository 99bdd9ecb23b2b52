"""Buying from people: who sold, what was paid, what is asked of us by law and by sense.

Invariants:
  * Who the seller is stands in `seller_identity` alone, encrypted, apart from the books: it can be erased when its time
    is over, and the purchase stays.
  * What was paid left a named drawer or wallet (`cash.MoneyMove`), or became a tender of a sale.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    Id,
    Kind,
    MinorUnits,
    Rule,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    one_of,
    refs,
)


class UnitCostKind(StrEnum):
    PART = "part"
    LABOUR = "labour"
    OTHER = "other"


class UsedPurchase(SyncedRow):
    """One phone bought from a person, alone or as part of a sale (`sale_id`)."""

    __tablename__ = "used_purchase"
    __table_args__ = (
        *refs("handset_id:handset", "product_id:product"),
        CheckConstraint("offer_minor >= 0 AND valued_minor >= 0", name="not_negative"),
        look_up("used_purchase", "handset_id"),
        look_up("used_purchase", "unit_id"),
        look_up("used_purchase", "sale_id"),
        look_up("used_purchase", "number"),
        look_up("used_purchase", "at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-U000007, on the agreement
    handset_id: Mapped[Id]
    product_id: Mapped[Id]
    unit_id: Mapped[Id]  # the stay that began
    customer_id: Mapped[Id | None]
    identity_id: Mapped[Id | None]
    sale_id: Mapped[Id | None]  # the sale it was traded in for
    grade: Mapped[str] = mapped_column(String(10))
    valued_minor: Mapped[MinorUnits]  # what the table says
    offer_minor: Mapped[MinorUnits]  # what was paid
    locks_removed: Mapped[bool] = mapped_column(Boolean)  # signed out of Google and iCloud, seen by the buyer
    was_reset: Mapped[bool] = mapped_column(Boolean)
    network_lock: Mapped[str | None] = mapped_column(String(40))
    states_ownership: Mapped[bool] = mapped_column(Boolean)
    notes: Mapped[str | None] = mapped_column(Text)
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class UsedPurchaseReversal(SyncedRow):
    """The purchase was taken back: the phone went home with its seller. The id follows from the purchase."""

    __tablename__ = "used_purchase_reversal"
    __table_args__ = (*refs("purchase_id:used_purchase"), look_up("used_purchase_reversal", "purchase_id"))
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    purchase_id: Mapped[Id]
    shop_id: Mapped[Id]
    reason: Mapped[str]
    lost_minor: Mapped[MinorUnits]  # refurbishing that stays with us
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class SellerIdentity(SyncedRow):
    """Who sold a phone, sealed: `sealed` is encrypted text that only the vault opens, photos are blobs of the same."""

    __tablename__ = "seller_identity"
    __sync__ = Sync(Kind.REGISTER, Stream.SHOP, personal=frozenset({"sealed"}), since=3)

    shop_id: Mapped[Id]
    sealed: Mapped[str | None] = mapped_column(Text)  # None once erased
    keep_until: Mapped[UtcTime]
    created_at: Mapped[UtcTime]
    erased_at: Mapped[UtcTime | None]


class VaultKey(SyncedRow):
    """The key a shop's vault is sealed with. Travels to that shop alone; the id follows from the shop."""

    __tablename__ = "vault_key"
    __sync__ = Sync(Kind.REGISTER, Stream.SHOP, rules={"key": Rule.KEEP_CURRENT}, personal=frozenset({"key"}), since=3)

    shop_id: Mapped[Id]
    key: Mapped[str | None] = mapped_column(String(64))  # 256 bits, base64url
    created_at: Mapped[UtcTime]


class Valuation(SyncedRow):
    """What we pay for a model in a grade. The id follows from product, storage and grade."""

    __tablename__ = "valuation"
    __table_args__ = (
        *refs("product_id:product"),
        CheckConstraint("offer_minor >= 0", name="offer_not_negative"),
        look_up("valuation", "product_id"),
    )
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, rules={"offer_minor": Rule.OWNER_WINS}, since=3)

    product_id: Mapped[Id]
    storage: Mapped[str | None] = mapped_column(String(60))  # None for any
    grade: Mapped[str] = mapped_column(String(10))
    offer_minor: Mapped[MinorUnits]
    archived_at: Mapped[UtcTime | None]


class BlockedNumber(SyncedRow):
    """A phone nobody here buys or sells: reported stolen, blocked by a network."""

    __tablename__ = "blocked_number"
    __table_args__ = (look_up("blocked_number", "number"),)
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, since=3)

    number: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str]
    created_at: Mapped[UtcTime]
    created_by: Mapped[Id | None]
    lifted_at: Mapped[UtcTime | None]
    lifted_by: Mapped[Id | None]


class UnitCost(SyncedRow):
    """What making a phone ready cost: it is added to what the phone cost."""

    __tablename__ = "unit_cost"
    __table_args__ = (
        *refs("unit_id:stock_unit"),
        one_of("kind", UnitCostKind),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        look_up("unit_cost", "unit_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    unit_id: Mapped[Id]
    shop_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[MinorUnits]
    product_id: Mapped[Id | None]  # the part that was used
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
