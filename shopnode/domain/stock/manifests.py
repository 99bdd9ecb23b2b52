"""Which keys sign the manifests of a shop, told to all shops of the business ahead of the day without internet.

The keys are a register row that the hub admitted, so every shop has them on pages that the hub signed. The latest three
of a shop count: a manifest that was signed before the key changed is still believed.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import Field
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.params import Params
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.domain.settings.models import Setting, setting_id

KEYS_MAX = 3
KEY_TEXT = r"^[A-Za-z0-9_-]{43}$"


class ShopKey(Params):
    """The public half of the key this shop signs with."""

    public_key: Annotated[str, Field(pattern=KEY_TEXT)]


class KeyKnown(Conflict):
    code = "key-known"

    def __init__(self) -> None:
        super().__init__("The other shops know this shop's key already. Nothing needs to be done.")


@action("transfers.tell_key", needs=Permission.SETTINGS_UPDATE)
def tell_key(ctx: Context, form: ShopKey) -> dict[str, Any]:
    """Let all shops believe manifests that this shop signs. Raises KeyKnown."""
    assert ctx.shop_id is not None
    known = keys_of(ctx.session, ctx.shop_id)
    if known[:1] == [form.public_key]:
        raise KeyKnown
    keys = [form.public_key, *(key for key in known if key != form.public_key)][:KEYS_MAX]
    name, value = _name(ctx.shop_id), orjson.dumps(keys).decode()
    row = row_or_none(ctx.session, Setting, setting_id(name))
    if row is None:
        add_rows(ctx.session, Setting(id=setting_id(name), key=name, value=value))
    else:
        row.value = value
    ctx.about("setting", setting_id(name))
    return {"keys": len(keys)}


def keys_of(session: Session, shop_id: str) -> list[str]:
    """The keys of a shop's manifests as far as they are known here, the latest first."""
    row = row_or_none(session, Setting, setting_id(_name(shop_id)))
    found = orjson.loads(row.value) if row is not None and row.value else []
    return [str(key) for key in found[:KEYS_MAX]] if isinstance(found, list) else []


def _name(shop_id: str) -> str:
    return f"manifest_keys.{shop_id}"
