"""What a test asks of the till after something came back: the drawer, the shelf, one sale's money."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shopnode.domain.cash.queries import DrawerFigures, drawer_figures, open_session_or_none
from shopnode.domain.sales.models import Payment, SaleLine, SaleSummary
from shopnode.domain.stock.models import StockLevel
from tests.domain.till import Till

RULES = Path(__file__).parents[2] / "docs" / "rules"


def table(page: str, which: int) -> list[list[str]]:
    """The rows of one table of a rules page, without its head, marks taken off."""
    blocks, rows = [], []
    for line in [*(RULES / page).read_text().splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif rows:
            blocks.append(rows[2:])
            rows = []
    return blocks[which]


def figures(till: Till) -> DrawerFigures:
    with till.shop.reading() as ctx:
        drawer = open_session_or_none(ctx.session, ctx.shop_id or "")
        assert drawer is not None
        return drawer_figures(ctx.session, drawer)


def expected_cash(till: Till) -> int:
    return figures(till).expected_minor


def on_hand(till: Till, product_id: str) -> int:
    return till.shop.rows(StockLevel, product_id=product_id)[0].on_hand


def summary(till: Till, sale_id: str) -> SaleSummary:
    (row,) = till.shop.rows(SaleSummary, sale_id=sale_id)
    return row


def lines(till: Till, sale_id: str) -> list[SaleLine]:
    return sorted(till.shop.rows(SaleLine, sale_id=sale_id, amendment_id=None), key=lambda line: line.line_no)


def paid(till: Till, sale_id: str, **wanted: Any) -> dict[str, int]:
    """What each tender came to."""
    sums: dict[str, int] = {}
    for row in till.shop.rows(Payment, sale_id=sale_id, **wanted):
        sums[row.method] = sums.get(row.method, 0) + row.amount_minor
    return sums
