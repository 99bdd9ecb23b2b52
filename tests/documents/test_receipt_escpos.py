"""Receipts on thermal paper: what is printed, and that nothing else ever is.

The bytes are read back by `escpos_reader`; its list of happenings is the proof, because a command it does not know
is reported.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopnode.documents.escpos import (
    PAPER_58,
    PAPER_80,
    PAPER_80_NARROW,
    Escpos,
    Paper,
    _harmless,
    drawer_kick,
)
from shopnode.documents.escpos_reader import Happening, PictureLine, QrLine, Tape, TextLine, read_escpos
from shopnode.documents.receipt import Receipt, ReceiptLine
from shopnode.documents.receipt_escpos import receipt_bytes
from tests.documents.samples import FULL_RECEIPT, MANY_SCRIPTS, PLAIN_RECEIPT
from tests.documents.strategies import ATTACKS, nasty, nasty_receipts

GOLDEN = Path(__file__).parent / "golden"
PAPERS = {"32": PAPER_58, "42": PAPER_80_NARROW, "48": PAPER_80}
EXPECTED = {Happening.RESET, Happening.CUT}


def read(receipt: Receipt, paper: Paper) -> Tape:
    return read_escpos(receipt_bytes(receipt, paper), paper)


def as_text(tape: Tape, paper: Paper) -> str:
    """The tape as a person compares it: one line a line, styles in front."""
    out = []
    for line in tape.printed:
        if isinstance(line, TextLine):
            sizes = ",".join(f"{span.style.width}x{span.style.height}" for span in line.spans)
            marks = "".join("b" if span.style.bold else "i" if span.style.inverted else "" for span in line.spans)
            style = f"{line.align[0]} {sizes}{marks}" if line.spans else ""
            out.append(f"{style:<16}|{line.text}|")
        elif isinstance(line, PictureLine):
            out.append(f"{'picture':<16}|{line.bitmap.width} x {line.bitmap.rows}|")
        elif isinstance(line, QrLine):
            out.append(f"{'qr':<16}|{line.payload}|")
        else:
            out.append(f"{line}")
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("columns", PAPERS)
@pytest.mark.parametrize("name", ["plain", "full"])
def test_a_receipt_prints_as_agreed(name: str, columns: str) -> None:
    """Set GOLDEN=write to accept a change of the layout; look at the pictures first."""
    receipt = {"plain": PLAIN_RECEIPT, "full": FULL_RECEIPT}[name]
    printed = as_text(read(receipt, PAPERS[columns]), PAPERS[columns])
    path = GOLDEN / f"receipt_{name}_{columns}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(printed, encoding="utf-8")
    assert printed == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
@pytest.mark.parametrize("receipt", [PLAIN_RECEIPT, FULL_RECEIPT, MANY_SCRIPTS], ids=["plain", "full", "scripts"])
def test_a_receipt_is_one_reset_one_cut_and_nothing_unknown(receipt: Receipt, paper: Paper) -> None:
    tape = read(receipt, paper)

    assert [event.what for event in tape.events] == [Happening.RESET, Happening.CUT]


def test_the_right_hand_column_adds_up_to_the_subtotal() -> None:
    texts = read(PLAIN_RECEIPT, PAPER_80).texts()
    start, end = (next(i for i, text in enumerate(texts) if text.startswith(word)) for word in ("Tecno", "Subtotal"))
    figures = [text.split()[-1].replace(",", "") for text in texts[start:end] if "  " in text and "IMEI" not in text]

    assert sum(map(int, figures)) == PLAIN_RECEIPT.subtotal_minor


def test_a_reprint_says_copy_at_both_ends() -> None:
    texts = read(replace(PLAIN_RECEIPT, copy_no=1), PAPER_58).texts()

    assert texts.count("COPY 1") == 2
    assert not any("COPY" in text for text in read(PLAIN_RECEIPT, PAPER_58).texts())


def test_the_shops_own_words_stand_above_what_was_bought() -> None:
    texts = read(replace(PLAIN_RECEIPT, header="Mobile money agent"), PAPER_58).texts()

    assert texts.index("Mobile money agent") < next(i for i, text in enumerate(texts) if text.startswith("Tecno"))
    assert "Mobile money agent" not in read(PLAIN_RECEIPT, PAPER_58).texts()


def test_a_void_sale_says_void_and_why() -> None:
    texts = read(FULL_RECEIPT, PAPER_80).texts()

    assert texts.count("VOID") == 2
    assert "Voided 22 Nov 2026, 15:10 by Sarah: wrong model" in texts


def test_a_part_paid_sale_shows_what_is_still_due() -> None:
    texts = read(replace(PLAIN_RECEIPT, payments=FULL_RECEIPT.payments, change_minor=0), PAPER_58).texts()

    assert any(text.startswith("Balance due") and text.endswith("550,000") for text in texts)


def test_a_void_sale_owes_nothing() -> None:
    assert not any(text.startswith("Balance due") for text in read(FULL_RECEIPT, PAPER_58).texts())


def test_an_amount_is_never_cut() -> None:
    """A name gives way to its figures."""
    line = ReceiptLine("Wholesale of everything", 1, 10**12, 10**12)
    texts = read(replace(PLAIN_RECEIPT, lines=(line,), total_minor=10**12, exponent=3), Paper(24)).texts()

    assert sum(text.endswith("1,000,000,000.000") for text in texts) == 2


def test_currency_with_decimals_writes_every_place() -> None:
    receipt = replace(PLAIN_RECEIPT, currency="KES", exponent=2, total_minor=1_234_550, lines=(), payments=())

    assert any("Total KES" in text and text.endswith("12,345.50") for text in read(receipt, PAPER_80).texts())


def test_letters_the_page_lacks_are_spelled() -> None:
    """Luganda's ŋ stands on no Western page; typographic quotes are not on 858."""
    receipt = replace(PLAIN_RECEIPT, cashier="Nakaŋŋo ‘Joy’")

    assert any("Nakangngo 'Joy'" in text for text in read(receipt, replace(PAPER_80, page="cp858")).texts())


