"""Reading numbers before phones are taken in: what a scan is, and what is wrong with it, to be said beside it.

Nothing is decided here. Whoever receives asks the same rules again, in the action.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.handsets.actions import open_stay_or_none
from shopnode.domain.handsets.errors import AlreadyInStock
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.handsets.numbers import Numbers, handsets_by_number, read_scanned
from shopnode.domain.handsets.tac import model_by_imei

WHOLE = 14  # digits of an IMEI without its check digit: two such numbers on a line are of one phone
BETWEEN = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Coming:
    """A number that was scanned to be received, and what the books know of it."""

    typed: str
    number: str | None  # as it is kept; None when it cannot be read
    fault: str | None = None  # why this phone cannot be received
    note: str | None = None  # what was mended, or is odd
    product_id: str | None = None  # the model it should be: announced, known, or by its first digits
    product_name: str | None = None


def what_comes_in(ctx: Context, typed: str) -> Coming:
    """What this number is for somebody who receives phones."""
    try:
        numbers = read_scanned(typed)
    except ValueError as fault:
        return Coming(typed, None, f"“{typed[:30]}” {fault}.")
    number, note = numbers.all[0], "; ".join(numbers.notes) or None
    for handset in handsets_by_number(ctx.session, numbers.all):
        stay = open_stay_or_none(ctx.session, handset.id)
        if stay is not None and stay.status != UnitStatus.EXPECTED.value:
            name = find_product(ctx.session, stay.product_id).name
            return Coming(typed, number, str(AlreadyInStock(handset.number, name, stay.status)), note)
        known = find_product(ctx.session, stay.product_id if stay is not None else handset.product_id)
        words = "It was announced." if stay is not None else "It was here before."
        return Coming(typed, number, None, note or words, known.id, known.name)
    learned = model_by_imei(ctx.session, numbers.imei1)
    if learned is None:
        return Coming(typed, number, None, note)
    return Coming(typed, number, None, note, learned.product_id, learned.product_name)


def phones_in(text: str) -> tuple[list[dict[str, str]], list[str]]:
    """The phones of a text with one on each line, and what is wrong with which line.

    A second IMEI may stand behind the first; a number with letters is a serial.
    """
    phones: list[dict[str, str]] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for line_no, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        phone: dict[str, str] = {}
        for typed in _numbers_on(line):
            try:
                read = read_scanned(typed)
            except ValueError as fault:
                faults.append(f"Line {line_no}: “{typed[:30]}” {fault}.")
                continue
            first = seen.setdefault(read.all[0], line_no)
            if first != line_no:
                faults.append(f"Line {line_no}: {read.all[0]} stands on line {first} already.")
            phone[_column(read, phone)] = typed
        phones.append(phone)
    return phones, faults


def _numbers_on(line: str) -> list[str]:
    parts = [part for part in BETWEEN.split(line.strip()) if part]
    is_pair = len(parts) == 2 and all(sum(sign.isalnum() for sign in part) >= WHOLE for part in parts)
    return parts if is_pair else [line.strip()]


def _column(read: Numbers, phone: dict[str, str]) -> str:
    if read.imei1 is None:
        return "serial"
    return "imei2" if "imei1" in phone else "imei1"
