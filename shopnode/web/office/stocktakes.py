"""Stocktakes: begun for the shop or a category, counted blind by scanning or typing, looked through, and approved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.catalogue.queries import categories, product_view, search_products
from shopnode.domain.errors import ShopError
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.stocktakes.approving import differences_of
from shopnode.domain.stocktakes.models import Stocktake, StocktakeStatus
from shopnode.domain.stocktakes.queries import CountLine, CountReview, CountView, count_review, list_counts
from shopnode.domain.stocktakes.rules import net_worth
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import known_ids, shop_names
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.second import asked_approval, second_people
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

LINES_SHOWN = 100
HITS_MAX = 12
STATE_WORDS = {"counting": "Counting", "submitted": "To approve", "approved": "In the books", "cancelled": "Given up"}


@bp.route("/stocktakes", methods=["GET", "POST"])
def stocktakes() -> ResponseReturnValue:
    """All counts, the latest first; a new one is begun here."""
    if request.method == "POST":
        typed = posted()
        on_refusal(lambda error: _list(field_errors(error, {"category", "notes"}), typed))
        form = {"category": typed.get("category") or None, "notes": typed.get("notes")}
        done = act("stocktakes.start", form, action_id=posted_action_id(typed))
        return redirect(url_for("office.stocktake", stocktake_id=done.result["stocktake_id"]), 303)
    file = asked_file()
    if file is not None:
        titles = ["Stocktake", "Of", "State", "Started", "Finished", "Approved"]
        sees_cost = g.ctx.may(Permission.PRODUCTS_SEE_COST)
        return table_answer("stocktakes", file, titles + (["Difference"] if sees_cost else []), _file_rows(sees_cost))
    return _list({}, {})


def _list(errors: dict[str, str], typed: Mapping[str, str]) -> str:
    found = list_counts(g.ctx, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    next_url = url_for("office.stocktakes", cursor=found.next_cursor) if found.next_cursor else None
    people = names_of(g.ctx.session, known_ids(*(row.started_by for row in found.rows)))
    values = {"rows": found.rows, "people": people, "next_url": next_url, "filters": {}, "shops": shop_names()}
    if "cursor" in request.args:
        return part("office/_stocktake_rows.html", **values)
    scopes = [("", "the whole shop"), *((name, f"only {name}") for name in categories(g.ctx.session))]
    return page(
        "office/stocktakes.html", scopes=scopes, may_count=g.ctx.home.is_shop, errors=errors, typed=typed,
        crumbs=[("Stocktakes", None)], **values,
    )  # fmt: skip


def _file_rows(sees_cost: bool) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = list_counts(g.ctx, limit=PAGE_MAX, cursor=cursor)
        for row in found.rows:
            worth = [] if row.difference_minor is None or not sees_cost else [plain_amount(row.difference_minor)]
            yield [row.number, row.category or "the whole shop", STATE_WORDS[row.status], row.started_at,
                   row.submitted_at, row.approved_at, *worth]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


@bp.get("/stocktakes/<id:stocktake_id>")
def stocktake(stocktake_id: str) -> ResponseReturnValue:
    """One count: the counting itself, then what it found. Its lines are a file, too."""
    file = asked_file()
    if file is not None:
        found = count_review(g.ctx, stocktake_id)
        titles = ["What", "Number", "Counted", "Books said", "At"]
        rows = [[line.product_name, line.number, line.counted, line.expected, line.at] for line in found.lines]
        return table_answer("stocktake", file, titles, rows)
    return _detail(stocktake_id)


@bp.post("/stocktakes/<id:stocktake_id>/scans")
def scan_stock(stocktake_id: str) -> ResponseReturnValue:
    """One scan: a phone counts once; a product's code asks how many there are."""
    typed = posted()
    if not is_htmx():
        on_refusal(lambda error: _detail(stocktake_id, field_errors(error, {"number"}), typed))
    form = {"stocktake_id": stocktake_id, "number": typed.get("number", "")}
    done = act("stocktakes.scan", form, action_id=None).result
    if not is_htmx():
        return redirect(url_for("office.stocktake", stocktake_id=stocktake_id), 303)
    if done["kind"] == "product":
        return _ask(stocktake_id, done["product_id"], done["product_name"])
    return part("office/_count_row.html", line=_line_of_scan(done), count_id=stocktake_id, may_count=True)


@bp.get("/stocktakes/<id:stocktake_id>/find")
def find_to_count(stocktake_id: str) -> str:
    """Products that fit what was typed."""
    text = request.args.get("q", "").strip()[:200]
    hits = search_products(g.ctx, text, limit=HITS_MAX).rows if text else []
    return part("office/_count_hits.html", hits=hits, q=text, count_id=stocktake_id)


@bp.get("/stocktakes/<id:stocktake_id>/ask/<id:product_id>")
def ask_count(stocktake_id: str, product_id: str) -> str:
    """How many of this are there?"""
    return _ask(stocktake_id, product_id, product_view(g.ctx, product_id).name)


@bp.post("/stocktakes/<id:stocktake_id>/counts")
def count_stock(stocktake_id: str) -> ResponseReturnValue:
    """So many of a product: a later count of it takes the place of this one."""
    typed = posted()
    if not is_htmx():
        on_refusal(lambda error: _detail(stocktake_id, field_errors(error, {"-"}), typed))
    form = {
        "stocktake_id": stocktake_id, "product_id": typed.get("product_id", ""),
        "counted": asked_number(typed, "counted"),
    }  # fmt: skip
    done = act("stocktakes.count", form, action_id=None).result
    if not is_htmx():
        return redirect(url_for("office.stocktake", stocktake_id=stocktake_id), 303)
    name = product_view(g.ctx, done["product_id"]).name
    line = {"key": done["product_id"], "name": name, "number": None, "counted": done["counted"], "at": g.ctx.now,
            "note": "Counted again: this count is the one that holds." if done["replaced"] else None,
            "product_id": done["product_id"], "is_phone": False, "tone": ""}  # fmt: skip
    return part("office/_count_row.html", line=line, count_id=stocktake_id, may_count=True)


