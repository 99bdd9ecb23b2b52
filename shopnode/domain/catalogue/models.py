"""Products: descriptions that anybody permitted may edit anywhere; the hub merges them field by field."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    DerivedRow,
    Id,
    Kind,
    MinorUnits,
    Rule,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    look_up_few,
)


class Product(SyncedRow):
    """A thing or service with a price. Handset models are products too; their pieces are stock units."""

    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint("price_minor >= 0 AND cost_minor >= 0 AND floor_minor >= 0", name="money_not_negative"),
        look_up("product", "name"),
        look_up("product", "sku"),
        look_up("product", "barcode"),
        look_up_few("product", "merged_into"),
        # Each order of the list, of everything and of one category.
        look_up("product", "lower(name)", "id"),
        look_up("product", "price_minor", "id"),
        look_up("product", "created_at", "id"),
        look_up("product", "category", "lower(name)", "id"),
        look_up("product", "category", "price_minor", "id"),
        look_up("product", "category", "created_at", "id"),
        look_up("product", "category", "only_shop_id", only="archived_at IS NULL AND merged_into IS NULL"),
        look_up_few("product", "archived_at"),
        look_up("product", "brand", "id"),
        look_up("product", "is_preloaded"),
        look_up("product", "min_stock_level"),
        look_up_few("product", "lead_days"),
        look_up("product", "lower(name)", only="is_serialised"),
        look_up("product", "id", "category"),  # the stock is added up by category, and no product is read for it
    )
    __sync__ = Sync(
        Kind.REGISTER,
        Stream.TENANT,
        rules={"price_minor": Rule.OWNER_WINS, "cost_minor": Rule.OWNER_WINS, "floor_minor": Rule.OWNER_WINS},
        watched=frozenset({"price_minor", "cost_minor", "floor_minor"}),
        derived=frozenset({"merged_into"}),
    )

    name: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(100))
    brand: Mapped[str | None] = mapped_column(String(100))
    sku: Mapped[str | None] = mapped_column(String(100))
    barcode: Mapped[str | None] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(Text)
    cost_minor: Mapped[MinorUnits]
    price_minor: Mapped[MinorUnits]
    floor_minor: Mapped[MinorUnits]  # below it a second person approves
    min_stock_level: Mapped[int]
    warranty_days: Mapped[int]
    is_serialised: Mapped[bool] = mapped_column(Boolean)  # sold piece by piece, by IMEI or serial
    is_preloaded: Mapped[bool] = mapped_column(Boolean)  # a quick-add tile on the counter
    photo: Mapped[str | None] = mapped_column(String(64), info={"since": 2})  # the name of a blob, see photos
    archived_at: Mapped[UtcTime | None]
    only_shop_id: Mapped[Id | None] = mapped_column(info={"since": 2})  # the one shop that offers it; None for all
    created_by: Mapped[Id | None]
    created_at: Mapped[UtcTime]
    is_bundle: Mapped[bool | None] = mapped_column(Boolean, info={"since": 3})  # made of others, see pricing.BundlePart
    supplier_id: Mapped[Id | None] = mapped_column(info={"since": 3})  # whom it is usually ordered from
    lead_days: Mapped[int | None] = mapped_column(info={"since": 3})  # from order to delivery; the supplier's if None
    warranty_terms: Mapped[str | None] = mapped_column(Text, info={"since": 3})  # printed under the line
    merged_into: Mapped[Id | None]  # the product this one is a duplicate of, see aliases


class ProductSearch(DerivedRow):
    """What a product is found by: its words, folded, in a table narrow enough to be read whole for each search."""

    __tablename__ = "product_search"

    product_id: Mapped[Id] = mapped_column(primary_key=True)
    only_shop_id: Mapped[Id | None]
    text: Mapped[str] = mapped_column(Text)  # " name brand category sku barcode", see rules.searched_text
    on_sale: Mapped[bool] = mapped_column(Boolean)
