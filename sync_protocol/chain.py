"""The hash chain of an origin: whoever knows one hash can recognise everything that came before it.

Invariants:
  * hash(0) depends on the origin alone; hash(n) = SHA-256(hash(n-1) || sealed bytes of entry n).
  * Sealed bytes are canonical and hold markers instead of personal values, so erasing a value breaks no chain.
  * Every signature starts with words of its own ("phoneshop/v1/…"), so none can be passed off as another kind.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from sync_protocol.canonical import canonical

SHORT_CODE_LENGTH = 8
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: read aloud and typed without mistakes


def genesis(origin: str) -> str:
    """hash(0) of an origin."""
    return sha256(b"phoneshop/v1/origin\0" + origin.encode()).hexdigest()


def stream_genesis(stream: str) -> str:
    """The hash that the first line of a stream of the feed follows."""
    return sha256(b"phoneshop/v1/stream\0" + stream.encode()).hexdigest()


def link(prev_hex: str, entry_bytes: bytes) -> str:
    """hash(n), from hash(n-1) and the sealed bytes of entry n; likewise of a line from the one before it."""
    return sha256(bytes.fromhex(prev_hex) + entry_bytes).hexdigest()


def links(prev_hex: str, entries: Iterable[bytes]) -> list[str]:
    """The hashes of consecutive entries that follow `prev_hex`."""
    hashes = []
    for entry_bytes in entries:
        prev_hex = link(prev_hex, entry_bytes)
        hashes.append(prev_hex)
    return hashes


def short_code(hash_hex: str) -> str:
    """The first 40 bits of a hash for paper: eight characters of Crockford's base 32."""
    number = int(hash_hex[: SHORT_CODE_LENGTH * 5 // 4], 16)
    shifts = range(5 * (SHORT_CODE_LENGTH - 1), -1, -5)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in shifts)


def head_message(origin: str, n: int, hash_hex: str) -> bytes:
    """What an origin's key signs to vouch for everything up to entry n."""
    return b"\0".join((b"phoneshop/v1/head", origin.encode(), str(n).encode(), hash_hex.encode()))


def rotation_message(node: str, public_key: str) -> bytes:
    """What a new key signs to show that its holder is the node that asks for it."""
    return b"\0".join((b"phoneshop/v1/rotate", node.encode(), public_key.encode()))


def page_message(epoch: str, node: str, from_no: int, to_no: int, line_hashes: Sequence[str]) -> bytes:
    """What the hub signs for a page of the feed: the cursor it moves and the hash of each whole line, in order.

    It covers hashes, so a node can check it from lines it holds itself, and show it after personal values were erased.
    """
    page = {"epoch": epoch, "node": node, "from": from_no, "to": to_no, "lines": list(line_hashes)}
    return b"phoneshop/v1/page\0" + canonical(page)
