"""Receipts as PDF: the same bytes each time, every fact readable, nothing a person typed can break the file."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from shopnode.documents.receipt import Receipt, ReceiptLine
from shopnode.documents.receipt_pdf import PdfSize, receipt_pdf
from tests.documents.samples import FULL_RECEIPT, MANY_SCRIPTS, PLAIN_RECEIPT
from tests.documents.strategies import nasty_receipts

ALL_SIZES: list[PdfSize] = ["a4", "a5", "80mm"]


def words_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf), strict=True).pages
    return "\n".join(page.extract_text() for page in pages)


@pytest.mark.parametrize("size", ALL_SIZES)
def test_the_pdf_says_everything_that_the_paper_says(size: PdfSize) -> None:
    words = words_of(receipt_pdf(PLAIN_RECEIPT, size))

    for fact in (
        "Kampala Road Phones", "TIN 1000123456", "KLA1-000123", "22 Nov 2026, 14:03 EAT", "Aisha",
        "Tecno Spark 40 8/256", "IMEI 001234567890130", "Warranty until 22 Nov 2027", "640,000", "-500", "657,500",
        "-7,500", "650,000",
        "VAT 18% included", "99,153", "160,000", "Ref 27183141592", "Change", "10,000", "Proof 7K3M-9QXT",
        "Webale nnyo!",
    ):  # fmt: skip
        assert fact in words, fact


@pytest.mark.parametrize("size", ALL_SIZES)
def test_the_same_receipt_gives_the_same_bytes(size: PdfSize) -> None:
    assert receipt_pdf(MANY_SCRIPTS, size) == receipt_pdf(replace(MANY_SCRIPTS), size)


@pytest.mark.parametrize("size", ALL_SIZES)
def test_copies_and_void_sales_say_so(size: PdfSize) -> None:
    words = words_of(receipt_pdf(FULL_RECEIPT, size))

    assert "VOID" in words and "COPY 2" in words and "wrong model" in words
    assert "Balance due" not in words


def test_a_part_paid_sale_shows_what_is_still_due() -> None:
    words = words_of(receipt_pdf(replace(PLAIN_RECEIPT, payments=FULL_RECEIPT.payments), "a5"))

    assert "Balance due" in words and "550,000" in words


def test_pages_are_numbered_and_name_the_receipt() -> None:
    pages = PdfReader(io.BytesIO(receipt_pdf(replace(PLAIN_RECEIPT, lines=PLAIN_RECEIPT.lines * 20), "a5"))).pages

    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page.extract_text()
        assert "KLA1-000123" in page.extract_text()


@pytest.mark.parametrize("size", ALL_SIZES)
def test_two_hundred_lines_with_endless_names_end(size: PdfSize) -> None:
    lines = tuple(ReceiptLine("Phone case " * 900, 3, 5_000, 15_000) for _ in range(200))

    pages = PdfReader(io.BytesIO(receipt_pdf(replace(PLAIN_RECEIPT, lines=lines), size))).pages

    assert 1 <= len(pages) <= 40
    assert "650,000" in pages[-1].extract_text()


def test_text_is_escaped_for_the_medium() -> None:
    """Parentheses and backslashes are PDF's own signs."""
    words = words_of(receipt_pdf(replace(PLAIN_RECEIPT, customer_name=r"Okello (a\b) Tj ET <<"), "a5"))

    assert r"Okello (a\b) Tj ET <<" in words


def test_other_scripts_are_drawn() -> None:
    pages = PdfReader(io.BytesIO(receipt_pdf(MANY_SCRIPTS, "a5"))).pages

    assert len(pages[0].images) >= 5


@given(nasty_receipts, st.sampled_from(ALL_SIZES))
@settings(max_examples=25)
def test_no_field_can_break_the_file(receipt: Receipt, size: PdfSize) -> None:
    assert words_of(receipt_pdf(receipt, size))
