"""The sealed form of a backup: frames of bytes, each encrypted and authenticated, the last one marked as the last.

    magic, length and JSON of the header | length, kind, ciphertext | length, kind, ciphertext | … | kind E

Invariants:
  * A frame that was changed, moved, left out, repeated or comes from another file is noticed at that frame, before
    anybody has seen a byte of it; a file without its last frame, or with bytes behind it, is refused.
  * Each file is sealed under a key of its own, derived from the hub's key and a random salt, so numbers serve as
    nonces. The header is part of what each frame vouches for.
  * Memory is bounded by a frame on both sides.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shopnode.domain.clock import RandomBytes
from shopnode.domain.errors import ShopError

MAGIC = b"phoneshop hub backup 1\n"
KEY_BYTES = 32
SALT_BYTES = 32
FRAME_BYTES = 1 << 20
FRAME_BYTES_MAX = FRAME_BYTES + 16  # with its tag
HEADER_BYTES_MAX = 1_000
FRAME_HEAD = struct.Struct(">Ic")
KEY_FILE_SAYS = "phoneshop hub backup key"

MANIFEST, DATA, END = b"M", b"D", b"E"


class BackupUnusable(ShopError):
    """A backup that cannot be read or is not what it should be; the message says what to do."""

    code = "backup-unusable"


@dataclass(frozen=True)
class BackupKey:
    """The hub's key for backups. It lies in a file of its own, never in the database that is backed up."""

    secret: bytes

    @property
    def name(self) -> str:
        """What tells keys apart, and nothing about them."""
        return hashlib.sha256(b"phoneshop/v1/backup-key\0" + self.secret).hexdigest()[:16]

    def cipher(self, salt: bytes) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(HKDF(SHA256(), KEY_BYTES, salt, b"phoneshop/v1/backup").derive(self.secret))


def read_key(file: Path) -> BackupKey:
    """The key in a file. Raises BackupUnusable."""
    try:
        if file.stat().st_mode & 0o077:
            raise BackupUnusable(f"Others on this machine can read the backup key. Say: chmod 600 {file}")
        words = file.read_text(encoding="ascii").split()
        secret = base64.urlsafe_b64decode(words[-1])
    except (OSError, ValueError, IndexError):
        raise BackupUnusable(f"There is no key for backups in {file}. Put the copy you keep elsewhere there.") from None
    if len(secret) != KEY_BYTES:
        raise BackupUnusable(f"{file} does not hold a key for backups.")
    return BackupKey(secret)


def read_or_make_key(file: Path, random: RandomBytes) -> tuple[BackupKey, bool]:
    """The key in a file, which is made if there is none, and whether it was made now."""
    if file.exists():
        return read_key(file), False
    secret = random(KEY_BYTES)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as made:
        made.write(f"{KEY_FILE_SAYS}\n{base64.urlsafe_b64encode(secret).decode()}\n")
        made.flush()
        os.fsync(made.fileno())
    return BackupKey(secret), True


class SealedWriter:
    """Writes frames to a file; `finish()` makes it a whole one."""

    def __init__(self, file: IO[bytes], key: BackupKey, random: RandomBytes):
        salt = random(SALT_BYTES)
        self._header = orjson.dumps({"key": key.name, "salt": salt.hex()})
        self._cipher = key.cipher(salt)
        self._file = file
        self._count = 0
        file.write(MAGIC + struct.pack(">H", len(self._header)) + self._header)

    def write(self, kind: bytes, plain: bytes) -> None:
        """One frame of at most `FRAME_BYTES`."""
        if len(plain) > FRAME_BYTES:
            raise ValueError("a frame is larger than a reader would take")
        sealed = self._cipher.encrypt(_nonce(self._count), plain, self._header + kind)
        self._file.write(FRAME_HEAD.pack(len(sealed), kind) + sealed)
        self._count += 1

    def finish(self, document: dict[str, Any]) -> None:
        """The last frame."""
        self.write(END, orjson.dumps(document))


def read_frames(file: IO[bytes], key: BackupKey) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of every frame, the last one included. Raises BackupUnusable at the first that is not right."""
    header = _read_header(file, key)
    cipher = key.cipher(bytes.fromhex(orjson.loads(header)["salt"]))
    count, kind = 0, b""
    while kind != END:
        size, kind = FRAME_HEAD.unpack(_exactly(file, FRAME_HEAD.size))
        if size > FRAME_BYTES_MAX:
            raise BackupUnusable(_damaged(count))
        sealed = _exactly(file, size)
        try:
            yield kind, cipher.decrypt(_nonce(count), sealed, header + kind)
        except InvalidTag:
            raise BackupUnusable(_damaged(count)) from None
        count += 1
    if file.read(1):
        raise BackupUnusable("There is something behind the end of this backup: it was not written by this hub.")


def _read_header(file: IO[bytes], key: BackupKey) -> bytes:
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupUnusable("This file is not a backup of a hub.")
    (size,) = struct.unpack(">H", _exactly(file, 2))
    header = _exactly(file, min(size, HEADER_BYTES_MAX))
    try:
        document = orjson.loads(header)
        fits = document["key"] == key.name and len(bytes.fromhex(document["salt"])) == SALT_BYTES
    except (ValueError, KeyError, TypeError):
        raise BackupUnusable("The beginning of this backup is damaged. Use another one.") from None
    if not fits:
        raise BackupUnusable(
            "This backup was sealed with another key. Use the key of the hub that made it (--key FILE)."
        )
    return header


def _exactly(file: IO[bytes], size: int) -> bytes:
    found = file.read(size)
    if len(found) < size:
        raise BackupUnusable(
            "This backup is cut off: it was not written to its end, or not copied whole. Use another one."
        )
    return found


def _damaged(count: int) -> str:
    return f"This backup is damaged (at its part {count + 1}). Nothing of it was used. Use another one."


def _nonce(count: int) -> bytes:
    return count.to_bytes(12, "big")
