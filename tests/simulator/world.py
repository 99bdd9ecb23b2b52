"""One run's world: a hub with its own database, a few shops with their computers, the owner's portal, and a stranger.

The world owns time and chance. People and faults act on it one step at a time; `do` is how anything is performed, so
that the oracle hears of everything somebody was told, and of nothing else.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from flask import Flask

from cloudhub.calls.blueprint import sync_blueprint
from cloudhub.config import HubSettings
from cloudhub.hub import OWNER_ROLE, Hub, connect
from cloudhub.merge.lives import keep_mark
from shopnode.domain.actions import perform
from shopnode.domain.clock import ManualClock
from shopnode.domain.context import Context
from shopnode.domain.db import Kind, synced_models
from shopnode.domain.errors import ShopError
from tests.simulator.custody import Custody
from tests.simulator.ground import GROUND, Ground
from tests.simulator.oracle import Oracle
from tests.simulator.places import Computer, Portal
from tests.simulator.plugs import Killed, Plug, Side
from tests.simulator.restores import owner_chooses
from tests.simulator.swarm import Swarm
from tests.simulator.words import Expected

Place = Computer | Portal
KILL_STATEMENTS = (3, 10, 30, 60, 120)  # how far into an act a plug is pulled, at most
KILL_NAMED = (1, 3, 8)


class World:
    """Everything that exists in one run."""

    def __init__(self, ground: Ground, seed: int, swarm: Swarm):
        self.ground, self.seed, self.swarm = ground, seed, swarm
        self.chance = swarm.chance
        self.ours = ground.ours
        self.folder = Path(tempfile.mkdtemp(prefix=f"world-{seed}-"))
        self.clock = ManualClock(ground.now_ms)
        self.plug = Plug(self._last_look)
        self.counts: Counter[str] = Counter()
        self.surprises: list[str] = []  # what a worker or the hub did not expect, as they logged it
        self.hub_chokes = swarm.poison
        self._typed = 0
        self.database = ""
        self._databases: list[str] = []
        self.portal = Portal(self)
        self.computers: list[Computer] = []
        self.premises = ground.ours.shops[: swarm.shops]
        self.acting: Place = self.portal
        self.oracle = Oracle(ground.ours)
        self.custody = Custody(self)
        self.hub_copies: list[str] = []
        self.cloned = self.replaced = 0
        self.facts: dict[tuple[str, str], list[dict[str, Any]]] = {}  # that must stand, once it is judged
        # Differences somebody found in a stocktake, by who counted with which books in which count, and by product.
        self.counted: dict[tuple[str, int, str], Counter[str]] = {}

    # beginning and end

    def begin(self) -> None:
        """The hub opens, and each shop switches its computer on."""
        self.use_database(self.new_database(GROUND))
        self._remember_the_ground()
        self.computers = [Computer(self, shop, shop.code, shop.file) for shop in self.premises]
        self.stranger = Computer(self, self.ground.stranger.shops[0], "stranger", self.ground.stranger.shops[0].file)

    def _remember_the_ground(self) -> None:
        """What was there before anybody was told anything."""
        facts = [name for name, model in synced_models().items() if model.__sync__.kind in (Kind.FACT, Kind.DECISION)]
        self.ground_ids = {name: {str(row[0]) for row in self.portal.query(f"SELECT id FROM {name}")} for name in facts}
        levels = self.portal.query("SELECT shop_id, product_id, on_hand FROM stock_level")
        self.ground_stock = {(str(shop), str(product)): pieces for shop, product, pieces in levels}

    def end(self) -> None:
        for computer in (*self.computers, self.stranger):
            computer.close()
        self.hub.close()
        for name in self._databases:
            self.ground.server.drop(name)
        shutil.rmtree(self.folder)

    def new_database(self, template: str) -> str:
        """A copy of a database nobody is connected to."""
        name = f"sim_{self.seed}_{len(self._databases)}"
        self.ground.server.drop(name)
        self.ground.server.sql(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER_ROLE} STRATEGY file_copy")
        self._databases.append(name)
        return name

    def use_database(self, name: str) -> None:
        self.database = name
        url = self.ground.server.owner_url(name)
        settings = HubSettings(data=self.folder, database_url=url, pool=8)
        self.hub = Hub(settings, connect(settings, url), self.clock, self.chance.randbytes)
        keep_mark(self.hub)
        self.app = Flask("simulated")
        self.app.register_blueprint(sync_blueprint(self.hub))

    def restart_hub(self) -> None:
        self.count("hub restarted")
        self.hub.close()
        self.use_database(self.database)

    def _last_look(self, side: Side) -> None:
        self.count(f"{side} killed")
        if side == "node":
            assert isinstance(self.acting, Computer)
            self.acting.take_last_look()

    # time and chance

    def tick(self) -> None:
        """Between two steps some time passes, for everybody alike."""
        self.pass_time(self.chance.choice((1, 50, 2_000, 30_000, 600_000)))
        for computer in self.running():
            if computer.is_short and self.chance.random() < 0.2:
                computer.have_room()  # somebody deletes a film
        if self.cloned and self.chance.random() < 0.2:
            owner_chooses(self)

    def pass_time(self, ms: int) -> None:
        for clock in (self.clock, *(computer.clock for computer in (*self.computers, self.stranger))):
            clock.advance(ms)

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def unique(self) -> int:
        """A number nobody has typed before."""
        self._typed += 1
        return self._typed

    def running(self) -> list[Computer]:
        return [computer for computer in self.computers if not computer.put_away]

    def some_computer(self) -> Computer:
        return self.chance.choice(self.running())

    def some_place(self) -> Place:
        return self.portal if self.chance.random() < 0.4 else self.some_computer()

    def some_sale(self, shop_id: str | None) -> str:
        """A sale somebody was told of, a late one rather than an early one; nobody's where there is none."""
        known = [s.sale_id for s in self.oracle.sales.values() if shop_id in (None, s.shop_id)]
        if not known:
            return "00000000-0000-7000-8000-000000000000"
        return self.chance.choice(known[-self.chance.choice((2, 10, 10_000)) :])

    def some_other_shop(self, shop_id: str) -> str:
        """Where goods are sent: mostly to a shop whose computer runs in this world."""
        shops = self.premises if self.chance.random() < 0.85 else self.ours.shops
        return self.chance.choice([s.shop_id for s in shops if s.shop_id != shop_id] or [self.ours.shops[-1].shop_id])

    def some_row(self, place: Place, query: str) -> str | None:
        values = {"shop": place.shop_id} if ":shop" in query else {}
        found = [str(row[0]) for row in place.query(f"{query} ORDER BY 1", **values)]
        return self.chance.choice(found) if found else None

    # acting

    def do(self, place: Place, action: str, form: dict[str, Any], who: str, expected: Expected | None = None) -> Any:
        """Somebody does something. What they are told goes to the oracle; None when they were refused."""
        actor = place.premises.people[who] if isinstance(place, Computer) else self.ours.owner
        action_id = self.hub.new_id()
        self.acting, self.plug.side = place, place.side
        if self.swarm.kills_now():
            self._arm(place.side)
        try:
            done = perform(place.context(actor), action, form, action_id=action_id)
        except ShopError as refused:
            self.count(f"refused {refused.code}")
            return None
        except Killed:
            return self._after_the_plug(place, action, form, action_id, expected)
        finally:
            self.plug.disarm()
        self._tell(place, action, form, done.result, action_id, expected)
        if self.chance.random() < 0.03:
            again = perform(place.context(actor), action, form, action_id=action_id)
            assert again.replayed and again.result == done.result, "the same act was done twice"
        return done

    def _arm(self, side: Side) -> None:
        named = self.chance.random() < 0.5
        self.plug.arm(side, self.chance.randint(1, self.chance.choice(KILL_NAMED if named else KILL_STATEMENTS)),
                      named=named)  # fmt: skip

    def _after_the_plug(
        self, place: Place, action: str, form: dict[str, Any], action_id: str, expected: Expected | None
    ) -> Any:
        """The act was in doubt when the plug was pulled: people look whether it is there, or do it again."""
        place.come_back()
        found = place.find(action_id)
        actor = place.premises.people["Sarah"] if isinstance(place, Computer) else self.ours.owner
        if found is not None:
            self.count("in doubt and there")
            self._tell(place, action, form, found.result, action_id, expected)
            return found
        self.count("in doubt and gone")
        if self.chance.random() < 0.5:
            return None
        try:
            done = perform(place.context(actor), action, form, action_id=action_id)
        except ShopError:
            return None
        self._tell(place, action, form, done.result, action_id, expected)
        return done

    def _tell(
        self, place: Place, action: str, form: dict[str, Any], result: dict[str, Any], entry_id: str,
        expected: Expected | None,
    ) -> None:  # fmt: skip
        self.count(f"told {action}")
        self.oracle.tell(place, action, form, result, entry_id, expected)

    def sync(self, computer: Computer) -> str:
        """One round of a computer's worker; it, or the hub over it, may lose its plug."""
        self.acting, self.plug.side = computer, "node"
        if self.swarm.kills_now():
            self._arm(self.chance.choice(("node", "hub")))
        try:
            state = computer.sync()
        except Killed:
            computer.come_back()
            state = "killed"
        finally:
            self.plug.disarm()
        self.count(f"sync {state}")
        if not computer.put_away:
            self.oracle.look(computer)
        return state

    def sell_one(self, computer: Computer) -> None:
        """The plainest sale, so that there is something to send."""
        ware = self.ours.wares[0]
        form = {
            "items": [{"product_id": ware.id, "unit_price": ware.price_minor}], "print_receipt": False,
            "payments": [{"method": "cash", "amount": ware.price_minor}],
        }  # fmt: skip
        self.do(computer, "sales.sell", form, "Sarah", Expected(ware.price_minor, {ware.id: -1}))

    def let_stranger_trade(self) -> None:
        """The stranger sells and sends; its books are another business's."""
        business, stranger = self.ground.stranger, self.stranger
        ware = business.wares[0]
        form = {
            "items": [{"product_id": ware.id, "unit_price": ware.price_minor}], "print_receipt": False,
            "payments": [{"method": "cash", "amount": ware.price_minor}],
        }  # fmt: skip
        perform(Context(stranger.home, business.owner, stranger.shop_id), "sales.sell", form)
        if self.chance.random() < 0.5:
            self.acting, self.plug.side = stranger, "node"
            stranger.sync()
