"""What was taken, because nothing about money or goods is refused, and what an owner should know of all the same.

Looked for once the rows of an admission are written and numbered, under the tenant's turn: what is compared cannot
change meanwhile, and every decision that was there before has its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudhub.merge.books import Books, Oddity
from cloudhub.merge.tables import entity_tables
from cloudhub.merge.work import Work
from shopnode.domain.db import Kind
from shopnode.domain.handsets.models import ON_HAND_STATUSES, OPEN_STATUSES
from shopnode.domain.plans.models import PlanStatus
from shopnode.domain.repairs.rules import OPEN as REPAIR_GOES_ON

_SPENDABLE = {"store_credit": "overspent_credit", "points": "overspent_points"}
# What a shop ends once, and with it money or goods change hands: the column that says so, and its values until then.
_ENDS: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "plan": ("status", (PlanStatus.OPEN,)),
    "repair_ticket": ("status", REPAIR_GOES_ON),
    "expense": ("paid_at", (None,)),
    "drawer_session": ("closed_at", (None,)),
}


def find_oddities(books: Books, works: Sequence[Work]) -> list[Oddity]:
    """What is odd about the rows of this admission."""
    return [
        *_amended_unseen(books, works),
        *_day_decided_unseen(books, works),
        *_sold_by_suspended(books, works),
        *_oversold(books),
        *_overspent(books),
        *_sold_twice(books),
        *_in_two_places(books),
        *_more_than_sent(books),
        *_merged_crosswise(books),
    ]


def oddity_of_repeat(entity: str, said: Mapping[str, Any], stands: Mapping[str, Any]) -> str | None:
    """What to tell of an act that was done a second time; None where both said the same of the same thing."""
    if entity == "transfer_receipt":
        return "received_and_taken_back" if said["kind"] != stands["kind"] else None
    if entity == "repair_transfer_receipt":
        return "repair_in_two_places" if said["ticket_id"] != stands["ticket_id"] else None
    if entity == "transfer_line":
        return "sent_twice" if said["transfer_id"] != stands["transfer_id"] else None
    if entity == "stock_movement":  # of a count that two copies of a computer approved
        return "acted_twice" if said.get("quantity") != stands.get("quantity") else None
    if entity == "alias":
        return "merged_twice" if said["into_id"] != stands["into_id"] else None
    return "acted_twice" if entity_tables()[entity].kind is Kind.DECISION else None


def let_go(entity: str, changes: Mapping[str, list[Any]], current: Mapping[str, Any]) -> str | None:
    """Where a phone was by then, of which its shop writes as if it were elsewhere: what a restored shop does.

    Only what makes a difference: it had left, or it was on the shelf for one and not for the other, so that it moved
    twice. That it was sold again or sent again is told by the second receipt and the second transfer.
    """
    if entity != "stock_unit" or "status" not in changes:
        return None
    before, after = changes["status"][:2]
    stands = str(current["status"])
    if before not in OPEN_STATUSES:
        return None
    if stands not in OPEN_STATUSES:
        return None if after == stands else stands
    return stands if (before in ON_HAND_STATUSES) != (stands in ON_HAND_STATUSES) else None


def ended_again(entity: str, changes: Mapping[str, list[Any]], current: Mapping[str, Any]) -> bool:
    """Whether this ends what has ended already: a restored shop, or one of two copies, did not know of it."""
    column, until_then = _ENDS.get(entity, ("", ()))
    if column not in changes:
        return False
    before, after = changes[column][:2]
    return before in until_then and after not in until_then and current[column] not in until_then


def left_unseen(changes: Mapping[str, list[Any]], seen: Mapping[str, Any]) -> str | None:
    """Where a phone went by an entry that waited, of which whoever acted on it next did not know; as in `let_go`.

    seen  what stood for whoever changed each column next
    """
    if "status" not in changes:
        return None
    before, after = changes["status"][:2]
    moved = (before in ON_HAND_STATUSES) != (after in ON_HAND_STATUSES)
    return str(after) if moved and seen["status"] == before else None


def _amended_unseen(books: Books, works: Sequence[Work]) -> list[Oddity]:
    """Corrections of a sale that was locked or undone by somebody else, of which their writer had not heard."""
    source: dict[str, Work] = {}
    for work in works:
        for entity, op, _, rows in work.taken:
            if entity == "sale_amendment" and op == "i" and work.lost_no is None:
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


def _day_decided_unseen(books: Books, works: Sequence[Work]) -> list[Oddity]:
    """Days that one person let pass and another rejected, who had not heard of each other."""
    source: dict[str, Work] = {}
    for work in works:
        for entity, op, _, rows in work.taken:
            if entity == "closure_decision" and op == "i" and work.lost_no is None:
                source.update({row[0]: work for row in rows})
    if not source:
        return []
    seen = [work.entry["seen"] for work in source.values()]
    origins = [work.origin_id for work in source.values()]
    oddities = {}
    for decision_id, closure_id, other_id, shop_id, day in books.rows(
        _OTHERWISE, [list(source), seen, origins, books.tenant_id]
    ):
        work = source[decision_id]
        oddities[closure_id] = Oddity(
            "day_decided_twice", "day_closure", closure_id, work.origin_id, work.n, shop_id, other_id, str(day)
        )
    return list(oddities.values())


def _sold_by_suspended(books: Books, works: Sequence[Work]) -> list[Oddity]:
    """Sales of people who were suspended by then: by the shop's clock, or because the shop had heard of it already."""
    sales = books.notes.changed.inserts.get("sale", ())
    shut_out = {row[0]: row[1:] for row in books.rows(_SUSPENDED, [books.tenant_id])} if sales else {}
    if not shut_out:
        return []
    source = {
        row[0]: work
        for work in works
        for entity, op, _, rows in work.taken
        if entity == "sale" and op == "i"
        for row in rows
    }
    oddities = []
    for sale in sales:
        work = source.get(sale["id"])
        for person in dict.fromkeys((sale["cashier_id"], sale["seller_id"])):
            if person not in shut_out:
                continue
            at, no, origin_id, n = shut_out[person]
            knew = work is not None and (work.entry["seen"] >= no or (work.origin_id == origin_id and work.n > n))
            if knew or sale["sold_at"] >= at:
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


