"""Phones taken in by scanning them, without an order: each scan a row, everything at once or nothing."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from shopnode.domain.handsets.models import Handset, StockUnit
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, words

SAME_MODEL = "004401231000148"  # begins as the Tecno in stock does
OTHER = "004401551550136"


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def row_of(answer: TestResponse) -> dict[str, str]:
    """The fields of the row that a scan answered."""
    text = answer.get_data(as_text=True)
    key = re.search(r'name="row" value="([0-9a-f-]{36})"', text)
    assert key, text
    fields = {"row": key[1]}
    for name in ("number", "model"):
        found = re.search(rf'name="{name}\.{key[1]}"[^>]*value="([^"]*)"', text)
        fields[f"{name}.{key[1]}"] = found[1] if found else ""
    return fields


def scanned(browser: Browser, number: str, **form: str) -> TestResponse:
    return browser.tap("/phones/receive/scan", scan=number, **form)


def test_a_scan_is_a_row_whose_model_follows_from_earlier_phones(aisha: Browser, till: Till) -> None:
    assert "Nothing yet" in words(aisha.get("/phones/receive"))
    known = row_of(scanned(aisha, SAME_MODEL))
    assert list(known.values())[1:] == [SAME_MODEL, "Tecno Spark 40"]
    assert list(row_of(scanned(aisha, OTHER)).values())[1:] == [OTHER, ""]


def test_a_number_scanned_twice_is_one_row_and_beeps(aisha: Browser, till: Till) -> None:
    first = row_of(scanned(aisha, OTHER))
    again = scanned(aisha, f" {OTHER} ", **first)
    text = again.get_data(as_text=True)
    assert row_of(again)["row"] == first["row"] and "data-beep" in text and "Scanned twice" in words(again)


def test_a_bad_number_is_said_beside_its_row_and_can_be_mended_there(aisha: Browser, till: Till) -> None:
    bad = scanned(aisha, "004401551550137")
    assert "has a wrong digit" in words(bad) and "data-beep" in bad.get_data(as_text=True)
    here = scanned(aisha, IMEIS[0])
    assert IMEIS[0] in words(here) and "data-beep" in here.get_data(as_text=True)

    good, wrong = row_of(scanned(aisha, OTHER)), row_of(bad)
    before = len(till.shop.rows(StockUnit))
    form = {**good, **wrong, "row": [good["row"], wrong["row"]], "model": "Tecno Spark 40", "colour": "Black"}
    answer = aisha.post("/phones/receive", **form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "has a wrong digit" in words(answer) and "nothing is lost" in words(answer)
    assert OTHER in text and "004401551550137" in text and 'value="Black"' in text
    assert len(till.shop.rows(StockUnit)) == before

    form[f"number.{wrong['row']}"] = "004401551550144"
    done = aisha.post("/phones/receive", **form)
    assert done.status_code == 200 and "2 phones are in stock" in words(done)
    assert len(till.shop.rows(StockUnit)) == before + 2


def test_what_is_set_for_all_holds_where_a_row_says_nothing(sarah: Browser, till: Till) -> None:
    supplier = till.shop.do("suppliers.create", name="Simba Telecom")["id"]
    one, two = row_of(scanned(sarah, SAME_MODEL)), row_of(scanned(sarah, OTHER))
    form = {**one, **two, "row": [one["row"], two["row"]], "model": "tecno spark 40", "condition": "used",
            "grade": "B", "cost": "300,000", "supplier_id": supplier, f"grade.{two['row']}": "A",
            f"cost.{two['row']}": "350,000"}  # fmt: skip
    assert sarah.post("/phones/receive", **form).status_code == 200
    numbers = {row.id: row.imei1 for row in till.shop.rows(Handset)}
    told = {numbers[unit.handset_id]: unit for unit in till.shop.rows(StockUnit)}
    assert [(told[imei].grade, told[imei].cost_minor) for imei in (SAME_MODEL, OTHER)] == [
        ("B", 300_000),
        ("A", 350_000),
    ]
    assert {told[imei].condition for imei in (SAME_MODEL, OTHER)} == {"used"}
    assert told[OTHER].supplier_id == supplier and told[OTHER].source == "Simba Telecom"


def test_used_phones_of_nobody_known_come_in_with_a_second_person(aisha: Browser, till: Till) -> None:
    one, two = row_of(scanned(aisha, SAME_MODEL)), row_of(scanned(aisha, OTHER))
    form = {**one, **two, "row": [one["row"], two["row"]], "model": "Tecno Spark 40", "condition": "used"}
    asked = aisha.post("/phones/receive", **form)
    assert asked.status_code == 403 and "Buy it as used, or ask" in words(asked)
    assert "Who approves" in words(asked) and len(till.shop.rows(StockUnit)) == 2
    brian = {"approver_id": till.shop.supervisor.id or "", "approver_pin": PINS["Brian"]}
    done = aisha.post("/phones/receive", **form, **brian)
    assert done.status_code == 200 and "2 phones are in stock" in words(done)


def test_pressed_twice_the_phones_come_in_once(aisha: Browser, till: Till) -> None:
    form = {**row_of(scanned(aisha, SAME_MODEL)), "action_id": action_id(aisha.get("/phones/receive"))}
    for _ in range(2):
        answer = aisha.post("/phones/receive", **form)
        assert answer.status_code == 200 and "1 phone is in stock" in words(answer)
    assert len(till.shop.rows(StockUnit)) == 3


def test_a_phone_of_no_known_model_is_asked_for_and_keeps_its_row(aisha: Browser, till: Till) -> None:
    row = row_of(scanned(aisha, OTHER))
    asked = aisha.post("/phones/receive", **row)
    assert asked.status_code == 422 and "Say which model it is" in words(asked)
    wrong = aisha.post("/phones/receive", **{**row, f"model.{row['row']}": "Tekno"})
    assert "No phone of this name is on sale" in words(wrong) and 'value="Tekno"' in wrong.get_data(as_text=True)
    assert "Scan the first phone" in words(aisha.post("/phones/receive"))


def test_scanning_works_without_scripts(aisha: Browser, till: Till) -> None:
    first = aisha.post("/phones/receive/scan", scan=SAME_MODEL)
    again = aisha.post("/phones/receive/scan", scan=OTHER, **row_of(first))
    text = again.get_data(as_text=True)
    assert SAME_MODEL in text and OTHER in text and text.count('name="row"') == 2


def test_an_announced_phone_is_known_when_it_comes(brian: Browser, till: Till) -> None:
    till.shop.do("handsets.expect", product_id=till.phone, imei1=OTHER)
    row = scanned(brian, OTHER)
    assert "It was announced" in words(row) and row_of(row)[f"model.{row_of(row)['row']}"] == "Tecno Spark 40"
    assert brian.post("/phones/receive", **row_of(row)).status_code == 200
