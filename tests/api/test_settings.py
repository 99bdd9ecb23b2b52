"""Settings over the API: typed, with defaults and help; all of a change or none of it."""

from __future__ import annotations

from typing import Any

from shopnode.domain.settings.groups import GROUPS, group_of, grouped, title_of, type_of
from shopnode.domain.settings.rules import CHOICES
from tests.api.client import Client
from tests.shop import Shop


def setting(owner: Client, key: str) -> dict[str, Any]:
    return next(item for item in owner.get("/settings")["items"] if item["key"] == key)


def test_every_setting_is_told_with_type_default_and_help(owner: Client) -> None:
    items = owner.get("/settings")["items"]
    assert {item["key"] for item in items} == CHOICES.keys()
    assert setting(owner, "discount_limit_staff_bp") == {
        "key": "discount_limit_staff_bp", "title": "Discount limit staff", "group": "Selling and discounts",
        "type": "percent", "unit": None, "value": 500, "default": 500, "is_changed": False,
        "help": "Discount a staff member may give alone, in basis points.", "minimum": 0, "maximum": 10_000,
        "options": [],
    }  # fmt: skip
    low = setting(owner, "notice_low_stock_channels")
    assert (low["type"], low["value"], low["options"]) == (
        "some-of", ["in_app", "mail"], ["in_app", "sms", "mail", "push"],
    )  # fmt: skip


def test_several_are_changed_at_once_and_go_back_to_their_defaults(owner: Client, shop: Shop) -> None:
    values = {
        "cash_rounding_minor": 100, "receipt_thanks": "Webale!", "notice_low_stock_roles": ["Staff", "Owner"],
        "hours_sunday": "", "hours_friday": "07:30-24:00",
    }  # fmt: skip
    owner.put("/settings", {"values": values})
    assert {key: setting(owner, key)["value"] for key in values} == {
        **values, "notice_low_stock_roles": ["Owner", "Staff"],
    }  # fmt: skip
    assert len(shop.entries()) == len({entry.entry_id for entry in shop.entries()})
    owner.put("/settings", {"values": {"cash_rounding_minor": None}})
    assert (setting(owner, "cash_rounding_minor")["value"], setting(owner, "cash_rounding_minor")["is_changed"]) == (
        0, False,
    )  # fmt: skip


def test_all_of_a_change_is_taken_or_none_and_every_wrong_one_is_named(owner: Client) -> None:
    values = {
        "cash_rounding_minor": -1, "no_such_thing": 1, "hours_monday": "8-20", "language": "tlh",
        "notice_repair_channels": ["pigeon"], "hours_friday": "20:00-08:00", "receipt_thanks": "Webale!",
        "credit_days": ["1"],
    }  # fmt: skip
    problem = owner.put("/settings", {"values": values}, 422)
    assert problem["fields"].keys() == {f"values.{key}" for key in values.keys() - {"receipt_thanks"}}
    assert problem["fields"]["values.hours_monday"].startswith("must be like 08:00-20:00")
    assert not any(item["is_changed"] for item in owner.get("/settings")["items"])


def test_only_owners_see_and_change_settings(supervisor: Client, staff: Client) -> None:
    for client in (supervisor, staff):
        assert client.get("/settings", 403)["code"] == "not-permitted"
        assert client.put("/settings", {"values": {"credit_days": 1}}, 403)["code"] == "not-permitted"


def test_shop_and_business_say_what_stands_on_receipts(owner: Client, shop: Shop) -> None:
    (place,) = owner.get("/settings/shops")["items"]
    changed = owner.put(f"/settings/shops/{place['id']}", {"address": "Plot 12", "receipt_footer": "Come again"})
    assert changed == {**place, "address": "Plot 12", "receipt_footer": "Come again"}
    assert owner.put("/settings/business", {"tax_id": "1000123456"})["tax_id"] == "1000123456"
    assert owner.get("/settings/business")["name"] == "Kisura Phones"


def test_every_setting_has_its_group_and_a_name_of_its_own() -> None:
    listed = [choice.key for _, choices in grouped() for choice in choices]
    assert sorted(listed) == sorted(CHOICES)
    titles = [(group_of(key).key, title_of(key)) for key in CHOICES]
    assert len(set(titles)) == len(titles)
    assert {group_of(key).key for key in CHOICES} <= {group.key for group in GROUPS}
    assert all(type_of(choice) for choice in CHOICES.values())
