"""What a repair will cost and what the customer says to it (rule 65)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shopnode.domain.errors import Invalid
from shopnode.domain.repairs.estimates import AnotherEstimate
from shopnode.domain.repairs.parts import AboveAgreed
from shopnode.domain.repairs.status import NotAgreed
from tests.domain.bench import Bench, open_bench
from tests.shop import Shop


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def test_rule_65_an_answer_says_who_agreed_when_and_how(bench: Bench) -> None:
    ticket_id = bench.take_in()
    bench.go(ticket_id, "Diagnosed")
    bench.do("estimate", ticket_id, amount=120_000, notes="screen and frame")
    assert bench.ticket(ticket_id).status == "Waiting for Approval"
    bench.later(hours=2)
    bench.do("answer", ticket_id, accepted=True, amount=120_000, via="call", answered_by="her brother Okello")
    (answer,) = bench.told(ticket_id, "answer")
    assert (answer.accepted, answer.via, answer.amount_minor, answer.note) == (
        True, "call", 120_000, "her brother Okello",
    )  # fmt: skip
    assert answer.by_id == bench.shop.supervisor.id
    assert answer.at - bench.told(ticket_id, "estimate")[0].at > timedelta(hours=2)
    ticket = bench.ticket(ticket_id)
    assert (ticket.status, ticket.agreed_minor, ticket.labour_minor) == ("Diagnosed", 120_000, 120_000)


def test_rule_65_no_work_begins_before_the_customer_agreed(bench: Bench) -> None:
    ticket_id = bench.take_in(estimated_cost=120_000)
    bench.go(ticket_id, "Diagnosed")
    with pytest.raises(NotAgreed):
        bench.go(ticket_id, "In Progress")
    part_id = bench.do("reserve_part", ticket_id, product_id=bench.screen)["part_id"]
    with pytest.raises(NotAgreed):
        bench.shop.do("repairs.use_part", part_id=part_id, old_part="scrapped")
    bench.agree(ticket_id, 120_000)
    bench.go(ticket_id, "In Progress")


def test_rule_65_an_answer_to_another_amount_is_no_answer(bench: Bench) -> None:
    ticket_id = bench.take_in(estimated_cost=120_000)
    bench.go(ticket_id, "Diagnosed")
    bench.do("estimate", ticket_id, amount=150_000)
    with pytest.raises(AnotherEstimate, match="150,000"):
        bench.do("answer", ticket_id, accepted=True, amount=120_000, via="call", answered_by="Nakato")
    with pytest.raises(Invalid, match="signature"):
        bench.do("answer", ticket_id, accepted=True, amount=150_000, via="signature", answered_by="Nakato")
    assert bench.told(ticket_id, "answer") == []


def test_rule_65_work_above_what_was_agreed_needs_a_new_answer(bench: Bench) -> None:
    ticket_id = bench.take_in()
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 120_000)
    bench.do("reserve_part", ticket_id, product_id=bench.screen)
    assert bench.ticket(ticket_id).labour_minor == 30_000  # the part is inside the price
    with pytest.raises(AboveAgreed, match="180,000, and 120,000 were agreed"):
        bench.do("reserve_part", ticket_id, product_id=bench.screen)
    with pytest.raises(Invalid, match="above the 120,000"):
        bench.do("update", ticket_id, labor_cost=30_001)
    bench.agree(ticket_id, 200_000)
    bench.do("reserve_part", ticket_id, product_id=bench.screen)
    assert bench.ticket(ticket_id).labour_minor == 20_000


def test_rule_65_no_to_the_first_estimate_declines_and_no_to_a_higher_one_keeps_the_agreement(bench: Bench) -> None:
    first, second = bench.take_in(), bench.take_in()
    bench.go(first, "Diagnosed")
    assert bench.agree(first, 120_000, accepted=False)["status"] == "Declined"
    assert bench.agree(first, 80_000)["status"] == "Diagnosed"  # and thought again
    bench.go(second, "Diagnosed")
    bench.agree(second, 120_000)
    bench.go(second, "In Progress")
    answer = bench.agree(second, 160_000, accepted=False)
    assert (answer["status"], answer["agreed"]) == ("In Progress", 120_000)
    assert bench.ticket(second).estimate_minor == 120_000
