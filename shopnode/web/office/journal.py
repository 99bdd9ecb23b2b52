"""The journal on a screen: searched, one entry with what it changed, and the chain checked while one looks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Response, current_app, g, request, url_for

from shopnode import verify_journal
from shopnode.domain.audit.actions import EXPORT_JOURNAL
from shopnode.domain.audit.chains import Chain, all_chains, check_chain, find_chain, journal_lines
from shopnode.domain.audit.search import EntryRow, FieldChange, JournalFilter, actions_known, find_entry, search_journal
from shopnode.domain.clock import to_datetime
from shopnode.domain.money import format_minor
from shopnode.domain.people.queries import all_shops, staff_list
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.frame import manner, page, part
from shopnode.web.ui.look import ID
from shopnode.web.ui.request import act, is_htmx

PERIODS = [("today", "today"), ("yesterday", "yesterday"), ("week", "in the last 7 days"),
           ("month", "in the last 30 days"), ("all", "at any time")]  # fmt: skip
DAYS_OF = {"week": 7, "month": 30}
NAMES = ("period", "area", "actor_id", "shop_id", "record")
RECORDS = {
    "sale": ("office.sale", "sale_id"), "product": ("office.product", "product_id"),
    "customer": ("office.customer", "customer_id"), "plan": ("office.plan", "plan_id"),
    "journal_entry": ("office.journal_entry", "entry_id"), "expense": ("office.expense", "expense_id"),
    "supplier": ("office.supplier", "supplier_id"), "purchase_order": ("office.order", "order_id"),
    "goods_receipt": ("office.delivery", "receipt_id"), "stocktake": ("office.stocktake", "stocktake_id"),
    "transfer": ("office.transfer", "transfer_id"), "financier": ("office.financier", "financier_id"),
    "price_list": ("office.price_list", "list_id"), "staff": ("office.person", "staff_id"),
    "supplier_return": ("office.supplier_return", "return_id"), "day_closure": ("office.closure", "closure_id"),
    "z_report": ("office.z_report", "z_report_id"), "drawer_session": ("office.x_report_now", "drawer_id"),
}  # fmt: skip
REPAIRS = ("counter.repair", "portal.repair")  # a shop works on them, the portal looks at them
MEMORY_MAX, PIECE = 1024 * 1024, 64 * 1024
SHOWN_MAX = 200  # signs of one value; the API has all of it


@bp.get("/audit-logs")
def journal() -> str:
    """Everything that was done, the latest first."""
    words = _words()
    found = search_journal(g.ctx, _wanted(words), cursor=request.args.get("cursor"))
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("office.journal", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {
        "rows": [{"entry": row, "words": sentence(row)} for row in found.rows], "next_url": next_url, "filters": words,
        "show_shop": g.ctx.shop_id is None,
    }  # fmt: skip
    if "cursor" in request.args:
        return part("office/_journal_rows.html", **values)
    if is_htmx():
        return part("office/_journal.html", **values)
    return page("office/journal.html", choices=_choices(), crumbs=[("Journal", None)], **values)


@bp.get("/audit-logs/<id:entry_id>")
def journal_entry(entry_id: str) -> str:
    """One entry: who, where from, and every field it changed."""
    found, names = find_entry(g.ctx, entry_id), _names()
    changes = [
        {
            "title": ("New " if change.is_new else "") + change.entity.replace("_", " "),
            "fields": [
                _shown(one, names) for one in change.fields if change.is_new or one.old != one.new or one.is_masked
            ],
            "is_new": change.is_new,
        }
        for change in found.changes
    ]
    return page(
        "office/journal_entry.html", row=found.row, words=sentence(found.row), changes=changes,
        at=to_the_second(found.row.at), record_url=record_url(found.row.entity, found.row.record_id),
        crumbs=[("Journal", url_for("office.journal")), (f"Entry {found.row.n:,}", None)],
    )  # fmt: skip


@bp.get("/audit-chains")
def chains() -> str:
    """The journals of this home, each to be checked or taken out."""
    return page("office/chains.html", chains=all_chains(g.ctx), crumbs=[("Proof", None)])


@bp.get("/audit-chains/<id:origin_id>")
def chain(origin_id: str) -> str:
    """One journal, read from its first entry."""
    found = check_chain(g.ctx, origin_id)
    if is_htmx():
        return part("office/_chain_check.html", found=found)
    return page(
        "office/chain.html", found=found, name=chain_name(found.chain),
        crumbs=[("Proof", url_for("office.chains")), (chain_name(found.chain), None)],
    )  # fmt: skip


@bp.get("/audit-chains/<id:origin_id>/journal")
def journal_file(origin_id: str) -> Response:
    """A journal as a file for `shopnode verify`. Who takes it is written down first."""
    found = find_chain(g.ctx, origin_id)
    file: IO[bytes] = SpooledTemporaryFile(MEMORY_MAX)  # noqa: SIM115 — closed when its last piece is sent
    try:
        for line in journal_lines(g.ctx, found):
            file.write(line.encode())
        act(EXPORT_JOURNAL, {"origin_id": origin_id, "entries": found.head.n})
    except BaseException:
        file.close()
        raise
    file.seek(0)
    response = Response(_pieces(file), content_type="text/tab-separated-values; charset=utf-8")
    name = f"journal-{found.head.series or 'portal'}-{found.head.n}.tsv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield from iter(lambda: file.read(PIECE), b"")


@bp.get("/audit-chains/verify_journal.py")
def verify_script() -> Response:
    """The script that checks a journal without us."""
    response = Response(Path(verify_journal.__file__).read_bytes(), content_type="text/x-python; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="verify_journal.py"'
    return response


def sentence(row: EntryRow) -> str:
    """What was done, as a line of the list: the action's own words, shortened to their first clause."""
    words = row.words.rstrip(".")
    first = re.split(r"[:;,(] ?|\. ", words, maxsplit=1)[0]
    return first if len(first) > 3 else words


