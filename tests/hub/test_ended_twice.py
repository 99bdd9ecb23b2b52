"""A repair, a plan, an expense or a drawer session ends once; where it was ended twice, the owner is told."""

from __future__ import annotations

from typing import Any

import pytest

from cloudhub.merge.conflicts import open_exceptions
from cloudhub.merge.oddities import ended_again, oddity_of_repeat
from tests.hub.raw import RawNode, change, raw_node
from tests.hub.world import World

AT = 1_790_000_000_000


@pytest.fixture
def raw(world: World) -> RawNode:
    return raw_node(world)


def told(world: World) -> dict[str, str]:
    with world.session() as session:
        return {e.kind: e.sentence for e in open_exceptions(session)}


def expense(raw: RawNode) -> str:
    """One that waits to be paid, known to the hub."""
    row: dict[str, Any] = {
        "id": raw.new_id(), "shop_id": raw.shop, "number": "KLA1-E000017", "category": "Rent", "description": "March",
        "amount_minor": 500_000, "method": "cash", "expense_on": "2026-11-22", "created_at": AT,
    }  # fmt: skip
    raw.write(["expense", "i", list(row), [list(row.values())]])
    assert raw.push().verdicts == {}
    return str(row["id"])


def test_an_expense_paid_once_is_not_told(world: World, raw: RawNode) -> None:
    raw.write(change("expense", expense(raw), paid_at=(None, AT)))
    raw.push()
    assert told(world) == {}


def test_an_expense_that_a_restored_shop_pays_again_is_told(world: World, raw: RawNode) -> None:
    row_id = expense(raw)
    raw.write(change("expense", row_id, paid_at=(None, AT)))
    raw.push()
    raw.write(change("expense", row_id, paid_at=(None, AT + 1)))

    assert raw.push().verdicts == {}
    assert told(world) == {
        "ended_twice": "Shop KLA ended expense KLA1-E000017 twice, because it did not know of the first time. Money "
        "and goods of both stand in the books; find out which of them were real."
    }


@pytest.mark.parametrize(
    ("entity", "column", "before", "after", "stands", "again"),
    [
        ("repair_ticket", "status", "Completed", "Delivered", "Delivered", True),
        ("repair_ticket", "status", "Unclaimed", "Disposed", "Delivered", True),
        ("repair_ticket", "status", "Completed", "Delivered", "In Progress", False),
        ("repair_ticket", "status", "Diagnosed", "In Progress", "Delivered", False),  # nothing changes hands by it
        ("plan", "status", "open", "cancelled", "completed", True),
        ("plan", "status", "open", "completed", "open", False),
        ("drawer_session", "closed_at", None, AT, AT - 1, True),
        ("drawer_session", "closed_at", None, AT, None, False),
        ("stock_unit", "status", "in_stock", "sold", "sold", False),  # told of as sold twice
        ("expense", "category", "Rent", "Airtime", "Rent", False),
    ],
)
def test_what_ends_once_has_ended_again(
    entity: str, column: str, before: Any, after: Any, stands: Any, again: bool
) -> None:
    assert ended_again(entity, {column: [before, after]}, {column: stands}) is again


def test_two_branches_that_both_have_a_device_are_told_and_the_same_one_twice_is_not() -> None:
    here, there = {"ticket_id": "a"}, {"ticket_id": "b"}
    assert oddity_of_repeat("repair_transfer_receipt", there, here) == "repair_in_two_places"
    assert oddity_of_repeat("repair_transfer_receipt", here, here) is None
