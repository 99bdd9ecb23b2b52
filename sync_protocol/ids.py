"""The one spelling of an id: a UUID as 36 lowercase characters."""

import re

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_id(text: object) -> bool:
    """Whether this is an id in canonical spelling. Upper case, braces and missing hyphens are other texts."""
    return type(text) is str and _ID.fullmatch(text) is not None


def is_hash(text: object) -> bool:
    """Whether this is a SHA-256 as 64 lowercase hexadecimal digits."""
    return type(text) is str and _HASH.fullmatch(text) is not None
