"""What was taken, because nothing about money or goods is refused, and what an owner should know of all the same.

Looked for once the rows of an admission are written and numbered, under the tenant's turn: what is compared cannot
change meanwhile, and every decision that was there before has its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudhub.merge.books import Books, Oddity
from cloudhub.merge.work import Work


def find_oddities(books: Books, works: Sequence[Work]) -> list[Oddity]:
    """What is odd about the rows of this admission."""
    return [*_amended_unseen(books, works), *_sold_by_suspended(books), *_oversold(books)]


def _amended_unseen(books: Books, works: Sequence[Work]) -> list[Oddity]:
    """Corrections of a sale that was locked or undone by somebody else, of which their writer had not heard."""
    source: dict[str, Work] = {}
    for work in works:
        for entity, op, _, rows in work.taken:
            if entity == "sale_amendment" and op == "i":
                source.update({row[0]: work for row in rows})
    if not source:
        return []
    seen = [work.entry["seen"] for work in source.values()]
    origins = [work.origin_id for work in source.values()]
    found = books.rows(_UNSEEN, [list(source), seen, origins, books.tenant_id])
    oddities = []
    for amendment_id, decision_id, kind, number, shop_id in found:
        work = source[amendment_id]
        name = "amended_locked" if kind == "lock" else "amended_undone"
        oddity = Oddity(name, "sale_amendment", amendment_id, work.origin_id, work.n, shop_id, decision_id, number)
        oddities.append(oddity)
    return oddities


def _sold_by_suspended(books: Books) -> list[Oddity]:
    sales = books.notes.changed.inserts.get("sale", ())
    if not sales:
        return []
    shut_out = dict(books.rows(_SUSPENDED, [books.tenant_id]))
    oddities = []
    for sale in sales:
        for person in dict.fromkeys((sale["cashier_id"], sale["seller_id"])):
            if person in shut_out and sale["sold_at"] >= shut_out[person]:
                oddities.append(
                    Oddity("sold_suspended", "sale", sale["id"], *books.writer, sale["shop_id"], person, sale["number"])
                )
    return oddities


def _oversold(books: Books) -> list[Oddity]:
    """Goods of which a shop has less than none now; listed once until somebody has looked."""
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in books.notes.changed.inserts.get("stock_movement", ()):
        if row["quantity"] < 0:
            last[row["shop_id"], row["product_id"]] = row
    if not last:
        return []
    shops, products = zip(*last, strict=True)
    found = books.rows(_BELOW_ZERO, [list(shops), list(products), books.tenant_id])
    return [
        Oddity("oversold", "product", product_id, *books.writer, shop_id, last[shop_id, product_id]["id"], str(on_hand))
        for shop_id, product_id, on_hand in found
    ]


# A decision of the same admission has no line yet; it is of the same origin, which knew of it.
_UNSEEN = """
SELECT a.id::text, d.id::text, d.kind, s.number, a.shop_id::text
FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[]) AS asked (id, seen, origin)
JOIN sale_amendment a ON a.tenant_id = %s AND a.id = asked.id
JOIN sale_decision d ON d.tenant_id = a.tenant_id AND d.sale_id = a.sale_id AND d.feed_no > asked.seen
  AND d.feed_no < a.feed_no AND d.kind IN ('lock', 'void', 'reverse')
JOIN feed_line f ON f.tenant_id = d.tenant_id AND f.no = d.feed_no AND f.origin_id <> asked.origin
JOIN sale s ON s.tenant_id = a.tenant_id AND s.id = a.sale_id
WHERE d.kind <> 'lock' OR NOT EXISTS (
  SELECT FROM sale_decision u WHERE u.tenant_id = d.tenant_id AND u.sale_id = d.sale_id AND u.kind = 'unlock'
    AND u.feed_no > d.feed_no AND u.feed_no < a.feed_no)
"""
_SUSPENDED = "SELECT id::text, suspended_at FROM staff WHERE tenant_id = %s AND suspended_at IS NOT NULL"
_BELOW_ZERO = """
SELECT l.shop_id::text, l.product_id::text, l.on_hand
FROM unnest(%s::uuid[], %s::uuid[]) AS asked (shop_id, product_id)
JOIN stock_level l ON l.tenant_id = %s AND l.shop_id = asked.shop_id AND l.product_id = asked.product_id
WHERE l.on_hand < 0 AND NOT EXISTS (
  SELECT FROM hub_exception e WHERE e.tenant_id = l.tenant_id AND e.kind = 'oversold' AND e.row_id = l.product_id
    AND e.shop_id = l.shop_id AND e.settled_at IS NULL)
"""
