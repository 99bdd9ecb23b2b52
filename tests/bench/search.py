"""The counter's search over 50,000 products, as the server answers it."""

from __future__ import annotations

from shopnode.domain.catalogue.queries import search_products
from shopnode.domain.context import Context
from tests.bench.report import Figure, p50, seconds

P95_MAX_MS = 30
WORDS = (
    "tecno glass", "samsung", "charger 00", "sku-0123", "6160000012345", "oraimo power", "49999", "cab", "nothing such",
    "red", "apple case 01", "infinix speaker 3", "g", "power bank 017", "usb",
)  # fmt: skip
ROUNDS = 20


def search(ctx: Context, count: int) -> Figure:
    """The slowest of many words that hit one, many and none, each by its median: on a busy machine the tail of all
    searches tells more of the neighbours than of us."""
    times: dict[str, list[float]] = {word: [] for word in WORDS}
    with ctx.home.reading() as session:
        inside = ctx.inside(session)
        for _ in range(ROUNDS):
            for word in WORDS:
                times[word].append(seconds(lambda word=word: search_products(inside, word)) * 1000)
    medians = {word: p50(found) for word, found in times.items()}
    slowest = max(medians, key=medians.__getitem__)
    worst_ms = medians[slowest]
    detail = f"“{slowest}”; median of all {p50(list(medians.values())):.1f} ms, {len(WORDS)} words, {ROUNDS} times each"
    what = f"product search, {count:,} products, slowest word"
    return Figure(what, f"{worst_ms:.1f} ms", f"p95 under {P95_MAX_MS} ms", worst_ms < P95_MAX_MS, detail)
