"""Feed lines: what the hub made of an entry, in one stream, at one place of the tenant's feed.

Invariants:
  * There is one line for each entry and stream it touches; `prev` is the previous number of that stream.
  * A line holds outcomes: inserts whole, updates as the values that stand now.
  * A node can make the line of an entry of its own that was accepted as written, byte for byte as the hub did;
    so only its place is sent (`brief_line`), and its hash still proves that both mean the same.
  * Lines of a stream are chained like entries of an origin: the hash of one vouches for all lines before it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sync_protocol.chain import link, stream_genesis
from sync_protocol.entries import sealed_bytes
from sync_protocol.shape import Block, Entry, Line, check_line

TENANT_STREAM = "t"


def shop_stream(shop_id: str) -> str:
    """The stream of what concerns one shop only."""
    return f"s:{shop_id}"


def _everything(entity: str, row_id: str) -> bool:
    return True


def outcome_blocks(blocks: Iterable[Block], wanted: Callable[[str, str], bool] = _everything) -> list[Block]:
    """Blocks of an entry as they stand in a feed line when every write won: updates hold the new values alone.

    wanted  whether the row of this entity and id belongs to the line's stream
    """
    picked = []
    for entity, op, columns, rows in blocks:
        mine = [row if op == "i" else _after(row) for row in rows if wanted(entity, row[0])]
        if mine:
            picked.append([entity, op, columns, mine])
    return picked


def make_line(entry: Entry, origin: str, no: int, prev: int, stream: str, blocks: list[Block]) -> Line:
    """The whole feed line of an entry in one stream. Its hash is that of `sealed_bytes(line)`."""
    line: Line = {"no": no, "prev": prev, "stream": stream, "origin": origin, "n": entry["n"]}
    line |= {key: entry[key] for key in ("id", "action", "actor", "at")}
    line["rows"] = blocks
    if "personal" in entry:
        line["personal"] = _used(entry["personal"], blocks)
        if not line["personal"]:
            del line["personal"]
    return line


def brief_line(line: Line) -> Line:
    """What is sent of a line to the node that wrote the entry, when the entry was accepted as written."""
    return {key: line[key] for key in ("no", "prev", "stream", "origin", "n")}


def line_hash(line: Line, prev_hex: str | None = None) -> str:
    """The hash of a whole line; of the last line of each stream it is the witness of a cursor.

    prev_hex  the hash of the stream's line before it; None for its first
    """
    return link(prev_hex or stream_genesis(line["stream"]), sealed_bytes(line))


class BrokenLink(Exception):
    """A line does not follow what this node has. Syncing stops and it is reported; nothing is applied over a hole."""

    def __init__(self, stream: str, have: int, line: Line):
        super().__init__(f"In stream {stream}, line {line['no']} follows {line['prev']}, but {have} was the last here.")


def check_links(last: Mapping[str, int], lines: Iterable[Line], cursor: int) -> dict[str, int]:
    """The last number of each stream after these lines. Raises InvalidEnvelope, or BrokenLink.

    last    the last number of each stream, as far as it was applied
    cursor  the greatest number applied of all; numbers only grow from there (two streams may share one)
    """
    numbers = dict(last)
    for line in lines:
        check_line(line)
        stream, no = line["stream"], line["no"]
        if line["prev"] != numbers.get(stream, 0) or no <= line["prev"] or no < cursor:
            raise BrokenLink(stream, numbers.get(stream, 0), line)
        numbers[stream] = cursor = no
    return numbers


def _after(row: list[Any]) -> list[Any]:
    return [row[0], *(change[1] for change in row[1:])]


def _used(reveals: dict[str, list[Any]], blocks: list[Block]) -> dict[str, list[Any]]:
    """The reveals that a line needs: another stream's personal values, and those before a change, stay behind."""
    present = {value for block in blocks for row in block[3] for value in row if type(value) is str}
    return {marker: pair for marker, pair in reveals.items() if marker in present}
