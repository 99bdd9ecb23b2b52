"""What people call the phones and sales behind some ids, and the shops they are in: read once for a whole list."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.expenses.models import Expense
from shopnode.domain.handsets.models import Handset, StockUnit, Transfer, TransferLine, TransferReceipt
from shopnode.domain.people.models import Shop
from shopnode.domain.plans.models import Plan
from shopnode.domain.repairs.models import RepairTicket, RepairTransfer, RepairTransferReceipt
from shopnode.domain.sales.models import SaleSummary

NO_NUMBER = "without a number"
PAPERS: dict[str, type[RepairTicket] | type[Plan] | type[Expense]] = {
    "repair": RepairTicket,
    "plan": Plan,
    "expense": Expense,
}  # by the word before their number


class Named:
    """Phones by their IMEI, whichever row of theirs is meant: a stay, a line of a transfer, how its way ended."""

    def __init__(self, session: Session, ids: Iterable[str]):
        wanted = list(ids)
        self._phones: dict[str, str] = {}
        self._places: dict[str, str] = {}  # stay → shop
        self._ways: dict[str, tuple[str, str]] = {}  # receipt → shops, from and to
        sales = select(SaleSummary.sale_id, SaleSummary.number).where(SaleSummary.sale_id.in_(wanted))
        self._receipts = {row.sale_id: row.number for row in session.execute(sales)}
        self._tickets: dict[str, str] = {}
        self._read_phones(session, wanted)
        self._read_tickets(session, wanted)
        self._read_ways(session, wanted)
        shops = select(Shop.id, Shop.name).where(Shop.id.in_(self._all_shops()))
        self._shops = {row.id: row.name for row in session.execute(shops)}

    def phone(self, ids: Iterable[str]) -> str:
        return next((self._phones[row_id] for row_id in ids if row_id in self._phones), NO_NUMBER)

    def places(self, ids: Iterable[str]) -> str:
        """Where these stays are: "at A and at B"."""
        return " and ".join(f"at {self._shop(self._places[row_id])}" for row_id in ids if row_id in self._places)

    def receipts(self, ids: Iterable[str]) -> str:
        return " and ".join(sorted(self._receipts[row_id] for row_id in ids if row_id in self._receipts))

    def ticket(self, ids: Iterable[str]) -> str:
        """What somebody would look up: "repair KLA1-J000004", or a drawer session, which has no number."""
        return next((self._tickets[row_id] for row_id in ids if row_id in self._tickets), "something")

    def way(self, row_id: str) -> tuple[str, str]:
        """The shops a phone was sent from and to."""
        sender, receiver = self._ways.get(row_id, ("", ""))
        return self._shop(sender), self._shop(receiver)

    def _shop(self, shop_id: str) -> str:
        return self._shops.get(shop_id, "a shop")

    def _all_shops(self) -> set[str]:
        return {*self._places.values(), *(shop for way in self._ways.values() for shop in way)}

    def _read_phones(self, session: Session, wanted: list[str]) -> None:
        stays = select(StockUnit, Handset).join(Handset, Handset.id == StockUnit.handset_id)
        for stay, handset in session.execute(stays.where(StockUnit.id.in_(wanted))):
            self._phones[stay.id], self._places[stay.id] = handset.number, stay.shop_id
        for handset in session.scalars(select(Handset).where(Handset.id.in_(wanted))):
            self._phones[handset.id] = handset.number

    def _read_tickets(self, session: Session, wanted: list[str]) -> None:
        for word, model in PAPERS.items():
            numbers = select(model.id, model.number).where(model.id.in_(wanted))
            self._tickets |= {row.id: f"{word} {row.number}" for row in session.execute(numbers)}
        drawers = session.scalars(select(DrawerSession.id).where(DrawerSession.id.in_(wanted)))
        self._tickets |= dict.fromkeys(drawers, "a drawer session")
        arrivals = (
            select(RepairTransferReceipt.id, RepairTransfer.number, RepairTransfer.from_shop_id,
                   RepairTransfer.to_shop_id)
            .join(RepairTransfer, RepairTransfer.id == RepairTransferReceipt.transfer_id)
            .where(RepairTransferReceipt.id.in_(wanted))
        )  # fmt: skip
        for receipt_id, number, sender, receiver in session.execute(arrivals):
            self._tickets[receipt_id], self._ways[receipt_id] = f"repair {number}", (sender, receiver)

    def _read_ways(self, session: Session, wanted: list[str]) -> None:
        query = (
            select(TransferLine.id, TransferReceipt.id, Transfer.shop_id, Transfer.to_shop_id, Handset)
            .join(Transfer, Transfer.id == TransferLine.transfer_id)
            .join(Handset, Handset.id == TransferLine.handset_id)
            .outerjoin(TransferReceipt, TransferReceipt.line_id == TransferLine.id)
            .where(TransferLine.id.in_(wanted) | TransferReceipt.id.in_(wanted))
        )
        for line_id, receipt_id, sender, receiver, handset in session.execute(query):
            for row_id in (line_id, receipt_id):
                if row_id is not None:
                    self._phones[row_id], self._ways[row_id] = handset.number, (sender, receiver)
