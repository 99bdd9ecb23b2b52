"""Every benchmark runs, on tiny numbers, so that none can rot; how fast is asked by `make bench` alone."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import BENCHMARKS, Scale, run
from tests.bench.books import Size

TINY = Scale(
    sales=20, rounds=1, tickets=5, products=600, catalogue=40, far_products=20, far_sales=5, offline_sales=10,
    day_sales=10, storm=4, asked=1, every=25,
    listed=Size(products=300, units=600, sales=60, customers=120, suppliers=30, orders=40),
)  # fmt: skip


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_runs(name: str) -> None:
    figures = run(name, TINY)

    assert figures
    assert all(figure.what and figure.measured and figure.budget for figure in figures)
