"""The numbers of one phone, read and looked up together: any of them, in whichever column, means the same phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import Handset
from shopnode.domain.handsets.rules import read_pair, read_serial


@dataclass(frozen=True)
class Numbers:
    """A phone's numbers as they are kept, and what was mended in them."""

    imei1: str | None
    imei2: str | None
    serial: str | None
    notes: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return [number for number in (self.imei1, self.imei2, self.serial) if number]


def read_numbers(imei1: str | None, imei2: str | None, serial: str | None) -> Numbers:
    """The numbers as they are kept. Raises Invalid, naming each wrong one."""
    first, second, faults = read_pair(imei1, imei2)
    kept_serial = None
    try:
        kept_serial = read_serial(serial) if serial else None
    except ValueError as fault:
        faults["serial"] = str(fault)
    if faults:
        raise Invalid(faults)
    notes = [read.note for read in (first, second) if read is not None and read.note]
    return Numbers(first.text if first else None, second.text if second else None, kept_serial, notes)


def handsets_by_number(session: Session, numbers: Sequence[str]) -> list[Handset]:
    """Phones known by any of these numbers, in whichever column."""
    columns = (Handset.imei1, Handset.imei2, Handset.serial)
    known = or_(*(column.in_(numbers) for column in columns))
    return list(session.scalars(select(Handset).where(known).order_by(Handset.id)))
