"""What is open on a customer's account, charge by charge, so that a payment can be put where it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.accounts.ledger import open_charges
from shopnode.domain.accounts.models import AccountEntry


@dataclass(frozen=True)
class OpenDocument:
    """What is left of one charge, and the document it stands on."""

    charge_id: str
    number: str | None
    at: datetime
    due_on: date | None
    note: str | None
    amount_minor: int
    open_minor: int


def open_documents(session: Session, customer_id: str) -> list[OpenDocument]:
    """Every open charge of a customer and their duplicates, the first due first."""
    left = {charge.id: charge.open_minor for charge in open_charges(session, customer_id)}
    query = select(AccountEntry).where(AccountEntry.id.in_(left))
    rows = {row.id: row for row in session.scalars(query)}
    return [
        OpenDocument(row_id, row.number, row.at, row.due_on, row.note, row.amount, open_minor)
        for row_id, open_minor in left.items()
        if (row := rows.get(row_id)) is not None
    ]