def _overspent(books: Books) -> list[Oddity]:
    """Store credit or points that were spent in two shops which did not hear each other: there is less than none now.
    Listed once until somebody has looked, under the customer who is kept.
    """
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in books.notes.changed.inserts.get("account_entry", ()):
        if row["amount"] < 0 and row["account"] in _SPENDABLE:
            last[row["customer_id"], row["account"]] = row
    if not last:
        return []
    customers, accounts = zip(*last, strict=True)
    kinds = [_SPENDABLE[account] for account in accounts]
    found = books.rows(_SPENT_BELOW_ZERO, [list(customers), list(accounts), kinds, books.tenant_id])
    oddities: dict[tuple[str, str], Oddity] = {}
    for asked_id, kept_id, account, kind, balance in found:
        row = last[asked_id, account]
        told = Oddity(kind, "customer", kept_id, *books.writer, row["shop_id"], row["id"], f"{-balance:,}")
        oddities[kept_id, kind] = told
    return list(oddities.values())


def _sold_twice(books: Books) -> list[Oddity]:
    """Phones on two receipts that both stand."""
    ids = [row["id"] for row in books.notes.changed.inserts.get("sale_line", ()) if row["unit_id"]]
    found = books.rows(_TWO_RECEIPTS, [ids, books.tenant_id]) if ids else []
    return [
        Oddity("sold_twice", "sale", sale_id, *books.writer, shop_id, other_id, imei)
        for sale_id, other_id, imei, shop_id in found
    ]


def _in_two_places(books: Books) -> list[Oddity]:
    """Phones with two stays that have not ended."""
    changed = books.notes.changed
    ids = [row["id"] for row in changed.rows("stock_unit")] + list(changed.updates.get("stock_unit", ()))
    found = books.rows(_TWO_STAYS, [ids, books.tenant_id, list(OPEN_STATUSES), list(OPEN_STATUSES)]) if ids else []
    return [
        Oddity("two_stays", "stock_unit", unit_id, *books.writer, shop_id, other_id)
        for unit_id, other_id, shop_id in found
    ]