def test_other_scripts_become_a_picture_of_that_line_only() -> None:
    tape = read(MANY_SCRIPTS, PAPER_58)

    pictures = [line for line in tape.printed if isinstance(line, PictureLine) and line.bitmap.rows >= 30]
    assert len(pictures) == 4  # the customer, two names, one with an emoji
    assert any(text.startswith("Café “Étui” – naïve") for text in tape.texts())
    assert all(any(picture.bitmap.data) for picture in pictures)


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_two_hundred_lines_and_endless_names_stay_on_the_paper(paper: Paper) -> None:
    lines = tuple(ReceiptLine("Phone case " * 900, 3, 999_999_999, 2_999_999_997) for _ in range(200))
    tape = read(replace(PLAIN_RECEIPT, lines=lines, customer_name="x" * 10_000, footer="z " * 5_000), paper)

    assert not tape.happened(Happening.WRAPPED)
    assert len(tape.printed) < 1_400  # three lines for a name, one for its price


def test_a_receipt_longer_than_the_limit_says_what_it_left_out() -> None:
    lines = tuple(ReceiptLine("Case", 1, 1_000, 1_000) for _ in range(510))

    assert any(
        text.startswith("and 10 more lines") and text.endswith("10,000")
        for text in read(replace(PLAIN_RECEIPT, lines=lines), PAPER_80).texts()
    )


def test_the_qr_can_be_a_picture_for_printers_without_the_command() -> None:
    tape = read(PLAIN_RECEIPT, replace(PAPER_58, qr_as_image=True))

    assert not any(isinstance(line, QrLine) for line in tape.printed)
    assert any(isinstance(line, PictureLine) and line.bitmap.rows > 100 for line in tape.printed)


def test_a_printer_without_a_blade_gets_no_cut() -> None:
    assert not read(PLAIN_RECEIPT, replace(PAPER_58, cuts=False)).happened(Happening.CUT)


# ── nothing a person typed may become a command ─────────────────────────────────────────────────────────────

papers = st.builds(
    Paper,
    columns=st.integers(24, 64),
    page=st.sampled_from(["cp1252", "cp858", "ascii"]),
    cuts=st.booleans(),
    qr_as_image=st.booleans(),
)


@given(nasty_receipts, papers)
@settings(max_examples=150, deadline=None)
def test_no_field_of_a_receipt_can_carry_a_command(receipt: Receipt, paper: Paper) -> None:
    """Threat 16. The reader knows every command, sees no line wider than the paper, and the drawer stays shut."""
    tape = read(receipt, paper)

    assert {event.what for event in tape.events} <= EXPECTED
    assert len(tape.happened(Happening.RESET)) == 1


@given(nasty, st.sampled_from(["cp1252", "cp858", "ascii"]))
@settings(max_examples=300, deadline=None)
def test_text_adds_only_printable_bytes(words: str, page: str) -> None:
    paper = Paper(48, page=page)
    added = (job := Escpos(paper)).getvalue()
    job.text(words)

    text = job.getvalue()[len(added) :]
    assert all(byte >= 0x20 and byte != 0x7F for byte in text)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_with_printer_commands_opens_no_drawer(attack: str) -> None:
    """Fields one by one, so that a failure names the field."""
    for field, kind in Receipt.__annotations__.items():
        if kind == "str":
            tape = read(replace(PLAIN_RECEIPT, **{field: f"Okello{attack}James"}), PAPER_58)
            assert {event.what for event in tape.events} <= EXPECTED, field


def test_no_picture_holds_a_sequence_that_printers_obey_at_once() -> None:
    """Epson: DLE EOT, DLE ENQ and DLE DC4 are obeyed even inside a picture; DLE DC4 opens the drawer."""
    pixels = _harmless(b"\x10\x14\x01\x00\x01\x10\x04\x01\x10\x10\x05\xff")

    assert not any(b"\x10" + command in pixels for command in (b"\x04", b"\x05", b"\x14"))
    assert len(pixels) == 12


def test_only_one_function_opens_the_drawer() -> None:
    """Threat 16: the pulse is written in one place of the whole node."""
    home = Path(__file__).parents[2]
    writers = [
        path.name
        for folder in ("shopnode", "cloudhub")
        for path in (home / folder).rglob("*.py")
        if 'ESC + b"p"' in path.read_text(encoding="utf-8") or "\\x1bp" in path.read_text(encoding="utf-8")
    ]

    assert sorted(writers) == ["escpos.py", "escpos_reader.py"]
    assert read_escpos(drawer_kick(), PAPER_58).happened(Happening.DRAWER)
