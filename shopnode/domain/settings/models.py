"""One row for each setting that was changed from its default; the id follows from shop and key."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.clock import act_id
from shopnode.domain.db import Kind, Rule, Stream, Sync, SyncedRow


class Setting(SyncedRow):
    """A choice that holds for the whole business."""

    __tablename__ = "setting"
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, rules={"value": Rule.OWNER_WINS}, watched=frozenset({"value"}))

    key: Mapped[str] = mapped_column(String(100))
    value: Mapped[str | None] = mapped_column(Text)


def setting_id(key: str) -> str:
    return act_id("setting", key)
