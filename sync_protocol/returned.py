"""Lines that come back: a hub that was restored is given what it lost by the nodes that had applied it.

A node keeps the hub's signature of every page, so that the hub can recognise its own word without remembering it. A
line whose entry the hub lacks is taken in again as an entry of the portal's current origin: the writer's own origin, if
there still is one, sends the original some day, and finds that it is known.

Invariants:
  * Nothing is believed of a returned page but what our own key signed, line by line.
  * The entry made of a line is the same whoever gives it back, but for its place.
  * What comes back never undoes what was written since, and is no conflict with it.
"""

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sync_protocol.chain import link, page_message
from sync_protocol.entries import sealed_bytes
from sync_protocol.keys import verifies
from sync_protocol.merge import FieldState, FieldWrite, Outcome, Rule
from sync_protocol.messages import ReturnedPage
from sync_protocol.problems import BadSignature, InvalidEnvelope
from sync_protocol.shape import Block, Entry, Line, check_line
from sync_protocol.versions import SCHEMA_VERSION

READMIT = "hub.readmit"
NO_BOOT = "00000000"  # of no machine: the wall clock alone tells when the entry was written
PAGES_MAX = 200  # in one exchange
LINES_MAX = 500
BYTES_MAX = 512 * 1024


def genuine_lines(page: ReturnedPage, node: str, hub_key: Ed25519PublicKey) -> list[Line]:
    """The lines of a page that this hub gave to this node. Raises BadSignature or InvalidEnvelope."""
    words = page_message(page.epoch, node, page.from_no, page.to_no, page.hashes)
    if not verifies(hub_key, words, page.sig):
        raise BadSignature("The returned page was not signed by this hub.")
    for place, prev_hash, line in page.lines:
        check_line(line)
        if "rows" not in line or not page.from_no < line["no"] <= page.to_no:
            raise InvalidEnvelope("a returned line must be whole and of its page")
        if place >= len(page.hashes) or link(prev_hash, sealed_bytes(line)) != page.hashes[place]:
            raise InvalidEnvelope("a returned line is not the one that was signed")
    return [line for _, _, line in page.lines]


def entry_of_line(line: Line, entry_id: str, registers: Sequence[str], shop: str | None, parted_no: int) -> Entry:
    """The entry, yet without its number, that says again what a line said.

    entry_id   follows from the lost entry's id and the stream
    registers  names of the tables whose fields carry what their writer had seen
    shop       whose stream it was; None for the tenant's
    parted_no  the smallest number that is known to have been lost
    """
    lost_no = line["no"]
    entry: Entry = {
        "action": READMIT,
        "actor": line["actor"],
        "at": line["at"],
        "boot": NO_BOOT,
        "id": entry_id,
        "mono": 0,
        "offset": 0,
        "rows": [_as_entry(block, lost_no, block[0] in registers) for block in line["rows"]],
        "schema": SCHEMA_VERSION,
        "seen": lost_no,
        "was": [line["origin"], line["n"], lost_no, line["stream"], line["action"], parted_no],
    }
    if shop is not None:
        entry["shop"] = shop
    if "personal" in line:
        entry["personal"] = line["personal"]
    return entry


def lost_no_of(entry: Entry) -> int:
    """The number under which the line of a re-admitted entry was known."""
    return int(entry["was"][2])


def merge_returned(current: FieldState | None, write: FieldWrite, was: Sequence[Any], rule: Rule) -> Outcome:
    """Whether a field's lost value stands again.

    A value of before the loss is older, by its number, and so is one that came back before it. One that was written
    since is newer, unless its writer's clock says otherwise or the rule prefers an owner's word. Neither is a conflict:
    each was decided once already.
    """
    if (
        current is None
        or _is_older(current, write, lost_no=was[2], parted_no=was[5])
        or _is_later(current, write, rule)
    ):
        state = FieldState(write.value, 0, write.origin, write.n, write.at_ms, write.by_owner)
        return Outcome(write.value, "won", False, state)
    return Outcome(current.value, "kept", False, current)


def _is_older(current: FieldState, write: FieldWrite, lost_no: int, parted_no: int) -> bool:
    return current.no <= lost_no if current.origin == write.origin else current.no < parted_no


def _is_later(current: FieldState, write: FieldWrite, rule: Rule) -> bool:
    if current.origin == write.origin:
        return False  # the portal's own: told apart by number
    if rule == "owner_wins" and write.by_owner != current.by_owner:
        return write.by_owner
    return write.at_ms > current.at_ms


def _as_entry(block: Block, lost_no: int, is_register: bool) -> Block:
    entity, op, columns, rows = block
    if op == "u":
        seen: list[Any] = [lost_no] if is_register else []
        rows = [[row[0], *([None, value, *seen] for value in row[1:])] for row in rows]
    return [entity, op, columns, rows]
