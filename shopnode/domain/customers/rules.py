"""How a customer is looked for."""

from __future__ import annotations

import re

FRAGMENT_MIN = 4  # fewer digits would find half of the customers


def phone_fragment(text: str) -> str | None:
    """The digits to look for in a stored number (+256772123456), or None when the text is no piece of a number.

    People type 0772…, 256772…, +256 772… or only the last digits; the leading 0 is not stored.
    """
    if re.fullmatch(r"[+()\d\s./-]+", text) is None:
        return None
    digits = re.sub(r"\D", "", text).removeprefix("00")
    fragment = digits[1:] if digits.startswith("0") else digits
    return fragment if len(digits) >= FRAGMENT_MIN else None
