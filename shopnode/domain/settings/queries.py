"""Reading settings: the stored value where there is one, else the default."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.settings.models import Setting
from shopnode.domain.settings.rules import CHOICES


def number_setting(session: Session, key: str) -> int:
    """A setting that is a whole number. Raises KeyError for a key that does not exist."""
    choice = CHOICES[key]
    stored = session.scalar(select(Setting.value).where(Setting.key == key))
    return int(stored) if stored is not None else int(choice.default)


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
