"""What tests of buying share: a supplier, an order, a delivery."""

from __future__ import annotations

from typing import Any

from shopnode.domain.permissions import Role
from shopnode.domain.stock.models import StockCost, StockMovement
from tests.domain.till import Till
from tests.shop import Shop

NEW_IMEIS = ("004401251000390", "004401261000521", "004401271000651")


def a_supplier(shop: Shop, name: str = "Kampala Mobile Wholesale", **more: Any) -> str:
    made: str = shop.do("suppliers.create", {"name": name, "terms_days": 14, "lead_days": 3, **more})["id"]
    return made


def an_order(till: Till, supplier_id: str, *lines: dict[str, Any], place: bool = True) -> str:
    order_id: str = till.shop.do("orders.create", supplier_id=supplier_id, lines=list(lines))["order_id"]
    if place:
        till.shop.do("orders.order", order_id=order_id)
    return order_id


def receive(till: Till, *lines: dict[str, Any], role: Role = Role.OWNER, **more: Any) -> dict[str, Any]:
    done: dict[str, Any] = till.shop.do("goods.receive", {"lines": list(lines), **more}, role=role)
    return done


def average(till: Till, product_id: str) -> int | None:
    found = till.shop.rows(StockCost, product_id=product_id)
    return found[0].average_minor if found else None


def worth(till: Till, *product_ids: str) -> int:
    """What stands on the shelf, at cost: the sum of its movements."""
    moves = [row for row in till.shop.rows(StockMovement) if not product_ids or row.product_id in product_ids]
    return sum(row.quantity * row.unit_cost_minor for row in moves)
