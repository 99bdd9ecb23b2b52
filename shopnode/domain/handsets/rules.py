"""Laws of the numbers on phones.

An IMEI is 15 digits: eight that name the model (TAC), six of the piece, one check digit (Luhn). Old boxes print 14
without it; IMEISV has 16, the last two are the software's. Source: docs/rules/imei.md. A number that passes is not
proven genuine, so it is unique among phones in stock and not for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from stdnum import luhn

IMEI_DIGITS = 15
TAC_DIGITS = 8
EID_DIGITS = 32
SERIAL_MAX = 60
TAIL = range(4, 7)  # so many last digits of a number are enough to look for it
GRADE = re.compile(r"\(\s*UK\s+used\s*,\s*grade\s+([A-F][+-]?)\s*\)", re.IGNORECASE)

_LABEL = re.compile(
    r"^\s*(?:imei(?:\s*[12](?=\D))?\s*[.:#]*\s*(?=[\d\s/.,:_-]+$)|(?:eid|serial(?: no)?|s/n|sn)\s*[.:#]+\s*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ReadNumber:
    """A number as it is kept, and what had to be mended to read it, in words."""

    text: str
    note: str | None = None


def read_imei(typed: str) -> ReadNumber:
    """The IMEI as 15 digits. Raises ValueError, in words, for what cannot be one."""
    digits = re.sub(r"[\s/.,:_\-–—]", "", typed)
    if not digits:
        raise ValueError("is missing")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("has signs in it that are not digits")
    if _is_dummy(digits):
        raise ValueError("is a filler and no phone's number: read it off the phone with *#06#")
    if len(digits) == IMEI_DIGITS - 1:
        full = digits + luhn.calc_check_digit(digits)
        return ReadNumber(full, f"{full}: 14 digits were given, the check digit {full[-1]} was added")
    if len(digits) == IMEI_DIGITS + 1:
        full = digits[:14] + luhn.calc_check_digit(digits[:14])
        return ReadNumber(full, f"{full}: 16 digits were given (IMEISV), the software's two were left off")
    if len(digits) != IMEI_DIGITS:
        zeros = ": a spreadsheet may have dropped the zeros it starts with" if 11 <= len(digits) <= 13 else ""
        raise ValueError(f"has {len(digits)} digits, an IMEI has {IMEI_DIGITS}{zeros}")
    if not luhn.is_valid(digits):
        raise ValueError("has a wrong digit: compare it with the box, or with *#06# on the phone")
    return ReadNumber(digits)


def read_pair(imei1: str | None, imei2: str | None) -> tuple[ReadNumber | None, ReadNumber | None, dict[str, str]]:
    """Both IMEIs of a phone, and what is wrong by field. The same number twice means one SIM."""
    read: list[ReadNumber | None] = []
    faults: dict[str, str] = {}
    for name, typed in (("imei1", imei1), ("imei2", imei2)):
        try:
            read.append(read_imei(typed) if typed else None)
        except ValueError as fault:
            faults[name] = str(fault)
            read.append(None)
    first, second = read
    if first is not None and second is not None and first.text == second.text:
        return first, None, faults
    if first is None and "imei1" not in faults:
        first, second = second, None
    return first, second, faults


def read_serial(typed: str) -> str:
    """A serial number: letters and digits, upper case. Raises ValueError, in words."""
    serial = re.sub(r"[\s/.\-]", "", typed).upper()
    if not (serial.isascii() and serial.isalnum() and 3 <= len(serial) <= SERIAL_MAX):
        raise ValueError(f"must be 3 to {SERIAL_MAX} letters and digits")
    return serial


def read_eid(typed: str) -> str:
    """The number of an eSIM: 32 digits, beginning with 89, that leave 1 when divided by 97. Raises ValueError.

    Source: GSMA SGP.02, "eUICC identification".
    """
    digits = bare_number(typed)
    if not (digits.isascii() and digits.isdigit() and len(digits) == EID_DIGITS and digits.startswith("89")):
        raise ValueError(f"must be the {EID_DIGITS} digits of an eSIM, beginning with 89")
    if int(digits) % 97 != 1:
        raise ValueError("has a wrong digit: compare it with *#06# on the phone")
    return digits


def tac_of(imei: str | None) -> str | None:
    """The eight digits that name the model."""
    return imei[:TAC_DIGITS] if imei and len(imei) == IMEI_DIGITS else None


def same_model(one: str, other: str) -> bool:
    """Whether two products may be the same model, sold in another state, storage or colour.

    Words in brackets and the storage are left out; then the one name begins with the other. A TAC names a model, not
    what it is sold as.
    """
    first, second = _model_words(one), _model_words(other)
    shorter = min(len(first), len(second))
    return shorter > 0 and first[:shorter] == second[:shorter]


def _model_words(name: str) -> list[str]:
    bare = re.sub(r"\([^)]*\)", " ", name.casefold())
    bare = re.sub(r"\b\d+\s*/\s*\d+\b|\b\d+\s*[gt]b\b|\b(16|32|64|128|256|512|1024)\b", " ", bare)
    return re.findall(r"[^\W_]+|\+", bare)


def grade_in(name: str) -> str | None:
    """The grade a product's name carries: “iPhone 8 64 (UK used, grade C)” is C."""
    found = GRADE.search(name)
    return found[1].upper() if found else None


def bare_number(typed: str) -> str:
    """What somebody typed or scanned, as numbers are kept: letters and digits only, upper case."""
    return re.sub(r"[\s/.,:_\-–—]", "", typed).upper()


def spellings(typed: str) -> list[str]:
    """How a number may be kept that somebody typed or scanned: as it is, and as the whole IMEI it can be read as. The
    word that labels print before it is no part of it."""
    number = bare_number(_LABEL.sub("", typed))
    try:
        return list(dict.fromkeys([number, read_imei(number).text]))
    except ValueError:
        return [number]


def _is_dummy(digits: str) -> bool:
    """What people type when they have no number: one digit all along, or counting up or down."""
    if len(digits) < 8:
        return False
    steps = {(int(right) - int(left)) % 10 for left, right in pairwise(digits)}
    return len(steps) == 1 and steps <= {0, 1, 9}
