"""What the one search field found, as the counter's list shows it, and what a scanned code means exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for

from shopnode.domain.catalogue.finding import Found, Kind, find_anything
from shopnode.domain.catalogue.queries import ProductView, products_by_code
from shopnode.domain.context import Context
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.handsets.queries import UnitView, unit_by_number_or_none
from shopnode.domain.sales.errors import NOT_AVAILABLE
from shopnode.domain.sales.lookup import find_summary

SHOWN_MAX = 20


@dataclass(frozen=True)
class Scanned:
    """What a code means exactly: a product, a phone, or neither."""

    product: ProductView | None = None
    unit: UnitView | None = None


def scan(ctx: Context, text: str) -> Scanned:
    """The one product or phone with exactly this code."""
    products = products_by_code(ctx, text) if text.strip() else []
    if len(products) == 1:
        return Scanned(product=products[0])
    return Scanned(unit=unit_by_number_or_none(ctx, text)) if text.strip() and not products else Scanned()


def sold_words(unit: UnitView) -> str | None:
    """Why a phone cannot be sold, short; None when it can."""
    if unit.status is UnitStatus.IN_STOCK:
        return None
    if unit.sold is not None:
        return f"sold on {unit.sold.number}"
    return NOT_AVAILABLE.get(unit.status.value, "not in stock").rstrip(".").removeprefix("it ")


def find(ctx: Context, text: str) -> list[dict[str, Any]]:
    """Hits for what was typed, best first."""
    return [_hit(ctx, found) for found in find_anything(ctx, text, limit=SHOWN_MAX)]


def _hit(ctx: Context, found: Found) -> dict[str, Any]:
    hit: dict[str, Any] = {"kind": found.kind.value, "label": found.title, "sub": found.detail}
    if found.kind is Kind.PRODUCT and found.product is not None:
        view = found.product
        hit["sub"] = " · ".join(word for word in (view.category, view.sku) if word)
        hit |= {"product_id": view.id, "price_minor": view.price_minor, "on_hand": view.on_hand,
                "is_serialised": view.is_serialised}  # fmt: skip
    elif found.unit is not None:
        hit |= {"kind": "unit", "unit_id": found.unit.unit_id, "imei": found.unit.number,
                "price_minor": found.unit.price_minor, "sold": sold_words(found.unit)}  # fmt: skip
        if found.unit.sold is not None:
            hit["back_url"] = url_for("counter.returns", q=found.unit.number)
    elif found.kind is Kind.SALE:
        hit |= {"url": url_for("office.sale", sale_id=found.id), "total_minor": find_summary(ctx, found.id).total_minor}
    else:
        hit |= {"kind": "customer", "customer_id": found.id}
    return hit
