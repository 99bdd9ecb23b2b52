"""Settings: the business's own choices, typed, with their defaults and help; the shop and the business themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.domain.params import Code, Name, Note, NoteText, Optionally, Params, ShortText
from shopnode.domain.people.actions import RateBp, UpdateBusiness
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import all_shops, find_shop, the_business
from shopnode.domain.people.rules import TimeZone
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import Phone
from shopnode.domain.settings.groups import Type, group_of, title_of, type_of, unit_of
from shopnode.domain.settings.queries import everything_set
from shopnode.domain.settings.rules import CHOICES, Choice

Value = int | str | list[str]


class SettingsIn(Params):
    """Several settings by their keys; null for a default."""

    values: Annotated[dict[Code, int | NoteText | list[Code] | None], Field(min_length=1, max_length=200)]


class ShopProfileIn(Params):
    """Any of a shop's fields."""

    name: Name | None = None
    address: Annotated[ShortText | None, Optionally] = None
    phone: Annotated[Phone | None, Optionally] = None
    timezone: TimeZone | None = None
    vat_rate_bp: RateBp | None = None
    receipt_footer: Annotated[Note | None, Optionally] = None


class SettingOut(BaseModel):
    """One setting."""

    key: str
    title: str
    group: str
    type: Type
    unit: str | None
    value: Value
    default: Value
    is_changed: bool
    help: str
    minimum: int | None = Field(description="Of a number.")
    maximum: int | None = Field(description="Of a number.")
    options: list[str] = Field(description="The words it may be; any text where there are none.")


class SettingList(BaseModel):
    items: list[SettingOut]


class BusinessOut(BaseModel):
    name: str
    phone: str | None
    tax_id: str | None
    currency: str


class ShopProfileOut(BaseModel):
    """A shop, as it stands on its receipts."""

    id: str
    name: str
    code: str
    address: str | None
    phone: str | None
    timezone: str
    vat_rate_bp: int
    receipt_footer: str | None


class ShopProfiles(BaseModel):
    items: list[ShopProfileOut]


@route("GET", "/settings", needs=Permission.SETTINGS_UPDATE)
def get_settings(call: Call) -> SettingList:
    """Every setting with its value, its default and its help."""
    return _all(call)


@route("PUT", "/settings", action="settings.change_all")
def put_settings(call: Call, body: SettingsIn) -> SettingList:
    """Change several settings: all of them, or none where one is wrong."""
    call.perform(body)
    return _all(call)


@route("GET", "/settings/business", needs=Permission.SETTINGS_UPDATE)
def get_business(call: Call) -> BusinessOut:
    """The business, as it stands on every receipt."""
    row = the_business(call.ctx.session)
    return BusinessOut(name=row.name, phone=row.phone, tax_id=row.tax_id, currency=row.currency)


@route("PUT", "/settings/business", action="business.update")
def put_business(call: Call, body: UpdateBusiness) -> BusinessOut:
    """Change what the business is called, its telephone or its tax number."""
    call.perform(body)
    return get_business(call)


@route("GET", "/settings/shops", needs=Permission.SETTINGS_UPDATE)
def list_shop_profiles(call: Call) -> ShopProfiles:
    """The business's shops, as far as they are known here."""
    return ShopProfiles(items=[_profile(row) for row in all_shops(call.ctx.session)])


@route("PUT", "/settings/shops/<shop_id>", action="shops.update")
def put_shop_profile(call: Call, shop_id: str, body: ShopProfileIn) -> ShopProfileOut:
    """Change what a shop is called, where it is, its VAT rate or the foot of its receipts."""
    call.perform({"shop_id": shop_id, **body.model_dump(exclude_unset=True)})
    return _profile(find_shop(call.ctx.session, shop_id))


def _all(call: Call) -> SettingList:
    stored = everything_set(call.ctx.session)
    return SettingList(items=[_setting(choice, stored.get(choice.key)) for choice in CHOICES.values()])


def _setting(choice: Choice, stored: str | None) -> SettingOut:
    is_number = isinstance(choice.default, int)
    return SettingOut(
        key=choice.key, title=title_of(choice.key), group=group_of(choice.key).title, type=type_of(choice),
        unit=unit_of(choice), value=_value(choice, choice.default if stored is None else stored),
        default=_value(choice, choice.default), is_changed=stored is not None, help=choice.help,
        minimum=choice.minimum if is_number else None, maximum=choice.maximum if is_number else None,
        options=list(choice.options),
    )  # fmt: skip


def _value(choice: Choice, value: int | str) -> Value:
    if isinstance(choice.default, int):
        return int(value)
    return [word for word in str(value).split(",") if word] if choice.many else str(value)


def _profile(row: Shop) -> ShopProfileOut:
    return ShopProfileOut(
        id=row.id, name=row.name, code=row.code, address=row.address, phone=row.phone, timezone=row.timezone,
        vat_rate_bp=row.vat_rate_bp, receipt_footer=row.receipt_footer,
    )  # fmt: skip
