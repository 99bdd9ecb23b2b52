"""What schema 3 added to what must hold: customers' accounts, phones in one place, boxes between two shops.

Beside the ten invariants, and judged like them: against what people were told, after a world has come to rest. What
two shops did that could not hear each other is no fault if the owner is told of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tests.simulator.tables import SHOWN_MAX

if TYPE_CHECKING:
    from tests.simulator.world import World

Check = Callable[["World"], Iterator[str]]

SPENDABLE = {"store_credit": "overspent_credit", "points": "overspent_points"}  # and how it is told
GONE = ("sold", "scrapped", "sent")  # a stay that has ended
READY = ("in_stock", "reserved")  # on hand: it stands in the shop ready to be handed over


def accounts_are_what_was_told(world: World) -> Iterator[str]:
    """5, M3: each customer's account stands, at the hub and in every shop, where what all shops were told puts it."""
    expected: Counter[tuple[str, str]] = Counter()
    for (entity, _), rows in world.facts.items():
        if entity == "account_entry":
            expected[rows[0]["customer_id"], rows[0]["account"]] += rows[0]["amount"]
    for place in (world.portal, *world.running()):
        found = {(str(who), account): int(balance) for who, account, balance in place.query(_BALANCES)}
        odd = sorted(key for key in found.keys() | expected.keys() if found.get(key, 0) != expected[key])
        if odd:
            shown = [(*key, found.get(key, 0), expected[key]) for key in odd[:SHOWN_MAX]]
            yield f"5: accounts at {place.label}, then what was told: {shown}"


def nothing_is_spent_that_is_not_there(world: World) -> Iterator[str]:
    """M4: store credit and points are never below zero, unless the owner is told so."""
    listed = {str(row[0]) for kind in SPENDABLE.values() for row in world.portal.query(_LISTED.format(kind=kind))}
    for who, account, balance in world.portal.query(_BALANCES):
        if account in SPENDABLE and balance < 0 and str(who) not in listed:
            yield f"M4: {account} of {who} stands at {balance}, and nobody is told"


def a_phone_is_in_one_place(world: World) -> Iterator[str]:
    """S2: no phone has two stays that have not ended, unless the owner is told so."""
    stays: dict[str, list[str]] = defaultdict(list)
    for unit_id, handset_id, status in world.portal.query(_STAYS):
        if status not in GONE:
            stays[str(handset_id)].append(str(unit_id))
    listed = {str(row[0]) for row in world.portal.query(_LISTED.format(kind="two_stays"))}
    for handset_id, unit_ids in stays.items():
        if len(unit_ids) > 1 and listed.isdisjoint(unit_ids):
            yield f"S2: phone {handset_id} is in {len(unit_ids)} places, and nobody is told"


def shelves_hold_their_phones(world: World) -> Iterator[str]:
    """4, S1: a phone that stands ready is on hand by its movements, and no other is, unless the owner is told of it."""
    moved = {str(unit_id): int(pieces) for unit_id, pieces in world.portal.query(_MOVED)}
    odd = [(str(unit_id), status, moved.get(str(unit_id), 0)) for unit_id, _, status in world.portal.query(_STAYS)
           if moved.get(str(unit_id), 0) != (status in READY)]  # fmt: skip
    if not odd:
        return
    told = {str(name) for row in world.portal.query(_TOLD) for name in row if name is not None}
    for unit_id, status, pieces in odd:
        names = {str(row[0]) for row in world.portal.query(_NAMES, unit=unit_id)}
        if names.isdisjoint(told):
            yield f"4: phone {unit_id} is {status}, {pieces} of it on hand by its movements, and nobody is told"


def boxes_hold_what_was_sent(world: World) -> Iterator[str]:
    """S3: pieces sent = received + taken back + under way; more than was sent only where the owner is told so."""
    arrived: Counter[str] = Counter()
    sent: dict[str, int] = {}
    for (entity, row_id), rows in world.facts.items():
        if entity == "transfer_item":
            sent[row_id] = rows[0]["quantity"]
        elif entity == "transfer_item_receipt":
            arrived[rows[0]["item_id"]] += rows[0]["quantity"]
    listed = {str(row[0]) for row in world.portal.query(_LISTED.format(kind="more_than_sent"))}
    for place in (world.portal, *world.running()):
        here = {str(item_id): int(quantity) for item_id, quantity in place.query(_ARRIVED)}
        if here != dict(arrived):
            odd = sorted(here.items() ^ arrived.items())[:SHOWN_MAX]
            yield f"S3: at {place.label} other pieces arrived than were told: {odd}"
    for item_id, quantity in arrived.items():
        if quantity > sent.get(item_id, 0) and item_id not in listed:
            yield f"S3: of {sent.get(item_id, 0)} pieces {quantity} arrived, and nobody is told ({item_id})"


_BALANCES = "SELECT customer_id, account, balance FROM account_balance"
_STAYS = "SELECT id, handset_id, status FROM stock_unit ORDER BY id"
_MOVED = "SELECT unit_id, sum(quantity) FROM stock_movement WHERE unit_id IS NOT NULL GROUP BY unit_id"
_TOLD = "SELECT row_id, other_id, key FROM hub_exception"
# Under which names the owner may have been told of a stay: its own, the phone's, its sales' and what was done to them,
# its way to another shop.
_NAMES = """
WITH unit AS (SELECT id, handset_id FROM stock_unit WHERE id = CAST(:unit AS uuid)),
  sold AS (SELECT sale_id FROM sale_line WHERE unit_id IN (SELECT id FROM unit)),
  line AS (SELECT id FROM transfer_line WHERE unit_id IN (SELECT id FROM unit))
SELECT id::text FROM unit
UNION ALL SELECT h.imei1 FROM handset h JOIN unit u ON u.handset_id = h.id
UNION ALL SELECT sale_id::text FROM sold
UNION ALL SELECT id::text FROM sale_amendment WHERE sale_id IN (SELECT sale_id FROM sold)
UNION ALL SELECT id::text FROM sale_decision WHERE sale_id IN (SELECT sale_id FROM sold)
UNION ALL SELECT id::text FROM line
UNION ALL SELECT id::text FROM transfer_receipt
  WHERE line_id IN (SELECT id FROM line) OR unit_id IN (SELECT id FROM unit)
"""
_LISTED = "SELECT row_id FROM hub_exception WHERE kind = '{kind}'"
_ARRIVED = "SELECT item_id, sum(quantity) FROM transfer_item_receipt GROUP BY item_id"

CHECKS: tuple[Check, ...] = (
    accounts_are_what_was_told,
    nothing_is_spent_that_is_not_there,
    a_phone_is_in_one_place,
    shelves_hold_their_phones,
    boxes_hold_what_was_sent,
)
