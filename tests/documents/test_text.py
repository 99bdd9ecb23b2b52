"""Text made safe and spelled for a printer; money and lines cut to fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.documents.money_text import money_text, rate_text
from shopnode.documents.text import cells, clean, cut, on_page, wrap, wrap_even

PAGES = ["cp1252", "cp858", "ascii"]


@given(st.text(), st.sampled_from(PAGES))
def test_what_stands_on_a_page_is_printable_bytes(text: str, page: str) -> None:
    spelled = on_page(text, page)

    if spelled is not None:
        encoded = spelled.encode(page)
        assert len(encoded) == len(spelled)
        assert all(byte >= 0x20 and byte != 0x7F for byte in encoded)


@pytest.mark.parametrize(
    ("text", "page", "spelled"),
    [
        ("Nakaŋŋo", "cp1252", "Nakangngo"),
        ("Ŋuŋi’s “shop” – 5 €", "cp1252", "Ngungi’s “shop” – 5 €"),
        ("Ŋuŋi’s “shop” – 5 €", "ascii", 'Ngungi\'s "shop" - 5 EUR'),
        ("café", "ascii", "cafe"),
        ("cafe\u0301", "cp1252", "café"),
        ("640\u202f000\u00a0USh", "cp1252", "640 000 USh"),
        ("−500", "cp1252", "-500"),
        ("ﬁne ½", "ascii", "fine 1/2"),
        ("a\tb\nc\x1bd\u200be\u202e", "ascii", "a b cde"),
        ("手机", "cp1252", None),
        ("😀", "cp858", None),
    ],
)
def test_letters_are_spelled_like_their_nearest(text: str, page: str, spelled: str | None) -> None:
    assert on_page(text, page) == spelled


@given(st.text(max_size=200), st.integers(1, 60), st.integers(1, 5))
def test_lines_fit_whatever_is_wrapped(text: str, width: int, lines_max: int) -> None:
    for wrapper in (wrap, wrap_even):
        lines = wrapper(clean(text), width, lines_max)
        assert len(lines) <= lines_max
        assert all(cells(line) <= max(width, 2) for line in lines)


@given(st.text(alphabet="abc é", max_size=120), st.integers(8, 60))
def test_wrapping_loses_no_letter_while_there_is_room(text: str, width: int) -> None:
    assert "".join("".join(wrap(clean(text), width, 200)).split()) == "".join(text.split())


def test_a_long_text_ends_in_dots() -> None:
    assert cut("Samsung Galaxy", 10) == "Samsung..."
    assert wrap("one two three four five", 9, 2) == ["one two", "three..."]


def test_centred_lines_are_about_as_long_as_each_other() -> None:
    assert wrap_even("Thank you and come again soon", 27, 3) == ["Thank you and", "come again soon"]


@pytest.mark.parametrize(
    ("amount", "exponent", "text"),
    [
        (640_000, 0, "640,000"),
        (0, 0, "0"),
        (-500, 0, "-500"),
        (123_456, 2, "1,234.56"),
        (-5, 2, "-0.05"),
        (1_000_001, 3, "1,000.001"),
    ],
)
def test_money_is_written_with_thousands_and_every_place(amount: int, exponent: int, text: str) -> None:
    assert money_text(amount, exponent) == text


@pytest.mark.parametrize(("rate", "text"), [(1_800, "18%"), (1_850, "18.5%"), (0, "0%"), (1_805, "18.05%")])
def test_rates_are_written_as_percentages(rate: int, text: str) -> None:
    assert rate_text(rate) == text
