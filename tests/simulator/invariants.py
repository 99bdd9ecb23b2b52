"""The ten invariants of the protocol, judged after a world has come to rest, against what the oracle was told.

Each check answers with sentences; none is a pass. Codes are those of the list of dangers (D1, E1, …) or the
invariant's number in the protocol.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tests.simulator.custody import entries_at_hub
from tests.simulator.healing import QUIET_MS
from tests.simulator.tables import SHOWN_MAX, compared_tables, differences, rows_of, text_of

if TYPE_CHECKING:
    from tests.simulator.places import Portal
    from tests.simulator.world import World

Check = Callable[["World"], Iterator[str]]


def every_told_entry_is_there_once(world: World) -> Iterator[str]:
    """1, D1, E1: each entry somebody was told of is in the inbox, and had its effect once."""
    at_hub: dict[str, list[str | None]] = {}
    for entry_id, verdict in world.portal.query("SELECT entry_id, verdict FROM journal_entry"):
        at_hub.setdefault(str(entry_id), []).append(verdict)
    world.custody.learn()
    given_back = entries_at_hub(world, world.oracle.told)
    for told in world.oracle.told.values():
        verdicts = at_hub.get(told.entry_id, [])
        # A restored shop sends again what a late request of its had brought: judged row by row below.
        effects = [verdict for verdict in verdicts if verdict not in ("duplicate", "merged")]
        if not verdicts and told.entry_id not in world.oracle.excused and told.entry_id not in given_back:
            yield f"D1: {told.action} of {told.where} is lost ({told.entry_id})"
        elif len(effects) > 1 and (any(told.inserts()) or world.oracle.lives == 1):
            # An edit alone may come under two origins to a hub that was put back to another past: it changes nothing.
            yield f"E1: {told.action} of {told.where} was taken {len(effects)} times"
        elif {"held", "quarantined"} & set(verdicts):
            why = world.portal.query(_WHY, id=told.entry_id)
            yield f"1: {told.action} of {told.where} still waits: {why}"


def facts_are_what_was_told(world: World) -> Iterator[str]:
    """D1, E1: the hub's facts are those of the oracle, row by row: none lost, none invented, none different.

    Of an act done twice the first one that the hub took stands whole. Where a hub was taken back, which one it took
    first is its own affair, but what stands is whole what one of them was told.
    """
    stands = {entity: _rows_by_id(world.portal, entity) for entity in world.ground_ids}
    present = {(entity, row_id) for entity, rows in stands.items() for row_id in rows}
    told = world.oracle.facts(present, world.custody.admitted)
    world.facts = told
    before = world.ground_ids
    for entity, here in stands.items():
        mine = {row_id: rows for (name, row_id), rows in told.items() if name == entity}
        lost = [row_id for row_id in mine if row_id not in here]
        invented = [row_id for row_id in here if row_id not in mine and row_id not in before[entity]]
        if lost:
            yield f"D1: {entity}: {len(lost)} rows are lost, such as {lost[:SHOWN_MAX]}"
        if invented:
            yield f"E1: {entity}: {len(invented)} rows nobody was told of, such as {invented[:SHOWN_MAX]}"
        for row_id, rows in mine.items():
            if row_id not in here:
                continue
            agreeing = [row for row in rows if _agrees(row, here[row_id])]
            if not agreeing or (agreeing[0] is not rows[0] and world.oracle.lives == 1):
                yield f"E1: {entity} {row_id} differs from what was recorded"
            told[entity, row_id] = agreeing or rows


def sales_are_what_receipts_say(world: World) -> Iterator[str]:
    """D1, U1: a sale that was never corrected or undone stands with the total of its receipt, paid in full."""
    touched = {t.form.get("sale_id") for t in world.oracle.told.values()}
    totals = {str(row[0]): row[1:] for row in world.portal.query(_SUMMARIES)}
    for sale in world.oracle.sales.values():
        if sale.entry_id in world.oracle.excused:
            continue
        stands = totals.get(sale.sale_id)
        if stands is None:
            yield f"D1: the sale of receipt {sale.number} is not at the hub"
        elif sale.sale_id not in touched and stands != (sale.number, sale.total, sale.total):
            yield f"U1: receipt {sale.number} says {sale.total}, the hub {stands}"


def replicas_are_equal(world: World) -> Iterator[str]:
    """2, C1: equal scope, equal rows, derived ones included, at the hub and at every shop."""
    for computer in world.running():
        tables = compared_tables().items()
        here = {table: rows_of(computer, table, columns, computer.shop_id) for table, columns in tables}
        there = {table: rows_of(world.portal, table, columns, computer.shop_id) for table, columns in tables}
        yield from (f"2: at {computer.label} and at the hub: {words}" for words in differences(here, there))


def nothing_is_pending(world: World) -> Iterator[str]:
    """No edit still waits for a verdict, and no value is kept in a shadow."""
    for computer in world.running():
        left = computer.query("SELECT entity, field FROM field_state WHERE pending_n IS NOT NULL OR shadow IS NOT NULL")
        if left:
            yield f"2: at {computer.label} edits still wait: {left[:SHOWN_MAX]}"


def movements_add_up(world: World) -> Iterator[str]:
    """4, S1: stock is the sum of the movements that were told, at both homes."""
    expected: dict[tuple[str, str], int] = dict(world.ground_stock)
    for (entity, _), rows in world.facts.items():
        if entity == "stock_movement":
            key = (rows[0]["shop_id"], rows[0]["product_id"])
            expected[key] = expected.get(key, 0) + rows[0]["quantity"]
    for place in (world.portal, *world.running()):
        levels = {(str(s), str(p)): on_hand for s, p, on_hand in place.query(_LEVELS)}
        for (shop_id, product_id), pieces in expected.items():
            found = levels.get((shop_id, product_id), 0)
            if place.shop_id in (None, shop_id) and found != pieces:
                yield f"4: at {place.label} {found} pieces of {product_id}, {pieces} were told"


def money_is_conserved(world: World) -> Iterator[str]:
    """5, M2: what was paid and given back in each drawer session is what was told, at both homes."""
    expected: Counter[tuple[str, str, str]] = Counter()
    for (entity, _), rows in world.facts.items():
        if entity in ("payment", "money_move"):
            key = (rows[0]["shop_id"], str(rows[0].get("drawer_session_id")), rows[0]["method"])
            expected[key] += rows[0]["amount_minor"]
    for place in (world.portal, *world.running()):
        found = {(str(shop), str(drawer), method): int(sum_) for shop, drawer, method, sum_ in place.query(_MONEY)}
        mine = {key: total for key, total in expected.items() if place.shop_id in (None, key[0])}
        odd = {key for key in found.keys() | mine.keys() if found.get(key, 0) != mine.get(key, 0)}
        if odd:
            shown = [(key, found.get(key, 0), mine.get(key, 0)) for key in sorted(odd)[:SHOWN_MAX]]
            yield f"5: money at {place.label}, then what was told: {shown}"


def registers_hold_a_standing_value(world: World) -> Iterator[str]:
    """What was seen decides: a value that somebody saw and typed over never comes back."""
    for key in world.oracle.edits:
        allowed = world.oracle.standing_values(key)
        entity, row_id, name = key
        rows = world.portal.query(f"SELECT {name} FROM {entity} WHERE id = CAST(:id AS uuid)", id=row_id)
        if allowed is not None and rows and rows[0][0] not in allowed:
            yield f"merge: {entity}.{name} is {rows[0][0]!r}, though only {allowed} were typed over by nobody"


def receipt_numbers_are_unique(world: World) -> Iterator[str]:
    """10, R1: no number stands on two sales; what two computers with one disk printed is listed for the owner."""
    listed = {row[0] for row in world.portal.query("SELECT key FROM hub_exception WHERE kind = 'number_twice'")}
    for number, count in world.portal.query("SELECT number, count(*) FROM sale GROUP BY number HAVING count(*) > 1"):
        if number not in world.oracle.twin_numbers or number not in listed:
            yield f"10: receipt number {number} stands on {count} sales"


def quiet_worlds_stay_quiet(world: World) -> Iterator[str]:
    """7: after rest, more exchanges move no rows."""
    exchanges = 100 if world.seed % 16 == 0 else 6
    places = world.running()
    before = _everything(world)
    for turn in range(exchanges):
        world.pass_time(QUIET_MS)
        done = places[turn % len(places)].worker.run_once()
        if done.pushed or done.pulled:
            yield f"7: exchange {turn} after rest moved {done}"
    if _everything(world) != before:
        yield "7: rows changed after rest"


def _everything(world: World) -> list[Any]:
    found: list[Any] = [world.portal.query("SELECT seq FROM tenant_feed")]
    found += [world.portal.query("SELECT count(*) FROM journal_entry")]
    for computer in world.running():
        found += [
            computer.query("SELECT head_n, seen FROM installation"),
            computer.query("SELECT count(*) FROM feed_line"),
        ]
    return found


def _rows_by_id(place: Portal, entity: str) -> dict[str, dict[str, Any]]:
    names = [name for name in compared_tables()[entity] if name != "id"]
    rows = place.query(f"SELECT id, {', '.join(names)} FROM {entity}")
    return {str(row[0]): dict(zip(names, row[1:], strict=True)) for row in rows}


def _agrees(told: dict[str, Any], stands: dict[str, Any]) -> bool:
    """Whether a row holds what was recorded."""
    return all(text_of(stands[name]) == text_of(value) for name, value in told.items() if name != "id")


_WHY = """
SELECT w.verdict, w.reason FROM waiting_entry w
JOIN journal_entry e ON e.origin_id = w.origin_id AND e.n = w.n WHERE e.entry_id = CAST(:id AS uuid)
"""
_SUMMARIES = "SELECT sale_id, number, total_minor, paid_minor FROM sale_summary"
_LEVELS = "SELECT shop_id, product_id, on_hand FROM stock_level"
_MONEY = """
SELECT shop_id, drawer_session_id, method, sum(amount_minor) FROM (
  SELECT shop_id, drawer_session_id, method, amount_minor FROM payment
  UNION ALL SELECT shop_id, drawer_session_id, method, amount_minor FROM money_move) AS moved GROUP BY 1, 2, 3
"""

CHECKS: tuple[Check, ...] = (
    every_told_entry_is_there_once,
    facts_are_what_was_told,
    sales_are_what_receipts_say,
    replicas_are_equal,
    nothing_is_pending,
    movements_add_up,
    money_is_conserved,
    registers_hold_a_standing_value,
    receipt_numbers_are_unique,
    quiet_worlds_stay_quiet,
)
