"""Customers, prices and files in the owner's portal: looked at and kept there; money moves in the shops alone."""

from __future__ import annotations

import io

import pytest

from shopnode.domain.customers.queries import search_customers
from tests.hub.world import Node
from tests.web.conftest import OURS, Owner, words

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def test_the_portal_keeps_customers_and_prices_and_moves_no_money(owner: Owner, joined: Node) -> None:
    node = joined
    cable = node.do("products.create", name="USB-C cable", sku="USBC", category="Cables", price_minor=8_000)["id"]
    node.do("stock.adjust", product_id=cable, quantity=5, reason="opening count", kind="opening")
    who = node.do("customers.create", name="Nakato Prossy", phone="0772 123 456")["id"]
    node.do("accounts.set_credit", customer_id=who, credit_limit=100_000)
    sale = {"items": [{"product_id": cable}], "payments": [{"method": "on_account", "amount": 8_000}]}
    node.do("sales.sell", {**sale, "customer_id": who})
    node.sync()

    for path, said in {
        "/customers": "8,000", f"/customers/{who}": "May buy for 92,000 more", "/customers/owing": "Nakato Prossy",
        f"/customers/{who}/account": "Sold on account", f"/customers/{who}/statement": "Sold on account",
        f"/customers/{who}/merge": "Find the other record", f"/customers/{who}/erase": "What goes, for good",
        "/plans": "No plans here", "/financiers": "No financiers yet", "/price-lists": "Retail, more pieces",
        "/imports/customers": "Import customers", "/customers/new": "New customer",
    }.items():  # fmt: skip
        answer = owner.get(path)
        assert answer.status_code == 200 and said in words(answer), (path, words(answer))
        for offered in ("Take a payment", "Book it", "Book the payout"):
            assert offered not in words(answer), (path, offered)
    assert owner.get("/imports/phones").status_code == 403  # phones stand in shops

    owner.post(f"/customers/{who}/credit", credit_limit="250,000", credit_days="7")
    here = owner.post("/price-lists", name="Wholesale").headers["Location"]
    owner.post(f"{here}/prices", product="USBC", price_minor="6,000")
    file = {"file": (io.BytesIO(b"name,phone\nOkello James,0701987654\n"), "people.csv")}
    taken = owner.client.post("/imports/customers", data=file, headers=OURS, buffered=True)
    assert "Every line was taken" in words(taken)
    assert owner.get("/customers?format=csv").status_code == 200
    assert "Customers" in words(owner.get("/exports"))
    refused = owner.post(f"/customers/{who}/payments", amount="8,000", method="cash")
    assert refused.status_code == 403 and "can only be done in the shop" in words(refused)
    node.sync()

    with node.reading() as ctx:
        known = {row.name: row.credit_limit_minor for row in search_customers(ctx.session, "").rows}
    assert known == {"Nakato Prossy": 250_000, "Okello James": None}
