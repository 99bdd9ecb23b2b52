"""Labels: what is printed is read back, by tables of another maker, from the picture of the label itself."""

from __future__ import annotations

import io
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from reportlab.graphics.barcode.code128 import _patterns
from reportlab.graphics.barcode.eanbc import Ean13BarcodeWidget

from shopnode.documents.barcodes import Symbology, bars_of, check_digit, code128, ean13
from shopnode.documents.escpos import Paper
from shopnode.documents.escpos_reader import Happening, PictureLine, read_escpos
from shopnode.documents.label import Label, LabelSize, lay_out
from shopnode.documents.label_escpos import LabelPaper, TooNarrow, draw_label, labels_bytes
from shopnode.documents.label_pdf import label_roll_pdf, label_sheet_pdf, sheet_places
from shopnode.documents.raster import Bitmap
from tests.documents.strategies import nasty

PHONE = Label("Kampala Road Phones", "Samsung Galaxy A15", "356938035643809", "6/128 · Blue · Grade B", "UGX 280,000",
              "IMEI 356938035643809")  # fmt: skip
GLASS = Label("Kampala Road Phones", "Tempered glass", "5901234123457", price="UGX 10,000")
FITTING = {LabelSize.SMALL: Paper(25), LabelSize.LARGE: Paper(33)}
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)


def runs_of(modules: str) -> list[int]:
    return [len(list(run)) for _, run in groupby(modules)]


def read_code128(widths: list[int]) -> str:
    """Bars and spaces to text, by reportlab's table of the standard. Raises KeyError, AssertionError."""
    as_written = {"".join(str("abcd".index(part.lower()) + 1) for part in code): value
                  for value, code in _patterns.items()}  # fmt: skip
    values = [as_written["".join(map(str, widths[at : at + 6]))] for at in range(0, len(widths) - 7, 6)]
    assert "".join(map(str, widths[-7:])) == "2331112"
    start, *data, check = values
    assert check == (start + sum(place * value for place, value in enumerate(data, 1))) % 103
    in_c, text = start == 105, ""
    for value in data:
        if in_c and value < 100:
            text += f"{value:02d}"
        elif value in (99, 100):
            in_c = value == 99
        else:
            text += chr(value + 32)
    return text


def read_ean13(modules: str) -> str:
    left, right = Ean13BarcodeWidget._left, Ean13BarcodeWidget._right
    assert modules[:3] == modules[-3:] == "101" and modules[45:50] == "01010"
    found, parity = [], []
    for at in range(3, 45, 7):
        which = 0 if modules[at : at + 7] in left[0] else 1
        parity.append(which)
        found.append(left[which].index(modules[at : at + 7]))
    first = next(digit for digit, sets in Ean13BarcodeWidget._lhconvert.items() if list(sets) == parity)
    found += [right.index(modules[at : at + 7]) for at in range(50, 92, 7)]
    return first + "".join(map(str, found))


def row_of(bitmap: Bitmap, y: int) -> str:
    row = bitmap.data[y * bitmap.stride : (y + 1) * bitmap.stride]
    return "".join(f"{byte:08b}" for byte in row)[: bitmap.width].strip("0")


