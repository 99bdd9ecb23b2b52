"""What photos are made of. A photo's name is the SHA-256 of its bytes, and rows that show one hold that name."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import HomeRow, UtcTime


class Blob(HomeRow):
    """The bytes of one photo, or those of its beginning that have arrived. They never change once they are whole."""

    __tablename__ = "blob"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]  # of the whole, in bytes
    mime: Mapped[str | None] = mapped_column(String(40))  # by its first bytes; None until it is whole
    whole_at: Mapped[UtcTime | None]
