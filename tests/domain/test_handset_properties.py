"""Whatever is done with phones, in any order: what is on hand is what moved, and what stands on the shelf.

After every act the level of the product, the sum of its movements and the number of units in ON_HAND_STATUSES agree,
and no phone has two open stays. Refused acts change nothing.

`HANDSET_EXAMPLES` sets how many stories are told; 2,000 are, where there is time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select

from shopnode.domain.errors import ShopError
from shopnode.domain.handsets.history import life_of
from shopnode.domain.handsets.models import ON_HAND_STATUSES, OPEN_STATUSES, Handset, StockUnit, UnitEvent
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.sales.models import Sale, SaleLine, SaleSummary
from shopnode.domain.stock.models import MovementKind, StockLevel, StockMovement
from tests.domain.test_shop_properties import template
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import Till, open_till
from tests.shop import open_copy

NUMBERS = ("004401251000390", "004401261000521", "SERIAL7")
VERBS = ("set_aside", "put_back", "lend", "give_back", "report_missing", "report_found", "reserve", "release",
         "finish_inspection", "write_off")  # fmt: skip
STATES = ("in_stock", "reserved", "inspect", "bench", "lent", "missing", "scrapped")
EXAMPLES = int(os.environ.get("HANDSET_EXAMPLES", "20"))


class Shelf(RuleBasedStateMachine):
    """Five phones at most, and everything that can be done with them at a shop."""

    @initialize()
    def open_shop(self) -> None:
        folder, people = template()
        self.folder = Path(tempfile.mkdtemp(prefix="shelf-"))
        shop, self.database = open_copy(folder, self.folder, people)
        hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
        self.till: Till = open_till(shop)
        self.units = list(self.till.units)
        self.done = Counter[str]()

    def _try(self, action: str, **form: Any) -> dict[str, Any] | None:
        """Do it, unless it is refused; a refusal leaves no trace."""
        self.till.shop.clock.advance(1_000)
        before = len(self.till.shop.entries())
        try:
            result = self.till.shop.do(action, form)
        except ShopError:
            assert len(self.till.shop.entries()) == before
            return None
        self.done[action] += 1
        return result

    def _unit(self, pick: int) -> str:
        return self.units[pick % len(self.units)]

    @rule(which=st.integers(0, 4), expected=st.booleans())
    def receive(self, which: int, expected: bool) -> None:
        number = (*NUMBERS, "004401231000130", "004401241000260")[which]
        form = {"serial" if number.startswith("S") else "imei1": number}
        done = self._try("handsets.expect" if expected else "handsets.receive", product_id=self.till.phone, **form)
        if done is not None and done["unit_id"] not in self.units:
            self.units.append(done["unit_id"])

    @rule(whole=st.booleans())
    def receive_scanned(self, whole: bool) -> None:
        numbers = list(NUMBERS if whole else NUMBERS[:2])
        done = self._try("handsets.receive_many", product_id=self.till.phone, numbers=numbers)
        self.units += [one["unit_id"] for one in done["phones"] if one["unit_id"] not in self.units] if done else []

    @rule(verb=st.sampled_from(VERBS), pick=st.integers(0, 9), resell=st.booleans())
    def change(self, verb: str, pick: int, resell: bool) -> None:
        outcome = {"give_back": "resell" if resell else "inspect", "finish_inspection": "resell" if resell else "scrap"}
        more = {"outcome": outcome[verb]} if verb in outcome else {}
        self._try(f"handsets.{verb}", unit_id=self._unit(pick), reason="as told", **more)

    @rule(state=st.sampled_from(STATES), pick=st.integers(0, 9))
    def bring_to(self, state: str, pick: int) -> None:
        self._try("handsets.change_status", unit_id=self._unit(pick), status=state, reason="as told")

    @rule(pick=st.integers(0, 9))
    def sell(self, pick: int) -> None:
        self._try("sales.sell", items=[{"device_id": self._unit(pick)}],
                  payments=[{"method": "cash", "amount": 640_000}])  # fmt: skip

    @rule(pick=st.integers(0, 9), restock=st.sampled_from(["resell", "inspect", "scrap"]))
    def undo(self, pick: int, restock: str) -> None:
        sales = self.till.shop.rows(Sale)
        if sales:
            self._try("sales.void", sale_id=sales[pick % len(sales)].id, reason="came back", restock=restock)

    @rule(pick=st.integers(0, 9))
    def send_away(self, pick: int) -> None:
        done = self._try("handsets.send", to_shop_id=ELSEWHERE, unit_ids=[self._unit(pick)])
        if done is not None:
            self.sent = (done["transfer_id"], self._unit(pick))

    @rule()
    def take_back(self) -> None:
        if hasattr(self, "sent"):
            self._try("handsets.take_back", transfer_id=self.sent[0], unit_ids=[self.sent[1]], reason="never left")
            self.units += [row.id for row in self.till.shop.rows(StockUnit) if row.id not in self.units]

    @invariant()
    def the_level_is_what_moved_and_what_stands_on_the_shelf(self) -> None:
        if not hasattr(self, "done"):
            return
        with self.till.shop.home.reading() as session:
            level = session.scalar(select(StockLevel.on_hand).where(StockLevel.product_id == self.till.phone))
            moved = session.scalar(select(func.sum(StockMovement.quantity)).where(
                StockMovement.product_id == self.till.phone))  # fmt: skip
            shelf = session.scalar(select(func.count()).where(StockUnit.status.in_(ON_HAND_STATUSES)))
        assert level == moved == shelf

    @invariant()
    def each_phone_is_on_hand_by_its_own_movements(self) -> None:
        if not hasattr(self, "done"):
            return
        moved: Counter[str] = Counter()
        for row in self.till.shop.rows(StockMovement, product_id=self.till.phone):
            moved[row.unit_id or ""] += row.quantity
        for unit in self.till.shop.rows(StockUnit):
            assert moved[unit.id] == (unit.status in ON_HAND_STATUSES), (unit.status, self.done)

    @invariant()
    def no_phone_has_two_open_stays_and_no_number_two_phones(self) -> None:
        if not hasattr(self, "done"):
            return
        stays = Counter(unit.handset_id for unit in self.till.shop.rows(StockUnit) if unit.status in OPEN_STATUSES)
        assert all(count == 1 for count in stays.values())
        numbers = [phone.number for phone in self.till.shop.rows(Handset)]
        assert len(numbers) == len(set(numbers))

    @invariant()
    def a_sold_phone_is_on_one_standing_sale(self) -> None:
        if not hasattr(self, "done"):
            return
        undone = {row.sale_id for row in self.till.shop.rows(SaleSummary) if row.status in ("Voided", "Reversed")}
        sold = Counter(line.unit_id for line in self.till.shop.rows(SaleLine) if line.sale_id not in undone)
        for unit in self.till.shop.rows(StockUnit):
            assert sold[unit.id] == (unit.status == "sold")

    def teardown(self) -> None:
        if not hasattr(self, "done"):
            return
        self._each_life_ends_where_the_phone_is()
        self.database.close()
        shutil.rmtree(self.folder)

    def _each_life_ends_where_the_phone_is(self) -> None:
        """The facts tell the state: the last event or movement of a stay is the state it is in."""
        for unit in self.till.shop.rows(StockUnit):
            told = [(row.at, row.id, row.to_status) for row in self.till.shop.rows(UnitEvent, unit_id=unit.id)]
            for row in self.till.shop.rows(StockMovement, unit_id=unit.id):
                if row.kind in (MovementKind.SOLD, MovementKind.SENT):
                    told.append((row.at, row.id, row.kind))
            if told and max(told)[2] in ("sold", "sent"):
                assert unit.status in (max(told)[2], "in_stock", "inspect", "scrapped")  # the sale may be undone
            elif told:
                undone = self.till.shop.rows(StockMovement, unit_id=unit.id, kind=MovementKind.INSPECT_OUT.value)
                assert unit.status == max(told)[2] or undone
        with self.till.shop.reading() as ctx:
            for phone in self.till.shop.rows(Handset):
                events = life_of(ctx, phone.id)
                assert events and [event.at for event in events] == sorted(event.at for event in events)


TestShelf = pytest.mark.timeout(400 + EXAMPLES * 4)(Shelf.TestCase)
TestShelf.settings = settings(max_examples=EXAMPLES, stateful_step_count=20, deadline=None)
