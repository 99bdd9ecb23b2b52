"""X and Z on paper: what each says comes from the books, and a Z that is printed again says so."""

from __future__ import annotations

import pytest

from shopnode.documents.escpos_reader import Tape
from shopnode.domain.printing.models import PrintJob
from tests.api.client import Client
from tests.api.goods import NOBODY
from tests.api.test_drawer_calls import open_with_a_sale
from tests.api.test_papers import tapes, with_printer, words_of
from tests.shop import PINS, Shop


@pytest.fixture
def drawer(owner: Client, staff: Client) -> str:
    return open_with_a_sale(owner, staff)


def closed(staff: Client, drawer: str) -> str:
    """Counted twice with its notes, closed 38,000 short, an opening and a pay-out before; answers its Z."""
    staff.post("/drawer-sessions/current/no-sales", {"reason": "change for the neighbour"})
    staff.post("/drawer-sessions/current/pay-outs", {"amount": 3_000, "reason": "water"})
    notes = [{"value": 20_000, "pieces": 1}]
    wallets = [{"tender": "mtn_momo", "amount": 0}, {"tender": "agent_float", "amount": 91_500}]
    staff.post(f"/drawer-sessions/{drawer}/counts", {"denominations": notes, "wallets": wallets})
    staff.post(f"/drawer-sessions/{drawer}/close", {"denominations": [{"value": 1_000, "pieces": 17}]}, 200)
    made: str = staff.get(f"/drawer-sessions/{drawer}/z")["id"]
    return made


def test_a_z_on_a4_holds_every_figure(staff: Client, shop: Shop, drawer: str) -> None:
    z_report = closed(staff, drawer)
    words = words_of(staff, f"/z-reports/{z_report}/paper", pages=2)
    for fact in (
        "Z report", "KLA1-Z000001", "Aisha", "Sales 1 8,000", "Paid out 1 -3,000", "Cash, float included 55,000 17,000 "
        "-38,000", "Difference in all -38,000", "Agent float 91,500", "20,000 1 20,000", "1,000 17 17,000",
        "Second count", "change for the neighbour", "Since the first Z 8,000", "beyond the shop's limit",
    ):  # fmt: skip
        assert fact in words, fact
    said = {"explanation": "A note of 50,000 was given"}
    approver = {"X-Approver-Id": shop.supervisor.id or "", "X-Approver-Pin": PINS["Brian"]}
    staff.post(f"/drawer-sessions/{drawer}/accept", said, 200, headers=approver)
    assert "Explained: A note of 50,000 was given (Brian)" in words_of(staff, f"/z-reports/{z_report}/paper", pages=2)
    staff.get(f"/z-reports/{NOBODY}/paper", 404)


def test_rule_79_an_x_on_paper_is_blind_until_the_count_is_in(staff: Client, drawer: str) -> None:
    words = words_of(staff, f"/drawer-sessions/{drawer}/x/paper")
    assert "X report" in words and "Sales 1" in words and "The sums are told when" in words
    assert "8,000" not in words
    staff.post(f"/drawer-sessions/{drawer}/counts", {"counted": 58_000})
    words = words_of(staff, f"/drawer-sessions/{drawer}/x/paper")
    assert "Cash, float included 58,000" in words and "Sales 1 8,000" in words


@pytest.mark.parametrize("columns", [32, 48])
def test_rule_80_a_z_printed_again_is_a_copy_and_an_x_never_is(
    owner: Client, staff: Client, shop: Shop, drawer: str, columns: int
) -> None:  # fmt: skip
    with_printer(owner, shop, columns=columns, paper_mm=58 if columns == 32 else 80)
    for _ in range(2):
        staff.post("/slips/print", {"slip": "x_report", "subject_id": drawer})
    assert [copies(tape) for tape in tapes(shop)] == [[], []]
    z_report = closed(staff, drawer)
    ask = {"slip": "z_report", "subject_id": z_report}
    first = staff.post("/slips/print", ask)
    assert staff.post("/slips/print", ask) == first  # it still waits: it is tried again, not doubled
    (original,) = tapes(shop)
    assert copies(original) == [] and any("KLA1-Z000001" in text for text in original.texts())
    staff.post("/slips/print", ask)
    (again,) = tapes(shop)
    assert copies(again) == ["COPY 1", "COPY 1"]
    assert [row.copy_no for row in shop.rows(PrintJob, subject_id=z_report)] == [0, 1]
    assert [entry.action for entry in shop.entries()].count("printing.print_slip") == 5


def test_rule_82_the_slips_of_cash_in_and_out_are_printed(
    owner: Client, staff: Client, shop: Shop, drawer: str
) -> None:
    with_printer(owner, shop)
    moves = [
        staff.post("/drawer-sessions/current/pay-ins", {"amount": 2_000, "reason": "coins"}),
        staff.post("/drawer-sessions/current/pay-outs", {"amount": 3_000, "reason": "water"}),
        staff.post("/drawer-sessions/current/safe-drops", {"amount": 4_000}),
        staff.post("/bank-deposits", {"amount": 5_000, "reference": "STB-7781"}),
    ]
    for move in moves:
        staff.post("/slips/print", {"slip": "money", "subject_id": move["id"]})
    told = [" ".join(tape.texts()) for tape in tapes(shop)]
    for move, title in zip(moves, ("Paid in", "Paid out", "Into the safe", "To the bank"), strict=True):
        assert any(title in words and move["number"] in words for words in told)


def copies(tape: Tape) -> list[str]:
    return [text.strip() for text in tape.texts() if "COPY" in text]
