"""What is asked of the lists: every list of the API's table of routes, and every page that shows rows.

Nothing is named here that the program can name itself: the API's routes know their filters and sorts, a page its
search field and its choices. So a list that is added is asked too, in all its ways: the first page, one far down, each
value of each filter, words that hit much, little and nothing, each sort with each of these.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from html import unescape
from typing import Any, Literal
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from pydantic.fields import FieldInfo

from shopnode.api.routing import ROUTES, Route
from tests.bench.books import RARE, Goods

FAR = 20  # pages of 200 rows
OURS = {"Sec-Fetch-Site": "same-origin"}
PAGES = ("office.", "counter.")
FILES = (".csv", ".xlsx", ".pdf", ".png", ".py", "/data")  # the last is a person's own
Samples = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Ask:
    """One question to one list."""

    what: str  # the list, as its route says it
    path: str
    headers: tuple[tuple[str, str], ...] = ()


def samples_of(book: Goods, kept: Mapping[str, list[str]]) -> Samples:
    """What stands for each id that a list may be asked for, the one with most rows first.

    kept  ids of what `Goods` does not keep, by table
    """
    sale = book.sales[0]
    units = [book.units[0]["id"], book.units[-1]["id"]]
    return {
        "product_id": (book.models[0], book.pieces[0], book.models[-1]),
        "customer_id": (book.customers[0], book.customers[-1]),
        "supplier_id": (book.suppliers[0],),
        "sale_id": (sale["sale_id"],),
        "sale_line_id": (book.lines[0]["id"],),
        "device_id": (units[-1], units[0]),
        "by_id": tuple(book.staff_ids),
        "seller_id": tuple(book.staff_ids),
        "created_by": (book.staff_ids[0], book.staff_ids[-1]),
        "shop_id": tuple(book.shop_ids),
        "financier_id": tuple(kept["financier"][:1]),
        "list_id": tuple(kept["price_list"][:1]),
        "order_id": tuple(kept["purchase_order"][:1]),
    }


def words_of(book: Goods) -> tuple[str, ...]:
    """What is typed into any search field: hits for some list, for most none."""
    unit = book.units[len(book.units) // 2]
    digits = "".join(sign for sign in book.sales[-1]["number"] if sign.isdigit())[1:]
    return (
        "a", "tecno", "Samsung glass 0", "okello", "okello james 7", "spark", "0772", "39", "distributors 7",
        book.sales[-1]["number"], digits, "1220000", unit["imei1"], unit["imei1"][-4:], "49999", "SKU-0123",
        "Accessories", RARE, "nothing such",
    )  # fmt: skip


def api_lists() -> list[Route]:
    """Every list of the API."""
    return [route for route in ROUTES if route.item is not None]


def asks_of_api(
    client: FlaskClient, headers: dict[str, str], samples: Samples, words: tuple[str, ...]
) -> Iterator[Ask]:
    """All questions to all lists of the API."""
    for route in api_lists():
        for place in _places(route, samples):
            for path in _questions(route, place, samples, words):
                yield Ask(f"GET /api{route.rule}", path, tuple(headers.items()))
            far = _far(client, headers, place) if route.query and "cursor" in route.query.model_fields else None
            for sort in [*_sorts(route), None] if far else ():
                sorted_ = _with(place, {"sort": sort} if sort else {})
                cursor = _far(client, headers, sorted_)
                if cursor:
                    yield Ask(f"GET /api{route.rule}", _with(sorted_, {"cursor": cursor}), tuple(headers.items()))


def _places(route: Route, samples: Samples) -> list[str]:
    """The list's address, for each record of which it is a list."""
    places = ["/api" + route.rule]
    for name in route.path_names:
        places = [
            place.replace(f"<{name}>", value) for place in places for value in samples.get(name, samples["by_id"])
        ]
    return places


