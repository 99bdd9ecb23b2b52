"""The chain, verified entry by entry, and the journal as a file that anybody can verify without us.

Invariants:
  * Both read the bytes that were hashed; nothing is written anew on the way.
  * A chain is held against what its home wrote down of its end: a tail that was cut off shows, too.
  * What lists and searches read of an entry is held against what was hashed: nobody is put in another's place by it.
  * The file holds what was hashed and nothing else: where a personal value stands, it holds the salted hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.homes import ChainHead
from shopnode.domain.journal import JournalEntry
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import business_or_none
from sync_protocol.chain import genesis, link, short_code

PAGE = 500
BREAKS_MAX = 20
LISTED = (  # what lists and searches read of an entry, beside its hash and its text
    JournalEntry.n, JournalEntry.hash, JournalEntry.body, JournalEntry.at, JournalEntry.entry_id, JournalEntry.action,
    JournalEntry.actor_id, JournalEntry.shop_id, JournalEntry.subject_entity, JournalEntry.subject_id,
    JournalEntry.verdict,
)  # fmt: skip
INSTANT_MS_MAX = 253_402_300_799_999  # the last millisecond of the year 9999
FORMAT = "phoneshop journal 1"


@dataclass(frozen=True)
class Chain:
    """One origin's chain, in a list."""

    head: ChainHead
    shop: str | None
    code: str  # the short code of its end; empty while nothing was recorded


@dataclass(frozen=True)
class ChainCheck:
    """What came of reading a chain from its first entry."""

    chain: Chain
    entries: int  # that follow from one another, from the first
    breaks: list[str] = field(default_factory=list)
    first_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def is_whole(self) -> bool:
        return not self.breaks


def all_chains(ctx: Context) -> list[Chain]:
    """Every chain of this home, in the order in which they began."""
    shops = {row.id: row.name for row in ctx.session.execute(select(Shop.id, Shop.name))}
    return [_chain(head, shops) for head in ctx.home.heads(ctx.session)]


def find_chain(ctx: Context, origin_id: str) -> Chain:
    """One of them. Raises NotFound."""
    found = next((chain for chain in all_chains(ctx) if chain.head.origin_id == origin_id), None)
    if found is None:
        raise NotFound("This journal")
    return found


def check_chain(ctx: Context, origin_id: str) -> ChainCheck:
    """Read a chain from its first entry to its end. Raises NotFound for an origin that is not of this home."""
    chain = find_chain(ctx, origin_id)
    n, known, whole, breaks = 0, genesis(origin_id), 0, list[str]()
    first = last = None
    for entry in entries_of(ctx.session, chain.head):
        if entry.n != n + 1:
            breaks.append(f"{_places(n + 1, entry.n - 1)} not there.")
        elif link(known, entry.body.encode()) != entry.hash:
            breaks.append(f"Entry {entry.n:,} was changed, or does not follow from the one before it.")
        elif (wrong := listed_wrongly(entry, is_shop=ctx.home.is_shop)) is not None:
            breaks.append(f"Entry {entry.n:,} is listed otherwise than it was recorded: {wrong}.")
        whole += not breaks
        n, known, first, last = entry.n, entry.hash, first or entry.at, entry.at
        if len(breaks) >= BREAKS_MAX:
            break
    if n < chain.head.n and len(breaks) < BREAKS_MAX:
        breaks.append(f"{_places(n + 1, chain.head.n)} not there: the end was cut off.")
    elif not breaks and chain.head.hash not in (None, known):
        breaks.append("The last entry is not the one whose hash was written down.")
    return ChainCheck(chain, whole, breaks, first, last)


def entries_of(session: Session, head: ChainHead) -> Iterator[Any]:
    """A chain's entries in order, a page at a time: years of them do not fit in memory."""
    last = 0
    while True:
        query = select(*LISTED)
        query = query.where(JournalEntry.origin_id == head.origin_id, JournalEntry.n > last, JournalEntry.n <= head.n)
        page = session.execute(query.order_by(JournalEntry.n).limit(PAGE)).all()
        if not page:
            return
        yield from page
        last = page[-1].n


def journal_lines(ctx: Context, chain: Chain) -> Iterator[str]:
    """The journal as text: five lines that say what it is, then number, hash and entry of each, between tabs."""
    business = business_or_none(ctx.session)
    told = {
        "origin": chain.head.origin_id,
        "of": " ".join(filter(None, [business.name if business else "", chain.shop, chain.head.series])),
        "entries": chain.head.n,
        "head": chain.head.hash or "-",
        "code": chain.code or "-",
    }
    yield f"# {FORMAT}\n"
    yield from (f"# {name} {' '.join(str(value).split())}\n" for name, value in told.items())
    for entry in entries_of(ctx.session, chain.head):
        yield f"{entry.n}\t{entry.hash}\t{entry.body}\n"


def _chain(head: ChainHead, shops: dict[str, str]) -> Chain:
    return Chain(head, shops.get(head.shop_id or ""), short_code(head.hash) if head.hash and head.n else "")


def listed_wrongly(entry: Any, *, is_shop: bool) -> str | None:
    """What the list says of an entry that its hashed text does not; None where both agree."""
    told = orjson.loads(entry.body)
    about, at = tuple(told.get("subject") or (None, None)), told["at"]
    listed = (entry.subject_entity, entry.subject_id)
    pairs = {
        "which it is": (entry.entry_id, told.get("id")), "what was done": (entry.action, told.get("action")),
        "who did it": (entry.actor_id, told.get("actor")), "in which shop": (entry.shop_id, told.get("shop")),
        # The portal lists no name that is too long for it, and no time that no calendar can show.
        "what it is about": (listed, about if is_shop or listed != (None, None) else listed),
        "when": (to_ms(entry.at), at if 0 <= at <= INSTANT_MS_MAX else to_ms(entry.at)),
        # A shop's own entries all count: what the hub had before is left out of the portal's lists alone.
        "whether it counts": (entry.verdict if is_shop else None, None),
    }  # fmt: skip
    return next((words for words, (listed_so, recorded) in pairs.items() if listed_so != recorded), None)


def _places(first: int, last: int) -> str:
    return f"Entry {first:,} is" if first == last else f"Entries {first:,} to {last:,} are"
