"""What is between shops: transfers with their phones and goods, and which of them have not arrived yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, except_, func, not_, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.handsets.models import Arrival, Handset, Transfer, TransferLine, TransferReceipt
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX, Page, decode_cursor, older_than, page_of
from shopnode.domain.people.queries import names_of
from shopnode.domain.queries import among, find_row, ids_named
from shopnode.domain.stock.models import TransferItem, TransferItemReceipt


class Way(StrEnum):
    """Whether something of a transfer has not arrived, in the order of lists of both."""

    UNDER_WAY = "under_way"
    ENDED = "ended"


BOTH = tuple(Way)


class WayLine(NamedTuple):
    """One phone of a transfer, and how its way ended: `ended` is None while it is on its way.

    A tuple, in the order of `_LINES`: a list holds hundreds.
    """

    line_id: str
    unit_id: str  # the sender's stay
    handset_id: str
    product_id: str
    product_name: str
    number: str  # the phone's own
    cost_minor: int
    grade: str | None
    ended: str | None
    ended_at: datetime | None
    note: str | None


@dataclass(frozen=True)
class WayItem:
    """Pieces of one product of a transfer, and what became of them."""

    item_id: str
    product_id: str
    product_name: str
    quantity: int
    received: int
    taken_back: int
    cost_minor: int  # of one piece

    @property
    def under_way(self) -> int:
        """Never below 0: both shops may have said at once that they have them, see cloudhub's oddities."""
        return max(self.quantity - self.received - self.taken_back, 0)


@dataclass(frozen=True)
class TransferView:
    """One transfer with its phones and goods, as both shops see it."""

    id: str
    number: str
    from_shop_id: str
    to_shop_id: str
    note: str | None
    sent_at: datetime
    sent_by: str | None  # the person's name
    lines: tuple[WayLine, ...]
    items: tuple[WayItem, ...] = ()

    @property
    def on_the_way(self) -> list[WayLine]:
        return [line for line in self.lines if line.ended is None]


@dataclass(frozen=True)
class TransferSums:
    """One transfer as a line of a list: how much was sent, and how much of it is on its way."""

    id: str
    number: str
    from_shop_id: str
    to_shop_id: str
    sent_at: datetime
    sent_by: str | None
    phones: int
    pieces: int
    under_way: int  # phones and pieces


def _under_way() -> CompoundSelect[str]:
    """Ids of the transfers of which something has not arrived. Lines and what ended them are two sorted indexes."""
    waiting = except_(select(TransferLine.id), select(TransferReceipt.line_id))
    lines = select(TransferLine.transfer_id).where(TransferLine.id.in_(waiting))
    ended = select(func.coalesce(func.sum(TransferItemReceipt.quantity), 0))
    ended_pieces = ended.where(TransferItemReceipt.item_id == TransferItem.id).correlate(TransferItem).scalar_subquery()
    return lines.union_all(select(TransferItem.transfer_id).where(TransferItem.quantity > ended_pieces))


def _pieces_ended(kind: Arrival) -> ColumnElement[int]:
    pieces = select(func.coalesce(func.sum(TransferItemReceipt.quantity), 0))
    own = pieces.where(TransferItemReceipt.item_id == TransferItem.id, TransferItemReceipt.kind == kind.value)
    return own.correlate(TransferItem).scalar_subquery()


_UNDER_WAY = _under_way()
_HEADS = (
    select(
        Transfer.id, Transfer.number, Transfer.shop_id, Transfer.to_shop_id, Transfer.note, Transfer.sent_at,
        Transfer.sent_by,
    )
    .order_by(Transfer.sent_at.desc(), Transfer.id.desc())
)  # fmt: skip
_LINES = (
    select(
        TransferLine.transfer_id, TransferLine.id, TransferLine.unit_id, TransferLine.handset_id,
        TransferLine.product_id, Product.name, func.coalesce(Handset.imei1, Handset.serial, ""),
        TransferLine.cost_minor, TransferLine.grade, TransferReceipt.kind, TransferReceipt.at,
        TransferReceipt.note,
    )
    .join(Handset, Handset.id == TransferLine.handset_id)
    .join(Product, Product.id == TransferLine.product_id)
    .outerjoin(TransferReceipt, TransferReceipt.line_id == TransferLine.id)
    .where(TransferLine.transfer_id.in_(ids_named("transfer_ids")))
    .order_by(Product.name, Handset.imei1, TransferLine.id)
)  # fmt: skip
_PHONES = (
    select(TransferLine.transfer_id, func.count(), func.count(TransferReceipt.id))
    .outerjoin(TransferReceipt, TransferReceipt.line_id == TransferLine.id)
    .where(TransferLine.transfer_id.in_(ids_named("transfer_ids")))
    .group_by(TransferLine.transfer_id)
)
_ITEMS = (
    select(
        TransferItem.transfer_id, TransferItem.id, TransferItem.product_id, Product.name, TransferItem.quantity,
        _pieces_ended(Arrival.RECEIVED), _pieces_ended(Arrival.TAKEN_BACK), TransferItem.cost_minor,
    )
    .join(Product, Product.id == TransferItem.product_id)
    .where(TransferItem.transfer_id.in_(ids_named("transfer_ids")))
    .order_by(Product.name, TransferItem.id)
)  # fmt: skip


