"""The raw key of the node's database: made, kept, read, shown once for recovery.

Invariants:
  * The key stands outside the data folder, in a folder and a file that only their owner can read, sealed by the
    operating system where it has a keystore for services.
  * The pair the node signs with is inside the encrypted database (`HubLink`), made with the enrolment it belongs to.
    Why each is where it is: docs/decisions/0006-where-the-keys-are.md.
  * The key file is complete or absent: it is written aside, synced, and put in place.
  * The recovery key is the database key in a form people can copy by hand. It is shown once and never stored.

The sealing on Windows (DPAPI) has not run anywhere yet; the file on Linux has.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from pathlib import Path
from typing import Protocol

KEY_BYTES = 32
CHECK_BYTES = 3
GROUP = 4
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_READ_AS = str.maketrans("OIL", "011")


class KeyProblem(RuntimeError):
    """A key is missing, readable by others or not ours; the message says what to do."""


class Sealer(Protocol):
    """Wraps a key so that only this computer (and this user) can unwrap it."""

    suffix: str

    def seal(self, secret: bytes) -> bytes: ...

    def open(self, sealed: bytes) -> bytes: ...


class FileSealer:
    """No keystore: the file's mode is the protection. Full-disk encryption is what helps against a thief."""

    suffix = ".key"

    def seal(self, secret: bytes) -> bytes:
        return secret.hex().encode() + b"\n"

    def open(self, sealed: bytes) -> bytes:
        return bytes.fromhex(sealed.decode("ascii"))


class DpapiSealer:
    """Windows: CryptProtectData for this user. It does not stop a program that runs as the same user. Never ran yet."""

    suffix = ".dpapi"

    def seal(self, secret: bytes) -> bytes:
        return self._call("CryptProtectData", secret)

    def open(self, sealed: bytes) -> bytes:
        return self._call("CryptUnprotectData", sealed)

    def _call(self, name: str, data: bytes) -> bytes:
        import ctypes
        from ctypes import wintypes

        class Blob(ctypes.Structure):
            _fields_ = [("size", wintypes.DWORD), ("data", ctypes.POINTER(ctypes.c_char))]

        windll = ctypes.windll  # type: ignore[attr-defined]
        buffer = ctypes.create_string_buffer(data, len(data))
        given, made = Blob(len(data), ctypes.cast(buffer, ctypes.POINTER(ctypes.c_char))), Blob()
        no_prompt = 0x1
        call = getattr(windll.crypt32, name)
        if not call(ctypes.byref(given), None, None, None, None, no_prompt, ctypes.byref(made)):
            raise KeyProblem("Windows would not open the shop's key. Sign in as the user who set the shop up.")
        try:
            return ctypes.string_at(made.data, made.size)
        finally:
            windll.kernel32.LocalFree(made.data)


def system_sealer() -> Sealer:
    return DpapiSealer() if sys.platform == "win32" else FileSealer()


class Keyring:
    """The key of one node's database, in its folder."""

    def __init__(self, folder: Path, sealer: Sealer | None = None):
        self.folder = folder
        self._sealer = sealer or system_sealer()

    @property
    def path(self) -> Path:
        return self.folder / ("database" + self._sealer.suffix)

    def refuse_existing(self) -> None:
        """Raise KeyProblem if there is a key: it opens books that may still be somewhere."""
        if self.path.exists():
            raise KeyProblem(f"There is already a key: {self.path}. Choose another data folder, or move the key away.")

    def read(self) -> bytes:
        """The raw key. Raises KeyProblem."""
        remedy = "Put it back from the recovery key: shopnode recover --data DIR"
        try:
            _refuse_readable_by_others(self.path)
            key = self._sealer.open(self.path.read_bytes())
        except FileNotFoundError:
            raise KeyProblem(f"The key {self.path} is missing. {remedy}") from None
        except ValueError:
            raise KeyProblem(f"The key {self.path} is damaged. {remedy}") from None
        if len(key) != KEY_BYTES:
            raise KeyProblem(f"The key {self.path} is damaged. {remedy}")
        return key

    def put(self, key: bytes) -> None:
        """Store the key, durable and private."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self.path, self._sealer.seal(key))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, durable and whole, or not at all."""
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_readable_by_others(path: Path) -> None:
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise KeyProblem(f"Other users of this computer can read {path}. Make it private: chmod 600 '{path}'")


def recovery_text(key: bytes) -> str:
    """The key in groups of four signs, with a check at the end, to be copied on paper."""
    number = int.from_bytes(key + _check(key), "big")
    bits = 8 * (len(key) + CHECK_BYTES)
    signs = "".join(_ALPHABET[number >> shift & 31] for shift in range(bits - 5, -1, -5))
    return "-".join(signs[start : start + GROUP] for start in range(0, len(signs), GROUP))


def key_from_recovery(text: str) -> bytes:
    """The key in a recovery text as people type it: any case, any grouping, O for 0 and I or L for 1.

    Raises ValueError, in words.
    """
    signs = "".join(sign for sign in text.upper() if sign.isalnum()).translate(_READ_AS)
    length = 8 * (KEY_BYTES + CHECK_BYTES) // 5
    if len(signs) != length:
        raise ValueError(f"A recovery key has {length} letters and digits; {len(signs)} were typed.")
    number = 0
    for sign in signs:
        if sign not in _ALPHABET:
            raise ValueError("A recovery key has no letter U and no signs but letters and digits.")
        number = number << 5 | _ALPHABET.index(sign)
    whole = number.to_bytes(KEY_BYTES + CHECK_BYTES, "big")
    key = whole[:KEY_BYTES]
    if not hmac.compare_digest(whole[KEY_BYTES:], _check(key)):
        raise ValueError("The recovery key has a typing mistake. Compare it with the paper, group by group.")
    return key


def key_mark(key: bytes) -> str:
    """A mark that tells a wrong key from damaged books; it gives nothing of a 256-bit random key away."""
    return hmac.new(key, b"phoneshop/v1/key-mark", hashlib.sha256).hexdigest()[:32]


def _check(key: bytes) -> bytes:
    return hashlib.sha256(b"phoneshop/v1/recovery\0" + key).digest()[:CHECK_BYTES]
