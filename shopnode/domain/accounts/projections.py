"""The balance of each customer's accounts, kept beside the entries on both sides."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.accounts.models import AccountBalance, AccountEntry
from shopnode.domain.projections import Changed, projection, write_derived

KEY = ("customer_id", "account")


@projection("account_entry")
def project_balances(session: Session, changed: Changed) -> None:
    """Add what came to the balances. Entries of an act done at two homes may be written anew: those are summed."""
    again = _customers_of(session, changed.updates.get("account_entry", set()))
    came: dict[tuple[str, str], int] = defaultdict(int)
    for row in changed.rows("account_entry"):
        if row["customer_id"] not in again:
            came[row["customer_id"], row["account"]] += row["amount"]
    rows = [{"customer_id": who, "account": what, "balance": amount} for (who, what), amount in sorted(came.items())]
    if rows:
        write_derived(session, AccountBalance, KEY, rows, add=True)
    if again:
        _sum_again(session, again)


def _customers_of(session: Session, entry_ids: set[str]) -> set[str]:
    if not entry_ids:
        return set()
    return set(session.scalars(select(AccountEntry.customer_id).where(AccountEntry.id.in_(entry_ids))))


def _sum_again(session: Session, customer_ids: set[str]) -> None:
    query = (
        select(AccountEntry.customer_id, AccountEntry.account, func.sum(AccountEntry.amount))
        .where(AccountEntry.customer_id.in_(customer_ids))
        .group_by(AccountEntry.customer_id, AccountEntry.account)
        .order_by(AccountEntry.customer_id, AccountEntry.account)
    )
    found = session.execute(query).all()
    rows = [{"customer_id": who, "account": what, "balance": int(amount)} for who, what, amount in found]
    if rows:
        write_derived(session, AccountBalance, KEY, rows)