def lines_of(session: Session, transfer_id: str) -> list[WayLine]:
    """Every phone of one transfer, in the order of their models and numbers."""
    return _lines(session, [transfer_id]).get(transfer_id, [])


def transfer_view(ctx: Context, transfer_id: str) -> TransferView:
    """One transfer. Raises NotFound."""
    return _views(ctx, [find_row(ctx.session, Transfer, transfer_id, "This transfer")])[0]


def items_of(session: Session, transfer_id: str) -> list[WayItem]:
    """All goods of one transfer, in the order of their names."""
    return _items(session, [transfer_id]).get(transfer_id, [])


def in_transit(ctx: Context) -> list[TransferView]:
    """The latest transfers of which something has not arrived; of this shop, sent or expected, where the home is
    one."""
    return list_transfers(ctx, (Way.UNDER_WAY,), limit=PAGE_MAX).rows


def list_transfers(
    ctx: Context, ways: Sequence[Way] = BOTH, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[TransferView]:
    """Transfers with what is in them: those in transit, then those that have ended, the latest first. Raises Invalid
    for a cursor of another list."""
    heads = _heads(ctx, ways, limit, cursor)
    return Page(_views(ctx, heads.rows), heads.next_cursor)


def transfer_sums(
    ctx: Context, ways: Sequence[Way], *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[TransferSums]:
    """The same without what is in them. Raises Invalid for a cursor of another list."""
    heads = _heads(ctx, ways, limit, cursor)
    return Page(_sums(ctx, heads.rows), heads.next_cursor)


def _heads(ctx: Context, ways: Sequence[Way], limit: int, cursor: str | None) -> Page[Any]:
    """What is under way is in the first part of the list, so whatever arrives between two pages is in a later one."""
    place = decode_cursor(cursor, (int, int, str))
    is_under_way = among(Transfer.id, set(ctx.session.scalars(_UNDER_WAY)))
    heads = _HEADS
    if ctx.shop_id is not None:
        heads = heads.where(or_(Transfer.shop_id == ctx.shop_id, Transfer.to_shop_id == ctx.shop_id))
    rows: list[tuple[int, Any]] = []
    for part, way in enumerate(Way):
        if way not in ways or (place is not None and part < place[0]) or len(rows) > limit:
            continue
        query = heads.where(is_under_way if way is Way.UNDER_WAY else not_(is_under_way))
        if place is not None and part == place[0]:
            query = query.where(older_than(Transfer.sent_at, Transfer.id, place[1:]))
        rows += [(part, row) for row in ctx.session.execute(query.limit(limit + 1 - len(rows)))]
    page = page_of(rows, limit, lambda found: (found[0], to_ms(found[1].sent_at), found[1].id))
    return Page([row for _, row in page.rows], page.next_cursor)


def _views(ctx: Context, heads: Sequence[Any]) -> list[TransferView]:
    ids = [row.id for row in heads]
    lines, items, names = _lines(ctx.session, ids), _items(ctx.session, ids), _senders(ctx.session, heads)
    return [
        TransferView(
            row.id, row.number, row.shop_id, row.to_shop_id, row.note, row.sent_at, names.get(row.sent_by or ""),
            tuple(lines.get(row.id, ())), tuple(items.get(row.id, ())),
        )
        for row in heads
    ]  # fmt: skip


def _sums(ctx: Context, heads: Sequence[Any]) -> list[TransferSums]:
    ids = [row.id for row in heads]
    phones = {row[0]: (row[1], row[1] - row[2]) for row in ctx.session.execute(_PHONES, {"transfer_ids": ids})}
    items, names = _items(ctx.session, ids), _senders(ctx.session, heads)
    found = []
    for row in heads:
        sent, open_phones = phones.get(row.id, (0, 0))
        goods = items.get(row.id, ())
        under_way = open_phones + sum(item.under_way for item in goods)
        found.append(
            TransferSums(
                row.id, row.number, row.shop_id, row.to_shop_id, row.sent_at, names.get(row.sent_by or ""), sent,
                sum(item.quantity for item in goods), under_way,
            )
        )  # fmt: skip
    return found


def _senders(session: Session, heads: Sequence[Any]) -> dict[str, str]:
    return names_of(session, {row.sent_by for row in heads if row.sent_by})


def _lines(session: Session, transfer_ids: list[str]) -> dict[str, list[WayLine]]:
    found: dict[str, list[WayLine]] = {}
    for row in session.execute(_LINES, {"transfer_ids": transfer_ids}):
        found.setdefault(row[0], []).append(WayLine._make(row[1:]))
    return found


def _items(session: Session, transfer_ids: list[str]) -> dict[str, list[WayItem]]:
    found: dict[str, list[WayItem]] = {}
    for row in session.execute(_ITEMS, {"transfer_ids": transfer_ids}):
        transfer_id, item_id, product_id, name, quantity, received, back, cost_minor = row
        view = WayItem(item_id, product_id, name, quantity, int(received), int(back), cost_minor)
        found.setdefault(transfer_id, []).append(view)
    return found