def read_label(bitmap: Bitmap, label: Label, size: LabelSize) -> str:
    """What a scanner's beam across the middle of the bars reads, the picture alone given."""
    _, code = lay_out(label, size)
    dots = row_of(bitmap, round((code.top + code.height / 2) * 8))
    runs = runs_of(dots)
    module = min(runs)
    assert module >= 2 and all(run % module == 0 for run in runs), "bars of whole modules, two dots at least"
    modules = "".join(("0" if place % 2 else "1") * (run // module) for place, run in enumerate(runs))
    return read_ean13(modules) if len(modules) == 95 else read_code128(runs_of(modules))


@given(printable)
@settings(max_examples=150, deadline=None)
def test_any_code_that_can_be_typed_reads_back_as_it_was(text: str) -> None:
    assert read_code128(runs_of(code128(text).modules)) == text


@given(st.integers(0, 10**12 - 1))
@settings(max_examples=100, deadline=None)
def test_an_ean_reads_back_as_it_was(number: int) -> None:
    text = f"{number:012d}"
    text += str(check_digit(text))

    assert read_ean13(ean13(text).modules) == text
    assert check_digit(text[:-1]) == int(str(Ean13BarcodeWidget._checkdigit(text[:-1])))


def test_a_number_with_a_wrong_check_digit_is_no_ean_but_is_said_as_it_stands() -> None:
    assert bars_of("5901234123457").symbology is Symbology.EAN13
    assert bars_of("5901234123458").symbology is Symbology.CODE128
    assert read_code128(runs_of(bars_of("5901234123458").modules)) == "5901234123458"
    assert read_ean13(bars_of("036000291452").modules) == "0036000291452"  # UPC-A has the same bars


@pytest.mark.parametrize("text", ["", "a" * 49, "żółw", "a\nb"])
def test_what_no_barcode_can_say_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="barcode holds"):
        bars_of(text)


@pytest.mark.parametrize("size", LabelSize)
@pytest.mark.parametrize("label", [PHONE, GLASS], ids=["imei", "ean"])
@pytest.mark.parametrize("dots", [400, 304, 288])
def test_a_printed_label_is_read_by_a_beam_across_it(label: Label, size: LabelSize, dots: int) -> None:
    assert read_label(draw_label(label, size, dots), label, size) == label.code


@pytest.mark.parametrize("size", LabelSize)
def test_a_label_is_as_long_as_its_roll_says_and_the_printer_looks_for_the_next(size: LabelSize) -> None:
    tape = read_escpos(labels_bytes([PHONE, GLASS], size, FITTING[size], LabelPaper.LABELS), FITTING[size])

    pictures = [line for line in tape.printed if isinstance(line, PictureLine)]
    assert [line.bitmap.rows for line in pictures] == [size.height_mm * 8] * 2
    assert [event.what for event in tape.events] == [Happening.RESET, *[Happening.NEXT_LABEL] * 2]


def test_on_receipt_paper_labels_are_cut_once_at_the_end() -> None:
    paper = Paper(32)
    tape = read_escpos(labels_bytes([PHONE, GLASS], LabelSize.LARGE, paper, LabelPaper.RECEIPT), paper)

    assert [event.what for event in tape.events] == [Happening.RESET, Happening.CUT]


def test_a_label_wider_than_the_printers_line_is_refused() -> None:
    with pytest.raises(TooNarrow, match="50 mm"):
        labels_bytes([PHONE], LabelSize.LARGE, Paper(24), LabelPaper.LABELS)


@pytest.mark.parametrize("size", LabelSize)
def test_a_pdf_label_says_shop_model_looks_grade_price_and_number(size: LabelSize) -> None:
    page = PdfReader(io.BytesIO(label_roll_pdf([PHONE], size))).pages[0]
    words = " ".join(page.extract_text().split())

    assert [round(float(side) * 25.4 / 72) for side in page.mediabox[2:]] == [size.width_mm, size.height_mm]
    for fact in ("Kampala Road Phones", "Samsung Galaxy A15", "6/128", "Blue", "Grade B", "UGX 280,000",
                 "IMEI 356938035643809"):  # fmt: skip
        assert fact in words


def test_a_sheet_begins_after_the_labels_that_are_used_up() -> None:
    across, down = sheet_places(LabelSize.SMALL)
    whole = across * down
    pages = PdfReader(io.BytesIO(label_sheet_pdf([GLASS] * whole, LabelSize.SMALL, skip=3))).pages

    counts = [page.extract_text().count("UGX 10,000") for page in pages]
    assert counts == [whole - 3, 3]


def test_a_code_too_long_for_bars_becomes_a_qr_code() -> None:
    long = Label("Shop", "Cable", "ACC-2026-LONG-CODE-000123456")

    assert lay_out(long, LabelSize.SMALL)[1].bars is None
    assert lay_out(PHONE, LabelSize.SMALL)[1].bars is not None


@given(nasty, nasty, nasty, nasty, nasty, st.sampled_from(LabelSize))
@settings(max_examples=40, deadline=None)
def test_no_text_leaves_its_label_or_is_a_command(
    shop: str, name: str, code: str, detail: str, price: str, size: LabelSize
) -> None:
    label = Label(shop, name, code, detail, price)
    texts, place = lay_out(label, size)
    data = labels_bytes([label], size, FITTING[size], LabelPaper.LABELS)
    tape = read_escpos(data, FITTING[size])

    assert all(0 < words.y < size.height_mm and words.room <= size.width_mm for words in texts)
    assert place.top > 0 and place.height > 3 and place.top + place.height < size.height_mm
    assert [event.what for event in tape.events] == [Happening.RESET, Happening.NEXT_LABEL]
    assert len(PdfReader(io.BytesIO(label_roll_pdf([label], size))).pages) == 1