def record_url(entity: str | None, record_id: str | None) -> str | None:
    """Where a record is shown, if it has a page of its own."""
    if entity == "repair_ticket" and record_id is not None:
        return url_for(next(page for page in REPAIRS if page in current_app.view_functions), ticket_id=record_id)
    if entity not in RECORDS or record_id is None:
        return None
    endpoint, name = RECORDS[entity]
    values: dict[str, Any] = {name: record_id}
    return url_for(endpoint, **values)


def to_the_second(at: datetime) -> str:
    return f"{at.astimezone(manner().zone):%-d %b %Y, %H:%M:%S}"


def chain_name(chain: Chain) -> str:
    return chain.head.series or "The portal"


def _words() -> dict[str, str]:
    """The filters in force; what the address cannot mean is left out."""
    words = {name: request.args.get(name, "").strip()[:80] for name in NAMES}
    if words["period"] not in dict(PERIODS):
        words["period"] = "all" if words["record"] else "week"
    if words["area"] not in dict(_areas()):
        words["area"] = ""
    for name in ("actor_id", "shop_id", "record"):
        if not re.fullmatch(ID, words[name]):
            words[name] = ""
    return words


def _wanted(words: dict[str, str]) -> JournalFilter:
    since, until = days_of(words["period"])
    return JournalFilter(
        actor_id=words["actor_id"] or None, record_id=words["record"] or None, action=words["area"] or None,
        shop_id=words["shop_id"] or None, since=since, until=until,
    )  # fmt: skip


def days_of(period: str) -> tuple[date | None, date | None]:
    """The days that a period means today; none for all time."""
    today = manner().now.date()
    if period == "today":
        return today, today
    if period == "yesterday":
        return today - timedelta(days=1), today - timedelta(days=1)
    return (today - timedelta(days=DAYS_OF[period] - 1), today) if period in DAYS_OF else (None, None)


def _areas() -> list[tuple[str, str]]:
    return [(area, area.replace("_", " ")) for area in sorted({name.partition(".")[0] for name, _ in actions_known()})]


def _choices() -> dict[str, list[tuple[str, str]]]:
    people = [(person.id, person.name) for person in staff_list(g.ctx.session)]
    shops = all_shops(g.ctx.session) if g.ctx.shop_id is None else []
    return {
        "periods": PERIODS,
        "areas": [("", "anything"), *_areas()],
        "people": [("", "anybody"), *people],
        "shops": [("", "all shops"), *((shop.id, shop.name) for shop in shops)] if len(shops) > 1 else [],
    }


def _shown(one: FieldChange, names: Mapping[str, str]) -> dict[str, Any]:
    label = re.sub(r"_(minor|id|at|on|bp)$", "", one.name).replace("_", " ")
    return {"label": label, "before": _value(one.name, one.old, names), "after": _value(one.name, one.new, names)}


def _names() -> dict[str, str]:
    """What a shop's or a person's id stands for."""
    shops = [(shop.id, shop.name) for shop in all_shops(g.ctx.session)]
    return dict([*shops, *((person.id, person.name) for person in staff_list(g.ctx.session))])


def _value(name: str, value: Any, names: Mapping[str, str]) -> str:
    """A value as people read it; of another record's id its end, which sets it apart."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, str) and re.fullmatch(ID, value):
        return names.get(value, f"…{value[-8:]}")
    if isinstance(value, int) and name.endswith("_minor"):
        return str(format_minor(value, manner().currency))
    if isinstance(value, int) and (name == "at" or name.endswith("_at")):
        return to_the_second(to_datetime(value))
    text = str(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"
