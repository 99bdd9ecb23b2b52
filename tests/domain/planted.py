"""Mistakes planted into the domain, one at a time, to see whether the stories notice. Named after what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shopnode.domain.accounts import actions as accounts
from shopnode.domain.accounts import tenders
from shopnode.domain.cash import moves
from shopnode.domain.handsets import states, transfers
from shopnode.domain.handsets.transit import WayItem
from shopnode.domain.people import limits
from shopnode.domain.plans import actions as plans
from shopnode.domain.returns import actions as returning
from shopnode.domain.returns import booking, goods, leaving
from shopnode.domain.sales import actions as selling
from shopnode.domain.sales import amending, decisions, ticket
from shopnode.domain.stocktakes import actions as counting
from shopnode.domain.stocktakes.models import StocktakeStatus

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


def a_refund_of_one_shilling_too_much(patch: Patch) -> None:
    right = goods.worth_back
    patch.setattr(goods, "worth_back", lambda *given: right(*given) + 1)


def a_return_that_is_restocked_twice(patch: Patch) -> None:
    right = booking._movement
    patch.setattr(booking, "_movement", lambda *given: _with(right(*given), quantity=lambda pieces: 2 * pieces))


def a_transfer_that_is_received_twice(patch: Patch) -> None:
    patch.setattr(WayItem, "under_way", property(lambda item: max(item.quantity - item.taken_back, 0)))


def a_phone_whose_way_ends_twice(patch: Patch) -> None:
    right = transfers.lines_of
    patch.setattr(transfers, "lines_of", lambda *given: [replace(line, ended=None) for line in right(*given)])


def a_reversal_that_forgets_the_drawer(patch: Patch) -> None:
    right = decisions._money
    patch.setattr(decisions, "_money", lambda *given: _with(right(*given), drawer_session_id=lambda drawer: None))


def store_credit_that_can_be_spent_twice(patch: Patch) -> None:
    patch.setattr(tenders, "take_store_credit", lambda *given: None)


def a_bundle_that_takes_one_part_only(patch: Patch) -> None:
    right = selling._leave
    patch.setattr(selling, "_leave", lambda *given: right(*given)[:1])


def a_stocktake_that_is_applied_twice(patch: Patch) -> None:
    right = counting.own_count
    patch.setattr(counting, "own_count", lambda *given: right(*given, StocktakeStatus.APPROVED))


def a_write_off_without_an_event(patch: Patch) -> None:
    right = states.tell
    patch.setattr(states, "tell", lambda *given: None if given[3] == "scrapped" else right(*given))


def money_that_leaves_no_drawer(patch: Patch) -> None:
    right = moves.insert_rows

    def wrong(session: Any, model: Any, rows: list[dict[str, Any]]) -> None:
        right(session, model, [row | ({"drawer_session_id": None} if row["amount_minor"] < 0 else {}) for row in rows])

    patch.setattr(moves, "insert_rows", wrong)


def goods_exchanged_on_one_side_only(patch: Patch) -> None:
    patch.setattr(returning, "exchange_tender", lambda *given: None)


def an_exchange_that_goes_back_by_its_largest_tender_alone(patch: Patch) -> None:
    right = leaving.behind_exchange

    def wrong(*given: Any) -> list[leaving.Leaving]:
        undone, *rest = right(*given)
        largest = max(rest, key=lambda one: one.part.amount_minor)
        return [undone, replace(largest, part=replace(largest.part, amount_minor=-undone.part.amount_minor))]

    patch.setattr(leaving, "behind_exchange", wrong)


def a_payment_whose_rest_is_lost(patch: Patch) -> None:
    patch.setattr(accounts, "owe_customer", lambda *given: "")


def a_plan_that_keeps_all_when_given_up(patch: Patch) -> None:
    patch.setattr(plans, "owe_customer", lambda *given: "")


def staff_who_refund_without_limit(patch: Patch) -> None:
    patch.setattr(limits, "refund_within", lambda *given: True)


def a_phone_sold_from_wherever_it_is(patch: Patch) -> None:
    patch.setattr(ticket, "_why_not", lambda *given: None)


def an_amendment_that_leaves_the_goods_away(patch: Patch) -> None:
    patch.setattr(amending, "_bring_back", lambda *given: None)


def _with(row: dict[str, Any], **changes: Callable[[Any], Any]) -> dict[str, Any]:
    return row | {name: change(row[name]) for name, change in changes.items()}
