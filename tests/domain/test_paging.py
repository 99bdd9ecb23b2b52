"""A list that is read page by page shows every row once."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shopnode.domain.clock import to_datetime
from shopnode.domain.db import UtcTimeType
from shopnode.domain.errors import Invalid
from shopnode.domain.paging import latest

STARTS_AT = 1_795_000_000_000


class Base(DeclarativeBase):
    """Tables of this test alone."""


class Row(Base):
    """A row of a list that is sorted by its instant."""

    __tablename__ = "row"
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTimeType())


@pytest.fixture
def session():
    """Two rows at each of 500 instants, a millisecond apart: many that a binary fraction cannot hold."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(
            Row(id=f"00000000-0000-7000-8000-{n:012d}", at=to_datetime(STARTS_AT + n // 2)) for n in range(1000)
        )
        session.flush()
        yield session
    engine.dispose()


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_every_row_is_on_one_page_whatever_its_millisecond(session: Session, limit: int) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = latest(session, select(Row), Row.at, Row.id, limit, cursor)
        seen += [row.id for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 1000


def test_a_place_of_another_list_is_refused(session: Session) -> None:
    with pytest.raises(Invalid):
        latest(session, select(Row), Row.at, Row.id, 5, "bm90IGEgcGxhY2U")
