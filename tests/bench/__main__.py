"""Run the benchmarks: `make bench` (`make bench LONG=1`), or `python -m tests.bench --quick --only search`.

Everything runs in one tree of processes on one machine, in turns, so that a busy minute weighs on both sides of a
ratio. Ends with 1 when a budget is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from tests.bench.books import Size
from tests.bench.counter import counter_page
from tests.bench.day import bytes_of_a_day
from tests.bench.exchange import push_and_pull
from tests.bench.lists import lists_of_a_node
from tests.bench.report import Figure, machine, show
from tests.bench.sale import sale_through_the_door
from tests.bench.search import search
from tests.bench.servers import postgres_version
from tests.bench.shop import new_shop, receive_catalogue
from tests.bench.storm import storm_after_an_outage
from tests.bench.wan import far_shop
from tests.bench.wire import sale_on_the_wire


@dataclass(frozen=True)
class Scale:
    """How much of everything. The quick one only shows that the benchmarks run."""

    sales: int  # of nine rows each, in a round of push and pull
    rounds: int  # of push and pull
    tickets: int  # sales timed one by one
    products: int  # to search in
    catalogue: int  # products that sales are made of
    far_products: int  # of a shop that a blank PC joins over a slow line
    far_sales: int  # of that shop
    offline_sales: int  # that it then sends over this line
    day_sales: int  # sent one by one, as made
    storm: int  # shops that come back to the hub at once
    listed: Size  # what the lists are long of
    asked: int  # times that the slowest questions are put to each list
    every: int = 1  # only each so-manieth question to the lists


FULL = Scale(
    sales=1_112, rounds=3, tickets=300, products=50_000, catalogue=500, far_products=2_100, far_sales=1_400,
    offline_sales=600, day_sales=200, storm=25, asked=30,
    listed=Size(products=50_000, units=200_000, sales=40_000, customers=20_000, suppliers=100, orders=2_000),
)  # fmt: skip
QUICK = Scale(
    sales=112, rounds=1, tickets=30, products=2_000, catalogue=100, far_products=100, far_sales=50, offline_sales=50,
    day_sales=200, storm=10, asked=5,
    listed=Size(products=2_000, units=8_000, sales=1_600, customers=800, suppliers=40, orders=80),
)  # fmt: skip
LONG = replace(FULL, rounds=5, offline_sales=6_000, storm=200)
LONG_SALES, LONG_ROUNDS = 5_556, 2  # 50,000 rows, after the 10,000


def bench_page(folder: Path, scale: Scale) -> list[Figure]:
    return [counter_page()]


def bench_wire(folder: Path, scale: Scale) -> list[Figure]:
    return sale_on_the_wire(*new_shop(folder, scale.catalogue))


def bench_sale(folder: Path, scale: Scale) -> list[Figure]:
    return [sale_through_the_door(*new_shop(folder, scale.catalogue), folder, scale.tickets)]


def bench_search(folder: Path, scale: Scale) -> list[Figure]:
    ctx, ids = new_shop(folder, scale.catalogue)
    receive_catalogue(ctx, len(ids), scale.products - len(ids))
    return [search(ctx, scale.products)]


def bench_lists(folder: Path, scale: Scale) -> list[Figure]:
    return lists_of_a_node(folder, scale.listed, scale.asked, scale.every)


def bench_exchange(folder: Path, scale: Scale) -> list[Figure]:
    figures = push_and_pull(folder, scale.catalogue, scale.sales, scale.rounds)
    if scale is LONG:
        figures += push_and_pull(folder / "long", scale.catalogue, LONG_SALES, LONG_ROUNDS)
    return figures


def bench_day(folder: Path, scale: Scale) -> list[Figure]:
    return bytes_of_a_day(folder, scale.day_sales)


def bench_far(folder: Path, scale: Scale) -> list[Figure]:
    return far_shop(folder, scale.far_products, scale.far_sales, scale.offline_sales)


def bench_storm(folder: Path, scale: Scale) -> list[Figure]:
    return storm_after_an_outage(folder, scale.storm)


BENCHMARKS: dict[str, Callable[[Path, Scale], list[Figure]]] = {
    "page": bench_page,
    "wire": bench_wire,
    "sale": bench_sale,
    "search": bench_search,
    "lists": bench_lists,
    "exchange": bench_exchange,
    "day": bench_day,
    "far": bench_far,
    "storm": bench_storm,
}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="small numbers: shows that it runs, proves no budget")
    options.add_argument("--long", action="store_true", help="also 50,000 rows, 30 days offline, and 200 shops")
    options.add_argument("--only", choices=BENCHMARKS, action="append", help="one benchmark; may be repeated")
    wanted = options.parse_args()
    names = wanted.only or list(BENCHMARKS)
    figures: list[Figure] = []
    for name in names:
        figures += run(name, QUICK if wanted.quick else LONG if wanted.long else FULL)
    sys.exit(0 if show(figures, machine(postgres_version())) else 1)


def run(name: str, scale: Scale) -> list[Figure]:
    """One benchmark in a folder of its own."""
    start = perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        figures = BENCHMARKS[name](Path(folder), scale)
    print(f"{name}: {perf_counter() - start:.0f} s", file=sys.stderr)
    return figures


if __name__ == "__main__":
    main()
