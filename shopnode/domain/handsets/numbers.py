"""The numbers of one phone, read and looked up together: any of them, in whichever column, means the same phone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, func, literal_column, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import Handset
from shopnode.domain.handsets.rules import TAIL, bare_number, read_eid, read_imei, read_pair, read_serial

FOUND_MAX = 200
NUMBERS = (Handset.imei1, Handset.imei2, Handset.serial)
NUMBER_MAX = 60
IMEI_DIGITS = 15


@dataclass(frozen=True)
class Numbers:
    """A phone's numbers as they are kept, and what was mended in them."""

    imei1: str | None
    imei2: str | None
    serial: str | None
    notes: list[str] = field(default_factory=list)
    eid: str | None = None

    @property
    def all(self) -> list[str]:
        return [number for number in (self.imei1, self.imei2, self.serial, self.eid) if number]

    @property
    def names_a_phone(self) -> bool:
        """Whether a phone can be known by them: an eSIM's number alone is on no box."""
        return bool(self.imei1 or self.serial)


NEEDED = "is needed, or a serial number for what has no IMEI"


def read_numbers(imei1: str | None, imei2: str | None, serial: str | None, eid: str | None = None) -> Numbers:
    """The numbers as they are kept. Raises Invalid, naming each wrong one."""
    first, second, faults = read_pair(imei1, imei2)
    kept: dict[str, str | None] = {"serial": None, "eid": None}
    for name, typed, read in (("serial", serial, read_serial), ("eid", eid, read_eid)):
        try:
            kept[name] = read(typed) if typed else None
        except ValueError as fault:
            faults[name] = str(fault)
    if faults:
        raise Invalid(faults)
    notes = [told.note for told in (first, second) if told is not None and told.note]
    return Numbers(first.text if first else None, second.text if second else None, kept["serial"], notes, kept["eid"])


def read_scanned(typed: str) -> Numbers:
    """One number as a scanner gives it: an IMEI, or a serial where there are letters in it. Raises ValueError."""
    if re.search(r"[^\W\d_]", typed):
        return Numbers(None, None, read_serial(typed))
    read = read_imei(typed)
    return Numbers(read.text, None, None, [read.note] if read.note else [])


def handsets_by_number(session: Session, numbers: Sequence[str]) -> list[Handset]:
    """Phones known by any of these numbers, in whichever column."""
    known = or_(*(column.in_(numbers) for column in (*NUMBERS, Handset.eid)))
    return list(session.scalars(select(Handset).where(known).order_by(Handset.id)))


def ids_by_number(number: str) -> Select[str]:
    """The phones that this one number means, to be looked for within a larger question."""
    return select(Handset.id).where(or_(*(column == number for column in (*NUMBERS, Handset.eid))))


def handsets_searched(session: Session, typed: str, *, limit: int = FOUND_MAX) -> list[str]:
    """Ids of the phones with this number, whole or by its last four to six digits; empty for anything else."""
    number = bare_number(typed)
    if not 3 <= len(number) <= NUMBER_MAX:
        return []
    found = [handset.id for handset in handsets_by_number(session, _as_kept(number))]
    if found or len(number) not in TAIL:
        return found[:limit]
    ends = [whole for column in NUMBERS for whole in _ending(session, column, number, limit)]
    return [handset.id for handset in handsets_by_number(session, ends)][:limit] if ends else []


def _ending(session: Session, column: InstrumentedAttribute[str | None], tail: str, limit: int) -> list[str]:
    """Whole numbers with these last digits, by the index of the last four. Serials have any length, and are few."""
    query = select(column).where(column.is_not(None), column.endswith(tail, autoescape=True))
    if column is not Handset.serial:
        query = query.where(func.substr(column, literal_column(str(IMEI_DIGITS - 3))) == tail[-4:])
    found = session.scalars(query.limit(limit))
    return [whole for whole in found if whole]


def _as_kept(number: str) -> list[str]:
    """The number as it was typed and, where it can be read as one, as a whole IMEI."""
    try:
        return [number, read_imei(number).text]
    except ValueError:
        return [number]
