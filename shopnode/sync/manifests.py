"""Transfers as signed files: what a shop without internet hands to another that has none either.

A manifest holds the rows of one transfer as the feed would bring them, signed by the node's key. The receiving shop
believes it if it knows that key as the sender's (domain/stock/manifests), and puts the rows into its books as a line
of the feed that came early: nothing is journalled, and the line itself finds its rows there and changes nothing.

Invariants:
  * What is not signed by a known key of the shop it names, or goes to another shop, changes nothing.
  * Rows that are here already stay as they are, so a manifest loaded twice, or after its line, does nothing.
  * Nothing arrives by loading: phones and goods are received by a person, as with any transfer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from shopnode.domain.apply import Applier
from shopnode.domain.capture import driver_cursor, wire_columns
from shopnode.domain.catalogue.models import Product
from shopnode.domain.db import SyncedRow
from shopnode.domain.errors import Conflict
from shopnode.domain.handsets.models import Handset, Transfer, TransferLine
from shopnode.domain.node import NodeHome
from shopnode.domain.queries import find_row
from shopnode.domain.stock.manifests import keys_of
from shopnode.domain.stock.models import TransferItem
from shopnode.sync.line import read_link
from sync_protocol.canonical import canonical, parse_canonical
from sync_protocol.keys import public_text, read_public, sign, verifies
from sync_protocol.problems import ProtocolError
from sync_protocol.versions import SCHEMA_VERSION

FORMAT = 1
BYTES_MAX = 1024 * 1024
WORDS = b"phoneshop/v1/manifest\0"  # no other signature of ours begins like this
EARLY = "(early)"  # a mark in field_state on rows that no line of the feed has brought yet
MODELS: tuple[type[SyncedRow], ...] = (Product, Handset, Transfer, TransferLine, TransferItem)  # parents first


class NotAManifest(Conflict):
    code, status = "not-a-manifest", 422

    def __init__(self, why: str = "This is not a transfer's manifest, or it was cut off. Ask for the file again."):
        super().__init__(why)


class NotEnrolled(Conflict):
    code = "not-enrolled"

    def __init__(self) -> None:
        super().__init__("This shop is not connected to the business yet, so nobody knows its key.")


@dataclass(frozen=True)
class Loaded:
    """A manifest that was believed. `fresh` is how many rows were not here yet."""

    transfer_id: str
    fresh: int


def own_key(session: Session) -> str:
    """The public half of the key this node signs with. Raises NotEnrolled."""
    link = read_link(session)
    if link is None:
        raise NotEnrolled
    return public_text(link.key)


def manifest_file(session: Session, home: NodeHome, transfer_id: str) -> bytes:
    """One transfer of this shop, signed. Raises NotEnrolled."""
    link = read_link(session)
    if link is None:
        raise NotEnrolled
    transfer = find_row(session, Transfer, transfer_id, "This transfer")
    if transfer.shop_id != home.shop_id:
        raise NotAManifest("Only the shop that sent a transfer signs its manifest.")
    lines = list(session.scalars(sa.select(TransferLine).where(TransferLine.transfer_id == transfer_id)))
    items = list(session.scalars(sa.select(TransferItem).where(TransferItem.transfer_id == transfer_id)))
    ids: dict[type[SyncedRow], set[str]] = {
        Product: {row.product_id for row in lines} | {row.product_id for row in items},
        Handset: {row.handset_id for row in lines}, Transfer: {transfer_id},
        TransferLine: {row.id for row in lines}, TransferItem: {row.id for row in items},
    }  # fmt: skip
    ids[Product] |= set(session.scalars(sa.select(Handset.product_id).where(Handset.id.in_(ids[Handset]))))
    body = {
        "format": FORMAT, "schema": SCHEMA_VERSION, "node": home.node_id, "key": public_text(link.key),
        "transfer": transfer_id, "from": transfer.shop_id, "to": transfer.to_shop_id,
        "rows": [_block(session, model, ids[model]) for model in MODELS if ids[model]],
    }  # fmt: skip
    plain = canonical(body)
    return canonical({"manifest": body, "sig": sign(link.key, WORDS + plain)})


def load_manifest(home: NodeHome, file: bytes) -> Loaded:
    """Put what a manifest says into the books, as far as it is not there. Raises NotAManifest."""
    body, plain, signature = _read(file)
    with home.writing() as session:
        _check(session, home, body, plain, signature)
        fresh = _apply(session, body["rows"])
    home.committed()
    return Loaded(body["transfer"], fresh)


def early_rows(session: Session) -> dict[str, set[str]]:
    """Rows that a manifest brought, which the hub may not have heard of: no comparison counts them."""
    found: dict[str, set[str]] = {}
    query = "SELECT entity, row_id FROM field_state WHERE field = ?"
    for entity, row_id in driver_cursor(session).execute(query, (EARLY,)):
        found.setdefault(entity, set()).add(row_id)
    return found


def _block(session: Session, model: type[SyncedRow], ids: set[str]) -> list[Any]:
    """Rows in the form in which they travel. SQLite keeps truth as a number; the wire does not."""
    columns = wire_columns(model)
    kinds = model.__table__.columns
    truths = {place for place, name in enumerate(columns) if isinstance(kinds[name].type, sa.Boolean)}
    query = (
        f"SELECT {', '.join(columns)} FROM {model.__tablename__} "
        "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    )
    rows = [
        [bool(value) if place in truths and value is not None else value for place, value in enumerate(row)]
        for row in driver_cursor(session).execute(query, (orjson.dumps(sorted(ids)).decode(),))
    ]
    return [str(model.__tablename__), "i", list(columns), rows]


def _read(file: bytes) -> tuple[dict[str, Any], bytes, str]:
    if len(file) > BYTES_MAX:
        raise NotAManifest("This file is larger than any manifest. Choose the one that the other shop saved.")
    try:
        whole = parse_canonical(file)
        body, signature = whole["manifest"], whole["sig"]
        texts = [body[name] for name in ("key", "transfer", "from", "to", "node")] + [signature]
        if set(whole) != {"manifest", "sig"} or not all(isinstance(text, str) for text in texts):
            raise NotAManifest
        return body, canonical(body), signature
    except (ProtocolError, ValueError, KeyError, TypeError):
        raise NotAManifest from None


def _check(session: Session, home: NodeHome, body: dict[str, Any], plain: bytes, signature: str) -> None:
    """Raises NotAManifest, in words, unless this is for us and signed by the shop it comes from."""
    if body.get("format") != FORMAT or not isinstance(body.get("schema"), int) or body["schema"] > SCHEMA_VERSION:
        raise NotAManifest("This manifest was made by a newer version. Update this computer first.")
    if body["to"] != home.shop_id:
        raise NotAManifest("This manifest is for another shop. Only the shop it goes to can load it.")
    if body["key"] not in keys_of(session, body["from"]):
        raise NotAManifest(
            "The key of this manifest is not known here. The sending shop tells it to all shops once, under Transfers; "
            "this computer hears of it over the internet."
        )
    if not verifies(read_public(body["key"]), WORDS + plain, signature):
        raise NotAManifest("This manifest was changed after it was signed. Nothing was taken from it.")
    _check_rows(body)


def _check_rows(body: dict[str, Any]) -> None:
    """Raises NotAManifest for a signed manifest that says more than one transfer of its shop."""
    names = {str(model.__tablename__) for model in MODELS}
    try:
        tables = {
            name: [dict(zip(columns, row, strict=True)) for row in rows] for name, _, columns, rows in body["rows"]
        }
        kinds = {op for _, op, _, _ in body["rows"]}
        (head,) = tables["transfer"]
        own = [*tables.get("transfer_line", ()), *tables.get("transfer_item", ())]
        is_one = (
            names.issuperset(tables) and len(tables) == len(body["rows"]) and kinds == {"i"}
            and head["id"] == body["transfer"] and (head["shop_id"], head["to_shop_id"]) == (body["from"], body["to"])
            and all((row["transfer_id"], row["shop_id"]) == (head["id"], body["from"]) for row in own)
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise NotAManifest from None
    if not is_one:
        raise NotAManifest


def _apply(session: Session, blocks: list[Any]) -> int:
    """The rows that are not here yet, as a line of the feed before the first."""
    applier = Applier(session)
    cursor = driver_cursor(session)
    fresh: list[tuple[str, str]] = []
    for entity, _, columns, rows in blocks:
        ids = orjson.dumps([row[0] for row in rows]).decode()
        query = f"SELECT id FROM {entity} WHERE id IN (SELECT value FROM json_each(?))"
        here = {row[0] for row in cursor.execute(query, (ids,))}
        new = [row for row in rows if row[0] not in here]
        if new:
            applier.foreign_line(0, [[entity, "i", columns, new]])
            fresh += [(entity, row[0]) for row in new]
    applier.finish()
    cursor.executemany(_MARK, [(entity, row_id, EARLY) for entity, row_id in fresh])
    return len(fresh)


_MARK = "INSERT OR IGNORE INTO field_state (entity, row_id, field, seen_no) VALUES (?, ?, ?, 0)"
