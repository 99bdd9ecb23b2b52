"""Keeping photos: whole, or as far as they have arrived.

Invariants:
  * What is whole has the hash that it is named by; whatever else arrived under that name is thrown away.
  * Only a name that some row of the books shows is asked for, taken, or given to anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import CompoundSelect, func, select, union_all
from sqlalchemy.orm import Session

from shopnode.domain.cash.models import MoneyKind, MoneyMove
from shopnode.domain.catalogue.models import Product
from shopnode.domain.expenses.models import Expense
from shopnode.domain.photos.models import Blob
from shopnode.domain.photos.rules import PHOTO_BYTES_MAX, Photo, kind_of
from shopnode.domain.repairs.models import RepairEvent

# Columns that name a photo, and which of their rows do where few of many are: that is what an index finds. Whoever has
# another one adds it here; then it travels to the hub.
NAMED_IN: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (Product.photo, ()),
    (Expense.photo, ()),
    (MoneyMove.photo, (MoneyMove.kind == MoneyKind.BANK_DEPOSIT.value,)),
    (RepairEvent.photo, (RepairEvent.kind.in_(("photo", "signature")),)),
)


class WrongContent(ValueError):
    """What arrived is not what its name says."""


@dataclass(frozen=True)
class Progress:
    """How much of a photo is there."""

    offset: int
    is_whole: bool


def keep_photo(session: Session, photo: Photo, now: datetime) -> None:
    """Keep a whole photo; one that is there already stays."""
    blob = _find(session, photo.sha256)
    if blob is None:
        blob = Blob(tenant_id=session.info["tenant_id"], sha256=photo.sha256, content=b"", size=0)
        session.add(blob)
    if blob.whole_at is None:
        blob.content, blob.size = photo.content, len(photo.content)
        blob.mime, blob.whole_at = photo.mime, now
    session.flush()


def take_chunk(session: Session, name: str, offset: int, chunk: bytes, size: int, now: datetime) -> Progress:
    """Add a part to what is there; one that does not follow on changes nothing. Raises WrongContent."""
    if not 0 < size <= PHOTO_BYTES_MAX or offset + len(chunk) > size:
        raise WrongContent("a photo of that size is not kept")
    blob = _find(session, name, lock=True)
    if blob is None:
        blob = Blob(tenant_id=session.info["tenant_id"], sha256=name, content=b"", size=size)
        session.add(blob)
    if blob.whole_at is not None:
        return Progress(blob.size, True)
    if blob.size != size:  # somebody was wrong about it: begin again
        blob.content, blob.size = b"", size
    if offset == len(blob.content):
        blob.content += chunk
    is_whole = len(blob.content) == blob.size
    if is_whole:
        _finish(blob, now)
    session.flush()
    return Progress(len(blob.content), is_whole and blob.whole_at is not None)


def forget_part(session: Session, name: str) -> None:
    """Begin again with a photo that turned out to be something else."""
    blob = _find(session, name, lock=True)
    if blob is not None and blob.whole_at is None:
        blob.content = b""
        session.flush()


def drop_photos(session: Session, names: Collection[str]) -> None:
    """Throw these away, whole or begun: nothing shows them any more."""
    for blob in session.scalars(select(Blob).where(Blob.sha256.in_(names))):
        session.delete(blob)
    session.flush()


def _finish(blob: Blob, now: datetime) -> None:
    mime = kind_of(blob.content)
    if sha256(blob.content).hexdigest() != blob.sha256 or mime is None:
        raise WrongContent("what arrived is not what its name says")
    blob.mime, blob.whole_at = mime, now


def read_chunk(session: Session, name: str, offset: int, length: int) -> bytes | None:
    """A part of a whole photo, empty past its end; None where it is not here or nothing shows it."""
    if not shown(session, [name]):
        return None
    query = select(func.substr(Blob.content, offset + 1, length)).where(Blob.sha256 == name, Blob.whole_at.is_not(None))
    return session.scalar(query)


def photo_or_none(session: Session, name: str) -> Blob | None:
    """A whole photo, if it is here."""
    blob = _find(session, name)
    return blob if blob is not None and blob.whole_at is not None else None


def shown(session: Session, names: Collection[str]) -> set[str]:
    """Those of these names that some row of the books shows."""
    left, found = set(names), set[str]()
    for column, only in NAMED_IN:
        if left:
            found |= {name for name in session.scalars(select(column).where(column.in_(left), *only)) if name}
            left -= found
    return found


def named() -> CompoundSelect[str]:
    """The name of every photo that some row of the books shows, as a query."""
    return union_all(*(select(column).where(column.is_not(None), *only) for column, only in NAMED_IN))


def whole(session: Session, names: Collection[str]) -> dict[str, int]:
    """Those of these that are here whole, with their sizes."""
    query = select(Blob.sha256, Blob.size).where(Blob.sha256.in_(names), Blob.whole_at.is_not(None))
    return {row.sha256: row.size for row in session.execute(query)}


def begun(session: Session, names: Collection[str]) -> dict[str, int]:
    """How many bytes are here of each of these that is not whole."""
    query = select(Blob.sha256, func.length(Blob.content).label("offset"))
    query = query.where(Blob.sha256.in_(names), Blob.whole_at.is_(None))
    return {row.sha256: row.offset for row in session.execute(query)}


def missing(session: Session, limit: int) -> list[str]:
    """Photos that goods on sale, or slips of the bank, show and that are not here, a few at a time."""
    here = select(Blob.sha256).where(Blob.whole_at.is_not(None))
    of_goods = select(Product.photo).where(
        Product.photo.is_not(None), Product.archived_at.is_(None), Product.photo.not_in(here)
    )
    of_slips = select(MoneyMove.photo).where(_IS_DEPOSIT, MoneyMove.photo.is_not(None), MoneyMove.photo.not_in(here))
    queries = of_goods.order_by(Product.id).limit(limit), of_slips.order_by(MoneyMove.id).limit(limit)
    return sorted({name for query in queries for name in session.scalars(query) if name})[:limit]


# The kind of money that has slips: the index of kinds leads to them.
_IS_DEPOSIT = MoneyMove.kind == MoneyKind.BANK_DEPOSIT.value


def _find(session: Session, name: str, *, lock: bool = False) -> Blob | None:
    query = select(Blob).where(Blob.sha256 == name)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()
