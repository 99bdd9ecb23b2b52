"""Text for a printer: nothing but printable characters, on one code page, in cells of a fixed width.

Invariants:
  * `clean` returns no control, format, private or unassigned code point, whatever it was given, so no byte a
    person typed can become a printer command.
  * `on_page` returns text whose every character is exactly one byte of the page, 0x20 or more and not 0x7F;
    or None, when the text needs another script and must be drawn as a picture.
  * `to_bytes` is the only way from text to printer bytes; it holds to the same, whatever it is given.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

TEXT_MAX = 600  # characters looked at; more of one field never reaches paper
SIGNED_TEXT_MAX = 6_000  # of terms or a statement, which are printed whole

CODE_PAGES = {"cp1252": 16, "cp858": 19, "ascii": 0}  # Python's codec → the number after ESC t

_LIKE = {
    "ŋ": "ng", "Ŋ": "Ng", "’": "'", "‘": "'", "‛": "'", "ʼ": "'", "ʻ": "'", "“": '"', "”": '"', "„": '"', "′": "'",
    "″": '"', "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "―": "-", "…": "...", "€": "EUR", "£": "GBP",
    "¥": "JPY", "₦": "NGN", "₹": "INR", "•": "*", "·": ".", "×": "x", "÷": "/", "→": "->", "←": "<-", "©": "(c)",
    "®": "(R)", "™": "TM", "°": " deg", "½": "1/2", "¼": "1/4", "¾": "3/4", "ß": "ss", "æ": "ae", "Æ": "AE",
    "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ħ": "h", "ı": "i",
    "ɓ": "b", "ɗ": "d", "ƙ": "k", "ɛ": "e", "ɔ": "o", "«": '"', "»": '"', "№": "No.",
}  # fmt: skip
_BLANKS = {"Zs", "Zl", "Zp"}
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn"}


def clean(text: str, limit: int = TEXT_MAX) -> str:
    """One line of printable text: white space becomes single blanks, everything invisible is dropped.

    limit  characters looked at, so that a name of ten thousand costs no more than one of six hundred
    """
    return " ".join(visible(text[:limit]).split())


def sentences_of(text: str) -> tuple[str, ...]:
    """A long text sentence by sentence: each is short enough to be printed whole."""
    parts = clean(text, SIGNED_TEXT_MAX).split(". ")
    return tuple(f"{part.rstrip('.')}." for part in parts if part.strip("."))


def visible(text: str) -> str:
    """The same text without controls and other invisible characters, white space as plain blanks."""
    kept = []
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        if char.isspace() or category in _BLANKS:
            kept.append(" ")
        elif category not in _DROPPED:
            kept.append(char)
    return "".join(kept)


def on_page(text: str, page: str) -> str | None:
    """The cleaned text in characters the page has, letters without an equal spelled like their nearest.

    Returns None when a character has no likeness there (Arabic, Chinese, emoji): draw the line instead.
    """
    spelled = [_spell(char, page) for char in clean(text)]
    if any(char is None for char in spelled):
        return None
    return "".join(char for char in spelled if char is not None)


def to_bytes(text: str, page: str) -> bytes:
    """Bytes for the printer, blanks kept as they stand; what the page cannot spell becomes a question mark."""
    spelled = (_spell(char, page) for char in visible(text))
    return "".join("?" if char is None else char for char in spelled).encode(page)


@lru_cache(maxsize=4096)
def _spell(char: str, page: str) -> str | None:
    if _has(char, page):
        return char
    if char in _LIKE:
        return _LIKE[char]
    base = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    if not base and unicodedata.combining(char):
        return ""  # a lone accent that composes with nothing on this page
    return base if base and all(_has(part, "ascii") for part in base) else None


def _has(char: str, page: str) -> bool:
    try:
        byte = char.encode(page)
    except UnicodeEncodeError:
        return False
    return len(byte) == 1 and byte[0] >= 0x20 and byte[0] != 0x7F


def cells(text: str) -> int:
    """How many cells the text takes: two for each wide (East Asian) character, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(char) for char in text)


@lru_cache(maxsize=4096)
def _cells_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, ending in three dots if something is missing."""
    if cells(text) <= width:
        return text
    return _head(text, width - 3).rstrip() + "..." if width > 3 else _head(text, width)


def wrap(text: str, width: int, lines_max: int) -> list[str]:
    """The text in lines of at most `width` cells, broken between words where that is possible."""
    lines: list[str] = []
    rest = text.strip()
    while rest and len(lines) < lines_max - 1 and cells(rest) > width:
        head = _head(rest, width) or rest[:1]
        blank = head.rfind(" ")
        if rest[len(head) : len(head) + 1] != " " and blank > width // 3:
            head = head[:blank]
        lines.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return [*lines, cut(rest, width)] if rest else lines


def wrap_even(text: str, width: int, lines_max: int) -> list[str]:
    """As `wrap`, with lines of about the same length: what is centred should not end in one lonely word."""
    lines = wrap(text, width, lines_max)
    narrowest = max(1, cells(text) // max(1, len(lines)) - 1)
    for room in range(min(narrowest, width), width):
        tighter = wrap(text, room, lines_max)
        if len(tighter) == len(lines) and " ".join(tighter) == " ".join(lines):
            return tighter
    return lines


def _head(text: str, width: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += _cells_of(char)
        if used > width:
            return text[:index]
    return text
