"""The counter's search over 50,000 products, as the server answers it."""

from __future__ import annotations

from shopnode.domain.catalogue.queries import search_products
from shopnode.domain.context import Context
from tests.bench.report import Figure, p50, p95, seconds

P95_MAX_MS = 30
WORDS = (
    "tecno glass", "samsung", "charger 00", "sku-0123", "6160000012345", "oraimo power", "49999", "cab", "nothing such",
    "red", "apple case 01", "infinix speaker 3", "g", "power bank 017", "usb",
)  # fmt: skip
ROUNDS = 20


def search(ctx: Context, count: int) -> Figure:
    """p95 over words that hit one, many and none."""
    times = []
    with ctx.home.reading() as session:
        inside = ctx.inside(session)
        for _ in range(ROUNDS):
            times += [seconds(lambda word=word: search_products(inside, word)) for word in WORDS]
    worst, middle = p95(times) * 1000, p50(times) * 1000
    detail = f"p50 {middle:.1f} ms, {len(times)} searches, {len(WORDS)} words"
    what = f"product search, {count:,} products, p95"
    return Figure(what, f"{worst:.1f} ms", f"under {P95_MAX_MS} ms", worst < P95_MAX_MS, detail)
