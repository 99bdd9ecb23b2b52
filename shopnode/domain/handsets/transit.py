"""What is between shops: transfers with their phones and goods, and which of them have not arrived yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, except_, func, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.handsets.models import Arrival, Handset, Transfer, TransferLine, TransferReceipt
from shopnode.domain.people.queries import names_of
from shopnode.domain.queries import find_row
from shopnode.domain.stock.models import TransferItem, TransferItemReceipt

TRANSFERS_SHOWN = 200
ENDED_SHOWN = 30


@dataclass(frozen=True)
class WayLine:
    """One phone of a transfer, and how its way ended: `ended` is None while it is on its way."""

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


def lines_of(session: Session, transfer_id: str) -> list[WayLine]:
    """Every phone of one transfer, in the order of their models and numbers."""
    return _lines(session, TransferLine.transfer_id == transfer_id).get(transfer_id, [])


def transfer_view(ctx: Context, transfer_id: str) -> TransferView:
    """One transfer. Raises NotFound."""
    return _views(ctx, [find_row(ctx.session, Transfer, transfer_id, "This transfer")])[0]


def items_of(session: Session, transfer_id: str) -> list[WayItem]:
    """All goods of one transfer, in the order of their names."""
    return _items(session, TransferItem.transfer_id == transfer_id).get(transfer_id, [])


def in_transit(ctx: Context) -> list[TransferView]:
    """Transfers of which something has not arrived; of this shop, sent or expected, where the home is one."""
    return _listed(ctx, Transfer.id.in_(_under_way()), TRANSFERS_SHOWN)


def ended_transfers(ctx: Context) -> list[TransferView]:
    """Transfers of which everything's way has ended, the latest first."""
    return _listed(ctx, Transfer.id.not_in(_under_way()), ENDED_SHOWN)


def _under_way() -> CompoundSelect[str]:
    """Ids of the transfers of which something has not arrived. Lines and what ended them are two sorted indexes."""
    waiting = except_(select(TransferLine.id), select(TransferReceipt.line_id)).subquery()
    lines = select(TransferLine.transfer_id).join(waiting, waiting.c.id == TransferLine.id)
    ended = select(func.coalesce(func.sum(TransferItemReceipt.quantity), 0))
    ended_pieces = ended.where(TransferItemReceipt.item_id == TransferItem.id).correlate(TransferItem).scalar_subquery()
    return lines.union(select(TransferItem.transfer_id).where(TransferItem.quantity > ended_pieces))


def _listed(ctx: Context, wanted: ColumnElement[bool], limit: int) -> list[TransferView]:
    query = select(Transfer).where(wanted)
    if ctx.shop_id is not None:
        query = query.where(or_(Transfer.shop_id == ctx.shop_id, Transfer.to_shop_id == ctx.shop_id))
    query = query.order_by(Transfer.sent_at.desc(), Transfer.id.desc()).limit(limit)
    return _views(ctx, list(ctx.session.scalars(query)))


def _views(ctx: Context, transfers: list[Transfer]) -> list[TransferView]:
    lines = _lines(ctx.session, TransferLine.transfer_id.in_([row.id for row in transfers]))
    items = _items(ctx.session, TransferItem.transfer_id.in_([row.id for row in transfers]))
    names = names_of(ctx.session, {row.sent_by for row in transfers if row.sent_by})
    return [
        TransferView(
            row.id, row.number, row.shop_id, row.to_shop_id, row.note, row.sent_at, names.get(row.sent_by or ""),
            tuple(lines.get(row.id, ())), tuple(items.get(row.id, ())),
        )
        for row in transfers
    ]  # fmt: skip


def _lines(session: Session, wanted: ColumnElement[bool]) -> dict[str, list[WayLine]]:
    # Columns and no records: a list shows hundreds of phones.
    query = (
        select(
            TransferLine.transfer_id, TransferLine.id, TransferLine.unit_id, TransferLine.handset_id,
            TransferLine.product_id, Product.name, func.coalesce(Handset.imei1, Handset.serial, ""),
            TransferLine.cost_minor, TransferLine.grade, TransferReceipt.kind, TransferReceipt.at,
            TransferReceipt.note,
        )
        .join(Handset, Handset.id == TransferLine.handset_id)
        .join(Product, Product.id == TransferLine.product_id)
        .outerjoin(TransferReceipt, TransferReceipt.line_id == TransferLine.id)
        .where(wanted)
        .order_by(Product.name, Handset.imei1, TransferLine.id)
    )  # fmt: skip
    found: dict[str, list[WayLine]] = {}
    for transfer_id, *cells in map(list[Any], session.execute(query)):
        found.setdefault(transfer_id, []).append(WayLine(*cells))
    return found


def _items(session: Session, wanted: ColumnElement[bool]) -> dict[str, list[WayItem]]:
    def ended(kind: Arrival) -> ColumnElement[int]:
        pieces = select(func.coalesce(func.sum(TransferItemReceipt.quantity), 0))
        own = pieces.where(TransferItemReceipt.item_id == TransferItem.id, TransferItemReceipt.kind == kind.value)
        return own.correlate(TransferItem).scalar_subquery()

    query = (
        select(TransferItem, Product.name, ended(Arrival.RECEIVED), ended(Arrival.TAKEN_BACK))
        .join(Product, Product.id == TransferItem.product_id)
        .where(wanted)
        .order_by(Product.name, TransferItem.id)
    )
    found: dict[str, list[WayItem]] = {}
    for item, name, received, back in session.execute(query):
        view = WayItem(item.id, item.product_id, name, item.quantity, int(received), int(back), item.cost_minor)
        found.setdefault(item.transfer_id, []).append(view)
    return found
