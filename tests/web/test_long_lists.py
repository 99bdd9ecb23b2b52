"""A list of many pages is shown before it is added up; its sums come by themselves."""

from __future__ import annotations

import re
from html import unescape

from tests.shop import Shop
from tests.web.conftest import Browser


def product(number: int) -> dict[str, object]:
    return {"name": f"Cable {number:02d}", "category": "Accessories", "price_minor": 8_000, "cost_minor": 3_000}


def test_a_long_list_of_products_has_its_sums_added_up_after_it_is_shown(shop: Shop, sarah: Browser) -> None:
    for number in range(30):
        shop.do("products.create", product(number))
    whole = sarah.get("/products").get_data(as_text=True)
    assert "<b>30</b> products" in whole

    shop.do("products.create", product(30))
    page = sarah.get("/products?category=Accessories").get_data(as_text=True)
    assert "<b>31</b> products" not in page
    (asked,) = re.findall(r'class="sums"[^>]*hx-get="([^"]+)"', page)
    told = sarah.get(unescape(asked), htmx=True).get_data(as_text=True)
    assert "<b>31</b> products" in told
