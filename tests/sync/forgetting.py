"""What tests of forgetting somebody share: everything a home holds, and shops that heard of each other."""

from __future__ import annotations

from sqlalchemy import text

from shopnode.domain.homes import Home
from tests.sync.chain_of_shops import Branch


def settle(*branches: Branch) -> None:
    for branch in (*branches, *branches):
        branch.sync()


def kept(home: Home, people: str) -> str:
    """Whatever the journal, the feed and the rows of people hold.

    people  the query of those rows
    """
    with home.reading() as session:
        told = [
            str(value)
            for table in ("journal_entry", "feed_line")
            for row in session.execute(text(f"SELECT body, personal FROM {table}"))
            for value in row
        ]
        rows = [str(tuple(row)) for row in session.execute(text(people))]
    return "".join(told + rows)
