"""What a scanned number means to somebody who receives phones, before anything is taken in."""

from __future__ import annotations

import pytest

from shopnode.domain.handsets.intake import Coming, number_of, phones_in, what_comes_in
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop

NEW = "004401551550136"
SAME_MODEL = "004401231000148"  # begins as the first phone in stock does


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def told(till: Till, *numbers: str) -> list[Coming]:
    with till.shop.reading() as ctx:
        return what_comes_in(ctx, numbers)


def test_each_number_is_answered_in_its_place(till: Till) -> None:
    bad, here, new, alike = told(till, "004401551550137", IMEIS[0], NEW, SAME_MODEL)
    assert bad.number is None and bad.fault is not None and "wrong digit" in bad.fault
    assert here.fault is not None and "already in stock as “Tecno Spark 40”" in here.fault
    assert (new.number, new.fault, new.product_id) == (NEW, None, None)
    assert (alike.fault, alike.product_id, alike.product_name) == (None, till.phone, "Tecno Spark 40")


def test_an_announced_phone_and_one_that_was_here_before_are_known(till: Till) -> None:
    till.shop.do("handsets.expect", product_id=till.phone, imei1=NEW)
    till.sell({"device_id": till.units[0]})
    coming, back = told(till, NEW, IMEIS[0])
    assert (coming.note, coming.product_id, coming.fault) == ("It was announced.", till.phone, None)
    assert (back.note, back.product_id, back.fault) == ("It was here before.", till.phone, None)


def test_a_blocked_number_is_said_before_it_is_received(till: Till) -> None:
    till.shop.do("usedphones.block_number", number=NEW, reason="reported stolen")
    (found,) = told(till, NEW)
    assert found.fault is not None and "is blocked: reported stolen" in found.fault


def test_what_was_mended_in_a_number_is_told(till: Till) -> None:
    (short,) = told(till, NEW[:14])
    assert short.number == NEW and short.note is not None and "check digit" in short.note
    assert number_of(f" {NEW[:8]}-{NEW[8:]} ") == NEW and number_of("12") is None


def test_a_line_names_one_phone_with_one_or_two_numbers() -> None:
    phones, faults = phones_in(f"{NEW} 004401551550144\n\n {IMEIS[0][:8]} {IMEIS[0][8:]} \nR58N12ABCDE\n")
    assert faults == []
    assert phones == [
        {"imei1": NEW, "imei2": "004401551550144"}, {"imei1": f"{IMEIS[0][:8]} {IMEIS[0][8:]}"},
        {"serial": "R58N12ABCDE"},
    ]  # fmt: skip


def test_every_wrong_line_is_named() -> None:
    phones, faults = phones_in(f"{NEW}\n12345\n{NEW}")
    assert [fault.partition(":")[0] for fault in faults] == ["Line 2", "Line 3"]
    assert "stands on line 1 already" in faults[1] and len(phones) == 3
