"""The records themselves, judged from their bytes: chains, streams, what left the hub, what screens showed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import orjson

from shopnode.domain.db import Kind, synced_models
from sync_protocol.chain import genesis, link, stream_genesis
from sync_protocol.compression import decompress
from tests.simulator.custody import entries_at_hub

if TYPE_CHECKING:
    from tests.simulator.oracle import Look
    from tests.simulator.world import World

Check = Callable[["World"], Iterator[str]]
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def chains_verify(world: World) -> Iterator[str]:
    """H1: every origin's chain follows from its bytes, and the hub's and the shop's copies are the same."""
    heads: dict[str, tuple[int, str]] = {}
    at_hub: dict[tuple[str, int], str] = {}
    for origin, n, digest, body in world.portal.query(_CHAINS):
        last_n, last = heads.get(origin, (0, genesis(origin)))
        if n != last_n + 1 or link(last, body.encode()) != digest:
            yield f"H1: the hub's chain of {origin} breaks at {n}"
        heads[origin] = (n, digest)
        at_hub[origin, n] = digest
    for origin, n, digest in world.portal.query("SELECT id::text, head_n, head_hash FROM origin"):
        if heads.get(origin, (0, genesis(origin))) != (n, digest):
            yield f"H1: the head of {origin} is not its last entry"
    given_back = entries_at_hub(world, world.oracle.told)
    for computer in world.running():
        for origin, n, digest, entry_id in computer.query(_OWN_CHAIN):
            known = at_hub.get((origin, n))
            # Of an origin that was left, what a restored hub lost comes back as what others were told of it.
            lost = known is None and origin != computer.home.origin_id and entry_id in given_back
            if known != digest and not lost:
                yield f"H1: entry {n} of {origin} is another one at {computer.label} than at the hub"


def streams_are_unbroken(world: World) -> Iterator[str]:
    """6: every line follows the one before it, by number and by hash, at the hub and at every shop."""
    ends: dict[str, tuple[int, str]] = {}
    lines: dict[tuple[str, int], str] = {}
    for stream, no, prev, digest, body in world.portal.query(_LINES):
        last_no, last = ends.get(stream, (0, stream_genesis(stream)))
        if prev != last_no or link(last, body.encode()) != digest:
            yield f"6: stream {stream} breaks at {no}"
        ends[stream] = (no, digest)
        lines[stream, no] = digest
    for computer in world.running():
        mine = {(s, no): digest for s, no, digest in computer.query("SELECT stream, no, hash FROM feed_line")}
        wanted = {key: digest for key, digest in lines.items() if key[0] in ("t", f"s:{computer.shop_id}")}
        missing, odd = wanted.keys() - mine.keys(), mine.items() - wanted.items()
        missing = {(stream, no) for stream, no in missing if no > computer.began_at}
        if missing or odd:
            yield f"6: {computer.label} lacks the lines {sorted(missing)[:3]} or has others {sorted(odd)[:3]}"


def nothing_left_that_should_stay(world: World) -> Iterator[str]:
    """8, T1: no answer to a shop held a row of another business, or of another shop's books."""
    secrets = _ids_by_holder(world)
    told_to_all = {found for (body,) in world.portal.query(_TO_ALL) for found in _ID.findall(body.encode())}
    told_to_all |= _ids_told_to_all(world)
    for computer in (*world.running(), world.stranger):
        theirs: set[bytes] = set()
        for (tenant, shop), ids in secrets.items():
            if tenant != _tenant_of(world, computer.label) or (shop is not None and shop != computer.shop_id):
                theirs |= ids
        theirs -= told_to_all  # a transfer names the stay it ended
        for answer in computer.wire.answers:
            encoding, _, body = answer.partition(b"\n")
            leaked = set(_ID.findall(decompress(body, encoding.decode()))) & theirs
            if leaked:
                yield f"8: an answer to {computer.label} held {sorted(leaked)[:3]}"
                break


def _ids_told_to_all(world: World) -> set[bytes]:
    """Ids in rows that every shop hears of, and of their entries (a sale is called after its own), as somebody was told
    them: a hub that was put back may have lost such rows after it had sent them."""
    models = synced_models()
    return {
        found for told in world.oracle.told.values() for entity, _, _, rows in told.rows
        if models[entity].__sync__.stream.value == "t"
        for found in (told.entry_id.encode(), *_ID.findall(orjson.dumps(rows)))
    }  # fmt: skip


def _tenant_of(world: World, label: str) -> str:
    return world.ground.stranger.tenant_id if label == "stranger" else world.ours.tenant_id


def _ids_by_holder(world: World) -> dict[tuple[str, str | None], set[bytes]]:
    """Ids of rows by the tenant and, for a shop's own books, the shop whose they are."""
    found: dict[tuple[str, str | None], set[bytes]] = {}
    with world.ground.server.superuser(world.database) as connection:
        for entity, model in synced_models().items():
            in_shop = model.__sync__.stream.value == "s"
            if model.__sync__.kind is Kind.REGISTER and not in_shop and entity in ("setting", "business"):
                continue  # ids that follow from a name are the same in every business
            shop = "shop_id::text" if in_shop else "NULL"
            rows = connection.execute(f"SELECT tenant_id::text, {shop}, id::text FROM {entity}")  # type: ignore[arg-type]
            for tenant_id, shop_id, row_id in rows:
                found.setdefault((tenant_id, shop_id), set()).add(row_id.encode())
    return found


def screens_never_went_back(world: World) -> Iterator[str]:
    """9: what a shop showed is the feed up to where it had heard, or an edit of its own that waited for its verdict."""
    history = _price_history(world)
    last: dict[str, int] = {}
    for look in world.oracle.looks if world.oracle.lives == 1 else ():
        if look.cursor < last.get(look.computer, 0):
            yield f"9: the cursor of {look.computer} went back from {last[look.computer]} to {look.cursor}"
        last[look.computer] = look.cursor
        if look.typed is not None and world.custody.admitted(look.typed.entry_id) > look.cursor:
            wanted = look.typed.after
        else:
            wanted = _price_at(history.get(look.row_id, []), look)
        if look.value != wanted:
            yield f"9: at {look.cursor} {look.computer} showed {look.value} for {look.row_id}, and not {wanted}"


def _price_history(world: World) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for _, no, _, _, body in world.portal.query(f"{_LINES_OF_ALL} ORDER BY no"):
        for entity, _, columns, rows in orjson.loads(body)["rows"]:
            if entity == "product" and "price_minor" in columns:
                place = columns.index("price_minor")
                for row in rows:
                    found.setdefault(row[0], []).append((no, row[place]))
    return found


def _price_at(history: list[tuple[int, int]], look: Look) -> int | None:
    known = [value for no, value in history if no <= look.cursor]
    return known[-1] if known else look.value


_OWN_CHAIN = "SELECT origin_id, n, hash, entry_id FROM journal_entry ORDER BY origin_id, n"
_TO_ALL = "SELECT body FROM feed_line WHERE stream = 't'"
_CHAINS = "SELECT origin_id::text, n, hash, body FROM journal_entry ORDER BY origin_id, n"
_LINES = "SELECT stream, no, prev, hash, body FROM feed_line ORDER BY stream, no"
_LINES_OF_ALL = "SELECT stream, no, prev, hash, body FROM feed_line WHERE stream = 't'"

CHECKS: tuple[Check, ...] = (
    chains_verify,
    streams_are_unbroken,
    nothing_left_that_should_stay,
    screens_never_went_back,
)
