"""A phone somebody brings, and who they are."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from shopnode.domain.actions import Done
from shopnode.domain.cash.queries import drawer_figures, open_session_or_none
from shopnode.domain.permissions import Role
from shopnode.domain.stock.queries import on_hand
from tests.domain.till import Till

IMEI = "004401251000390"
SECOND = "004401261000521"
NAME, ID_NUMBER, PHONE, HOME = "Nakimuli Prossy", "CF92034105QX7K", "+256798000777", "Zone 4, Kireka"


def picture(colour: str = "teal") -> str:
    """A photo as a browser sends it."""
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode()


def seller(**other: Any) -> dict[str, Any]:
    return {
        "name": NAME, "phone": PHONE, "id_type": "national_id", "id_number": ID_NUMBER, "address": HOME,
        "photos": [picture()], "signature": picture("white"), **other,
    }  # fmt: skip


def brought(till: Till, **other: Any) -> dict[str, Any]:
    """A Tecno in grade B, clean, for 250,000."""
    return {
        "product_id": till.phone, "imei1": IMEI, "grade": "B", "storage": "256 GB", "offer": 250_000,
        "locks_removed": True, "was_reset": True, "network_lock": "none", "states_ownership": True,
        "seller": seller(), **other,
    }  # fmt: skip


def value_phone(till: Till, offer: int = 300_000, grade: str = "B", storage: str | None = None) -> str:
    form = {"product_id": till.phone, "grade": grade, "offer": offer, "storage": storage}
    made: str = till.shop.do("usedphones.set_valuation", form)["id"]
    return made


def buy(till: Till, *, role: Role = Role.STAFF, approval: Any = None, **other: Any) -> Done:
    return till.shop.perform("usedphones.buy", brought(till, **other), role=role, approval=approval)


def in_drawer(till: Till) -> int:
    """The cash that must be found in the drawer."""
    with till.shop.reading() as ctx:
        drawer = open_session_or_none(ctx.session, till.shop.home.shop_id or "")
        assert drawer is not None
        return drawer_figures(ctx.session, drawer).expected_minor


def hand(till: Till, product_id: str) -> int:
    """Pieces on hand."""
    with till.shop.reading() as ctx:
        return on_hand(ctx.session, till.shop.home.shop_id or "", [product_id])[product_id]
