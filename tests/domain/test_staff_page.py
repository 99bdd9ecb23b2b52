"""The worked numbers of docs/rules/staff.md."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shopnode.domain.commissions.rules import Terms, earned_by, taken_back
from tests.test_docs import ROOT


def rows() -> list[list[str]]:
    page = (ROOT / "docs" / "rules" / "staff.md").read_text(encoding="utf-8")
    lines = page.split("| price without VAT |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_has_its_rows() -> None:
    assert len(rows()) == 5


@pytest.mark.parametrize("row", rows(), ids=lambda row: "-".join(row[:4]))
def test_a_commission_is_what_the_page_says(row: list[str]) -> None:
    net, pieces, each, earned, one_back, rest_back = (int(row[n]) for n in (0, 1, 3, 4, 5, 6))
    rate_bp = int(Decimal(row[2].removesuffix("%").strip()) * 100)
    terms = Terms("1", None, None, False, rate_bp, each, date(2026, 9, 21), None)
    whole = earned_by(terms, net, pieces)
    told = (whole, taken_back(whole, pieces, 0, 1), taken_back(whole, pieces, 1, pieces - 1))
    assert told == (earned, one_back, rest_back)
