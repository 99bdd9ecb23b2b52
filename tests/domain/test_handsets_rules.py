"""The numbers on phones: what is an IMEI, what can be mended, what is refused, in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from shopnode.domain.handsets.rules import bare_number, grade_in, read_imei, read_pair, read_serial

GOOD = "490154203237518"


@pytest.mark.parametrize(
    "typed", [GOOD, "49 015420 323751 8", "490154-203237-518", "49/015420/323751/8", " 490154203237518\t"]
)
def test_an_imei_is_read_with_blanks_dashes_and_slashes(typed: str) -> None:
    assert read_imei(typed).text == GOOD
    assert read_imei(typed).note is None


@pytest.mark.parametrize(
    ("typed", "note"),
    [
        (GOOD[:14], "490154203237518: 14 digits were given, the check digit 8 was added"),
        (GOOD[:14] + "07", "490154203237518: 16 digits were given (IMEISV), the software's two were left off"),
    ],
)
def test_what_can_be_mended_is_mended_and_said(typed: str, note: str) -> None:
    assert read_imei(typed).text == GOOD
    assert read_imei(typed).note == note


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("490154203237517", "has a wrong digit"),
        ("491054203237518", "has a wrong digit"),  # two digits changed places
        ("123456789012345", "is a filler"),
        ("000000000000000", "is a filler"),
        ("111111111111111", "is a filler"),
        ("987654321098765", "is a filler"),
        ("11111111111111", "is a filler"),
        ("4401240131000", "has 13 digits, an IMEI has 15: a spreadsheet may have dropped the zeros"),
        ("4901542032", "has 10 digits, an IMEI has 15"),
        ("49015420323751800", "has 17 digits"),
        (" - ", "is missing"),
        ("49015420323751O", "has signs in it that are not digits"),
        ("٤٩٠١٥٤٢٠٣٢٣٧٥١٨", "has signs in it that are not digits"),
        ("imei", "has signs in it that are not digits"),
    ],
)
def test_what_is_no_imei_is_refused_in_words(typed: str, words: str) -> None:
    with pytest.raises(ValueError, match="^" + words.replace("(", r"\(")):
        read_imei(typed)


@given(st.text("0123456789", min_size=14, max_size=14))
def test_a_number_and_its_fourteen_digits_are_the_same_phone(body: str) -> None:
    whole = body + luhn.calc_check_digit(body)
    try:
        assert read_imei(whole).text == read_imei(body).text == read_imei(body + "99").text == whole
    except ValueError as fault:
        assert "filler" in str(fault)


@given(st.text("0123456789", min_size=14, max_size=14), st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_never_passes(body: str, at: int, more: int) -> None:
    whole = body + luhn.calc_check_digit(body)
    wrong = whole[:at] + str((int(whole[at]) + more) % 10) + whole[at + 1 :]
    with pytest.raises(ValueError):
        read_imei(wrong)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(typed: str) -> None:
    try:
        assert luhn.is_valid(read_imei(typed).text)
    except ValueError as fault:
        assert str(fault)


def test_the_same_number_twice_means_one_sim() -> None:
    first, second, faults = read_pair(GOOD, "49-015420-323751-8")
    assert (first and first.text, second, faults) == (GOOD, None, {})


def test_a_phone_with_only_a_second_number_has_it_as_its_first() -> None:
    first, second, faults = read_pair(None, GOOD)
    assert (first and first.text, second, faults) == (GOOD, None, {})


def test_both_wrong_numbers_are_named() -> None:
    assert set(read_pair("1", "2")[2]) == {"imei1", "imei2"}


def test_a_serial_is_letters_and_digits_in_upper_case() -> None:
    assert read_serial("dmp-xk 1234/a") == "DMPXK1234A"
    for typed in ("ab", "x" * 61, "täblet1"):
        with pytest.raises(ValueError):
            read_serial(typed)


def test_a_name_may_carry_its_grade() -> None:
    assert grade_in("iPhone 8 64 (UK used, grade C)") == "C"
    assert grade_in("IPHONE 11 PRO MAX 64 (UK USED, GRADE B)  ") == "B"
    assert grade_in("Tecno Pop 9 3/64") is None


def test_what_is_scanned_is_searched_without_its_separators() -> None:
    assert bare_number(" 490154-203237-518 ") == GOOD
    assert bare_number("dmp-xk1") == "DMPXK1"
