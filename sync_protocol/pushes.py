"""Opening a push: from a list of entries to numbered, hashed bytes that an inbox can keep.

Invariants:
  * Each entry is written anew once, and those bytes are what is hashed and stored.
  * Entries are consecutive from `first` on. Whether they fit the hub's own head is the hub's question.
  * The shape of rows is not judged here: an entry with wrong rows is quarantined alone, by `shape.check_entry`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync_protocol.chain import head_message, link
from sync_protocol.entries import sealed_bytes
from sync_protocol.keys import sign, verifies
from sync_protocol.messages import Push, push_bytes
from sync_protocol.problems import BadSignature, InvalidEnvelope
from sync_protocol.shape import Entry, check_header


@dataclass(frozen=True, slots=True)
class Arrived:
    """One entry of a push. `entry` still carries its personal values, `sealed` does not."""

    n: int
    entry: Entry
    sealed: bytes
    hash: str


def open_push(push: Push, origin: str, key: Ed25519PublicKey) -> list[Arrived]:
    """The entries of a push with their hashes.

    Raises InvalidEnvelope for a header that cannot be numbered, BadSignature unless the origin signed the head.
    """
    arrived = []
    hash_hex = push.prev
    for n, entry in enumerate(push.entries, push.first):
        if check_header(entry)["n"] != n:
            raise InvalidEnvelope(f"entry {n} is missing or out of order")
        sealed = sealed_bytes(entry)
        hash_hex = link(hash_hex, sealed)
        arrived.append(Arrived(n, entry, sealed, hash_hex))
    if not verifies(key, head_message(origin, arrived[-1].n, hash_hex), push.sig):
        raise BadSignature("The head of the pushed entries is not signed by their origin.")
    return arrived


def make_push(first: int, prev: str, entries: Sequence[bytes], head: str, origin: str, key: Ed25519PrivateKey) -> bytes:
    """The "push" of a request from stored bytes (`entries.travelling_bytes`); `head` is the hash of the last."""
    last = first + len(entries) - 1
    return push_bytes(first, prev, entries, sign(key, head_message(origin, last, head)))
