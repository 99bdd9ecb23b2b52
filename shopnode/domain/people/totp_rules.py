"""One-time codes of an authenticator, as pure functions (RFC 6238 over RFC 4226: SHA-1, 30 seconds, six digits)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
DRIFT_STEPS = 1  # a telephone's clock may be half a minute off, either way
SECRET_BYTES = 20


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of one half minute, counted from 1970."""
    mac = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = mac[-1] & 0xF
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def step_of(wall_ms: int) -> int:
    """The half minute of an instant, in milliseconds since 1970."""
    return wall_ms // (STEP_S * 1000)


def matching_step(secret: bytes, typed: str, now_step: int, last_step: int) -> int | None:
    """The half minute whose code was typed; None where it is none of the near ones, or not after `last_step`: a code
    is good once. Every near code is compared, in the same time."""
    digits = "".join(sign for sign in typed if sign.isascii() and sign.isdigit())
    near = range(max(now_step - DRIFT_STEPS, 0), now_step + DRIFT_STEPS + 1)
    found = [step for step in near if hmac.compare_digest(code_at(secret, step), digits)]
    return next((step for step in found if step > last_step), None)


def provisioning_uri(secret: bytes, issuer: str, account: str) -> str:
    """What an authenticator reads from a QR code."""
    label = quote(f"{issuer}:{account}", safe="")
    words = {"secret": in_words(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/{label}?{urlencode(words, quote_via=quote)}"


def in_words(secret: bytes) -> str:
    """The secret as it is typed by hand: base32."""
    return base64.b32encode(secret).decode().rstrip("=")
