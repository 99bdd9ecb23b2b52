"""Settings: typed, bounded, one row each, back to the default when emptied."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.settings.models import Setting
from shopnode.domain.settings.queries import all_numbers, number_setting, text_setting
from shopnode.domain.settings.rules import CHOICES
from tests.shop import Shop


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    """These rules hold at a node and at the hub."""
    return anywhere


def test_a_setting_is_its_default_until_it_is_changed(shop: Shop) -> None:
    with shop.reading() as ctx:
        assert number_setting(ctx.session, "discount_limit_staff_bp") == 500
    shop.do("settings.change", key="discount_limit_staff_bp", value=700)
    shop.do("settings.change", key="discount_limit_staff_bp", value="800")
    with shop.reading() as ctx:
        assert number_setting(ctx.session, "discount_limit_staff_bp") == 800
    assert len(shop.rows(Setting)) == 1
    shop.do("settings.change", key="discount_limit_staff_bp", value=None)
    with shop.reading() as ctx:
        assert number_setting(ctx.session, "discount_limit_staff_bp") == 500


def test_a_line_of_text_is_kept_as_it_is(shop: Shop) -> None:
    shop.do("settings.change", key="receipt_thanks", value="  Webale nnyo!  ")
    with shop.reading() as ctx:
        assert text_setting(ctx.session, "receipt_thanks") == "Webale nnyo!"


@pytest.mark.parametrize(
    ("key", "value", "fields"),
    [
        ("no_such_setting", 1, {"key": "is not a setting"}),
        ("discount_limit_staff_bp", 10_001, {"value": "must be from 0 to 10,000"}),
        ("discount_limit_staff_bp", -1, {"value": "must be from 0 to 10,000"}),
        ("discount_limit_staff_bp", "many", {"value": "must be a whole number"}),
        ("receipt_thanks", "x" * 501, {"value": "is too long, at most 500 characters"}),
    ],
)
def test_a_wrong_value_is_refused_in_words(shop: Shop, key: str, value: object, fields: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.do("settings.change", key=key, value=value)
    assert refusal.value.fields == fields
    assert shop.rows(Setting) == []


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_only_owners_change_settings(shop: Shop, role: Role) -> None:
    with pytest.raises(NotPermitted):
        shop.do("settings.change", key="receipt_thanks", value="mine", role=role)


def test_every_setting_says_what_it_is_for() -> None:
    assert all(choice.help.endswith(".") and choice.key == key for key, choice in CHOICES.items())


@pytest.mark.parametrize("stored", ["", "abc", "-5", "1e3", "²", "9" * 40, " "])
def test_a_number_that_came_from_elsewhere_and_is_none_is_its_default(shop: Shop, stored: str) -> None:
    shop.do("settings.change", key="refund_limit_staff_minor", value=7)
    with shop.home.writing() as session:
        session.execute(update(Setting.__table__).values(value=stored))  # type: ignore[arg-type]
    with shop.reading() as ctx:
        assert number_setting(ctx.session, "refund_limit_staff_minor") == 100_000
        assert all_numbers(ctx.session)["refund_limit_staff_minor"] == 100_000
