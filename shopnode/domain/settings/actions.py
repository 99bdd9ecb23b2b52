"""Changing a setting; back to its default by sending none."""

from __future__ import annotations

from typing import Any

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import Code, NoteText, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.domain.settings.models import Setting, setting_id
from shopnode.domain.settings.rules import CHOICES, read_setting


class ChangeSetting(Params):
    """One setting and its new value; none for its default."""

    key: Code
    value: int | NoteText | None = None


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
    value = None if read is None else str(read)
    row = row_or_none(ctx.session, Setting, setting_id(choice.key))
    if row is None:
        add_rows(ctx.session, Setting(id=setting_id(choice.key), key=choice.key, value=value))
    else:
        row.value = value
    ctx.about("setting", setting_id(choice.key))
    return {"key": choice.key, "value": choice.default if read is None else read}
