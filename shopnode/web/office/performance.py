"""What everybody did in a month: sales, discounts, what came back, repairs, hours. To talk about, not to pay by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import g, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.commissions.performance import Performance, performance
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.periods import asked_period, days_of, periods
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.request import is_htmx

TITLES = ["Person", "Sales", "Pieces", "Sold", "Average", "Discounts", "Came back", "Undone", "Repairs", "Done again",
          "Minutes worked"]  # fmt: skip


@bp.get("/performance")
def staff_performance() -> ResponseReturnValue:
    """Everybody who did something, the most sold first."""
    period = asked_period()
    rows = performance(g.ctx, *days_of(period), g.ctx.shop_id)
    sees_margin = g.ctx.may(Permission.PRODUCTS_SEE_COST)
    file = asked_file()
    if file is not None:
        titles = [*TITLES, *(["Margin"] if sees_margin else [])]
        return table_answer("performance", file, titles, _file_rows(rows, sees_margin=sees_margin))
    values: dict[str, Any] = {
        "rows": rows, "most": max((row.sold for row in rows), default=0), "sees_margin": sees_margin,
        "period": period, "filters": {"period": period},
    }  # fmt: skip
    if is_htmx():
        return part("office/_performance.html", **values)
    crumbs = [("Staff", url_for("office.staff")), ("Performance", None)]
    return page("office/performance.html", periods=periods(), crumbs=crumbs, **values)


def _file_rows(rows: list[Performance], *, sees_margin: bool) -> Iterator[list[Any]]:
    for row in rows:
        amounts = map(plain_amount, (row.sold, row.average, row.discounts, row.returned))
        margin = [None if row.margin is None else plain_amount(row.margin)] if sees_margin else []
        yield [row.name, row.sales, row.items, *amounts, row.undone, row.repairs, row.reworks, row.minutes_worked,
               *margin]  # fmt: skip
