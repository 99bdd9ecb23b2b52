"""Changing settings; back to their defaults by sending none."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import Code, NoteText, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.domain.settings.models import Setting, setting_id
from shopnode.domain.settings.rules import CHOICES, Choice, read_setting

AT_ONCE = 200

Given = int | NoteText | list[Code] | None


class ChangeSetting(Params):
    """One setting and its new value; none for its default."""

    key: Code
    value: int | NoteText | None = None


class ChangeSettings(Params):
    """Several settings by their keys; none for a default. A choice of several words is a list, or text with commas."""

    values: Annotated[dict[Code, Given], Field(min_length=1, max_length=AT_ONCE)]


@action("settings.change", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def change_setting(ctx: Context, new: ChangeSetting) -> dict[str, Any]:
    """Change one of the business's own choices."""
    choice = CHOICES.get(new.key)
    if choice is None:
        raise Invalid({"key": "is not a setting"})
    try:
        read = None if new.value is None else read_setting(choice, new.value)
    except ValueError as fault:
        raise Invalid({"value": str(fault)}) from None
    _store(ctx, choice, read)
    ctx.about("setting", setting_id(choice.key))
    return {"key": choice.key, "value": choice.default if read is None else read}


@action("settings.change_all", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def change_settings(ctx: Context, new: ChangeSettings) -> dict[str, Any]:
    """Change several of the business's own choices: all of them, or none where one is wrong."""
    read: dict[str, int | str | None] = {}
    wrong: dict[str, str] = {}
    for key, given in new.values.items():
        choice = CHOICES.get(key)
        if choice is None:
            wrong[f"values.{key}"] = "is not a setting"
            continue
        try:
            read[key] = None if given is None else read_setting(choice, _as_text(choice, given))
        except ValueError as fault:
            wrong[f"values.{key}"] = str(fault)
    if wrong:
        raise Invalid(wrong)
    for key in sorted(read):
        _store(ctx, CHOICES[key], read[key])
    ctx.about("setting", setting_id(min(read)))
    return {"values": {key: CHOICES[key].default if value is None else value for key, value in read.items()}}


def _as_text(choice: Choice, given: int | str | list[str]) -> int | str:
    if not isinstance(given, list):
        return given
    if not choice.many:
        raise ValueError("is one word, not several")
    return ",".join(given)


def _store(ctx: Context, choice: Choice, read: int | str | None) -> None:
    value = None if read is None else str(read)
    row = row_or_none(ctx.session, Setting, setting_id(choice.key))
    if row is None and value is not None:
        add_rows(ctx.session, Setting(id=setting_id(choice.key), key=choice.key, value=value))
    elif row is not None:
        row.value = value
