"""Workbooks people send: read as they look on the screen; bombs refused in words, within bounded memory."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopnode.documents.workbooks import UnreadableWorkbook, as_table, workbook_rows

MEMORY_MAX_MB = 120  # of the whole child process, the interpreter's 20 included
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
)
BOOK = '<workbook><sheets><sheet name="A" sheetId="1" r:id="r1" xmlns:r="r"/></sheets></workbook>'
LINKS = '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>'


def workbook(*rows: list[object]) -> io.BytesIO:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> io.BytesIO:
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def archive(sheet: str | bytes, **more: str | bytes) -> io.BytesIO:
    """A workbook by hand, so that it can be what no program writes."""
    file = io.BytesIO()
    parts = {"xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": LINKS, "xl/worksheets/sheet1.xml": sheet, **more}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    file.seek(0)
    return file


def test_a_workbook_is_read_as_it_looks() -> None:
    file = workbook(
        ["Name", "Price", None, "IMEI", "Box"], [], ["Café\nblue, 手机", 1_545_000.0, None, 356938035643809, True]
    )

    with as_table(file) as table:
        assert table.read().decode() == ('Name,Price,,IMEI,Box\n\n"Café blue, 手机",1545000,,356938035643809,yes\n')


def test_text_stays_as_it_is() -> None:
    for text in (b"ab", "name;price\nCafé;5".encode("cp1252")):
        with as_table(io.BytesIO(text)) as table:
            assert table.read() == text


def test_the_first_sheet_that_is_shown_is_read() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    book.create_sheet("Prices").append(["shown"])

    assert list(workbook_rows(saved(book))) == [["shown"]]


cells = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=20)


@given(st.lists(st.lists(cells | st.integers(-(10**12), 10**12) | st.booleans(), min_size=1, max_size=5), max_size=5))
@settings(max_examples=30, deadline=None)
def test_what_a_workbook_holds_comes_out(rows: list[list[object]]) -> None:
    shown = [["yes" if v is True else "no" if v is False else str(v) for v in row] for row in rows]
    escaped = [[f"'{v}" if isinstance(v, str) and v.startswith("=") else v for v in row] for row in rows]
    wanted = [[f"'{v}" if v.startswith("=") else v for v in row] for row in shown]

    assert list(workbook_rows(workbook(*escaped))) == wanted


# --- what is refused, each in words

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what it used")
ROW = '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>'
HOSTILE: dict[str, tuple[Callable[[], io.BytesIO], str]] = {
    "squeezed": (lambda: archive(SHEET % (ROW * 900_000)), "too large"),
    "spaces": (lambda: archive(SHEET % (" " * 150_000_000)), "too large"),
    "texts": (lambda: archive(SHEET % ROW, **{"xl/sharedStrings.xml": "<sst>" + "<si/>" * 9_000_000}), "too large"),
    "rows": (lambda: archive(SHEET % '<row r="1048576"/>'), "lines"),
    "columns": (lambda: archive(SHEET % '<row r="1"><c r="XFD1"><v>1</v></c></row>'), "columns"),
    "nested": (lambda: archive("<a>" * 5_000), "cannot be read"),
    "names": (lambda: archive("<a>" + "".join(f"<b{n}/>" for n in range(20_000)) + "</a>"), "cannot be read"),
    "cell": (lambda: archive(SHEET % f'<row r="1"><c r="A1"><v>{"9" * 9_000}</v></c></row>'), "cell"),
    "entities": (
        lambda: archive('<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]>' + SHEET % "&d;"), "cannot be read"
    ),
    "not xml": (lambda: archive(b"\x00\xff" * 100), "cannot be read"),
    "no sheet": (lambda: archive("", **{"xl/workbook.xml": "<workbook/>"}), "no sheet"),
    "elsewhere": (
        lambda: archive("", **{"xl/_rels/workbook.xml.rels": LINKS.replace("worksheets/sheet1", "../../etc/passwd")}),
        "cannot be read",
    ),
    "cut off": (lambda: io.BytesIO(workbook(["a"]).getvalue()[:900]), "cannot be read"),
    "old": (lambda: io.BytesIO(b"\xd0\xcf\x11\xe0" + b"\x00" * 600), "old Excel file"),
    "parts": (lambda: archive(SHEET % ROW, **{f"x{n}": "" for n in range(2_100)}), "too large"),
}  # fmt: skip


@linux
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook_is_refused_in_words_within_bounded_memory(name: str, tmp_path: Path) -> None:
    make, words = HOSTILE[name]
    bomb = tmp_path / "bomb.xlsx"
    bomb.write_bytes(make().getvalue())

    said, peak_mb = read_in_a_child(bomb)

    assert words in said
    assert peak_mb < MEMORY_MAX_MB


@linux
def test_a_hundred_thousand_lines_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    cell = '<c r="A{0}" t="inlineStr"><is><t>Customer {0}</t></is></c><c r="B{0}"><v>25677{0:07d}</v></c>'
    rows = "".join(f'<row r="{n}">{cell.format(n)}</row>' for n in range(1, 100_001))
    path.write_bytes(archive(SHEET % rows).getvalue())

    said, peak_mb = read_in_a_child(path)

    assert said == "100000"
    assert peak_mb < MEMORY_MAX_MB


CHILD = """
import sys
from shopnode.documents.workbooks import UnreadableWorkbook, as_table
try:
    with open(sys.argv[1], "rb") as file, as_table(file) as table:
        print(sum(1 for _ in table))
except UnreadableWorkbook as wrong:
    print(wrong)
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
"""


def read_in_a_child(path: Path) -> tuple[str, int]:
    """What a process of its own says of the file, and the most memory it had, in MB."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    said, peak = done.stdout.strip().split("\n")
    return said, int(peak)


@given(st.binary(max_size=400))
@settings(max_examples=60)
def test_anything_is_text_or_refused_in_words(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04"):
        try:
            with as_table(io.BytesIO(start + content)) as table:
                table.read()
        except UnreadableWorkbook as wrong:
            assert str(wrong)
