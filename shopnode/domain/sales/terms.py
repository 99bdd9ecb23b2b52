"""What a shop's tickets follow today: VAT, the smallest note, the dollar's rate. One read, which every sale makes."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ScalarSelect, bindparam, select

from shopnode.domain.context import Context
from shopnode.domain.people.models import Shop
from shopnode.domain.prepared import Prepared
from shopnode.domain.settings.models import Setting, setting_id
from shopnode.domain.settings.rules import CHOICES


class Terms(NamedTuple):
    """All amounts in minor units of the shop's currency; 0 switches a rule off."""

    vat_rate_bp: int
    cash_rounding_minor: int
    usd_rate_minor: int  # of one whole dollar
    customer_above_minor: int


def terms_now(ctx: Context) -> Terms:
    """The terms of this shop."""
    row = _TERMS.first(ctx.session, shop_id=ctx.shop_id)
    if row is None:
        return Terms(0, *(int(CHOICES[key].default) for key in _SETTINGS))
    told = zip(_SETTINGS, row[1:], strict=True)
    return Terms(row[0], *(int(CHOICES[key].default if value is None else value) for key, value in told))


def _stored(key: str) -> ScalarSelect[str | None]:
    return select(Setting.value).where(Setting.id == setting_id(key)).scalar_subquery()


_SETTINGS = ("cash_rounding_minor", "usd_rate_minor", "customer_above_minor")
_TERMS = Prepared(
    select(Shop.vat_rate_bp, *(_stored(key).label(key) for key in _SETTINGS)).where(Shop.id == bindparam("shop_id"))
)
