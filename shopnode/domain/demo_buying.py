"""The demo's back room: suppliers, orders and what came of them, a count, goods sent away, prices for dealers."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.demo_story import Story
from shopnode.domain.people.queries import all_shops
from shopnode.domain.stock.queries import on_hand

GLASS, CASE, CABLE = "Tempered glass plain", "Silicone case", "USB-C cable"
SUPPLIERS = (
    ("Simba Mobile Wholesale", "Hakim", "0798300101", 14, 3),
    ("Kikuubo Accessories", "Doreen Auma", "0798300102", 0, 1),
    ("Kampala Parts Centre", "Umar", "0798300103", 30, 5),
)


def find_suppliers(story: Story) -> None:
    for name, contact, phone, terms, lead in SUPPLIERS:
        made = story.do(story.owner, "suppliers.create", name=name, contact=contact, phone=phone, terms_days=terms,
                        lead_days=lead)  # fmt: skip
        story.things[name] = made["id"]
    lines = [{"product_id": story.ware(name).id, "quantity": count} for name, count in ((GLASS, 100), (CABLE, 60))]
    story.things["order"] = _order(story, "Kikuubo Accessories", lines)
    spark = {"product_id": story.ware("Tecno Spark 40 8/256").id, "quantity": 4}
    story.things["phones order"] = _order(story, "Simba Mobile Wholesale", [spark])


def take_deliveries(story: Story) -> None:
    """The accessories came whole, of four phones three, and a part of the bill is paid."""
    glass, cable, spark = story.ware(GLASS), story.ware(CABLE), story.ware("Tecno Spark 40 8/256")
    story.do(story.owner, "goods.receive", order_id=story.things["order"], delivery_note="KA 2291", lines=[
        {"product_id": glass.id, "quantity": 100}, {"product_id": cable.id, "quantity": 60},
    ])  # fmt: skip
    phones = [{"imei1": story.chance.imei(), "colour": "Black"} for _ in range(3)]
    story.do(story.owner, "goods.receive", order_id=story.things["phones order"], delivery_note="SMW-1180",
             lines=[{"product_id": spark.id, "quantity": 3, "phones": phones}])  # fmt: skip
    story.do(story.owner, "suppliers.pay", supplier_id=story.things["Simba Mobile Wholesale"], method="bank",
             amount_minor=1_000_000, reference=f"FT{story.chance.number(10**6, 10**7 - 1)}")  # fmt: skip


def order_again(story: Story) -> None:
    """One order is on its way, one is only written."""
    lines = [{"product_id": story.ware(name).id, "quantity": 10} for name in ("itel LCD", "Battery Samsung A")]
    _order(story, "Kampala Parts Centre", lines)
    case = {"product_id": story.ware(CASE).id, "quantity": 50}
    story.do(story.owner, "orders.create", supplier_id=story.things["Kikuubo Accessories"], lines=[case])


def count_the_shelf(story: Story) -> None:
    """All cases and cables were counted; today somebody begins with the spare parts."""
    began = story.do(story.grace, "stocktakes.start", category="Spare parts", notes="Second drawer")["stocktake_id"]
    _count(story, began, "Spare parts", 8, missing=2)
    story.do(story.grace, "stocktakes.submit", stocktake_id=began)
    story.do(story.owner, "stocktakes.approve", stocktake_id=began)


def begin_to_count(story: Story) -> None:
    began = story.do(story.grace, "stocktakes.start", category="Accessories")["stocktake_id"]
    _count(story, began, "Accessories", 3, missing=0)


def send_away(story: Story) -> None:
    """A phone that fails out of its box goes back to whoever sold it; goods go to the other branch, if there is one."""
    bad = story.phone(below_minor=300_000)
    story.do(story.owner, "suppliers.send_back", unit_id=bad.id, supplier_id=story.things["Simba Mobile Wholesale"],
             reason="Restarts by itself, out of the box")  # fmt: skip
    with story.home.reading() as session:
        branch = next((shop.id for shop in all_shops(session) if shop.id != story.home.shop_id), None)
    if branch is not None:
        sent = {"product_id": story.ware(GLASS).id, "quantity": 20}
        story.do(story.owner, "transfers.send", to_shop_id=branch, unit_ids=[story.phone(below_minor=800_000).id],
                 items=[sent], note="With the boda of Friday")  # fmt: skip


def agree_dealer_prices(story: Story) -> None:
    made = story.do(story.owner, "price_lists.create", name="Dealers")["id"]
    for name, share in ((GLASS, 70), (CASE, 75), (CABLE, 80)):
        ware = story.ware(name)
        for least, off in ((1, 0), (10, 5)):
            price = ware.price_minor * (share - off) // 100 // 100 * 100
            story.do(story.owner, "price_lists.set_price", list_id=made, product_id=ware.id, min_quantity=least,
                     price_minor=max(price, ware.cost_minor))  # fmt: skip
    story.do(story.owner, "price_lists.assign", customer_id=story.customers[11], list_id=made)


def _order(story: Story, supplier: str, lines: list[dict[str, object]]) -> str:
    expected = (story.today + timedelta(days=3)).isoformat()
    made = story.do(story.owner, "orders.create", supplier_id=story.things[supplier], lines=lines, expected_on=expected)
    story.do(story.owner, "orders.order", order_id=made["order_id"])
    return str(made["order_id"])


def _count(story: Story, stocktake: str, category: str, products: int, *, missing: int) -> None:
    """The first so many products of a category; of the last of them some are missing."""
    query = select(Product.id).where(Product.category == category, Product.is_serialised.is_(False))
    with story.home.reading() as session:
        ids = list(session.scalars(query.order_by(Product.name, Product.id).limit(products)))
        here = on_hand(session, story.home.shop_id or "", ids)
    for product_id in ids:
        counted = here[product_id] - (missing if product_id == ids[-1] else 0)
        story.do(story.grace, "stocktakes.count", stocktake_id=stocktake, product_id=product_id,
                 counted=max(0, counted))  # fmt: skip
