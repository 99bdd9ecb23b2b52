"""Exchanges that travel as a file, for a shop without internet: on a USB stick, or in a chat.

A file holds calls as they would be on the line, signed and encoded, and nothing of its own that anybody must believe:
what a request proves is in its signature, and an answer is bound to the signature of its request.

    the magic, one byte of version
    frames: a length of four bytes, then so many bytes; the first is the file's head, then a head and a body by turns
    a length of 0, and the SHA-256 of all bytes before it

Invariants:
  * Nothing is handed out of a file that is not whole: the checksum is proved before the first item is read.
  * Memory stays flat: a frame has a limit, and one is held at a time.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from typing import IO, Annotated, Literal, TypeVar

from pydantic import Field

from sync_protocol.compression import DECODED_BYTES_MAX
from sync_protocol.messages import Id, Message, Millis, Positive, Short, decode, encode
from sync_protocol.problems import ProtocolError

MAGIC = b"PHONESHOP-CARRIED"
VERSION = 1
HEAD_BYTES_MAX = 32 * 1024
BODY_BYTES_MAX = DECODED_BYTES_MAX

_LENGTH_BYTES = 4
_SUM_BYTES = 32
_CHUNK_BYTES = 64 * 1024
_PREFIX = MAGIC + bytes([VERSION])
_TAIL_BYTES = _LENGTH_BYTES + _SUM_BYTES
_PRESENT = 1 << 31  # set in the length of every frame, so that an empty one differs from the end

M = TypeVar("M", bound=Message)

HeaderList = Annotated[
    list[Annotated[tuple[Short, Annotated[str, Field(max_length=1_000)]], Field(strict=False)]], Field(max_length=20)
]


class UnusableFile(Exception):
    """A file that is not whole, or none of ours; the words are for whoever chose it."""


class CarriedHead(Message):
    """Whose file it is, for words to people; proofs are in the signatures of its items."""

    what: Literal["requests", "answers"]
    audience: Short  # of the hub that is asked, or that answered
    node: Id
    origin: Id
    made_at: Millis


class CarriedRequest(Message):
    """A signed request but for its body."""

    method: Short
    target: Short
    headers: HeaderList


class CarriedAnswer(Message):
    """A signed answer but for its body, and the request it answers. One request may have several answers."""

    request: CarriedRequest
    status: Positive
    headers: HeaderList


class CarriedWriter:
    """Writes a file item by item."""

    def __init__(self, file: IO[bytes], head: CarriedHead):
        self._file = file
        self._sum = sha256()
        self.size = 0
        self._write(_PREFIX)
        self._frame(encode(head), HEAD_BYTES_MAX)

    def add(self, head: CarriedRequest | CarriedAnswer, body: bytes) -> None:
        self._frame(encode(head), HEAD_BYTES_MAX)
        self._frame(body, BODY_BYTES_MAX)

    def finish(self) -> int:
        """Close the file's content; without this it is one that was cut off. Returns its size."""
        self._write(bytes(_LENGTH_BYTES))
        self._file.write(self._sum.digest())
        return self.size + _SUM_BYTES

    def _frame(self, content: bytes, bytes_max: int) -> None:
        if len(content) > bytes_max:
            raise ValueError(f"{len(content)} bytes in a frame; at most {bytes_max}")
        self._write((len(content) | _PRESENT).to_bytes(_LENGTH_BYTES, "big"))
        self._write(content)

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._sum.update(content)
        self.size += len(content)


class CarriedReader:
    """A file that is whole. Raises UnusableFile, in words, for any other."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._end = _prove(file)
        file.seek(len(_PREFIX))
        try:
            self.head = decode(CarriedHead, self._next(HEAD_BYTES_MAX))
        except ProtocolError:
            raise UnusableFile("This file's beginning cannot be read.") from None

    def requests(self) -> Iterator[tuple[CarriedRequest, bytes]]:
        """What the file asks, in order. Raises UnusableFile."""
        return self._items(CarriedRequest)

    def answers(self) -> Iterator[tuple[CarriedAnswer, bytes]]:
        """What the file answers, in order. Raises UnusableFile."""
        return self._items(CarriedAnswer)

    def _items(self, model: type[M]) -> Iterator[tuple[M, bytes]]:
        while self._file.tell() < self._end:
            try:
                head = decode(model, self._next(HEAD_BYTES_MAX))
            except ProtocolError:
                raise UnusableFile("A part of this file cannot be read.") from None
            yield head, self._next(BODY_BYTES_MAX)

    def _next(self, bytes_max: int) -> bytes:
        length = int.from_bytes(self._file.read(_LENGTH_BYTES), "big")
        size = length & ~_PRESENT
        if not length & _PRESENT or size > bytes_max or self._file.tell() + size > self._end:
            raise UnusableFile("A part of this file has no sensible length.")
        return self._file.read(size)


def _prove(file: IO[bytes]) -> int:
    """Where the frames of a whole file end. Raises UnusableFile."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(len(_PREFIX))
    if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
        raise UnusableFile("This is not a file that a shop or a hub saved.")
    if size < len(_PREFIX) + _TAIL_BYTES:
        raise UnusableFile("This file is cut off. Copy it again from where it was saved.")
    if start[-1] != VERSION:
        raise UnusableFile("This file was saved by a newer version of the software. Update this computer first.")
    left, total = size - len(_PREFIX) - _SUM_BYTES, sha256(start)
    while left:
        chunk = file.read(min(_CHUNK_BYTES, left))
        if not chunk:
            raise UnusableFile("This file is cut off. Copy it again from where it was saved.")
        total.update(chunk)
        left -= len(chunk)
    if file.read(_SUM_BYTES) != total.digest():
        raise UnusableFile("This file is cut off or damaged. Copy it again from where it was saved.")
    file.seek(size - _TAIL_BYTES)
    if file.read(_LENGTH_BYTES) != bytes(_LENGTH_BYTES):
        raise UnusableFile("This file has no proper end.")
    return size - _TAIL_BYTES
