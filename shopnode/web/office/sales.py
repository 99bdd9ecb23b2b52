"""The list of sales: filters that read as a sentence, what everything in it adds up to, pages, and a spreadsheet."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, g, request, url_for
from sqlalchemy import select

from shopnode.domain.customers.models import Customer
from shopnode.domain.money import format_minor
from shopnode.domain.paging import PAGE_MAX, Page
from shopnode.domain.people.queries import all_shops, names_of, staff_list
from shopnode.domain.permissions import Permission
from shopnode.domain.sales.models import SaleLine, SaleStatus, SaleSummary
from shopnode.domain.sales.queries import (
    MoneyOfSales,
    SaleFilter,
    SalesSum,
    list_sales,
    money_of_page,
    money_of_sales,
    sum_of_page,
    sum_sales,
)
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.office.blueprint import bp
from shopnode.web.office.spreadsheets import csv_answer
from shopnode.web.ui.frame import manner, page, part
from shopnode.web.ui.look import ID
from shopnode.web.ui.request import is_htmx

PERIODS = [("today", "today"), ("yesterday", "yesterday"), ("week", "the last 7 days"), ("month", "the last 30 days"),
           ("all", "all time")]  # fmt: skip
DAYS_OF = {"week": 7, "month": 30}
EXPORT_MAX = 50_000
NAMES = ("q", "period", "seller_id", "method", "status", "shop_id")


@dataclass(frozen=True)
class Chosen:
    """The filters in force: as words for the form, and as the query takes them."""

    words: dict[str, str]
    wanted: SaleFilter

    @property
    def has_filters(self) -> bool:
        return any(text for name, text in self.words.items() if text and (name, text) != ("period", "today"))


def chosen_filters() -> Chosen:
    """What the address asks for; what it cannot mean is left out."""
    words = {name: request.args.get(name, "").strip()[:200] for name in NAMES}
    if words["period"] not in dict(PERIODS):
        words["period"] = "today"
    if words["method"] not in METHOD_NAMES:
        words["method"] = ""
    if words["status"] not in {status.value for status in SaleStatus}:
        words["status"] = ""
    for name in ("seller_id", "shop_id"):
        if not re.fullmatch(ID, words[name]):
            words[name] = ""
    since, until = _days(words["period"])
    wanted = SaleFilter(
        q=words["q"], since=since, until=until, seller_id=words["seller_id"] or None,
        method=words["method"] or None, status=words["status"] or None, shop_id=words["shop_id"] or None,
    )  # fmt: skip
    return Chosen(words, wanted)


def _days(period: str) -> tuple[date | None, date | None]:
    today = manner().now.date()
    if period == "today":
        return today, today
    if period == "yesterday":
        return today - timedelta(days=1), today - timedelta(days=1)
    return (today - timedelta(days=DAYS_OF[period] - 1), today) if period in DAYS_OF else (None, None)


@bp.get("/sales")
def sales() -> str:
    """Sales this person may see, newest first."""
    chosen = chosen_filters()
    if "cursor" in request.args:
        return part("office/_sale_rows.html", last_day=request.args.get("last_day"), **_rows(chosen, _found(chosen)))
    if "sums" in request.args:
        return part("office/_sale_sums.html", **_sums(chosen))
    found = _found(chosen)
    values = _rows(chosen, found)
    # What may be of years is shown before it is added up.
    is_long = found.next_cursor is not None and (chosen.words["period"] == "all" or bool(chosen.words["q"]))
    asked: dict[str, Any] = {name: text for name, text in chosen.words.items() if text}
    values["sums_url"] = url_for("office.sales", **asked, sums=1) if is_long else None
    values = {
        **values,
        **({} if is_long else _sums(chosen, found)),
        "has_filters": chosen.has_filters,
        "filters": chosen.words,
    }
    values["sell_url"] = url_for("counter.sell") if g.ctx.home.is_shop else None
    if is_htmx():
        return part("office/_sales.html", **values)
    return page("office/sales_list.html", choices=_choices(), crumbs=[("Sales", None)], **values)


def _found(chosen: Chosen) -> Page[SaleSummary]:
    return list_sales(g.ctx, chosen.wanted, cursor=request.args.get("cursor"))


def _rows(chosen: Chosen, found: Page[SaleSummary]) -> dict[str, Any]:
    """One page of the list and where the next one is."""
    rows = rows_of(found.rows)
    asked: dict[str, Any] = {name: text for name, text in chosen.words.items() if text}
    next_url = None
    if found.next_cursor:
        last_day = rows[-1]["business_on"].isoformat()
        next_url = url_for("office.sales", **asked, cursor=found.next_cursor, last_day=last_day)
    return {"rows": rows, "next_url": next_url, "show_shop": not g.ctx.home.is_shop}


def rows_of(found: list[SaleSummary]) -> list[dict[str, Any]]:
    """Summaries as lines of the list, with the names they need."""
    session = g.ctx.session
    ids = [sale.sale_id for sale in found]
    people = names_of(session, {sale.seller_id for sale in found if sale.seller_id})
    customers = {sale.customer_id for sale in found if sale.customer_id}
    named = dict(session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(customers))).all())
    shops = {} if g.ctx.home.is_shop else {shop.id: shop.name for shop in all_shops(session)}
    what = _what(ids)
    return [
        {"id": sale.sale_id, "number": sale.number, "sold_at": sale.sold_at, "business_on": sale.business_on,
         "what": what.get(sale.sale_id, ""), "customer": named.get(sale.customer_id or ""),
         "seller": people.get(sale.seller_id or "", ""), "methods": [m for m in sale.methods.split(",") if m],
         "status": sale.status.lower(), "total_minor": sale.total_minor, "url": None,
         "shop": shops.get(sale.shop_id, "")}
        for sale in found
    ]  # fmt: skip


def _what(sale_ids: list[str]) -> dict[str, str]:
    """What each sale was, short: its first thing and how many more."""
    query = select(SaleLine.sale_id, SaleLine.item_name, SaleLine.quantity, SaleLine.amendment_id)
    query = query.where(SaleLine.sale_id.in_(sale_ids)).order_by(SaleLine.sale_id, SaleLine.line_no)
    lines: dict[str, dict[str | None, list[str]]] = defaultdict(lambda: defaultdict(list))
    for sale_id, name, quantity, amendment_id in g.ctx.session.execute(query):
        lines[sale_id][amendment_id].append(name if quantity == 1 else f"{quantity} × {name}")
    return {sale_id: _short(max(found.items(), key=lambda item: item[0] or "")[1]) for sale_id, found in lines.items()}


def _short(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _sums(chosen: Chosen, found: Page[SaleSummary] | None = None) -> dict[str, Any]:
    whole, money = _added_up(chosen, found)
    return {
        "sums": {
            "count": whole.count, "total_minor": whole.total_minor, "by_method": by_tender(money.by_method),
            "returned_minor": money.returned_minor,
        }
    }  # fmt: skip


def _added_up(chosen: Chosen, found: Page[SaleSummary] | None) -> tuple[SalesSum, MoneyOfSales]:
    """What all that was chosen adds up to. `found` is its first page, which may be all of it."""
    if found is not None and found.next_cursor is None:
        return sum_of_page(found.rows), money_of_page(g.ctx.session, found.rows)
    return sum_sales(g.ctx, chosen.wanted), money_of_sales(g.ctx, chosen.wanted)


def by_tender(amounts: dict[str, int]) -> list[tuple[str, int]]:
    """Amounts by tender, always in the same order."""
    return [(tender.value, amounts[tender.value]) for tender in METHOD_NAMES if tender.value in amounts]


def _choices() -> dict[str, Any]:
    choices: dict[str, Any] = {
        "periods": PERIODS,
        "methods": [("", "any means")] + [(tender.value, name) for tender, name in METHOD_NAMES.items()],
        "statuses": [("", "in any state")] + [(status.value, status.value.lower()) for status in SaleStatus],
        "sellers": [],
        "shops": [],
    }
    if g.ctx.may(Permission.SALES_READ_ALL):
        choices["sellers"] = [("", "anybody")] + [(person.id, person.name) for person in staff_list(g.ctx.session)]
    if not g.ctx.home.is_shop:
        choices["shops"] = [("", "all shops")] + [(shop.id, shop.name) for shop in all_shops(g.ctx.session)]
    return choices


@bp.get("/sales.csv")
def export_sales() -> Response:
    """The list as it is filtered, for a spreadsheet."""
    titles = ["Receipt", "Sold at", "Business day", "Seller", "Customer", "What", "State", "Paid by", "Discount",
              "VAT inside", "Total"]  # fmt: skip
    with_margin = g.ctx.may(Permission.PRODUCTS_SEE_COST)
    if with_margin:
        titles += ["Cost", "Margin"]
    zone = manner().zone
    assert isinstance(zone, ZoneInfo)
    return csv_answer(f"sales-{manner().now:%Y-%m-%d}", titles, _export_rows(with_margin), zone)


def _export_rows(with_margin: bool) -> Iterator[list[Any]]:
    chosen, cursor, sent = chosen_filters(), None, 0
    while sent < EXPORT_MAX:
        found = list_sales(g.ctx, chosen.wanted, limit=PAGE_MAX, cursor=cursor)
        for sale, row in zip(found.rows, rows_of(found.rows), strict=True):
            money = [sale.discount_minor, sale.tax_minor, sale.total_minor]
            if with_margin:
                money += [sale.cost_minor, sale.total_minor - sale.cost_minor]
            methods = ", ".join(METHOD_NAMES[method] for method in METHOD_NAMES if method.value in row["methods"])
            yield [sale.number, sale.sold_at, sale.business_on.isoformat(), row["seller"], row["customer"], row["what"],
                   sale.status, methods, *map(plain_amount, money)]  # fmt: skip
        sent, cursor = sent + len(found.rows), found.next_cursor
        if cursor is None:
            return


def plain_amount(minor: int) -> Any:
    """Plain digits, so that a spreadsheet can add them up."""
    text = format_minor(minor, manner().currency).replace(",", "").replace("−", "-")
    return int(text) if "." not in text else text
