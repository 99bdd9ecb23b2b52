"""Fills an empty shop with believable days: catalogue, phones, staff, customers, sales, an open drawer.

Everything passes the door like real work, with a clock that walks from some days ago to now, so that journal, stock
and drawers agree with each other. Only a shop that never sold anything is filled.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from shopnode.domain.actions import perform, perform_many
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import Clock, ManualClock, to_datetime, to_ms
from shopnode.domain.context import CONSOLE, Actor, Context
from shopnode.domain.demo_cast import COLOURS, OWNER_PIN, STAFF, TILES, Chance
from shopnode.domain.demo_days import close_day, look_through_days, open_day
from shopnode.domain.demo_rooms import tell_chapters
from shopnode.domain.demo_story import Story
from shopnode.domain.demo_trade import Shelf, ticket
from shopnode.domain.errors import Conflict, Invalid, ShopError
from shopnode.domain.node import NodeHome
from shopnode.domain.notices import watchers  # noqa: F401 — they register themselves
from shopnode.domain.notices.watching import look
from shopnode.domain.people.models import Shop, Staff
from shopnode.domain.people.pins import set_pin
from shopnode.domain.people.queries import active_here
from shopnode.domain.permissions import Role
from shopnode.domain.printing.models import Transport
from shopnode.domain.printing.rules import check_address
from shopnode.domain.sales.models import Sale

CATALOGUE = Path(__file__).parent / "demo_data" / "catalogue.csv"
CUSTOMERS = 12
OPENS_H, CLOSES_H = 8, 19
FITTED_OUT_MS = 3_600_000  # how long before its first opening the shop is set up
Tell = Callable[[int, "int | None", str], None]


class ShopHasTraded(Conflict):
    code = "shop-has-traded"

    def __init__(self) -> None:
        super().__init__(
            "This shop has sales of its own. The demo fills empty shops only: make one with shopnode init."
        )


def fill_demo(home: NodeHome, *, seed: int, days: int, sales: int, tell: Tell) -> dict[str, Any]:
    """Fill the shop and answer what was made and who may sign in. Raises ShopHasTraded."""
    story = _begin(home, seed, days)
    total = sales + 3
    tell(0, total, "staff")
    logins = _hire(story)
    tell(1, total, "catalogue")
    products = _fill_catalogue(story)
    tell(2, total, "stock")
    phones = _receive_stock(story, times=1 + sales // 200)
    story.customers = [story.do(CONSOLE, "customers.create", **story.chance.customer())["id"] for _ in range(CUSTOMERS)]
    for done in _trade(story, days, sales):
        tell(3 + done, total, "sales")
    _look_back(story)
    look(home, sends=False)
    return {
        "products": products, "phones": phones, "customers": CUSTOMERS, "sales": len(story.sale_ids),
        "logins": logins, "left_out": story.left_out,
    }  # fmt: skip


def _begin(home: NodeHome, seed: int, days: int) -> Story:
    with home.reading() as session:
        if any(session.scalar(select(func.count()).select_from(table)) for table in (Sale, DrawerSession)):
            raise ShopHasTraded
        shop = session.scalars(select(Shop).where(Shop.id == home.shop_id)).one_or_none()
        zone = ZoneInfo(shop.timezone if shop else "Africa/Kampala")
    now_ms = home.clock.wall_ms()
    clock = ManualClock(now_ms, boot=_boot(home.clock))
    # Ids must differ between shops of one business that are filled from one seed.
    ids = Chance(f"{seed}:{home.origin_id}")
    story = Story(NodeHome(home.database, clock, ids.bytes), clock, Chance(f"{seed}:{home.series}"), now_ms, zone)
    clock.now_ms = _hours(story, days)[0] - FITTED_OUT_MS
    return story


def _boot(clock: Clock) -> str:
    """A boot of its own: the story's clocks have nothing to do with this computer's."""
    return f"{int(clock.boot_id(), 16) ^ 0xDE300000:08x}"


def _hire(story: Story) -> list[dict[str, str]]:
    """The demo's staff, each with password and PIN; the owner gets a PIN."""
    logins = []
    for member in STAFF:
        added = story.do(
            CONSOLE, "staff.add", name=member.name, role=member.role.value, phone=member.phone,
            password=member.password,
        )  # fmt: skip
        set_pin(story.as_(CONSOLE), added["id"], member.pin)
        story.people.append(Actor(added["id"], member.name, member.role))
        logins.append({
            "name": member.name, "role": member.role.value, "phone": member.phone, "password": member.password,
            "pin": member.pin,
        })  # fmt: skip
    with story.home.reading() as session:
        here = active_here(story.home.shop_id).where(Staff.role == Role.OWNER.value).order_by(Staff.id)
        owner = session.scalars(here).first()
    if owner is not None:
        story.people.append(Actor(owner.id, owner.name, Role.OWNER))
        set_pin(story.as_(CONSOLE), owner.id, OWNER_PIN)
        logins.append({"name": owner.name, "role": owner.role, "phone": owner.phone or owner.email or "",
                       "pin": OWNER_PIN})  # fmt: skip
    return logins


def _fill_catalogue(story: Story) -> int:
    """Products of the file that are not there yet; returns how many there are then."""
    with story.home.reading() as session:
        known = set(session.scalars(select(Product.sku)))
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sku"] not in known]
    acts = [("products.create", _product(row), None) for row in rows]
    perform_many(story.as_(CONSOLE), acts)
    return len(known) + len(rows)


