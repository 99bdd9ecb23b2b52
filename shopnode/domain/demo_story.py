"""What every chapter of the demo's story works with: the people, the clock that walks, and what is on the shelf.

Chapters act through the door like real work. One that a shop's own choices refuse is left out; the story goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import ManualClock, to_datetime
from shopnode.domain.context import CONSOLE, Actor, Channel, Context
from shopnode.domain.demo_cast import Chance
from shopnode.domain.handsets.models import Handset, StockUnit, UnitStatus
from shopnode.domain.node import NodeHome
from shopnode.domain.permissions import Role

STEP_MS = 20_000


@dataclass(frozen=True)
class Ware:
    """A product as a chapter needs it."""

    id: str
    price_minor: int
    cost_minor: int


@dataclass(frozen=True)
class Unit:
    """A phone on the shelf."""

    id: str
    imei: str
    price_minor: int


@dataclass
class Story:
    """One filling of a shop: its own home over the same books, whose clock the story moves."""

    home: NodeHome
    clock: ManualClock
    chance: Chance
    until_ms: int
    zone: ZoneInfo
    people: list[Actor] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)
    sale_ids: list[str] = field(default_factory=list)
    things: dict[str, str] = field(default_factory=dict)  # what earlier chapters made, by the name later ones use
    left_out: list[str] = field(default_factory=list)  # chapters that the shop's own choices refused, and why

    @property
    def grace(self) -> Actor:
        return self.people[0]

    @property
    def ivan(self) -> Actor:
        return self.people[1]

    @property
    def aisha(self) -> Actor:
        return self.people[2]

    @property
    def owner(self) -> Actor:
        """The owner where one is posted here; else whoever sits at the shop's computer."""
        return self.people[-1] if self.people[-1].role is Role.OWNER else CONSOLE

    @property
    def today(self) -> date:
        return to_datetime(self.clock.now_ms).astimezone(self.zone).date()

    def as_(self, actor: Actor) -> Context:
        return Context(self.home, actor, self.home.shop_id, Channel("127.0.0.1", "demo"))

    def do(self, actor: Actor, name: str, /, **params: Any) -> dict[str, Any]:
        """One act, a little after the one before; the story never runs past now."""
        self.go_to(min(self.clock.now_ms + STEP_MS, self.until_ms))
        return perform(self.as_(actor), name, params).result

    def go_to(self, at_ms: int) -> None:
        """Let time pass until then, on both of the computer's clocks: nobody sets one by hand in this story."""
        self.clock.advance(at_ms - self.clock.now_ms)

    def ware(self, name: str) -> Ware:
        """A product of the catalogue. Raises NoResultFound where the shop has none of that name."""
        with self.home.reading() as session:
            row = session.scalars(select(Product).where(Product.name == name).order_by(Product.id).limit(1)).one()
            return Ware(row.id, row.price_minor, row.cost_minor)

    def phone(self, below_minor: int) -> Unit:
        """The dearest phone on the shelf below a price. Raises NoResultFound."""
        free = (
            select(StockUnit.id, Handset.imei1, Product.price_minor)
            .join(Handset, Handset.id == StockUnit.handset_id)
            .join(Product, Product.id == StockUnit.product_id)
            .where(StockUnit.status == UnitStatus.IN_STOCK.value, StockUnit.shop_id == self.home.shop_id)
            .where(StockUnit.hold_until.is_(None), Handset.imei1.is_not(None), Product.price_minor < below_minor)
            .order_by(Product.price_minor.desc(), StockUnit.id)
        )
        with self.home.reading() as session:
            unit_id, imei, price = session.execute(free.limit(1)).one()
            return Unit(unit_id, imei or "", price)
