"""The signals over the API: each with its rule, its figures and where to look."""

from __future__ import annotations

from shopnode.domain.audit.signals import SignalKind
from tests.api.client import Client
from tests.api.goods import open_for_business, sale_of
from tests.shop import Shop


def test_a_finding_says_why_and_where_to_look(owner: Client, shop: Shop) -> None:
    sale = owner.post("/sales", sale_of(open_for_business(owner), discount_amount=0))
    shop.clock.advance(10 * 60_000)
    owner.delete(f"/sales/{sale['id']}", {"reason": "changed their mind"})

    answer = owner.get("/fraud-signals")

    (found,) = answer["items"]
    assert (found["kind"], found["entity_id"], found["user_name"]) == ("void_after_print", sale["id"], "Sarah")
    assert "10 minutes after it was sold" in found["why"]
    assert {rule["kind"] for rule in answer["rules"]} == {kind.value for kind in SignalKind}
    assert owner.get("/fraud-signals?kind=below_cost")["items"] == []
    owner.get("/fraud-signals?date_from=2026-09-22&date_to=2026-09-21", 422)
    owner.get("/fraud-signals?kind=hunch", 422)
    assert owner.call("GET", "/fraud-signals?format=csv").get_data(as_text=True).count("void_after_print") == 1
