"""The pages in docs/rules say what the code does: each row of their tables is a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopnode.domain.handsets.rules import read_imei
from shopnode.domain.phones import guess_network, parse_phone

PAGES = Path(__file__).parents[2] / "docs" / "rules"


def rows(page: str) -> list[list[str]]:
    """The table's rows without its head, marks taken off."""
    lines = [line for line in (PAGES / page).read_text().splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize(("typed", "kept", "says"), rows("imei.md"))
def test_the_page_on_imeis(typed: str, kept: str, says: str) -> None:
    if kept == "refused":
        with pytest.raises(ValueError, match=f"^{says}"):
            read_imei(typed)
    else:
        read = read_imei(typed)
        assert (read.text, (read.note or "").removeprefix(f"{kept}: ")) == (kept, says)


@pytest.mark.parametrize(("typed", "kept", "network"), rows("phones.md"))
def test_the_page_on_telephone_numbers(typed: str, kept: str, network: str) -> None:
    assert parse_phone(typed) == kept
    assert (guess_network(kept) or "") == network
