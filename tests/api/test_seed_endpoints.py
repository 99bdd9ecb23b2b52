"""Every call of the first plan is there, under its own address: sales, repairs, devices, stock, closures, customers,
staff and expenses."""

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
POST /repairs
GET /repairs
GET /repairs/:id
PUT /repairs/:id
DELETE /repairs/:id
POST /repairs/:id/status
POST /repairs/:id/assign
GET /repairs/:id/history
POST /repairs/:id/notify-customer
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
POST /closures
GET /closures
GET /closures/:id
PUT /closures/:id
POST /closures/:id/approve
GET /closures/date/:date
POST /customers
GET /customers
GET /customers/:id
PUT /customers/:id
DELETE /customers/:id
GET /customers/:id/purchases
GET /customers/:id/devices
POST /staff
GET /staff
GET /staff/:id
PUT /staff/:id
DELETE /staff/:id
POST /staff/:id/suspend
POST /staff/:id/activate
GET /staff/:id/activity
POST /expenses
GET /expenses
GET /expenses/:id
PUT /expenses/:id
DELETE /expenses/:id
POST /expenses/:id/approve
"""
CALLS = PLAN.split("\n")[1:-1]


def plain(rule: str) -> str:
    return re.sub(r"<\w+>", ":id", re.sub(r"<(date|\w+_on)>", ":date", rule))


HERE = {f"{route.method} {plain(route.rule)}" for route in ROUTES}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_the_plan_is_there(call: str) -> None:
    assert call in HERE
