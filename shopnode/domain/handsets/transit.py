"""What is between shops: transfers with their phones and goods, and which of them have not arrived yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, except_, func, not_, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.handsets.models import Arrival, Handset, Transfer, TransferLine, TransferReceipt
from shopnode.domain.people.queries import names_of
from shopnode.domain.queries import among, find_row, ids_named
from shopnode.domain.stock.models import TransferItem, TransferItemReceipt

TRANSFERS_SHOWN = 200
ENDED_SHOWN = 30


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
    """Transfers of which something has not arrived; of this shop, sent or expected, where the home is one."""
    return _views(ctx, _under_way_first(ctx)[0])


def ended_transfers(ctx: Context) -> list[TransferView]:
    """Transfers of which everything's way has ended, the latest first."""
    return _views(ctx, _under_way_first(ctx)[1])


def all_transfers(ctx: Context) -> list[TransferView]:
    """Those in transit, then the last that have ended."""
    under_way, ended = _under_way_first(ctx)
    return _views(ctx, [*under_way, *ended])


def transfer_sums(ctx: Context, ended_shown: int = ENDED_SHOWN) -> tuple[list[TransferSums], list[TransferSums]]:
    """Those in transit, and the last that have ended, without what is in them."""
    under_way, ended = _under_way_first(ctx, ended_shown)
    sums = _sums(ctx, [*under_way, *ended])
    return sums[: len(under_way)], sums[len(under_way) :]


def _under_way_first(ctx: Context, ended_shown: int = ENDED_SHOWN) -> tuple[Sequence[Any], Sequence[Any]]:
    """The heads of those in transit, and of the last that have ended. Which are in transit is asked once for both."""
    is_under_way = among(Transfer.id, set(ctx.session.scalars(_UNDER_WAY)))
    heads = _HEADS
    if ctx.shop_id is not None:
        heads = heads.where(or_(Transfer.shop_id == ctx.shop_id, Transfer.to_shop_id == ctx.shop_id))
    under_way = ctx.session.execute(heads.where(is_under_way).limit(TRANSFERS_SHOWN)).all()
    return under_way, ctx.session.execute(heads.where(not_(is_under_way)).limit(ended_shown)).all()


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
