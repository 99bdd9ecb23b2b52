"""The calls of the first plan for sales, devices, stock and customers are all there, under their own addresses."""

from __future__ import annotations

import re

import pytest

from shopnode.api.mount import who_may  # noqa: F401 — the import registers every route
from shopnode.api.routing import ROUTES

PLAN = """
POST /sales
GET /sales
GET /sales/:id
PUT /sales/:id
DELETE /sales/:id
POST /sales/:id/approve
POST /sales/:id/lock
POST /sales/:id/reverse
GET /sales/receipt/:id
POST /devices
GET /devices
GET /devices/:id
PUT /devices/:id
DELETE /devices/:id
GET /devices/:id/repairs
POST /devices/import
POST /products
GET /products
GET /products/:id
PUT /products/:id
DELETE /products/:id
POST /products/:id/adjust
GET /products/low-stock
GET /stock-movements
POST /customers
GET /customers
GET /customers/:id
PUT /customers/:id
DELETE /customers/:id
GET /customers/:id/purchases
GET /customers/:id/devices
"""
HERE = {re.sub(r"<\w+>", ":id", f"{route.method} {route.rule}") for route in ROUTES}


@pytest.mark.parametrize("call", PLAN.split("\n")[1:-1])
def test_a_call_of_the_plan_is_there(call: str) -> None:
    assert call in HERE
