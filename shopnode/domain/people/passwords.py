"""Passwords and PINs: their form, and their slow hashes.

Argon2id with 19 MiB, so that eight people may sign in at once on a shop's PC. A person who does not exist is checked
against a hash nobody knows, so that the answer takes as long as for one who does.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise
from typing import Annotated, Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BeforeValidator, Field

PASSWORD_MIN, PASSWORD_MAX = 8, 200
PIN_MIN, PIN_MAX = 4, 8

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def _normalised(text: Any) -> Any:
    # The same password typed on another keyboard may arrive in another Unicode form.
    return unicodedata.normalize("NFKC", text) if isinstance(text, str) else text


def check_pin_form(pin: str) -> str:
    """The PIN itself. Raises ValueError, in words, when it is malformed or the first one anybody would try."""
    if not (pin.isascii() and pin.isdigit() and PIN_MIN <= len(pin) <= PIN_MAX):
        raise ValueError(f"must be {PIN_MIN} to {PIN_MAX} digits")
    steps = {int(right) - int(left) for left, right in pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise ValueError("is too easy to guess, choose another")
    return pin


Password = Annotated[str, BeforeValidator(_normalised), Field(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX)]
TypedPassword = Annotated[str, BeforeValidator(_normalised), Field(max_length=PASSWORD_MAX)]


def hash_secret(secret: str) -> str:
    """The slow hash of a password or PIN."""
    return _hasher.hash(_normalised(secret))


def verify_secret(stored: str | None, secret: str) -> bool:
    """Whether the secret is the one that was hashed. Takes as long when nothing is stored."""
    try:
        return _hasher.verify(stored or _nobodys_hash(), _normalised(secret[:PASSWORD_MAX])) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")