def _product(row: dict[str, str]) -> dict[str, Any]:
    return {
        "name": row["name"], "category": row["category"], "brand": row["brand"] or None, "sku": row["sku"],
        "barcode": row["barcode"] or None, "cost_minor": int(row["cost_price"]),
        "price_minor": int(row["selling_price"]), "floor_minor": int(row["floor_price"] or 0),
        "min_stock_level": int(row["min_stock_level"] or 0), "warranty_days": int(row["warranty_days"] or 0),
        "is_serialised": row["serialised"] == "yes", "is_preloaded": row["name"] in TILES,
    }  # fmt: skip


def _receive_stock(story: Story, *, times: int) -> int:
    """Opening stock, enough to sell from: pieces by count, phones one by one. Returns the number of phones."""
    with story.home.reading() as session:
        products = list(session.scalars(select(Product).where(Product.archived_at.is_(None)).order_by(Product.id)))
    acts: list[tuple[str, dict[str, Any], None]] = []
    for product in products:
        if product.is_serialised:
            acts += [
                ("handsets.receive", _phone(story.chance, product), None)
                for _ in range(times * story.chance.number(1, 4))
            ]
        elif product.cost_minor:
            count = times * story.chance.number(8, 60)
            opening = {"product_id": product.id, "quantity": count, "reason": "Opening count", "kind": "opening"}
            acts.append(("stock.adjust", opening, None))
    perform_many(story.as_(CONSOLE), acts)
    return sum(1 for name, *_ in acts if name == "handsets.receive")


def _phone(chance: Chance, product: Product) -> dict[str, Any]:
    return {
        "product_id": product.id, "imei1": chance.imei(), "imei2": chance.imei(), "colour": chance.one_of(COLOURS),
        "source": "Opening stock",
    }  # fmt: skip


def _trade(story: Story, days: int, sales: int) -> Iterator[int]:
    """Each day: the float, what else there is to do, sales, the count. Today's drawer stays open. Yields sales made."""
    for day in range(days + 1):
        opens_ms, closes_ms = _hours(story, days - day)
        left = sales - len(story.sale_ids)
        count = left if day == days else min(left, max(1, sales // (days + 1) + story.chance.number(-2, 2)))
        story.go_to(opens_ms)
        open_day(story)
        story.left_out += tell_chapters(story, days - day, days)
        shelf = Shelf(story.home)
        for at_ms in story.chance.moments(count, story.clock.now_ms + 60_000, closes_ms - 60_000):
            story.go_to(at_ms)
            _sell(story, shelf)
            yield len(story.sale_ids)
        if day < days:
            story.go_to(closes_ms)
            close_day(story, days - day)
            look_through_days(story, days - day)


def _hours(story: Story, days_ago: int) -> tuple[int, int]:
    """Opening and closing of a day, in ms; today's from the morning, or three hours ago if it is that early, to now."""
    day = to_datetime(story.until_ms).astimezone(story.zone) - timedelta(days=days_ago)
    morning = to_ms(day.replace(hour=OPENS_H, minute=5, second=0, microsecond=0))
    if days_ago == 0:
        return min(morning, story.until_ms - 3 * 3_600_000), story.until_ms
    return morning, to_ms(day.replace(hour=CLOSES_H, minute=30, second=0, microsecond=0))


def _sell(story: Story, shelf: Shelf) -> None:
    """One ticket by somebody of the staff."""
    seller = story.chance.one_of(story.people[1:3])
    sale = ticket(story.chance, shelf, story.customers)
    try:
        done = story.do(seller, "sales.sell", **sale, print_receipt=False)
    except ShopError:
        # The story may run into a limit that this shop has set for itself; it goes on with the next customer.
        return
    shelf.sold(sale)
    story.sale_ids.append(done["sale_id"])


def _look_back(story: Story) -> None:
    """What an owner has done with some of the sales: approved most of the older ones, corrected one, voided one."""
    story.go_to(story.until_ms)
    owner = story.people[-1]
    older = story.sale_ids[: max(0, len(story.sale_ids) - 12)]
    if owner.role is not Role.OWNER:
        return
    perform_many(story.as_(owner), [("sales.approve", {"sale_id": sale_id}, None) for sale_id in older])
    recent = story.sale_ids[len(older) :]
    if len(recent) > 3:
        story.do(owner, "sales.void", sale_id=recent[1], reason="Customer brought it back unused", restock="resell")
        story.do(story.people[0], "sales.amend", sale_id=recent[2], reason="Customer's name was missing",
                 customer_id=story.customers[0])  # fmt: skip


def add_demo_printer(home: NodeHome, address: str) -> None:
    """A receipt printer on the network, with a drawer. Raises Invalid for a wrong address."""
    printer = {"name": "Counter printer", "transport": "tcp", "address": address, "kicks_drawer": True}
    perform(Context(home, CONSOLE, home.shop_id), "printing.save_printer", printer)


def check_printer(address: str) -> None:
    """Raise Invalid for an address no network printer has, before anything is filled."""
    try:
        check_address(Transport.TCP, address)
    except ValueError as wrong:
        raise Invalid({"printer": str(wrong)}) from None
