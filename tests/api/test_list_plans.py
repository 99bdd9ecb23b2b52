"""Lists stay quick as a shop grows: how they are read is held here, how long it takes is measured by `make bench`.

Every list of the API is asked, from its own table of routes, in every order and by every filter.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

import shopnode.domain.catalogue.queries
import shopnode.domain.customers.queries
import shopnode.domain.handsets.sorting
import shopnode.domain.pricing.queries
import shopnode.domain.sales.searching
from shopnode.api.routing import Route
from shopnode.domain.engine import NodeDatabase
from tests.api.client import Client
from tests.api.conftest import api_app
from tests.bench.books import Size
from tests.bench.list_calls import Ask, api_lists, asks_of_api, samples_of, words_of
from tests.bench.lists import fill
from tests.shop import Shop, open_copy

SIZE = Size(products=300, units=600, sales=60, customers=120, suppliers=30, orders=40)
# What grows with every phone, sale and customer. The words of products are read whole by each search: they are narrow.
LARGE = {
    "product", "handset", "stock_unit", "stock_movement", "sale", "sale_line", "payment", "sale_summary", "customer",
    "account_entry", "journal_entry",
}  # fmt: skip
STATEMENTS_MAX = 30
ADAPTING = (  # where few rows are named one by one, and many are met on the way
    shopnode.domain.catalogue.queries, shopnode.domain.customers.queries, shopnode.domain.handsets.sorting,
    shopnode.domain.pricing.queries, shopnode.domain.sales.searching,
)  # fmt: skip


class Watched:
    """A large shop in small, with the statements that its readers run."""

    def __init__(self, shop: Shop, database: NodeDatabase):
        self.book, shelf = fill(shop, database, SIZE)
        self.samples = samples_of(self.book, shelf.kept)
        self.app: Flask = api_app(shop)
        self.owner = Client(self.app, shop.owner)
        self.said: list[tuple[str, Any]] = []
        self.engine = database._readers
        event.listen(self.engine, "before_cursor_execute", self._hear)

    def _hear(self, connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            self.said.append((statement, values))

    def ask(self, path: str) -> list[tuple[str, Any]]:
        """What answering this takes; nothing for what cannot be asked."""
        self.said.clear()
        answer = self.owner.call("GET", path.removeprefix("/api"))
        assert answer.status_code in (200, 404, 422), (path, answer.get_data(as_text=True)[:500])
        return list(self.said) if answer.status_code == 200 else []

    def steps(self, statement: str, values: Any) -> list[str]:
        with self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            return [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


@pytest.fixture(scope="module")
def watched(template: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder, people = template
    place = tmp_path_factory.mktemp("large")
    shop, database = open_copy(folder, place, people)
    yield Watched(shop, database)
    database.close()
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("few", [True, False], ids=["few-are-found", "many-are-found"])
def test_no_list_reads_a_large_table_through(watched: Watched, monkeypatch: pytest.MonkeyPatch, few: bool) -> None:
    for module in ADAPTING if not few else ():
        monkeypatch.setattr(module, "FEW_MAX", 0)
    scanned: dict[str, str] = {}
    seen: set[str] = set()
    for ask in asks(watched):
        for statement, values in watched.ask(ask.path):
            plain = re.sub(r"\?(, \?)+", "?", statement)
            if plain in seen:
                continue
            seen.add(plain)
            for step in watched.steps(statement, values):
                through = re.match(r"SCAN (\w+?)(_\d+)?$", step)  # by an index it stops when the page is full
                if through and through[1] in LARGE:
                    scanned[f"{ask.path}: {step}"] = statement
    assert len(seen) > 100
    assert not scanned, "\n".join(f"{where}\n    {statement}" for where, statement in scanned.items())


def asks(watched: Watched) -> list[Ask]:
    words = words_of(watched.book)[1::4]
    return list(asks_of_api(watched.owner.http, watched.owner.headers, watched.samples, words))


@pytest.mark.parametrize("route", api_lists(), ids=lambda route: route.rule)
def test_a_longer_page_takes_no_more_questions(watched: Watched, route: Route) -> None:
    """No row of a list is asked for by itself (N+1)."""
    path = route.rule
    for name in route.path_names:
        path = path.replace(f"<{name}>", watched.samples.get(name, watched.samples["by_id"])[0])
    paged = route.query is not None and "limit" in route.query.model_fields
    short, long = (watched.ask(f"{path}?limit={limit}" if paged else path) for limit in (1, 100))
    assert len(long) <= STATEMENTS_MAX
    assert len(long) <= len(short) + 3, sorted({statement for statement, _ in long} - {one for one, _ in short})
