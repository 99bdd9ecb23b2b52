"""Sales over the API: who may do what to them, and what stands in the books afterwards."""

from __future__ import annotations

from tests.api.client import Client
from tests.api.goods import open_for_business, sale_of
from tests.shop import Shop


def test_create_sale_as_staff(owner: Client, staff: Client, shop: Shop) -> None:
    cable = open_for_business(owner)

    sale = staff.post("/sales", sale_of(cable, 2, notes="gift"))

    assert sale["final_amount"] == 16_000
