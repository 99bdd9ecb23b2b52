"""Whoever is asked over the telephone is told how much it is about, and which document: an act that says nothing of
itself could be read out as anything."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import pytest

from shopnode.domain import everything  # noqa: F401 — the door knows every action
from shopnode.domain.actions import ACTIONS
from shopnode.domain.commissions.actions import BookForStaff
from shopnode.domain.people import telephone
from shopnode.domain.people.telephone import ask
from shopnode.domain.permissions import Role
from shopnode.domain.repairs.unclaimed import ChargeStorage, MarkUnclaimed
from shopnode.domain.sales.forms import Undo
from tests.domain.bench import Bench, open_bench
from tests.shop import Shop

# No money is given and nothing written off by them: the second person looks at a phone, a paper or a condition.
WITHOUT_FIGURES = {
    "handsets.describe", "handsets.expect", "handsets.receive",
    "handsets.receive_many", "printing.print_receipt", "repairs.clear_stolen", "repairs.dispose",
    "repairs.receive_from_branch", "repairs.take_in", "repairs.take_in_rework", "suppliers.end_return",
}  # fmt: skip


def asks(run: Any, seen: set[Any]) -> bool:
    """Whether a function of the domain, or one it calls, may ask for a second person."""
    if run in seen:
        return False
    seen.add(run)
    for code in _codes(run.__code__):
        if "require_approval" in code.co_names:
            return True
        called = (run.__globals__.get(name) for name in code.co_names)
        ours = (one for one in called if isinstance(one, types.FunctionType))
        if any(asks(one, seen) for one in ours if one.__module__.startswith("shopnode.domain")):
            return True
    return False


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)


ASKING = sorted(name for name, action in ACTIONS.items() if asks(action.run, set()))


def test_the_search_finds_those_that_ask() -> None:
    assert {"cash.pay_out", "repairs.give_back", "returns.take_back", "staff.book", "sales.sell"} <= set(ASKING)
    assert "customers.create" not in ASKING
    assert set(ASKING) >= WITHOUT_FIGURES


@pytest.mark.parametrize("action", sorted(set(ASKING) - WITHOUT_FIGURES))
def test_rule_89_what_a_second_person_is_asked_for_says_how_much_it_is_about(action: str) -> None:
    assert action in telephone._FIGURES


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def question(bench: Bench, action: str, form: Any, role: Role = Role.SUPERVISOR) -> tuple[int, str]:
    asked = ask(bench.shop.ctx(role), action, form).question
    return asked.amount_minor, asked.document


def test_money_between_a_person_and_the_shop_names_the_person(bench: Bench) -> None:
    form = BookForStaff(staff_id=bench.shop.cashier.id or "", kind="advance", amount=900_000, method="cash")
    assert question(bench, "staff.book", form) == (900_000, "ADVANCEAISHA")


def test_a_sale_that_is_undone_names_what_goes_back(bench: Bench) -> None:
    sold = bench.till.sell({"product_id": bench.till.charger})
    form = Undo(sale_id=sold.result["sale_id"], reason="wrong one")
    assert question(bench, "sales.void", form, Role.OWNER) == (35_000, "KLA1-000001")


def test_storage_that_is_not_asked_for_names_what_is_lost(bench: Bench) -> None:
    bench.shop.do("settings.change", key="repair_storage_per_day_minor", value=1_000)
    ticket_id = bench.mended()
    bench.later(days=24)
    form = ChargeStorage(ticket_id=ticket_id, amount=3_000)
    assert question(bench, "repairs.charge_storage", form) == (7_000, "KLA1-J000001")
    assert question(bench, "repairs.mark_unclaimed", MarkUnclaimed(ticket_id=ticket_id)) == (0, "KLA1-J000001")
