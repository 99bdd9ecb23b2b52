"""Personal values in a chain that must outlive them.

A personal field enters an entry as a marker, "~" and a salted hash; the value and its salt travel beside it under
"personal" and can be erased together. What is left proves that something was there, and nothing about what it was.

Invariants:
  * A marker is "~" + 43 characters of base64url. Salts are random, never used twice, and exactly 16 bytes: were other
    lengths allowed, bytes could move between salt and value and one marker would fit two values.
  * "personal" is no part of the sealed bytes.
  * None is not sealed: that a field is empty is not personal.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from sync_protocol.canonical import canonical
from sync_protocol.problems import Malformed

SALT_BYTES = 16
_MARKER = re.compile(r"~[A-Za-z0-9_-]{43}", re.ASCII)

Reveals = Mapping[str, list[Any]]  # marker → [salt, value]


def seal(value: Any, salt: bytes) -> str:
    """The marker that stands for a value."""
    return "~" + _b64(sha256(salt + canonical(value)).digest())


def check(marker: str, salt: bytes, value: Any) -> bool:
    """Whether this is the value the marker stands for."""
    return len(salt) == SALT_BYTES and seal(value, salt) == marker


def is_marker(value: object) -> bool:
    """Whether a value has the form of a marker; of a personal column this means that its value is sealed or erased."""
    return type(value) is str and _MARKER.fullmatch(value) is not None


def reveal(value: Any, reveals: Reveals) -> Any:
    """The value behind a marker, looking into lists; a marker without reveal stays a marker."""
    if type(value) is str and value in reveals:
        return reveals[value][1]
    if type(value) is list:
        return [reveal(part, reveals) for part in value]
    return value


def check_reveals(reveals: object) -> None:
    """Raise Malformed unless every revealed value is the one its marker stands for."""
    if type(reveals) is not dict:
        raise Malformed("personal must be an object")
    for marker, pair in reveals.items():
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str:
            raise Malformed("a personal value must be [salt, value]")
        if not check(marker, _unb64(pair[0]), pair[1]):
            raise Malformed("a personal value does not fit its marker")


class Sealer:
    """Seals the personal values of one entry and keeps what reveals them.

    sealer = Sealer(os.urandom); marker = sealer.seal("Asha"); entry["personal"] = sealer.reveals
    """

    def __init__(self, random_bytes: Callable[[int], bytes]):
        self._random_bytes = random_bytes
        self.reveals: dict[str, list[Any]] = {}

    def seal(self, value: Any) -> str | None:
        """A marker for the value, with a fresh salt; None stays None."""
        if value is None:
            return None
        salt = self._random_bytes(SALT_BYTES)
        marker = seal(value, salt)
        self.reveals[marker] = [_b64(salt), value]
        return marker


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Malformed("a salt must be base64url") from None
    if len(raw) != SALT_BYTES or _b64(raw) != text:
        raise Malformed(f"a salt must be {SALT_BYTES} bytes of base64url")
    return raw
