"""Whatever is done with phones at two shops, in any order: each is in exactly one place, and in the one that was told.

A place is a shop with a state, the way between the shops, a customer, or none any more. On hand are the phones of
ON_HAND_STATUSES, each by its own movements; no phone has two open stays, and no number is two phones.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

from shopnode.domain.handsets.history import life_of
from shopnode.domain.handsets.models import ON_HAND_STATUSES, OPEN_STATUSES
from tests.domain.stories import assert_lively, hold
from tests.domain.story_phones import PHONE_PLANS, SELLING_PLANS, stocked_world
from tests.domain.story_stock import STOCK_PLANS, Shops

WAYS = {name: STOCK_PLANS[name] for name in ("receive", "send", "arrive", "count")}
UNIT_PLANS = {**SELLING_PLANS, **PHONE_PLANS, **WAYS}
OPEN = ", ".join(f"'{status}'" for status in OPEN_STATUSES)


def check_places(w: Shops) -> None:
    w.carry()
    w.hold_counts()
    places: dict[str, list[tuple[int | None, str]]] = defaultdict(list)
    for at, books in enumerate(w.books):
        stays = f"""SELECT h.imei1, u.status FROM stock_unit u JOIN handset h ON h.id = u.handset_id
            WHERE u.status IN ({OPEN})"""
        for number, status in books.ask(stays):
            places[number].append((at, status))
        on_way = """SELECT h.imei1 FROM transfer_line l JOIN handset h ON h.id = l.handset_id
            WHERE NOT EXISTS (SELECT 1 FROM transfer_receipt r WHERE r.line_id = l.id) AND l.shop_id = ?"""
        for (number,) in books.ask(on_way, w.shop_id(at)):
            places[number].append((None, "way"))
    for number, phone in w.told.phones.items():
        ended = phone.state in ("sold", "scrapped")
        assert places.pop(number, []) == ([] if ended else [(phone.at, phone.state)]), number
    assert not places
    check_sold(w)
    check_own_movements(w)
    check_events(w)


def check_sold(w: Shops) -> None:
    """A phone with a customer is on one line that stands, of a sale that stands."""
    for at, books in enumerate(w.books):
        query = """SELECT h.imei1, count(*) FROM stock_unit u JOIN handset h ON h.id = u.handset_id
            JOIN sale_line l ON l.id = u.sold_line_id JOIN sale_summary s ON s.sale_id = l.sale_id
            WHERE u.status = 'sold' AND s.status NOT IN ('Voided', 'Reversed')
            AND NOT EXISTS (SELECT 1 FROM sale_return_line r WHERE r.sale_line_id = l.id) GROUP BY 1"""
        sold = dict(books.ask(query))
        for phone in w.here(at, "sold"):
            assert sold.get(phone.number, 0) >= 1, phone.number
        odd = "SELECT id FROM stock_unit WHERE (status = 'sold') <> (sold_line_id IS NOT NULL)"
        assert books.ask(odd) == []


def check_own_movements(w: Shops) -> None:
    on_hand = ", ".join(f"'{status}'" for status in ON_HAND_STATUSES)
    for books in w.books:
        odd = f"""SELECT u.id FROM stock_unit u LEFT JOIN stock_movement m ON m.unit_id = u.id GROUP BY u.id
            HAVING coalesce(sum(m.quantity), 0) <> (u.status IN ({on_hand}))"""
        assert books.ask(odd) == []
        assert books.ask("SELECT imei1 FROM handset GROUP BY 1 HAVING count(*) > 1") == []


def check_events(w: Shops) -> None:
    """Every state that is brought about by hand is told by an event, and the latest tells the one that stands."""
    query = """SELECT u.id, u.status FROM stock_unit u
        WHERE u.status IN ('reserved', 'bench', 'supplier', 'lent', 'missing', 'scrapped')
        AND NOT EXISTS (SELECT 1 FROM unit_event e WHERE e.unit_id = u.id AND e.to_status = u.status
            AND e.at = (SELECT max(l.at) FROM unit_event l WHERE l.unit_id = u.id))
        AND NOT EXISTS (SELECT 1 FROM stock_movement m WHERE m.unit_id = u.id AND m.kind = 'inspect')"""
    assert w.books[0].ask(query) == w.books[1].ask(query) == []


def check_lives(w: Shops) -> None:
    """The life of a phone is told in its order; of one story in twenty, as it is read row by row."""
    if w.counts.stories % 20:
        return
    number = min(w.told.phones)
    for at in (0, 1):
        rows = w.books[at].ask("SELECT id FROM handset WHERE imei1 = ?", number)
        with w.shops[at].reading() as ctx:
            events = [event for row in rows for event in life_of(ctx, row[0])]
        assert [event.at for event in events] == sorted(event.at for event in events)


@pytest.mark.timeout(1800)
def test_a_phone_is_in_exactly_one_place_whatever_is_done() -> None:
    world = stocked_world()
    hold(world, UNIT_PLANS, check_places, check_lives)
    assert_lively(world.counts)
