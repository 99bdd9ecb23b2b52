"""Cells as people write them: amounts, numbers, yes and no, codes a spreadsheet has spoiled."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.errors import Invalid
from shopnode.domain.money import format_minor
from shopnode.domain.sheets import _records, open_sheet, read_amount, read_code, read_number, read_yes_no


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1000", 1_000),
        ("1,000", 1_000),
        ("1.000", 1_000),
        ("1 000", 1_000),
        ("1 000 000", 1_000_000),
        ("1,545,000", 1_545_000),
        ("UGX 240000", 240_000),
        ("ugx 1,000", 1_000),
        ("USh 1,000", 1_000),
        ("Shs. 5,000/=", 5_000),
        ("5000/-", 5_000),
        ("1000.00", 1_000),
        ("1,000.00", 1_000),
        ("1.000,00", 1_000),
        ("0", 0),
        ("1'000", 1_000),
    ],
)
def test_an_amount_of_shillings_is_read_however_it_is_written(text: str, minor: int) -> None:
    assert read_amount(text, "UGX") == minor


@pytest.mark.parametrize(
    ("text", "minor"),
    [("1,000.50", 100_050), ("1.000,50", 100_050), ("10.5", 1_050), ("10", 1_000), ("KES 1,000", 100_000)],
)
def test_a_currency_with_cents_keeps_them(text: str, minor: int) -> None:
    assert read_amount(text, "KES") == minor


@pytest.mark.parametrize(
    "text", ["", "abc", "1,00,000", "12,34", "1.5.2", "1e5", "-5", "(500)", "−500", "1000.50", "٥٠٠", "1" * 20, "=1+1"]
)
def test_what_is_no_amount_of_shillings_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_amount(text, "UGX")


@given(st.integers(0, 10**12), st.sampled_from(["UGX", "KES"]))
def test_an_amount_that_was_written_is_read_back(minor: int, currency: str) -> None:
    assert read_amount(format_minor(minor, currency), currency) == minor


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        assert 0 <= read_amount(text, "UGX") <= 10**12
    except ValueError as fault:
        assert str(fault)


@pytest.mark.parametrize(("text", "number"), [("3", 3), ("1,000", 1_000), ("3.0", 3), (" 12 ", 12)])
def test_a_whole_number_is_read(text: str, number: int) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1", "1" * 13, "٣"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_number(text)


@pytest.mark.parametrize(("text", "two"), [("1.000", "1 or 1,000"), (" 10.000 ", "10 or 10,000"), ("0.000", "0 or 0")])
def test_a_number_that_may_mean_two_is_refused_in_words(text: str, two: str) -> None:
    with pytest.raises(ValueError, match=f"may mean {two}: write it without the dot"):
        read_number(text)


def test_yes_and_no_are_read_in_the_words_of_the_country() -> None:
    assert [read_yes_no(word) for word in ("yes", "Y", "1", "Ndiyo", "TRUE")] == [True] * 5
    assert [read_yes_no(word) for word in ("no", "N", "0", "hapana", "false", "")] == [False] * 6
    with pytest.raises(ValueError):
        read_yes_no("perhaps")


def test_a_code_that_a_spreadsheet_made_a_number_is_refused() -> None:
    assert read_code("'0044") == "0044"
    for text in ("6.16E+12", "6,16E+12", "4.40123e14"):
        with pytest.raises(ValueError):
            read_code(text)


COLUMNS = {"name": ("name", "item"), "cost": ("cost", "landed cost ugx")}


def test_columns_are_known_in_any_case_and_punctuation_and_the_others_are_told() -> None:
    sheet = open_sheet(io.BytesIO(b" ITEM ;Landed_Cost (UGX);Shelf\nx;1;A\n"), COLUMNS, ("name",))
    assert sheet.titles == {"name": "ITEM", "cost": "Landed_Cost (UGX)"}
    assert sheet.unused == ("Shelf",)
    assert [(row.line_no, dict(row.cells)) for row in sheet.rows] == [(2, {"name": "x", "cost": "1"})]


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    try:
        rows = list(open_sheet(io.BytesIO(b"name;cost\n" + content), COLUMNS, ("name",)).rows)
    except Invalid:
        return
    assert all(set(row.cells) == {"name", "cost"} or row.fault for row in rows)


@given(st.binary(max_size=400))
def test_any_first_line_is_read_or_refused(content: bytes) -> None:
    try:
        list(open_sheet(io.BytesIO(content), COLUMNS, ("name",)).rows)
    except Invalid as refusal:
        assert set(refusal.fields) == {"file"}


def read(text: str) -> list[tuple[int, str]]:
    """Each line of the table as (its number, the name on it, or "?" where it could not be read)."""
    rows = open_sheet(io.BytesIO(text.encode()), COLUMNS, ("name",)).rows
    return [(row.line_no, "?" if row.fault else row.cells["name"]) for row in rows if not row.is_empty]


@pytest.mark.parametrize(
    "text",
    [
        'name,cost\n"Cable,8000\nCharger,9000\nCase,5000\n',  # never closed
        'name,cost\n"Cable,8000\nCharger,9000\n"Case",5000\n',  # closed by the quote of another
        'name,cost\n"Cable,8000\nCharger,9000\nCase,"5000"\n',
        'name,cost\n"Cable,8000\nCharger,9000\nCase 12",5000\n',  # closed by the sign for inches
    ],
)
def test_a_quotation_mark_left_open_costs_its_own_line_alone(text: str) -> None:
    found = read(text)
    assert found[:2] == [(2, "?"), (3, "Charger")] and found[2][0] == 4 and found[2][1].startswith("Case")
    assert len(found) == 3


def test_a_cell_may_run_over_lines_and_hold_quotation_marks_and_separators() -> None:
    text = (
        'name,cost,x\n"two\nlines",8,\nA "b" c,6,\n"x ""y""",7,"of two\nlines, and more"\n"Glass, 6.5""",5,z\nlast,1,'
    )
    assert read(text) == [(2, "two\nlines"), (4, 'A "b" c'), (5, 'x "y"'), (7, 'Glass, 6.5"'), (8, "last")]


def test_after_a_line_that_nobody_typed_the_others_are_read() -> None:
    text = "name,cost\nA,1\n" + "y" * 70_000 + "\nB,2\n" + '"' + "x" * 15_000 + "\n" + "C,3\n" * 2 + "z" * 90_000
    assert read(text) == [(2, "A"), (3, "?"), (4, "B"), (5, "?"), (6, "C"), (7, "C"), (8, "?")]
    with pytest.raises(Invalid):
        read("n" * 50_000 + ",name\n")


CELLS = st.text("ab\"',; \t1", max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8))
def test_every_line_of_a_file_is_read_or_named_once(lines: list[tuple[str, str]]) -> None:
    text = "".join(f"{before}<{line_no}>{after}\n" for line_no, (before, after) in enumerate(lines, start=1))
    numbered = ((line_no, line) for line_no, line in enumerate(text.splitlines(keepends=True), start=1))
    records = list(_records(numbered, ";", 2))
    not_read = [record.first for record in records if record.cells is None]
    read = [int(found) for record in records for found in re.findall(r"<(\d+)>", " ".join(record.cells or ()))]
    assert sorted(not_read + read) == list(range(1, len(lines) + 1))
