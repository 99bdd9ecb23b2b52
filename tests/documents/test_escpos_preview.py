"""The interpreter and the picture: what it must notice, and that it survives anything."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopnode.documents.escpos import PAPER_58, PAPER_80, RESYNC, Escpos, Paper, Style, drawer_kick
from shopnode.documents.escpos_preview import MARGIN, preview_png
from shopnode.documents.escpos_reader import Event, Happening, PictureLine, QrLine, TextLine, read_escpos
from shopnode.documents.printer_check import printer_check_bytes
from shopnode.documents.receipt_escpos import receipt_bytes
from tests.documents.samples import FULL_RECEIPT, PLAIN_RECEIPT


def picture(data: bytes, paper: Paper, scale: int = 1) -> Image.Image:
    return Image.open(io.BytesIO(preview_png(data, paper, scale)))


@pytest.mark.parametrize(("paper", "dots"), [(PAPER_58, 384), (PAPER_80, 576)])
def test_a_preview_is_as_wide_as_its_paper(paper: Paper, dots: int) -> None:
    shown = picture(receipt_bytes(PLAIN_RECEIPT, paper), paper)

    assert shown.width == dots + 2 * MARGIN
    assert shown.height > shown.width
    assert shown.getextrema() == (24, 252)  # ink on paper


def test_a_preview_is_the_same_each_time() -> None:
    data = receipt_bytes(FULL_RECEIPT, PAPER_58)

    assert preview_png(data, PAPER_58) == preview_png(data, PAPER_58)


def test_a_void_banner_is_white_on_black() -> None:
    def black(data: bytes) -> int:
        shown = picture(data, PAPER_58)
        return sum(1 for grey in shown.tobytes() if grey < 60)

    assert black(receipt_bytes(FULL_RECEIPT, PAPER_58)) > black(receipt_bytes(PLAIN_RECEIPT, PAPER_58)) + 20_000


def test_styles_sizes_and_alignment_are_read_back() -> None:
    job = Escpos(PAPER_80)
    job.line("Large", Style(bold=True, width=2, height=2, align="centre", inverted=True))
    job.line("plain")
    large, plain = (line for line in read_escpos(job.getvalue(), PAPER_80).printed if isinstance(line, TextLine))

    assert large.spans[0].style == Style(True, 2, 2, "centre", True)
    assert plain.spans[0].style == Style()


def test_a_qr_code_is_read_back() -> None:
    job = Escpos(PAPER_80)
    job.qr("https://shop.example/r/1", 216)

    qr = next(line for line in read_escpos(job.getvalue(), PAPER_80).printed if isinstance(line, QrLine))
    assert (qr.payload, qr.align) == ("https://shop.example/r/1", "centre")
    assert qr.module >= 5


def test_the_drawer_cut_and_questions_are_reported() -> None:
    data = drawer_kick() + b"\x10\x04\x01" + b"\x1dV\x42\x10" + b"\x1dV\x01"

    assert [event.what for event in read_escpos(data, PAPER_80).events] == ["drawer", "status asked", "cut", "cut"]


@pytest.mark.parametrize("command", [b"\x1bM\x01", b"\x1d(L", b"\x1c&", b"\x07", b"\x7f", b"\x10\x14"])
def test_what_it_does_not_know_it_reports(command: bytes) -> None:
    assert read_escpos(b"a" + command + b"b", PAPER_80).happened(Happening.UNKNOWN)


@pytest.mark.parametrize("cut_off", [b"\x1dv0\x00\x48\x00\x20\x00\xff", b"\x1d(k\x08\x001P0ab", b"\x1ba", b"\x1dV"])
def test_a_command_that_breaks_off_is_reported(cut_off: bytes) -> None:
    assert read_escpos(cut_off, PAPER_80).happened(Happening.CUT_SHORT)


def test_a_line_that_is_too_wide_is_reported() -> None:
    assert read_escpos(b"x" * 49, PAPER_80).happened(Happening.WRAPPED)
    assert not read_escpos(b"x" * 48, PAPER_80).happened(Happening.WRAPPED)


def test_zeros_between_jobs_print_nothing() -> None:
    tape = read_escpos(RESYNC + receipt_bytes(PLAIN_RECEIPT, PAPER_58), PAPER_58)

    assert tape.events[0] == Event(Happening.RESET)


def test_bands_of_one_picture_are_one_picture() -> None:
    from shopnode.documents.raster import Bitmap

    job = Escpos(PAPER_58)
    job.picture(Bitmap(384, 100, bytes(range(48)) * 100))
    pictures = [line for line in read_escpos(job.getvalue(), PAPER_58).printed if isinstance(line, PictureLine)]

    assert [(one.bitmap.width, one.bitmap.rows) for one in pictures] == [(384, 100)]


@given(st.binary(max_size=300))
def test_the_reader_survives_any_bytes(data: bytes) -> None:
    read_escpos(data, PAPER_58)


@pytest.mark.parametrize("paper", [PAPER_58, PAPER_80])
def test_the_printer_check_shows_widths_and_knows_every_command(paper: Paper) -> None:
    data = printer_check_bytes(paper, shop_name="Kampala Road Phones", printer_name="Counter", address="x", at="now")
    tape = read_escpos(data, paper)

    assert {event.what for event in tape.events} == {Happening.RESET, Happening.CUT}
    assert "X" * paper.columns in tape.texts()
