"""Reading numbers before phones are taken in: what a scan is, and what is wrong with it, to be said beside it.

Nothing is decided here. Whoever receives asks the same rules again, in the action.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from shopnode.domain.catalogue.queries import products_as_read
from shopnode.domain.context import Context
from shopnode.domain.handsets.errors import AlreadyInStock
from shopnode.domain.handsets.models import OPEN_STATUSES, Handset, StockUnit, UnitStatus
from shopnode.domain.handsets.numbers import Numbers, handsets_by_number, read_scanned
from shopnode.domain.handsets.rules import tac_of
from shopnode.domain.handsets.tac import Learned, model_by_imei
from shopnode.domain.usedphones.blocklist import PhoneBlocked
from shopnode.domain.usedphones.models import BlockedNumber

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


def what_comes_in(ctx: Context, typed: Sequence[str]) -> list[Coming]:
    """What each of these numbers is for somebody who receives phones, in the same order."""
    read = [_read_or_fault(text) for text in typed]
    books = _Books(ctx, [numbers for numbers in read if isinstance(numbers, Numbers)])
    return [
        books.told(text, numbers) if isinstance(numbers, Numbers) else Coming(text, None, f"“{text[:30]}” {numbers}.")
        for text, numbers in zip(typed, read, strict=True)
    ]


def number_of(typed: str) -> str | None:
    """A scanned number as it is kept; None when it cannot be read."""
    numbers = _read_or_fault(typed)
    return numbers.all[0] if isinstance(numbers, Numbers) else None


def _read_or_fault(typed: str) -> Numbers | str:
    try:
        return read_scanned(typed)
    except ValueError as fault:
        return str(fault)


class _Books:
    """What is known of many numbers, read at once."""

    def __init__(self, ctx: Context, asked: Sequence[Numbers]):
        self.session = ctx.session
        whole = [number for numbers in asked for number in numbers.all]
        known = handsets_by_number(ctx.session, whole) if whole else []
        self.handsets = {
            number: handset for handset in known for number in (handset.imei1, handset.imei2, handset.serial)
        }
        ids = [handset.id for handset in known]
        stays = select(StockUnit).where(StockUnit.handset_id.in_(ids), StockUnit.status.in_(OPEN_STATUSES))
        self.stays = {stay.handset_id: stay for stay in ctx.session.scalars(stays)}
        products = {handset.product_id for handset in known} | {stay.product_id for stay in self.stays.values()}
        self.products = products_as_read(ctx.session, products)
        blocks = select(BlockedNumber).where(BlockedNumber.number.in_(whole), BlockedNumber.lifted_at.is_(None))
        self.blocks = {block.number: block for block in ctx.session.scalars(blocks)}
        self.learned: dict[str | None, Learned | None] = {}

    def told(self, typed: str, numbers: Numbers) -> Coming:
        number, note = numbers.all[0], "; ".join(numbers.notes) or None
        block = self.blocks.get(number)
        if block is not None:
            return Coming(typed, number, str(PhoneBlocked(number, block.reason)), note)
        handset = self.handsets.get(number)
        if handset is not None:
            return self._told_of(typed, handset, number, note)
        learned = self._learned(numbers.imei1)
        if learned is None:
            return Coming(typed, number, None, note)
        return Coming(typed, number, None, note, learned.product_id, learned.product_name)

    def _told_of(self, typed: str, handset: Handset, number: str, note: str | None) -> Coming:
        """A phone that the books know: here, announced, or here before."""
        stay = self.stays.get(handset.id)
        product = self.products[stay.product_id if stay is not None else handset.product_id]
        if stay is not None and stay.status != UnitStatus.EXPECTED.value:
            return Coming(typed, number, str(AlreadyInStock(handset.number, product.name, stay.status)), note)
        words = "It was announced." if stay is not None else "It was here before."
        return Coming(typed, number, None, note or words, product.id, product.name)

    def _learned(self, imei: str | None) -> Learned | None:
        """Phones of one delivery begin alike: each beginning is looked up once."""
        begins = tac_of(imei)
        if begins not in self.learned:
            self.learned[begins] = model_by_imei(self.session, imei)
        return self.learned[begins]


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
