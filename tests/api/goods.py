"""What the API's tests sell."""

from __future__ import annotations

from typing import Any

from tests.api.client import Client

CABLE = {
    "name": "USB-C cable", "category": "Accessories", "selling_price": 8_000, "cost_price": 3_000,
    "stock_quantity": 10, "sku": "CAB-1", "barcode": "6001234567890",
}  # fmt: skip
PHONE = {
    "name": "Tecno Spark 40", "category": "Phones", "brand": "Tecno", "selling_price": 640_000,
    "cost_price": 520_000, "is_serialised": True, "warranty_days": 365,
}  # fmt: skip
IMEI = "356938035643809"
NOBODY = "0190a000-0000-7000-8000-00000000dead"


def open_for_business(owner: Client) -> dict[str, Any]:
    """A drawer with a float, and a cable on the shelf; answers the cable."""
    owner.post("/drawer-sessions", {"opening_float": 50_000})
    return owner.post("/products", CABLE)


def sale_of(product: dict[str, Any], quantity: int = 1, **more: Any) -> dict[str, Any]:
    """A ticket for some of one product, paid in cash to the shilling."""
    total = quantity * product["selling_price"] - more.get("discount_amount", 0)
    item = {"product_id": product["id"], "quantity": quantity}
    return {"items": [item], "payments": [{"method": "cash", "amount": total}], **more}
