"""The shop's papers: every fact is on them; nothing typed breaks the file, opens a drawer or leaves the paper."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from shopnode.documents.drawer_papers import drawer_letter, drawer_slip_bytes
from shopnode.documents.escpos import PAPER_58, PAPER_80, Paper
from shopnode.documents.escpos_reader import Happening, read_escpos
from shopnode.documents.letter import Letter
from shopnode.documents.letter_pdf import letter_pdf
from shopnode.documents.papers import (
    agreement_letter,
    invoice_letter,
    manifest_letter,
    order_letter,
    statement_letter,
)
from shopnode.documents.repair_papers import delivery_letter, slip_letter
from shopnode.documents.repair_slips import delivery_slip_bytes, repair_slip_bytes
from shopnode.documents.slips import agreement_slip, manifest_slip, money_slip, return_slip
from tests.documents.paper_samples import (
    AGREEMENT,
    DELIVERY,
    MANIFEST,
    MONEY,
    ORDER,
    REPAIR,
    RETURN,
    STATEMENT,
    Z_REPORT,
)
from tests.documents.samples import PLAIN_RECEIPT
from tests.documents.strategies import amounts, nasty

LETTERS: dict[str, tuple[Any, Callable[[Any], Letter], list[str]]] = {
    "agreement": (AGREEMENT, agreement_letter, [
        "KLA1-U000007", "280,000", "IMEI 356938035643817", "CM90012345ABCD", "nobody else", "Seller: signature",
    ]),
    "statement": (STATEMENT, statement_letter, ["545,000", "-300,000", "31 to 60 days", "460,000", "5 Oct 2026"]),
    "order": (ORDER, order_letter, ["KLA1-P000012", "10,400,000", "10,900,000", "Musa", "TEC-S40"]),
    "manifest": (MANIFEST, manifest_letter, ["IMEI 356938035643809", "Serial SN-A15-0093", "43", "Received by"]),
    "repair": (REPAIR, slip_letter, [
        "KLA1-J000012", "7KQM-3XPD", "Could not test", "180,000", "10,000", "our bill is",
        "hub.example.com/r/7KQM3XPD", "Water damage", "SIM card", "Customer: signature",
    ]),
    "repair delivered": (DELIVERY, delivery_letter, [
        "Okello Peter", "140,000", "SCR-2211-88", "KLA1-000131", "90 days, until 23 Feb 2027", "scratch that was not",
    ]),
    "Z report": (Z_REPORT, drawer_letter, [
        "KLA1-Z000041", "COPY 2", "743,000", "740,000", "-3,000", "100.00", "not counted", "agrees", "71,220,000",
        "Change for the neighbour", "change given twice", "Counted by: signature",
    ]),
    "invoice": (PLAIN_RECEIPT, invoice_letter, ["KLA1-000123", "650,000", "VAT 18% included", "IMEI 001234567890130"]),
}  # fmt: skip
SLIPS: dict[str, tuple[Any, Callable[[Any, Paper], bytes], list[str]]] = {
    "return": (RETURN, return_slip, ["KLA1-R000009", "-10,000", "To the bench", "639,500"]),
    "money": (MONEY, money_slip, ["KLA1-M000012", "300,000", "27183141592", "460,000"]),
    "manifest": (MANIFEST, manifest_slip, ["KLA1-T000004", "356938035643817", "43"]),
    "repair": (
        REPAIR,
        repair_slip_bytes,
        [
            "KLA1-J000012",
            "7KQM-3XPD",
            "Could not test",
            "180,000",
            "kept for you",
            "hub.example.com/r/7KQM3XPD",
        ],
    ),
    "repair delivered": (DELIVERY, delivery_slip_bytes, ["Okello Peter", "SCR-2211-88", "180,000", "scratch that"]),
    "Z report": (
        Z_REPORT,
        drawer_slip_bytes,
        ["KLA1-Z000041", "COPY 2", "743,000", "740,000", "-3,000", "100.00", "not counted", "91,500", "71,220,000"],
    ),
    "agreement": (AGREEMENT, agreement_slip, ["KLA1-U000007", "280,000", "356938035643809", "stolen"]),
}


def words_of(letter: Letter) -> str:
    pages = PdfReader(io.BytesIO(letter_pdf(letter)), strict=True).pages
    return "\n".join(page.extract_text() for page in pages)


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_says_everything_that_it_was_given(name: str) -> None:
    paper, letter_of, facts = LETTERS[name]
    words = words_of(letter_of(paper))

    assert "Page 1 of " in words and "Kampala Road Phones" in words and "Tel 0772 123 456" in words
    for fact in facts:
        assert fact in words, fact


@pytest.mark.parametrize("name", LETTERS)
def test_the_same_paper_gives_the_same_bytes(name: str) -> None:
    paper, letter_of, _ = LETTERS[name]

    assert letter_pdf(letter_of(paper)) == letter_pdf(letter_of(replace(paper)))


def test_a_long_letter_goes_on_with_its_columns_named_and_its_pages_numbered() -> None:
    pages = PdfReader(io.BytesIO(letter_pdf(order_letter(replace(ORDER, lines=ORDER.lines * 40))))).pages

    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page.extract_text()
    assert "Unit price" in pages[1].extract_text()


@pytest.mark.parametrize("paper", [PAPER_58, PAPER_80], ids=["32", "48"])
@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_one_reset_one_cut_and_says_everything(name: str, paper: Paper) -> None:
    given, printed, facts = SLIPS[name]
    tape = read_escpos(printed(given, paper), paper)

    assert [event.what for event in tape.events] == [Happening.RESET, Happening.CUT]
    for fact in facts:
        assert any(fact in text for text in tape.texts()), fact


def filled(sample: Any, draw: Callable[[Any], Any]) -> Any:
    """The sample with each of its texts and amounts replaced, in its parts too."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(sample):
        value = getattr(sample, field.name)
        if isinstance(value, str):
            changes[field.name] = draw(nasty)
        elif isinstance(value, int) and not isinstance(value, bool) and field.name != "exponent":
            changes[field.name] = draw(amounts)
        elif dataclasses.is_dataclass(value):
            changes[field.name] = filled(value, draw)
        elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            changes[field.name] = tuple(filled(part, draw) for part in value)
    return replace(sample, **changes)


@given(st.data(), st.sampled_from(sorted(LETTERS)))
@settings(max_examples=25, deadline=None)
def test_no_text_can_break_a_letter(data: st.DataObject, name: str) -> None:
    paper, letter_of, _ = LETTERS[name]

    assert "Page 1 of" in words_of(letter_of(filled(paper, data.draw)))


@given(st.data(), st.sampled_from(sorted(SLIPS)), st.integers(24, 64), st.sampled_from(["cp1252", "cp858", "ascii"]))
@settings(max_examples=60, deadline=None)
def test_no_text_on_a_slip_is_a_command_or_wider_than_the_paper(
    data: st.DataObject, name: str, columns: int, page: str
) -> None:
    given_to, printed, _ = SLIPS[name]
    paper = Paper(columns, page=page)
    tape = read_escpos(printed(filled(given_to, data.draw), paper), paper)

    assert {event.what for event in tape.events} <= {Happening.RESET, Happening.CUT}
