"""Lines that come back to a hub: what is believed, what entry is made of them, and when a lost value stands again."""

from __future__ import annotations

from typing import Any

import pytest

from sync_protocol.entries import rows_of
from sync_protocol.keys import read_public
from sync_protocol.lines import outcome_blocks
from sync_protocol.merge import FieldState, FieldWrite, Rule
from sync_protocol.messages import ReturnedPage, decode, encode
from sync_protocol.problems import BadSignature, InvalidEnvelope
from sync_protocol.returned import READMIT, entry_of_line, genuine_lines, lost_no_of, merge_returned
from sync_protocol.shape import check_entry
from tests.protocol.returned_examples import lost_line, page_of, readmitted_entry
from tests.protocol.samples import HUB_KEY_TEXT, NODE, NODE_KEY_TEXT, OTHER_ORIGIN, SHOP, id_of, line_of, sale_entry

HUB = read_public(HUB_KEY_TEXT)
PORTAL, SOMEBODY = id_of("the new portal"), id_of("somebody")
WAS = [OTHER_ORIGIN, 5, 43, "t", "customers.add", 42]


def changed(page: ReturnedPage, **fields: Any) -> ReturnedPage:
    return page.model_copy(update=fields)


def test_a_page_is_known_again_by_our_own_signature() -> None:
    assert genuine_lines(page_of(lost_line()), NODE, HUB) == [lost_line()]
    assert genuine_lines(decode(ReturnedPage, encode(page_of(lost_line()))), NODE, HUB) == [lost_line()]


@pytest.mark.parametrize(
    "fields", [{"epoch": "another"}, {"from_no": 40}, {"to_no": 44}, {"hashes": page_of(lost_line()).hashes[::-1]}]
)
def test_nothing_of_a_page_can_be_changed(fields: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        genuine_lines(changed(page_of(lost_line()), **fields), NODE, HUB)


def test_a_page_is_of_one_node_and_one_hub() -> None:
    with pytest.raises(BadSignature):
        genuine_lines(page_of(lost_line()), id_of("another node"), HUB)
    with pytest.raises(BadSignature):
        genuine_lines(page_of(lost_line()), NODE, read_public(NODE_KEY_TEXT))


@pytest.mark.parametrize("key, value", [("actor", None), ("n", 6), ("action", "sales.sell"), ("at", 1)])
def test_a_line_that_was_changed_is_not_ours(key: str, value: Any) -> None:
    page = page_of(lost_line())
    place, prev, line = page.lines[0]
    with pytest.raises(InvalidEnvelope):
        genuine_lines(changed(page, lines=[(place, prev, {**line, key: value})]), NODE, HUB)


def test_a_line_at_another_place_or_brief_or_of_another_page_is_not_ours() -> None:
    page = page_of(lost_line())
    _, prev, line = page.lines[0]
    brief = {key: line[key] for key in ("no", "prev", "stream", "origin", "n")}
    for odd in [(0, prev, line), (7, prev, line), (1, prev, brief), (1, prev, {**line, "no": 41})]:
        with pytest.raises(InvalidEnvelope):
            genuine_lines(changed(page, lines=[odd]), NODE, HUB)


def test_a_line_whose_personal_values_were_erased_is_still_ours() -> None:
    page = page_of(lost_line())
    place, prev, line = page.lines[0]
    erased = {key: value for key, value in line.items() if key != "personal"}
    assert genuine_lines(changed(page, lines=[(place, prev, erased)]), NODE, HUB) == [erased]


def test_the_entry_says_what_the_line_said() -> None:
    entry, line = readmitted_entry(), lost_line()
    check_entry(entry)
    assert entry["action"] == READMIT and lost_no_of(entry) == line["no"]
    assert (entry["actor"], entry["at"]) == (line["actor"], line["at"])
    told = [[entity, op, columns, rows] for entity, op, columns, rows in outcome_blocks(entry["rows"])]
    assert told == line["rows"]
    assert [row.values["name"] for row in rows_of(entry) if row.entity == "customer"] == ["Nakato Grace"]


def test_only_fields_of_registers_say_what_was_seen() -> None:
    line = {**lost_line(), "rows": [["stock_unit", "u", ["id", "status"], [[id_of("unit"), "sold"]]]]}
    holding = entry_of_line(line, id_of("e"), ["product"], SHOP, 42)
    register = entry_of_line(line, id_of("e"), ["stock_unit"], SHOP, 42)
    assert holding["rows"][0][3] == [[id_of("unit"), [None, "sold"]]]
    assert register["rows"][0][3] == [[id_of("unit"), [None, "sold", 43]]]
    assert holding["shop"] == SHOP


def test_a_sale_keeps_its_shop_and_needs_no_seen() -> None:
    line = line_of(sale_entry(3)[0])
    entry = {**entry_of_line(line, id_of("e"), [], SHOP, 43), "n": 1}
    check_entry(entry)
    assert entry["shop"] == SHOP and "personal" not in entry


def state(no: int, origin: str = SOMEBODY, at_ms: int = 1_000, by_owner: bool = False) -> FieldState:
    return FieldState("standing", no, origin, 3, at_ms, by_owner)


def write(at_ms: int = 1_000, by_owner: bool = False) -> FieldWrite:
    return FieldWrite("lost", 43, PORTAL, 9, at_ms, by_owner)


@pytest.mark.parametrize(
    ("current", "lost", "rule", "stands"),
    [
        (None, write(), "later_wins", "lost"),
        (state(41, at_ms=9_000), write(), "keep_current", "lost"),  # of before the loss, whatever its clock said
        (state(42, PORTAL, at_ms=9_000), write(), "later_wins", "lost"),  # came back before, and was older
        (state(44, PORTAL, at_ms=1), write(), "later_wins", "standing"),  # came back before, and was newer
        (state(1_000_050, PORTAL, at_ms=1), write(), "owner_wins", "standing"),  # the portal's, of the new life
        (state(1_000_050, at_ms=2_000), write(), "later_wins", "standing"),
        (state(1_000_050, at_ms=500), write(), "later_wins", "lost"),  # sent again late, but written earlier
        (state(1_000_050, at_ms=1_000), write(), "later_wins", "standing"),
        (state(1_000_050, at_ms=2_000), write(by_owner=True), "owner_wins", "lost"),
        (state(1_000_050, at_ms=500, by_owner=True), write(), "owner_wins", "standing"),
        (state(43, at_ms=2_000), write(), "later_wins", "standing"),  # of the time nobody knew: numbers say nothing
    ],
)
def test_what_comes_back_undoes_nothing_that_was_written_since(
    current: FieldState | None, lost: FieldWrite, rule: Rule, stands: str
) -> None:
    outcome = merge_returned(current, lost, WAS, rule)
    assert outcome.value == stands
    assert outcome.verdict == ("won" if stands == "lost" else "kept")
    assert not outcome.concurrent


def test_giving_the_same_value_back_twice_changes_nothing() -> None:
    first = merge_returned(None, write(), WAS, "later_wins")
    again = FieldState(first.state.value, 43, PORTAL, 9, first.state.at_ms)
    assert merge_returned(again, write(), WAS, "later_wins").value == "lost"
