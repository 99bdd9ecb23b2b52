"""Bugs planted where goods and accounts are: boxes between shops, trade-ins, returns, the ledger of customers.

What a retry does a second time is the commonest mistake of all; here it is made in the places of schema 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

import cloudhub.merge.admission as admission
import cloudhub.merge.exchange as hub_exchange
from cloudhub.merge.books import Books
from cloudhub.merge.inbox import lock_head
from cloudhub.merge.tables import insert_statement
from cloudhub.merge.work import Work, examine_all
from shopnode.domain.projections import Changed, project

Row = dict[str, Any]
Inserted = dict[str, list[Row]]  # by table


def _inserted(entry: dict[str, Any]) -> Inserted:
    found: Inserted = {}
    for entity, op, columns, rows in entry["rows"]:
        if op == "i":
            found.setdefault(entity, []).extend(dict(zip(columns, row, strict=True)) for row in rows)
    return found


@contextmanager
def _when_resent(do_again: Callable[[Books, Inserted], None]) -> Iterator[None]:
    """Do something with every entry that is sent a second time, because an answer was lost."""
    admit_push = hub_exchange.admit_push

    def admit(books: Books, sender: Any, prev: str, arrived: Any, signature: str, clock: Any) -> Any:
        head = lock_head(books, sender.origin_id)
        admitted = admit_push(books, sender, prev, arrived, signature, clock)
        for entry in arrived:
            if entry.n <= head.n:
                do_again(books, _inserted(entry.entry))
        return admitted

    with mock.patch.object(hub_exchange, "admit_push", admit):
        yield


def _write_again(books: Books, entity: str, rows: list[Row], done: set[str]) -> None:
    """The same rows under other ids, once."""
    fresh = [{**row, "id": _beside(row["id"])} for row in rows if row["id"] not in done]
    done.update(row["id"] for row in rows)
    for row in fresh:
        with books.writing_meanwhile([(insert_statement(entity, tuple(row)), [list(row.values())])]):
            pass
    project(books.session, Changed({entity: fresh}))


def _beside(row_id: str) -> str:
    return row_id[:-1] + format(int(row_id[-1], 16) ^ 1, "x")


def box_received_twice() -> AbstractContextManager[Any]:
    """What arrived of a box by quantity is taken in again when its push is sent again."""
    done: set[str] = set()

    def again(books: Books, inserted: Inserted) -> None:
        if "transfer_item_receipt" in inserted:
            _write_again(books, "transfer_item_receipt", inserted["transfer_item_receipt"], done)
            _write_again(books, "stock_movement", inserted.get("stock_movement", []), done)

    return _when_resent(again)


def trade_in_credited_twice() -> AbstractContextManager[Any]:
    """What a phone was taken for pays its ticket again when its push is sent again."""
    done: set[str] = set()

    def again(books: Books, inserted: Inserted) -> None:
        credit = [row for row in inserted.get("payment", []) if row["method"] == "trade_in"]
        if credit:
            _write_again(books, "payment", credit, done)

    return _when_resent(again)


def ledger_counted_twice() -> AbstractContextManager[Any]:
    """A customer's balance moves again when the entry is sent again."""

    def again(books: Books, inserted: Inserted) -> None:
        if "account_entry" in inserted:
            project(books.session, Changed({"account_entry": list(inserted["account_entry"])}))

    return _when_resent(again)


@contextmanager
def restock_lost() -> Iterator[None]:
    """The hub keeps a return and its money, and its goods do not come back."""

    def forgetful(works: list[Work]) -> None:
        examine_all(works)
        for work in works:
            if any(entity == "sale_return" for entity, *_ in work.blocks):
                work.blocks = [block for block in work.blocks if block[0] != "stock_movement"]

    with mock.patch.object(admission, "examine_all", forgetful):
        yield


def half_a_plan() -> AbstractContextManager[Any]:
    """What is paid towards a plan bit by bit is not in the hub's books."""

    def forgetful(works: list[Work]) -> None:
        examine_all(works)
        for work in works:
            if work.entry["action"] == "plans.pay":
                work.blocks = [block for block in work.blocks if block[0] != "money_move"]

    return mock.patch.object(admission, "examine_all", forgetful)


BUGS = (box_received_twice, trade_in_credited_twice, ledger_counted_twice, restock_lost, half_a_plan)
