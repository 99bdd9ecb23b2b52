"""Price lists and bundles. The price on the product itself is retail, for one piece."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.clock import act_id
from shopnode.domain.db import Id, Kind, MinorUnits, Rule, Stream, Sync, SyncedRow, UtcTime, look_up, refs

RETAIL = act_id("price-list", "retail")  # quantity breaks for everybody hang here; the list itself is never written


class PriceList(SyncedRow):
    """Prices for a kind of customer, such as wholesale."""

    __tablename__ = "price_list"
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, since=3)

    name: Mapped[str] = mapped_column(String(100))
    created_by: Mapped[Id | None]
    created_at: Mapped[UtcTime]
    archived_at: Mapped[UtcTime | None]


class Price(SyncedRow):
    """What one piece costs from `min_quantity` pieces on. The id follows from all three (`price_id`)."""

    __tablename__ = "price"
    __table_args__ = (
        *refs("product_id:product"),
        CheckConstraint("min_quantity > 0 AND price_minor >= 0", name="sensible"),
        look_up("price", "product_id"),
        look_up("price", "list_id"),
    )
    __sync__ = Sync(
        Kind.REGISTER,
        Stream.TENANT,
        rules={"price_minor": Rule.OWNER_WINS},
        watched=frozenset({"price_minor"}),
        since=3,
    )

    list_id: Mapped[Id]  # a PriceList, or RETAIL
    product_id: Mapped[Id]
    min_quantity: Mapped[int]
    price_minor: Mapped[MinorUnits]
    archived_at: Mapped[UtcTime | None]


class BundlePart(SyncedRow):
    """So many of a product are in a bundle. The id follows from both (`part_id`); struck out, the quantity is 0."""

    __tablename__ = "bundle_part"
    __table_args__ = (
        *refs("bundle_id:product", "product_id:product"),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("bundle_id <> product_id", name="not_itself"),
        look_up("bundle_part", "bundle_id"),
        look_up("bundle_part", "product_id"),
    )
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, since=3)

    bundle_id: Mapped[Id]
    product_id: Mapped[Id]
    quantity: Mapped[int]


def price_id(list_id: str, product_id: str, min_quantity: int) -> str:
    return act_id("price", list_id, product_id, str(min_quantity))


def part_id(bundle_id: str, product_id: str) -> str:
    return act_id("bundle-part", bundle_id, product_id)