def _more_than_sent(books: Books) -> list[Oddity]:
    """Goods of which more arrived or were taken back than their transfer held: said by two shops at once, or by one
    that was restored.
    """
    ids = [row["item_id"] for row in books.notes.changed.rows("transfer_item_receipt")]
    found = books.rows(_MORE_THAN_SENT, [ids, books.tenant_id]) if ids else []
    return [
        Oddity("more_than_sent", "transfer_item", item_id, *books.writer, shop_id, product_id, number)
        for item_id, product_id, shop_id, number in found
    ]


def _merged_crosswise(books: Books) -> list[Oddity]:
    """Aliases that change nothing, because the fold over them would run in a circle; the derived rows are written."""
    oddities = []
    for alias in books.notes.changed.inserts.get("alias", ()):
        statement = _NOT_MERGED.format(table=entity_tables()[alias["entity"]].name)
        found = books.rows(statement, [books.tenant_id, alias["duplicate_id"]])
        names = (alias["entity"], alias["duplicate_id"], *books.writer, None, alias["into_id"])
        oddities += [Oddity("merged_crosswise", *names) for _ in found]
    return oddities


# A decision of the same admission has no line yet; it is of the same origin, which knew of it. One that came back
# after it was lost was seen by whoever had seen it under the number it had before.
_UNSEEN = """
SELECT a.id::text, d.id::text, d.kind, s.number, a.shop_id::text
FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[]) AS asked (id, seen, origin)
JOIN sale_amendment a ON a.tenant_id = %s AND a.id = asked.id
JOIN sale_decision d ON d.tenant_id = a.tenant_id AND d.sale_id = a.sale_id AND d.feed_no > asked.seen
  AND d.feed_no < a.feed_no AND d.kind IN ('lock', 'void', 'reverse')
JOIN feed_line f ON f.tenant_id = d.tenant_id AND f.no = d.feed_no AND f.origin_id <> asked.origin
JOIN sale s ON s.tenant_id = a.tenant_id AND s.id = a.sale_id
WHERE (d.kind <> 'lock' OR NOT EXISTS (
  SELECT FROM sale_decision u WHERE u.tenant_id = d.tenant_id AND u.sale_id = d.sale_id AND u.kind = 'unlock'
    AND u.feed_no > d.feed_no AND u.feed_no < a.feed_no))
  AND NOT EXISTS (
  SELECT FROM returned_line r WHERE r.tenant_id = f.tenant_id AND r.origin_id = f.origin_id AND r.n = f.n
    AND r.no <= asked.seen)
"""
_OTHERWISE = """
SELECT d.id::text, d.closure_id::text, o.id::text, c.shop_id::text, c.business_on::text
FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[]) AS asked (id, seen, origin)
JOIN closure_decision d ON d.tenant_id = %s AND d.id = asked.id AND d.kind <> 'review'
JOIN closure_decision o ON o.tenant_id = d.tenant_id AND o.closure_id = d.closure_id AND o.feed_no > asked.seen
  AND o.feed_no < d.feed_no AND o.kind <> 'review' AND (o.kind = 'reject') <> (d.kind = 'reject')
JOIN feed_line f ON f.tenant_id = o.tenant_id AND f.no = o.feed_no AND f.origin_id <> asked.origin
JOIN day_closure c ON c.tenant_id = d.tenant_id AND c.id = d.closure_id
WHERE NOT EXISTS (
  SELECT FROM returned_line r WHERE r.tenant_id = f.tenant_id AND r.origin_id = f.origin_id AND r.n = f.n
    AND r.no <= asked.seen)
ORDER BY o.feed_no DESC
"""
_NOT_MERGED = "SELECT FROM {table} WHERE tenant_id = %s AND id = %s AND merged_into IS NULL"
_TWO_RECEIPTS = """
SELECT l.sale_id::text, o.sale_id::text, l.imei, l.shop_id::text
FROM unnest(%s::uuid[]) AS asked (id)
JOIN sale_line l ON l.tenant_id = %s AND l.id = asked.id
JOIN sale_line o ON o.tenant_id = l.tenant_id AND o.unit_id = l.unit_id AND o.sale_id <> l.sale_id
JOIN sale_summary s ON s.tenant_id = l.tenant_id AND s.sale_id = l.sale_id AND s.status NOT IN ('Voided', 'Reversed')
JOIN sale_summary p ON p.tenant_id = o.tenant_id AND p.sale_id = o.sale_id AND p.status NOT IN ('Voided', 'Reversed')
LEFT JOIN sale_amendment w ON w.tenant_id = o.tenant_id AND w.id = o.amendment_id
WHERE NOT EXISTS (
  SELECT FROM sale_amendment a WHERE a.tenant_id = o.tenant_id AND a.sale_id = o.sale_id AND a.replaces_lines
    AND a.feed_no > coalesce(w.feed_no, 0))
"""
_TWO_STAYS = """
SELECT u.id::text, o.id::text, u.shop_id::text
FROM unnest(%s::uuid[]) AS asked (id)
JOIN stock_unit u ON u.tenant_id = %s AND u.id = asked.id AND u.status = ANY (%s)
JOIN stock_unit o ON o.tenant_id = u.tenant_id AND o.handset_id = u.handset_id AND o.id <> u.id AND o.status = ANY (%s)
"""
_MORE_THAN_SENT = """
SELECT i.id::text, i.product_id::text, i.shop_id::text, t.number
FROM transfer_item i JOIN transfer t ON t.tenant_id = i.tenant_id AND t.id = i.transfer_id
WHERE i.id = ANY (%s::uuid[]) AND i.tenant_id = %s AND i.quantity < (
  SELECT sum(r.quantity) FROM transfer_item_receipt r WHERE r.tenant_id = i.tenant_id AND r.item_id = i.id)
"""
# Who set it is told by the field's version, or by that of the whole row where nobody has changed the field.
_SUSPENDED = """
SELECT DISTINCT ON (s.id) s.id::text, s.suspended_at, coalesce(v.no, 9223372036854775807), v.origin_id::text, v.n
FROM staff s LEFT JOIN register_version v ON v.tenant_id = s.tenant_id AND v.entity = 'staff' AND v.row_id = s.id
  AND v.field IN ('suspended_at', '')
WHERE s.tenant_id = %s AND s.suspended_at IS NOT NULL
ORDER BY s.id, v.field DESC
"""
_BELOW_ZERO = """
SELECT l.shop_id::text, l.product_id::text, l.on_hand
FROM unnest(%s::uuid[], %s::uuid[]) AS asked (shop_id, product_id)
JOIN stock_level l ON l.tenant_id = %s AND l.shop_id = asked.shop_id AND l.product_id = asked.product_id
WHERE l.on_hand < 0 AND NOT EXISTS (
  SELECT FROM hub_exception e WHERE e.tenant_id = l.tenant_id AND e.kind = 'oversold' AND e.row_id = l.product_id
    AND e.shop_id = l.shop_id AND e.settled_at IS NULL)
"""
# A customer's duplicates have one account together with who is kept of them.
_SPENT_BELOW_ZERO = """
SELECT asked.customer_id::text, k.id::text, asked.account, asked.kind, sum(b.balance)::bigint
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS asked (customer_id, account, kind)
JOIN customer c ON c.tenant_id = %s AND c.id = asked.customer_id
JOIN customer k ON k.tenant_id = c.tenant_id AND k.id = coalesce(c.merged_into, c.id)
JOIN customer d ON d.tenant_id = k.tenant_id AND (d.id = k.id OR d.merged_into = k.id)
JOIN account_balance b ON b.tenant_id = d.tenant_id AND b.customer_id = d.id AND b.account = asked.account
WHERE NOT EXISTS (
  SELECT FROM hub_exception e WHERE e.tenant_id = k.tenant_id AND e.kind = asked.kind AND e.row_id = k.id
    AND e.settled_at IS NULL)
GROUP BY asked.customer_id, k.id, asked.account, asked.kind
HAVING sum(b.balance) < 0
"""
