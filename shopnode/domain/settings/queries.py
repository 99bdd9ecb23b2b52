"""Reading settings: the stored value where there is one, else the default."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from shopnode.domain.prepared import Prepared
from shopnode.domain.settings.models import Setting
from shopnode.domain.settings.rules import CHOICES, Choice, read_setting

# Several are asked for in most actions.
_STORED = Prepared(select(Setting.value).where(Setting.key == bindparam("key")))


def number_setting(session: Session, key: str) -> int:
    """A setting that is a whole number. Raises KeyError for a key that does not exist."""
    choice, stored = CHOICES[key], _STORED.first(session, key=key)
    return int(choice.default) if stored is None or stored.value is None else _number(choice, stored.value)


def text_setting(session: Session, key: str) -> str:
    """A setting that is text. Raises KeyError for a key that does not exist."""
    stored = session.scalar(select(Setting.value).where(Setting.key == key))
    return stored if stored is not None else str(CHOICES[key].default)


def all_numbers(session: Session) -> dict[str, int]:
    """Every setting that is a whole number, in one query."""
    numbers = {key: choice.default for key, choice in CHOICES.items() if isinstance(choice.default, int)}
    for key, value in session.execute(select(Setting.key, Setting.value)):
        if key in numbers and value is not None:
            numbers[key] = _number(CHOICES[key], value)
    return numbers


def _number(choice: Choice, stored: str) -> int:
    """What is stored, where it is a number within its bounds; else the default. A row may come from elsewhere, and a
    setting that nobody can read must not keep a shop from selling."""
    try:
        return int(read_setting(choice, stored))
    except ValueError:
        return int(choice.default)


def texts(session: Session, keys: Collection[str]) -> dict[str, str]:
    """Several settings that are text, in one query. Raises KeyError for a key that does not exist."""
    found = {key: str(CHOICES[key].default) for key in keys}
    for key, value in session.execute(select(Setting.key, Setting.value).where(Setting.key.in_(keys))):
        found[key] = found[key] if value is None else value
    return found


def everything_set(session: Session) -> dict[str, str]:
    """What was changed from its default, as it is stored."""
    rows = session.execute(select(Setting.key, Setting.value).where(Setting.value.is_not(None)))
    return {key: value for key, value in rows if key in CHOICES and value is not None}