def _questions(route: Route, place: str, samples: Samples, words: tuple[str, ...]) -> Iterator[str]:
    fields = route.query.model_fields if route.query is not None else {}
    yield place
    if "limit" in fields:
        yield _with(place, {"limit": "200"})
    sorts: list[str | None] = [*_sorts(route)] or [None]
    for name, field in fields.items():
        if name in {"limit", "cursor", "sort"}:
            continue
        for value in _values(name, field, samples, words):
            for sort in sorts:
                yield _with(place, {name: value} | ({"sort": sort} if sort else {}))
    yield from (_with(place, {"sort": sort}) for sort in _sorts(route))


def _sorts(route: Route) -> list[str]:
    fields = route.query.model_fields if route.query is not None else {}
    return _values("sort", fields["sort"], {}, ()) if "sort" in fields else []


def _values(name: str, field: FieldInfo, samples: Samples, words: tuple[str, ...]) -> list[str]:
    """What a filter may be: all that it can be, or something of each kind."""
    kind = _kind(field.annotation)
    if typing.get_origin(kind) is Literal:
        return [str(value) for value in typing.get_args(kind)]
    if issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    if kind is bool:
        return ["true", "false"]
    if kind is int:
        return ["0", "30", "1220000", "2000000"]
    if kind is date:
        return [(date(2026, 9, 21) - timedelta(days=days)).isoformat() for days in (0, 1, 200, 900)]
    if name.endswith("_id") or name == "created_by":
        return list(samples.get(name, samples["by_id"]))
    return list(words)


def _kind(hint: Any) -> Any:
    """The type under an optional and its checks."""
    if hasattr(hint, "__metadata__"):
        return _kind(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return next(_kind(part) for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def _far(client: FlaskClient, headers: dict[str, str], place: str) -> str | None:
    """The cursor of a page far down; None where the list is short."""
    cursor = None
    for _ in range(FAR):
        answer = client.get(_with(place, {"limit": "200"} | ({"cursor": cursor} if cursor else {})), headers=headers)
        further = answer.get_json().get("next_cursor")
        if further is None:
            return cursor
        cursor = further
    return cursor


def asks_of_pages(app: Flask, client: FlaskClient, words: tuple[str, ...]) -> Iterator[Ask]:
    """All questions to every page that is opened without naming a record, by its own fields and choices."""
    headers = tuple(OURS.items())
    for rule in sorted(app.url_map.iter_rules(), key=str):
        if "GET" not in (rule.methods or ()) or rule.arguments or not rule.endpoint.startswith(PAGES):
            continue
        if rule.rule.endswith(FILES):
            continue
        seen = client.get(rule.rule, headers=OURS)
        if seen.status_code != 200:
            continue
        for path in dict.fromkeys(_page_questions(rule.rule, seen.get_data(as_text=True), words)):
            yield Ask(f"GET {rule.rule}", path, headers)


def _page_questions(place: str, html: str, words: tuple[str, ...]) -> Iterator[str]:
    yield place
    chosen = {}
    for name, options in re.findall(r"<select[^>]*\bname=\"(\w+)\"[^>]*>(.*?)</select>", html, re.DOTALL):
        values = [unescape(value) for value in re.findall(r"<option[^>]*\bvalue=\"([^\"]*)\"", options)]
        chosen[name] = values[:12]
    whole = {"period": "all"} if "all" in chosen.get("period", ()) else {}
    for name, values in chosen.items():
        yield from (_with(place, whole | {name: value}) for value in values)
    if re.search(r"<input[^>]*\bname=\"q\"", html) or place.endswith("/search"):
        yield from (_with(place, whole | {"q": word}) for word in words)
    further = re.search(rf"\"({re.escape(place)}\?[^\"]*cursor=[^\"]*)\"", html)
    if further:
        yield unescape(further[1])


def _with(path: str, query: Mapping[str, str]) -> str:
    asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    return f"{path}{'&' if '?' in path else '?'}{asked}" if asked else path
