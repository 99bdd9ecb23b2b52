"""The whole life of one phone, from any of its numbers: whom it came from, where it was, who has it now.

Told from the facts of every area, so it reads the same at a shop and at the hub, each as far as it has heard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.buying.models import Supplier, SupplierReturn
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.handsets.errors import STATUS_WORDS
from shopnode.domain.handsets.models import (
    Arrival,
    Handset,
    StockUnit,
    Transfer,
    TransferLine,
    TransferReceipt,
    UnitEvent,
    UnitStatus,
)
from shopnode.domain.handsets.numbers import handsets_searched
from shopnode.domain.handsets.queries import SoldOn, sold_on
from shopnode.domain.people.queries import all_shops, names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.domain.returns.models import RestockDecision, SaleReturn, SaleReturnLine, WarrantyClaim
from shopnode.domain.sales.models import Sale, SaleLine
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.usedphones.models import UnitCost, UsedPurchase, UsedPurchaseReversal

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LifeKind(StrEnum):
    """What happened to a phone."""

    RECEIVED = "received"
    BOUGHT = "bought"  # from a person
    BOUGHT_BACK = "purchase_reversed"
    SENT = "sent"
    ARRIVED = "arrived"
    TAKEN_BACK = "back"
    SOLD = "sold"
    UNDONE = "undone"  # the sale was voided or reversed
    RETURNED = "returned"
    CLAIMED = "claimed"
    STATE = "state"  # see `status`
    CORRECTED = "corrected"
    SUPPLIER = "supplier"
    SPENT = "spent"  # made ready at a cost
    MOVED = "moved"


@dataclass(frozen=True)
class LifeEvent:
    """One thing that happened to a phone, in words and with what it points at."""

    at: datetime
    kind: LifeKind
    words: str
    shop_id: str
    unit_id: str | None
    by_id: str | None
    status: UnitStatus | None = None  # the state it came to
    note: str | None = None
    number: str | None = None  # of the paper: sale, transfer, return, agreement
    sale_id: str | None = None
    sold: SoldOn | None = None
    amount_minor: int | None = None  # what it cost; None for those who may not see it
    by: str | None = None  # the person's name
    shop: str | None = None  # the shop's


def find_handset(session: Session, number_or_id: str) -> Handset:
    """The phone with this number (whole, or its last digits), this id, or a stay of this id.

    Raises NotFound; Invalid when the last digits fit several phones.
    """
    if ID.fullmatch(number_or_id):
        unit = row_or_none(session, StockUnit, number_or_id)
        handset = row_or_none(session, Handset, unit.handset_id if unit else number_or_id)
        if handset is None:
            raise NotFound("This phone")
        return handset
    found = handsets_searched(session, number_or_id)
    if not found:
        raise NotFound("A phone with this number")
    if len(found) > 1:
        raise Invalid({"number": f"fits {len(found)} phones: type more of its digits"})
    handset = row_or_none(session, Handset, found[0])
    assert handset is not None  # it was found a moment ago, in this session
    return handset


def life_of(ctx: Context, number_or_id: str) -> list[LifeEvent]:
    """Everything known to have happened to a phone, oldest first. Raises NotFound, Invalid."""
    told = _Life(ctx, find_handset(ctx.session, number_or_id))
    parts = (told.moves, told.events, told.ways, told.purchases, told.returns, told.claims, told.suppliers, told.costs)
    events = [event for part in parts for event in part()]
    return _named(ctx, sorted(events, key=lambda event: event.at))


class _Life:
    """The stays of one phone, and what each area tells of them."""

    def __init__(self, ctx: Context, handset: Handset):
        self.session, self.handset = ctx.session, handset
        self.sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
        self.stays = {row.id: row for row in self._rows(StockUnit, StockUnit.handset_id == handset.id)}
        self.shops = {shop.id: shop.name for shop in all_shops(ctx.session)}
        self.told = self._rows(UnitEvent, UnitEvent.unit_id.in_(list(self.stays)))
        self.bought = self._rows(UsedPurchase, UsedPurchase.handset_id == handset.id)
        self.lines = {row.id: row for row in self._rows(SaleLine, SaleLine.unit_id.in_(list(self.stays)))}
        self.came_back = self._came_back()
        self.sent_back = self._rows(SupplierReturn, SupplierReturn.unit_id.in_(list(self.stays)))

    def _rows(self, model: type[Any], wanted: Any) -> list[Any]:
        return list(self.session.scalars(select(model).where(wanted).order_by(model.id)))

    def _came_back(self) -> list[tuple[SaleReturnLine, SaleReturn]]:
        query = select(SaleReturnLine, SaleReturn).join(SaleReturn, SaleReturn.id == SaleReturnLine.return_id)
        query = query.where(SaleReturnLine.sale_line_id.in_(list(self.lines))).order_by(SaleReturnLine.id)
        return [(line, back) for line, back in self.session.execute(query)]

    def moves(self) -> Iterable[LifeEvent]:
        """What came and went, but for what another fact tells better."""
        query = select(StockMovement).where(
            StockMovement.product_id.in_({stay.product_id for stay in self.stays.values()}),
            StockMovement.unit_id.in_(list(self.stays)),
        )
        rows = list(self.session.scalars(query.order_by(StockMovement.at, StockMovement.id)))
        sales = self._sales({row.sale_id for row in rows if row.sale_id})
        known = {(event.unit_id, event.at) for event in self.told}
        known |= {(line.unit_id, back.at) for line, back in self.came_back}
        bought = {row.unit_id for row in self.bought}
        seen: set[tuple[str | None, datetime, str | None]] = set()
        for row in rows:
            told = (MovementKind.SENT, MovementKind.ARRIVED, MovementKind.TAKEN_BACK, MovementKind.ASIDE)
            if row.kind in told or (row.kind == MovementKind.RECEIVED and row.unit_id in bought):
                continue
            if row.kind == MovementKind.SOLD:
                yield self._sold(row, sales)
            elif (row.unit_id, row.at) in known and row.kind != MovementKind.RECEIVED:
                continue
            elif row.sale_id is None:
                yield self._moved(row)
            elif (row.unit_id, row.at, row.sale_id) not in seen:  # undone, perhaps with a second move onto the shelf
                seen.add((row.unit_id, row.at, row.sale_id))
                yield self._undone(row, sales)

    def _sales(self, sale_ids: set[str]) -> dict[str, Sale]:
        return {row.id: row for row in self._rows(Sale, Sale.id.in_(sale_ids))} if sale_ids else {}

    def _sold(self, row: StockMovement, sales: dict[str, Sale]) -> LifeEvent:
        lines = [line for line in self.lines.values() if (line.unit_id, line.sale_id) == (row.unit_id, row.sale_id)]
        receipts = sold_on(self.session, [line.id for line in lines])
        sold = next((receipts[line.id] for line in reversed(lines) if line.id in receipts), None)
        sale = sales.get(row.sale_id or "")
        whom = f" to {sold.customer}" if sold and sold.customer else ""
        return LifeEvent(
            row.at, LifeKind.SOLD, f"Sold{whom}", row.shop_id, row.unit_id, row.by_id, UnitStatus.SOLD,
            number=sale.number if sale else None, sale_id=row.sale_id, sold=sold,
        )  # fmt: skip

    def _undone(self, row: StockMovement, sales: dict[str, Sale]) -> LifeEvent:
        sale = sales.get(row.sale_id or "")
        number = sale.number if sale else None
        words = f"Came back: sale {number or ''} was undone".replace("  ", " ")
        return LifeEvent(row.at, LifeKind.UNDONE, words, row.shop_id, row.unit_id, row.by_id, number=number,
                         sale_id=row.sale_id)  # fmt: skip

    def _moved(self, row: StockMovement) -> LifeEvent:
        if row.kind not in (MovementKind.RECEIVED, MovementKind.OPENING):
            words = {MovementKind.COUNTED.value: "Counted"}.get(row.kind, "Moved")
            return LifeEvent(row.at, LifeKind.MOVED, words, row.shop_id, row.unit_id, row.by_id, note=row.note)
        stay = self.stays.get(row.unit_id or "")
        source = stay.source if stay else row.note
        return LifeEvent(
            row.at, LifeKind.RECEIVED, f"Received from {source}" if source else "Received", row.shop_id, row.unit_id,
            row.by_id, UnitStatus.IN_STOCK, amount_minor=row.unit_cost_minor if self.sees_cost else None,
        )  # fmt: skip

    def events(self) -> Iterable[LifeEvent]:
        """States, and corrections."""
        papers: dict[str | None, str] = {row.id: row.number for row in self.sent_back}
        papers |= {back.id: back.number for _, back in self.came_back}
        arrived = {UnitStatus.EXPECTED.value: UnitStatus.IN_STOCK.value}
        for row in self.told:
            status = UnitStatus(row.to_status)
            kind = LifeKind.CORRECTED if row.from_status == row.to_status else LifeKind.STATE
            words = "Corrected" if kind is LifeKind.CORRECTED else _state_words(row.from_status, status)
            if row.from_status is not None and arrived.get(row.from_status) == row.to_status:
                continue  # told by its movement, with the cost
            yield LifeEvent(
                row.at, kind, words, row.shop_id, row.unit_id, row.by_id, status, row.reason,
                number=papers.get(row.about_id),
            )  # fmt: skip

    def ways(self) -> Iterable[LifeEvent]:
        """Between shops, whichever of them tells it."""
        query = (
            select(TransferLine, Transfer, TransferReceipt)
            .join(Transfer, Transfer.id == TransferLine.transfer_id)
            .outerjoin(TransferReceipt, TransferReceipt.line_id == TransferLine.id)
            .where(TransferLine.handset_id == self.handset.id)
        )
        for line, way, end in self.session.execute(query.order_by(Transfer.sent_at, TransferLine.id)):
            to, sender = self.shops.get(way.to_shop_id, "another shop"), self.shops.get(way.shop_id, "another shop")
            yield LifeEvent(way.sent_at, LifeKind.SENT, f"Sent to {to}", way.shop_id, line.unit_id, way.sent_by,
                            UnitStatus.SENT, way.note, way.number)  # fmt: skip
            if end is None:
                continue
            arrived = end.kind == Arrival.RECEIVED
            kind = LifeKind.ARRIVED if arrived else LifeKind.TAKEN_BACK
            words = f"Arrived from {sender}" if arrived else f"Taken back: it never reached {to}"
            yield LifeEvent(end.at, kind, words, end.shop_id, end.unit_id, end.by_id, UnitStatus.IN_STOCK, end.note,
                            way.number)  # fmt: skip

    def purchases(self) -> Iterable[LifeEvent]:
        """Bought from people."""
        sellers = self._names(Customer, {row.customer_id for row in self.bought})
        for row in self.bought:
            yield LifeEvent(
                row.at, LifeKind.BOUGHT, f"Bought used from {sellers.get(row.customer_id or '', 'a person')}",
                row.shop_id, row.unit_id, row.by_id, note=f"Grade {row.grade}", number=row.number, sale_id=row.sale_id,
                amount_minor=row.offer_minor if self.sees_cost else None,
            )  # fmt: skip
        undone = UsedPurchaseReversal.purchase_id.in_([row.id for row in self.bought])
        for row in self._rows(UsedPurchaseReversal, undone) if self.bought else []:
            yield LifeEvent(row.at, LifeKind.BOUGHT_BACK, "The purchase was taken back", row.shop_id, None, row.by_id,
                            note=row.reason)  # fmt: skip

    def returns(self) -> Iterable[LifeEvent]:
        """Brought back by customers."""
        words = {
            RestockDecision.NEW.value: "to be sold as new", RestockDecision.OPEN_BOX.value: "to be sold as open box",
            RestockDecision.BENCH.value: "to the bench", RestockDecision.SUPPLIER.value: "for its supplier",
            RestockDecision.SCRAP.value: "to be scrapped",
        }  # fmt: skip
        for line, back in self.came_back:
            yield LifeEvent(
                back.at, LifeKind.RETURNED, f"Returned, {words.get(line.restock, line.restock)}", back.shop_id,
                line.unit_id, back.by_id, note=back.reason, number=back.number, sale_id=back.sale_id,
            )  # fmt: skip

    def claims(self) -> Iterable[LifeEvent]:
        """Claims under the warranty."""
        for row in self._rows(WarrantyClaim, WarrantyClaim.sale_line_id.in_(list(self.lines))):
            yield LifeEvent(row.at, LifeKind.CLAIMED, f"Warranty claim: {row.outcome}", row.shop_id, row.unit_id,
                            row.by_id, note=row.reason)  # fmt: skip

    def suppliers(self) -> Iterable[LifeEvent]:
        """Sent back to whom we bought from, and how that ended."""
        names = self._names(Supplier, {row.supplier_id for row in self.sent_back})
        told = {row.about_id for row in self.told}
        for row in self.sent_back:
            whom = names.get(row.supplier_id, "its supplier")
            if row.id not in told:
                yield LifeEvent(row.sent_at, LifeKind.SUPPLIER, f"Sent back to {whom}", row.shop_id, row.unit_id,
                                row.sent_by, UnitStatus.SUPPLIER, row.reason, row.number)  # fmt: skip
            if row.ended_at is not None:
                yield LifeEvent(row.ended_at, LifeKind.SUPPLIER, f"Answered by {whom}: {row.outcome}", row.shop_id,
                                row.unit_id, row.ended_by, number=row.number)  # fmt: skip

    def costs(self) -> Iterable[LifeEvent]:
        """What making it ready cost."""
        for row in self._rows(UnitCost, UnitCost.unit_id.in_(list(self.stays))):
            yield LifeEvent(
                row.at, LifeKind.SPENT, f"Made ready: {row.kind}", row.shop_id, row.unit_id, row.by_id, note=row.note,
                amount_minor=row.amount_minor if self.sees_cost else None,
            )  # fmt: skip

    def _names(self, model: type[Any], ids: set[str | None]) -> dict[str, str]:
        wanted = {row_id for row_id in ids if row_id}
        if not wanted:
            return {}
        query = select(model.id, model.name).where(model.id.in_(wanted))
        return {row.id: row.name for row in self.session.execute(query)}


def _state_words(before: str | None, status: UnitStatus) -> str:
    if before is None:
        return "Expected from its supplier" if status is UnitStatus.EXPECTED else "Taken in with an exception"
    said = {
        UnitStatus.IN_STOCK: "Put on sale again", UnitStatus.BENCH: "Set aside to the bench",
        UnitStatus.RESERVED: "Reserved", UnitStatus.LENT: "Lent", UnitStatus.MISSING: "Missing",
        UnitStatus.SCRAPPED: "Written off", UnitStatus.INSPECT: "To be inspected",
        UnitStatus.SUPPLIER: "Sent to its supplier",
    }  # fmt: skip
    if before == UnitStatus.MISSING and status is not UnitStatus.SCRAPPED:
        return f"Found again, {STATUS_WORDS[status.value]}"
    if before == UnitStatus.RESERVED and status is UnitStatus.IN_STOCK:
        return "Released"
    return said.get(status, STATUS_WORDS[status.value].capitalize())


def _named(ctx: Context, events: list[LifeEvent]) -> list[LifeEvent]:
    """The same events with the names of people and shops."""
    people = names_of(ctx.session, {event.by_id for event in events if event.by_id})
    shops = {shop.id: shop.name for shop in all_shops(ctx.session)}
    return [replace(event, by=people.get(event.by_id or ""), shop=shops.get(event.shop_id)) for event in events]
