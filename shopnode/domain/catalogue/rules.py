"""Laws of the catalogue: prices that make sense, and the words that find a product."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from shopnode.domain.money import format_minor

SEARCH_WORDS_MAX = 8


def price_faults(price_minor: int, floor_minor: int, currency: str) -> dict[str, str]:
    """What is wrong with a product's prices, by field; empty when nothing is."""
    if price_minor < floor_minor:
        price = f"{currency} {format_minor(price_minor, currency)}"
        return {"floor_minor": f"is above the price of {price}: the floor is the lowest price a seller may give"}
    return {}


def price_warning(price_minor: int, cost_minor: int) -> str | None:
    """What a careful owner would want to be told, though it is allowed."""
    return "The price is below the cost." if price_minor < cost_minor else None


def fold(text: str) -> str:
    """Text as it is searched: lower case, without accents, single blanks.

    Both what is stored for searching and what is typed pass through here, so that they meet on either engine.
    """
    plain = unicodedata.normalize("NFKD", printable(text).casefold())
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())


def printable(text: str) -> str:
    """The text with a blank for every sign that no name or code holds; a database may refuse such a sign."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def search_words(text: str) -> list[str]:
    """The different words of a search, longest first: the longest rules out most."""
    return sorted(dict.fromkeys(fold(text).split()), key=len, reverse=True)[:SEARCH_WORDS_MAX]


def searched_text(parts: Iterable[str | None]) -> str:
    """What a product is found by, folded, the name first. Every word has a blank before it: " n" finds a beginning."""
    return " " + fold(" ".join(part for part in parts if part))
