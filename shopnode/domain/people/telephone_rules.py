"""Approval by telephone, as pure functions: the question that is read out and the code that answers it.

The question is eight signs. They follow from the origin of the counter's books, a number used once, and everything that
is asked (which action, with which form, by whom): after a restore, or for another form, the same question cannot be put
again. The code is eight digits of an HMAC-SHA256 over question, action, amount and document: it answers nothing else.
Source: docs/rules/telephone.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync_protocol.canonical import canonical

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none that is heard or read as another
CHALLENGE_SIGNS = 8
CODE_DIGITS = 8
SECRET_BYTES = 20
_HEARD_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


@dataclass(frozen=True)
class Question:
    """What is read out over the telephone, and what the owner says yes to."""

    challenge: str
    action: str
    amount_minor: int
    document: str


def challenge_of(origin_id: str, nonce: str, subject: Mapping[str, Any]) -> str:
    """The eight signs of a question put by this origin about exactly this."""
    mac = hmac.new(origin_id.encode(), canonical([nonce, dict(subject)]), hashlib.sha256).digest()
    number = int.from_bytes(mac[:5], "big")
    return "".join(SIGNS[number >> shift & 31] for shift in range(35, -1, -5))


def read_challenge(typed: str) -> str:
    """The signs as they are kept: capitals, O read as 0, I and L as 1. Raises ValueError for what cannot be one."""
    text = typed.upper().translate(_HEARD_AS)
    if len(text) != CHALLENGE_SIGNS or not set(text) <= set(SIGNS):
        raise ValueError(f"must be the {CHALLENGE_SIGNS} letters and digits on the counter's screen")
    return text


def read_document(typed: str) -> str:
    """A document's number however it is typed."""
    return "".join(typed.upper().split())


def answer_for(secret: str, question: Question) -> str:
    """The eight digits that say yes to this question and to no other.

    secret  base32, as `new_secret` made it
    """
    asked = ["phone-approval", 1, question.challenge, question.action, question.amount_minor, question.document]
    mac = hmac.new(base64.b32decode(secret), canonical(asked), hashlib.sha256).digest()
    return f"{int.from_bytes(mac[:16], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def is_answer(secret: str, question: Question, typed: str) -> bool:
    """Whether these digits answer the question, told in the same time whatever they are."""
    digits = "".join(sign for sign in typed if sign.isascii() and sign.isdigit())
    return hmac.compare_digest(answer_for(secret, question), digits)


def new_secret(chance: bytes) -> str:
    """160 bits of chance as base32."""
    if len(chance) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes")
    return base64.b32encode(chance).decode()
