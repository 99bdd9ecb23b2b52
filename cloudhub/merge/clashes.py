"""Numbers that people type and that should be one of a kind: found when two rows share one, listed, never refused.

Several shops can type the same SKU, barcode, IMEI or telephone number without seeing each other, so no unique index
spans shops. Only what a batch brought is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloudhub.merge.books import Books, Oddity


@dataclass(frozen=True)
class BusinessKey:
    """A column (or columns) that should tell rows apart. `scope` narrows it: a reference is unique per network."""

    kind: str
    entity: str
    columns: tuple[str, ...]
    scope: str | None = None
    condition: str = "true"


def _brought_money(row: str) -> str:
    """A message that was typed for the sale or put right later, and under which money is still held."""
    return (
        f"{row}.kind IN ('payment', 'correction') AND (SELECT sum(n.amount_minor) FROM payment n "
        f"WHERE n.tenant_id = {row}.tenant_id AND n.sale_id = {row}.sale_id AND n.method = {row}.method "
        f"AND n.reference = {row}.reference) <> 0"
    )


ON_THE_LISTS = " AND ".join(f"{row}.{name} IS NULL" for row in "to" for name in ("archived_at", "merged_into"))
KEYS = (
    BusinessKey("sku_twice", "product", ("sku",), condition=ON_THE_LISTS),
    BusinessKey("barcode_twice", "product", ("barcode",), condition=ON_THE_LISTS),
    BusinessKey("imei_twice", "handset", ("imei1", "imei2")),
    BusinessKey("serial_twice", "handset", ("serial",)),
    BusinessKey("phone_twice", "customer", ("phone",), condition=ON_THE_LISTS),
    BusinessKey(
        "reference_twice", "payment", ("reference",), scope="method",
        condition=f"t.sale_id <> o.sale_id AND {_brought_money('t')} AND {_brought_money('o')}",
    ),
    BusinessKey(
        "reference_twice", "payment_outcome", ("reference",), scope="method",
        condition="t.sale_id <> o.sale_id AND t.state = 'confirmed' AND o.state = 'confirmed'",
    ),
    BusinessKey("number_twice", "sale", ("number",)),
)  # fmt: skip


_COLUMNS = {(key.kind, key.entity): key.columns for key in KEYS}


def find_clashes(books: Books) -> list[Oddity]:
    """What this admission's rows share with others that they should not."""
    found: list[Oddity] = []
    for key in KEYS:
        ids = _touched(books, key)
        if ids:
            found += _look_up(books, key, ids)
    return found


def happened_again(books: Books, oddity: Oddity) -> bool:
    """Whether what is odd came about by this admission; it comes back then, also after somebody has settled it.

    All but clashes are found by what was done just now. A clash is found whenever one of its rows changes, and comes
    back only where the key itself was written.
    """
    columns = _COLUMNS.get((oddity.kind, oddity.entity))
    if columns is None:
        return True
    rows = [row_id for row_id in (oddity.row_id, oddity.other_id) if row_id]
    return any((oddity.entity, row_id, name) in books.notes.versions for row_id in rows for name in columns)


def _touched(books: Books, key: BusinessKey) -> list[str]:
    changed = books.notes.changed
    ids = [row["id"] for row in changed.rows(key.entity) if any(row[column] for column in key.columns)]
    return [*ids, *changed.updates.get(key.entity, ())]


def _look_up(books: Books, key: BusinessKey, ids: list[str]) -> list[Oddity]:
    found = []
    shop = "t.shop_id::text" if key.entity in ("payment", "payment_outcome", "sale") else "NULL"
    for mine in key.columns:
        for other in key.columns:
            scope = f"AND o.{key.scope} = t.{key.scope}" if key.scope else ""
            rows = books.rows(
                f"SELECT t.id::text, o.id::text, t.{mine}, {shop} FROM unnest(%s::uuid[]) AS asked (id) "
                f"JOIN {key.entity} t ON t.tenant_id = %s AND t.id = asked.id "
                f"JOIN {key.entity} o ON o.tenant_id = t.tenant_id AND o.{other} = t.{mine} AND o.id <> t.id {scope} "
                f"WHERE {key.condition} LIMIT 1000",
                [ids, books.tenant_id],
            )
            found += [
                Oddity(key.kind, key.entity, row_id, *books.writer, shop_id, other_id, value)
                for row_id, other_id, value, shop_id in rows
            ]
    return found
