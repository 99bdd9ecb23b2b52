"""Today in all shops: what they sold so far, and each sale as it arrives."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from cloudhub.merge.inboxes import count_open
from cloudhub.portal.blueprint import bp
from cloudhub.portal.nodes import QUIET_AFTER, latest_by_shop
from cloudhub.tenancy.nodes import nodes_of
from shopnode.domain.clock import to_ms
from shopnode.domain.journal import JournalEntry
from shopnode.domain.people.queries import all_shops
from shopnode.domain.sales.models import SaleStatus, SaleSummary
from shopnode.domain.sales.queries import SaleFilter, money_of_sales, sum_sales
from shopnode.web.office.sale import sale_page
from shopnode.web.office.sales import NAMES as FILTERS
from shopnode.web.office.sales import by_tender, rows_of
from shopnode.web.ui.frame import manner, page, part

LIVE_SHOWN = 20
UNDONE = (SaleStatus.VOIDED.value, SaleStatus.REVERSED.value)


@bp.get("/")
def home() -> str:
    """Today in all shops."""
    today = manner().now.date()
    return page(
        "portal/home.html",
        today=_figures(today),
        shops=_shops(today),
        open=count_open(g.ctx.session),
        **_live(),
    )


def _figures(today: date) -> dict[str, Any]:
    whole = sum_sales(g.ctx, SaleFilter(on=today))
    money = money_of_sales(g.ctx, SaleFilter(on=today))
    return {
        "total_minor": whole.total_minor, "sales": whole.count, "by_method": by_tender(money.by_method),
        "yesterday_minor": _yesterday_by_now(today), "profit_minor": whole.total_minor - whole.cost_minor,
    }  # fmt: skip


def _yesterday_by_now(today: date) -> int | None:
    """What all shops had sold yesterday at this time of day; None when they did not trade."""
    query = select(func.count(), func.coalesce(func.sum(SaleSummary.total_minor), 0)).where(
        SaleSummary.business_on == today - timedelta(days=1),
        SaleSummary.sold_at <= g.ctx.now - timedelta(days=1),
        SaleSummary.status.not_in(UNDONE),
    )
    count, total = g.ctx.session.execute(query).one()
    return int(total) if count else None


def _shops(today: date) -> list[dict[str, Any]]:
    """Each shop: what it sold, and whether we hear from it."""
    session = g.ctx.session
    query = select(SaleSummary.shop_id, func.count(), func.sum(SaleSummary.total_minor))
    query = query.where(SaleSummary.business_on == today, SaleSummary.status.not_in(UNDONE))
    sold: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for shop_id, count, total in session.execute(query.group_by(SaleSummary.shop_id)):
        sold[shop_id] = (int(count), int(total))
    nodes = latest_by_shop(nodes_of(session))
    found = []
    for shop in all_shops(session):
        node = nodes.get(shop.id)
        seen_at = node.seen_at if node else None
        found.append({
            "id": shop.id, "name": shop.name, "code": shop.code, "sales": sold[shop.id][0],
            "total_minor": sold[shop.id][1], "state": _state(seen_at), "last_seen_at": seen_at,
            "waiting": node.outbox or 0 if node else 0,
        })  # fmt: skip
    return sorted(found, key=lambda shop: -shop["total_minor"])


def _state(seen_at: datetime | None) -> str:
    if seen_at is None:
        return "never"
    return "online" if g.ctx.now - seen_at < QUIET_AFTER else "quiet"


@bp.get("/live")
def live_sales() -> ResponseReturnValue:
    """The last sales as they arrive, for the poll; the whole list is the office's."""
    if request.args.get("part") == "live":
        return part("portal/_sales_live.html", **_live())
    asked: dict[str, Any] = {name: request.args[name] for name in FILTERS if name in request.args}
    return redirect(url_for("office.sales", **asked))


def _live() -> dict[str, Any]:
    """The sales that arrived last, by when they arrived: a shop that was offline brings old ones late."""
    after = request.args.get("after", "")
    after_ms = int(after) if after.isascii() and after.isdigit() and len(after) < 15 else None
    query = (
        select(SaleSummary, JournalEntry.received_at)
        .join(JournalEntry, JournalEntry.entry_id == SaleSummary.sale_id)
        .where(JournalEntry.action == "sales.sell")
        .order_by(JournalEntry.received_at.desc(), JournalEntry.n.desc())
        .limit(LIVE_SHOWN)
    )
    found = [(row[0], row[1]) for row in g.ctx.session.execute(query)]
    rows = rows_of([summary for summary, _ in found])
    for row, (_, received_at) in zip(rows, found, strict=True):
        row["received_at"] = received_at
        row["is_new"] = after_ms is not None and received_at is not None and to_ms(received_at) > after_ms
    times = [to_ms(received_at) for _, received_at in found if received_at is not None]
    return {"sales": rows, "latest": max(times, default=after_ms or 0)}


@bp.get("/live/<id:sale_id>")
def sale(sale_id: str) -> str:
    """One sale of any shop, with what happened to it."""
    return sale_page(sale_id)
