"""Files sent as they are: CSV and workbooks of every kind, tried first, taken line by line or all or nothing."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook

from shopnode.api import imports
from shopnode.api.reading import FILE_MAX
from shopnode.documents.spreadsheets import XLSX_TYPE
from shopnode.domain.customers.models import Customer
from tests.api.client import Client, answer
from tests.shop import Shop

CSV = "text/csv"
PEOPLE = "Name;Telephone;Address\nOkello James;0772 123 456;Ntinda\nNaka\xef Joy;+256 701 987 654;\n"


def send(who: Client, kind: str, body: bytes | str, status: int = 200, media: str = CSV, **query: Any) -> Any:
    raw = body.encode() if isinstance(body, str) else body
    response = who.call("POST", f"/imports/{kind}", data=raw, content_type=media, query_string=query)
    return answer(response, status)


def workbook(*rows: list[Any]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def test_a_file_is_tried_first_then_taken_and_twice_changes_nothing(owner: Client, shop: Shop) -> None:
    tried = send(owner, "customers", PEOPLE, dry_run="true")
    assert (tried["dry_run"], tried["new"], shop.rows(Customer)) == (True, 2, [])
    done = send(owner, "customers", PEOPLE)
    assert [(line["line"], line["result"]) for line in done["lines"]] == [(2, "new"), (3, "new")]
    again = send(owner, "customers", PEOPLE)
    assert (again["unchanged"], again["new"], len(shop.rows(Customer))) == (2, 0, 2)


def test_a_file_in_windows_own_letters_is_read_as_it_was_written(owner: Client, shop: Shop) -> None:
    send(owner, "customers", PEOPLE.encode("cp1252"))
    assert "Nakaï Joy" in {row.name for row in shop.rows(Customer)}


def test_a_workbook_is_read_like_a_table_of_text(owner: Client, shop: Shop) -> None:
    file = workbook(["Name", "Phone"], ["Kato Traders", 256772123456], [], ["Joy", "0701 987 654"])
    told = send(owner, "customers", file, media=XLSX_TYPE)
    assert (told["new"], told["skipped"]) == (2, 1)
    assert {row.phone for row in shop.rows(Customer)} == {"+256772123456", "+256701987654"}


def test_one_wrong_line_and_nothing_is_taken_where_that_was_asked(owner: Client, shop: Shop) -> None:
    told = send(owner, "customers", PEOPLE + "Musa;07;\n", whole="true")
    assert (told["new"], told["wrong"], told["skipped"], shop.rows(Customer)) == (0, 1, 2, [])
    assert "all or nothing" in told["lines"][0]["says"][0]
    assert send(owner, "customers", PEOPLE + "Musa;07;\n")["new"] == 2


def test_catalogue_prices_phones_and_suppliers_come_the_same_way(owner: Client) -> None:
    goods = "name,sku,price,serialised\nTecno Spark 40,SPARK40,640000,yes\nCable,USBC,8000,no\n"
    assert send(owner, "products", goods)["new"] == 2
    assert send(owner, "prices", "sku,from,price\nUSBC,10,6500\n")["new"] == 1
    assert send(owner, "phones", "item,imei\nTecno Spark 40,356938035643809\n", source="Simba")["new"] == 1
    assert owner.get("/devices?imei=356938035643809")["items"][0]["source"] == "Simba"
    assert send(owner, "suppliers", "name,terms\nSimba Telecom,30\n")["new"] == 1
    assert send(owner, "valuations", "model,grade,we pay\nTecno Spark 40,B,300000\n")["new"] == 1


def bomb() -> bytes:
    """A workbook whose sheet unpacks to far more than it was sent as."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (64 * 1024 * 1024))
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"), (b"\x00\x01\x02\xff", "is not a table"), (b"a,b\n1,2\n", "has no column for: name"),
        (b"PK\x03\x04rubbish", "cannot be read as a workbook"), (b"\xd0\xcf\x11\xe0", "old Excel file"),
        (bomb(), "far too large once it is unpacked"),
    ],
    ids=["empty", "binary", "other columns", "broken workbook", "old workbook", "bomb"],
)  # fmt: skip
def test_a_file_that_is_no_such_table_is_refused_in_words(owner: Client, body: bytes, said: str) -> None:
    assert said in send(owner, "customers", body, 422)["fields"]["file"]


def test_only_tables_are_taken_and_only_so_large(owner: Client) -> None:
    send(owner, "customers", "{}", 415, media="application/json")
    send(owner, "customers", b"name\n" + b"x" * FILE_MAX, 413)
    send(owner, "customers", PEOPLE, 422, dry_run="perhaps")
    send(owner, "customers", PEOPLE, 422, source="Simba")


def test_whoever_may_not_write_the_records_imports_none(supervisor: Client, staff: Client) -> None:
    assert send(supervisor, "customers", PEOPLE)["new"] == 2
    for kind in ("products", "prices", "suppliers", "valuations"):
        send(supervisor, kind, PEOPLE, 403)
    send(staff, "customers", PEOPLE, 403)
    assert send(staff, "phones", "item,imei\nNokia,356938035643809\n")["wrong"] == 1


def test_every_line_is_counted_and_the_wrong_ones_are_listed_first(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LINES_MAX", 3)
    names = "".join(f"Customer {number}\n" for number in range(250))
    told = send(owner, "customers", f"name\n{names}Customer 7\n", dry_run="true")
    assert (told["new"], told["wrong"], len(told["lines"]), told["left_out"]) == (250, 1, 3, 248)
    assert [line["result"] for line in told["lines"]] == ["new", "new", "wrong"]


def test_a_list_that_was_taken_out_comes_back_as_what_it_is(owner: Client) -> None:
    """The quote that keeps a spreadsheet from calculating a name is no part of the name."""
    for name in ("-Glass", "+Plus cable", "=Equal", "@At", "Plain"):
        owner.post("/products", {"name": name, "category": "A", "selling_price": 8_000})
        owner.post("/customers", {"name": name})
    for kind in ("products", "customers"):
        text = owner.call("GET", f"/{kind}?format=csv").get_data()
        told = send(owner, kind, text)
        assert (told["unchanged"], told["new"], told["wrong"]) == (5, 0, 0), told["lines"]