@bp.post("/stocktakes/<id:stocktake_id>/submit")
def submit_stocktake(stocktake_id: str) -> ResponseReturnValue:
    """Counting is finished."""
    return _change(stocktake_id, "stocktakes.submit")


@bp.post("/stocktakes/<id:stocktake_id>/reopen")
def reopen_stocktake(stocktake_id: str) -> ResponseReturnValue:
    """Have some of it counted again."""
    return _change(stocktake_id, "stocktakes.reopen")


@bp.post("/stocktakes/<id:stocktake_id>/cancel")
def cancel_stocktake(stocktake_id: str) -> ResponseReturnValue:
    """Give the count up."""
    return _change(stocktake_id, "stocktakes.cancel", reason=request.form.get("reason", ""))


@bp.post("/stocktakes/<id:stocktake_id>/approve")
def approve_stocktake(stocktake_id: str) -> ResponseReturnValue:
    """Take the count into the books."""
    return _change(stocktake_id, "stocktakes.approve", uncounted=request.form.get("uncounted", "leave"))


def _change(stocktake_id: str, action: str, **fields: str) -> ResponseReturnValue:
    typed = posted()

    def draw(error: ShopError) -> str:
        return _detail(stocktake_id, field_errors(error, {"reason"}), typed, second_people(error, typed))

    on_refusal(draw)
    form = {"stocktake_id": stocktake_id, **fields}
    act(action, form, action_id=posted_action_id(typed), approval=asked_approval(typed))
    return redirect(url_for("office.stocktake", stocktake_id=stocktake_id), 303)


def _detail(
    stocktake_id: str, errors: dict[str, str] | None = None, typed: Mapping[str, str] | None = None,
    approvers: list[tuple[str, str]] | None = None,
) -> str:  # fmt: skip
    found = count_review(g.ctx, stocktake_id)
    head = found.head
    is_here = g.ctx.home.is_shop and g.ctx.shop_id == head.shop_id
    people = names_of(g.ctx.session, known_ids(head.started_by, head.submitted_by, head.approved_by))
    lines = [_line(line) for line in found.lines[::-1]]
    sees_books = any(line.expected is not None for line in found.lines) or bool(found.not_found or found.uncounted)
    values: dict[str, Any] = {
        "count": head, "people": people, "lines": lines[:LINES_SHOWN], "more": max(len(lines) - LINES_SHOWN, 0),
        "errors": errors or {}, "typed": typed or {}, "approvers": approvers or [], "may_count": is_here,
        "may_approve": is_here and g.ctx.may(Permission.STOCK_APPROVE_COUNT),
        "crumbs": [("Stocktakes", url_for("office.stocktakes")), (head.number, None)],
    }  # fmt: skip
    if head.status is StocktakeStatus.COUNTING:
        return page("office/stocktake_count.html", phones=sum(1 for line in found.lines if line.unit_id), **values)
    return page("office/stocktake_review.html", sees_books=sees_books, **_differences(found, head), **values)


def _differences(found: CountReview, head: CountView) -> dict[str, Any]:
    """What the count and the books say differently, as far as this person may see it."""
    worth: dict[str, int] = {}
    total: int | None = head.difference_minor
    if head.status is StocktakeStatus.SUBMITTED and g.ctx.may(Permission.PRODUCTS_SEE_COST):
        differences = differences_of(g.ctx, find_row(g.ctx.session, Stocktake, head.id, "This stocktake"))
        worth = {one.product_id: one.worth_minor for one in differences}
        total = net_worth(differences)
    products = [line for line in found.lines if line.product_id and not line.unit_id]
    return {
        "differences": [line for line in products if line.expected is not None and line.expected != line.counted],
        "agreed": sum(1 for line in products if line.expected == line.counted), "worth": worth, "total_minor": total,
        "not_found": found.not_found, "uncounted": found.uncounted,
        "odd": [_line(line) for line in found.lines if line.expected == 0 and (line.unit_id or line.number)],
    }  # fmt: skip


def _line(line: CountLine) -> dict[str, Any]:
    key = line.number or line.product_id or ""
    is_unknown = line.product_id is None
    return {
        "key": key, "name": line.product_name or "Nobody knows this number", "number": line.number,
        "counted": line.counted, "at": line.at, "product_id": line.product_id, "is_phone": line.unit_id is not None,
        "note": None, "tone": "is-odd" if is_unknown else "",
    }  # fmt: skip


def _line_of_scan(done: Mapping[str, Any]) -> dict[str, Any]:
    note = "Scanned before; it counts once." if done["already"] else done["note"]
    tone = "is-twice" if done["already"] or (done["note"] and done["kind"] == "phone") else ""
    return {
        "key": done["number"], "name": done["product_name"] or "Nobody knows this number", "number": done["number"],
        "counted": 1, "at": g.ctx.now, "product_id": done["product_id"], "is_phone": done["kind"] == "phone",
        "note": note, "tone": "is-odd" if done["kind"] == "unknown" else tone,
    }  # fmt: skip


def _ask(stocktake_id: str, product_id: str, name: str) -> str:
    return part("office/_count_ask.html", count_id=stocktake_id, product_id=product_id, name=name)
