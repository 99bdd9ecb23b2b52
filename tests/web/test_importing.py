"""Importing on the screen: every kind by one form, checked first, all or nothing, told while a long file is taken."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shopnode.documents.workbooks import as_table
from shopnode.domain.customers.models import Customer
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.import_kinds import KINDS
from shopnode.web.office import importing
from tests.shop import Shop
from tests.web.conftest import HTMX, OURS, Browser, words

PEOPLE = "Name;Telephone\nOkello James;0772 123 456\nNaka\xefga Joy;+256 701 987 654\n"
DELIVERY = (
    "\ufeffITEM;IMEI 1;Landed cost (UGX);Qty;Remarks\r\n"
    "tecno  SPARK 40;356938035643809;UGX 520,000;1;box open\r\n"
    "Tecno Spark 40;35693803564381;520.000/=;1;14 digits\r\n"
    "TOTAL;;;2;\r\n"
)


def send(
    browser: Browser, kind: str, body: bytes | str, name: str = "list.csv", *, check: bool = False, **fields: str
) -> TestResponse:
    raw = body.encode() if isinstance(body, str) else body
    data: dict[str, Any] = {"file": (io.BytesIO(raw), name), **fields, **({"check": "true"} if check else {})}
    headers = HTMX if check else OURS
    return browser.client.post(f"/imports/{kind}", data=data, headers=headers, buffered=True)


def test_a_file_is_checked_in_place_and_nothing_is_changed(sarah: Browser, shop: Shop) -> None:
    answer = words(send(sarah, "customers", PEOPLE, check=True))

    assert "Nothing was changed yet" in answer and "New 2" in answer and "<html" not in answer
    assert shop.rows(Customer) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_customers_are_taken_in_any_encoding_and_twice_changes_nothing(
    sarah: Browser, shop: Shop, encoding: str
) -> None:
    assert "Every line was taken" in words(send(sarah, "customers", PEOPLE.encode(encoding)))
    assert {row.name for row in shop.rows(Customer)} == {"Okello James", "Nakaïga Joy"}
    entries = len(shop.entries())

    assert "As before 2" in words(send(sarah, "customers", PEOPLE.encode(encoding)))
    assert len(shop.entries()) == entries


def test_one_wrong_line_stops_the_file_only_where_that_was_asked(sarah: Browser, shop: Shop) -> None:
    whole = words(send(sarah, "customers", PEOPLE + "Musa;07\n", whole="true"))
    assert "Nothing was taken" in whole and "another line is wrong" in whole and "1 line is wrong" in whole
    assert shop.rows(Customer) == []

    some = words(send(sarah, "customers", PEOPLE + "Musa;07\n"))
    assert "1 line was not taken" in some and "is not a complete telephone number" in some
    assert len(shop.rows(Customer)) == 2


def test_a_suppliers_delivery_as_it_really_comes(aisha: Browser, shop: Shop) -> None:
    shop.do("products.create", name="Tecno Spark 40", category="Phones", price_minor=640_000, is_serialised=True)

    answer = words(send(aisha, "phones", DELIVERY, source="Kikuubo Traders"))

    assert "Every line was taken" in answer and "The total of 2 agrees with the lines" in answer
    assert {(row.source, row.cost_minor) for row in shop.rows(StockUnit)} == {("Kikuubo Traders", 520_000)}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("products", "name,price\nCable,8000\n"), ("suppliers", "name,terms\nSimba,30\n"),
        ("prices", "product,from,price\nUSB-C cable,10,6500\n"), ("valuations", "model,grade,offer\nTecno,B,100000\n"),
    ],
)  # fmt: skip
def test_every_kind_comes_by_the_same_form(sarah: Browser, shop: Shop, kind: str, body: str) -> None:
    shop.do("products.create", name="USB-C cable", category="Cables", price_minor=8_000)
    shop.do("products.create", name="Tecno", category="Phones", price_minor=400_000, is_serialised=True)

    answer = words(send(sarah, kind, body))

    assert "Every line was taken" in answer and "New 1" in answer


@pytest.mark.parametrize("kind", KINDS)
def test_the_template_of_every_kind_is_downloaded_in_both_forms(sarah: Browser, kind: str) -> None:
    titles, rows = KINDS[kind].template()
    text = sarah.get(f"/imports/{kind}/template.csv").data.decode("utf-8-sig")
    with as_table(io.BytesIO(sarah.get(f"/imports/{kind}/template.xlsx").data)) as table:
        assert table.read().decode().splitlines() == text.splitlines()
    assert text.splitlines()[0] == ",".join(titles) and len(text.splitlines()) == len(rows) + 1
    assert all(title in words(sarah.get(f"/imports/{kind}")) for title in titles)
    assert sarah.get(f"/imports/{kind}/template.exe").status_code == 404


def test_each_role_is_offered_what_it_may_import(aisha: Browser, brian: Browser, sarah: Browser) -> None:
    for who, kinds in ((aisha, ["phones"]), (brian, ["phones", "customers"]), (sarah, list(KINDS))):
        assert who.get("/imports").headers["Location"] == f"/imports/{kinds[0]}"
        for kind in KINDS:
            assert who.get(f"/imports/{kind}").status_code == (200 if kind in kinds else 403)
            assert (send(who, kind, b"x").status_code == 403) is (kind not in kinds)
            assert (who.get(f"/imports/{kind}/template.csv").status_code == 403) is (kind not in kinds)
    assert sarah.get("/imports/repairs").status_code == 404


@pytest.mark.parametrize("body", [b"", b"\x00\x01\xff", b"shoe,size\n1,2\n", b"PK\x03\x04" * 50, b"\xd0\xcf\x11\xe0"])
@pytest.mark.parametrize("check", [True, False])
def test_a_file_that_is_no_such_table_is_refused_and_the_form_stays(sarah: Browser, body: bytes, check: bool) -> None:
    answer = send(sarah, "phones", body, check=check, source="Kikuubo <Traders>")

    assert answer.status_code == 422
    if not check:
        assert "Nothing was imported" in words(answer) and "Kikuubo &lt;Traders&gt;" in answer.get_data(as_text=True)


def test_no_file_and_one_that_is_too_large_are_refused(sarah: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "choose a CSV or Excel file" in words(sarah.post("/imports/customers"))
    monkeypatch.setattr(importing, "FILE_MAX", 1_000)
    answer = send(sarah, "customers", "name\n" + "Joy\n" * 1_000)
    assert answer.status_code == 413 and "Split it" in words(answer)


def test_a_long_file_says_how_far_it_is_and_keeps_what_needs_a_person(
    sarah: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "TELL_EVERY_LINES", 100)
    monkeypatch.setattr(importing, "ROWS_SHOWN", 20)
    body = "name,phone\n" + "".join(f"Customer {number},\n" for number in range(300)) + "Musa,07\n"

    page = send(sarah, "customers", body).get_data(as_text=True)

    steps = re.findall(r'<progress max="302" value="(\d+)">', page)
    assert steps == ["0", "100", "200", "300"]
    assert page.index("Musa") < page.index("Customer 0<") and "281 more lines are not listed here" in page
    assert len(shop.rows(Customer)) == 300


def test_what_stops_a_file_on_its_way_is_said_on_the_page(
    sarah: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopnode.domain.importing.WHOLE_MAX", 1)

    assert "The import stopped" in words(send(sarah, "customers", PEOPLE, whole="true"))
    refused = send(sarah, "customers", PEOPLE, whole="true", check=True)

    assert shop.rows(Customer) == [] and refused.status_code == 200
