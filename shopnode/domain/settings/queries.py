"""Reading settings: the stored value where there is one, else the default."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from shopnode.domain.prepared import Prepared
from shopnode.domain.settings.models import Setting
from shopnode.domain.settings.rules import CHOICES

# Several are asked for in most actions.
_STORED = Prepared(select(Setting.value).where(Setting.key == bindparam("key")))


def number_setting(session: Session, key: str) -> int:
    """A setting that is a whole number. Raises KeyError for a key that does not exist."""
    choice, stored = CHOICES[key], _STORED.first(session, key=key)
    return int(choice.default) if stored is None or stored.value is None else int(stored.value)


def text_setting(session: Session, key: str) -> str:
    """A setting that is text. Raises KeyError for a key that does not exist."""
    stored = session.scalar(select(Setting.value).where(Setting.key == key))
    return stored if stored is not None else str(CHOICES[key].default)


def all_numbers(session: Session) -> dict[str, int]:
    """Every setting that is a whole number, in one query."""
    numbers = {key: choice.default for key, choice in CHOICES.items() if isinstance(choice.default, int)}
    for key, value in session.execute(select(Setting.key, Setting.value)):
        if key in numbers and value is not None:
            numbers[key] = int(value)
    return numbers
