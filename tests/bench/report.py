"""What a benchmark found, printed as one table, and how it is timed."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

from rich.console import Console
from rich.table import Table
from sqlcipher3 import dbapi2 as sqlcipher


@dataclass(frozen=True)
class Figure:
    """One line: what was measured, the ratio or size, its budget in words, and whether it holds."""

    what: str
    measured: str
    budget: str
    holds: bool
    detail: str = ""


def seconds(run: Callable[[], object]) -> float:
    """How long one call takes, in seconds."""
    start = perf_counter()
    run()
    return perf_counter() - start


def p50(times: list[float]) -> float:
    return median(times)


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def machine(postgres: str = "") -> str:
    """What the figures were measured on."""
    parts = [
        f"{os.cpu_count()} cores", platform.system(), f"Python {platform.python_version()}",
        f"SQLite {sqlcipher.sqlite_version} (SQLCipher) and {sqlite3.sqlite_version} (bare)", postgres,
    ]  # fmt: skip
    return ", ".join(filter(None, parts))


def show(figures: list[Figure], machine: str) -> bool:
    """Print the table; whether every budget holds."""
    table = Table(title=f"Benchmarks — {machine}", title_justify="left")
    for name in ("what", "measured", "budget", "", "detail"):
        table.add_column(name)
    for figure in figures:
        table.add_row(figure.what, figure.measured, figure.budget, "ok" if figure.holds else "OVER", figure.detail)
    Console(width=160).print(table)
    return all(figure.holds for figure in figures)
