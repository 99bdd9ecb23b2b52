"""Labels and papers on the office's screens: what was scanned comes out, and nothing typed is lost on an error."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.printing.models import PrintJob
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop
from tests.web.conftest import Browser, words


@pytest.fixture
def till(shop: Shop) -> Till:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


def pages_of(answer) -> list[str]:  # type: ignore[no-untyped-def]
    assert (answer.status_code, answer.content_type) == (200, "application/pdf"), words(answer)
    return [page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages]


def test_what_was_scanned_is_listed_with_its_price_and_a_picture(aisha: Browser, till: Till) -> None:
    assert "Nothing is chosen yet" in words(aisha.get("/labels"))
    text = words(aisha.get("/labels", query_string={"codes": f"{IMEIS[0]}\n{IMEIS[1]}\n"}))

    assert all(imei in text for imei in IMEIS[:2]) and "640,000" in text and "The first of 2" in text
    picture = aisha.get("/labels.png", query_string={"codes": IMEIS[0], "size": "38x25"})
    assert picture.content_type == "image/png" and picture.data.startswith(b"\x89PNG")


def test_a_code_that_is_unknown_is_named_and_the_rest_is_still_there(aisha: Browser, till: Till) -> None:
    for path in ("/labels", "/labels.pdf"):
        answer = aisha.get(path, query_string={"codes": f"{IMEIS[0]}\n424242"})
        text = answer.get_data(as_text=True)
        assert "424242 is no barcode" in text and IMEIS[0] in text


def test_labels_come_as_pages_or_as_sheets(aisha: Browser, till: Till) -> None:
    asked = {"codes": f"{IMEIS[0]}\n{IMEIS[1]}", "copies": "2", "size": "38x25"}

    assert len(pages_of(aisha.get("/labels.pdf", query_string=asked))) == 4
    (sheet,) = pages_of(aisha.get("/labels.pdf", query_string={**asked, "layout": "sheet", "skip": "2"}))
    assert sheet.count("UGX 640,000") == 4


def test_several_of_one_product_are_asked_for_behind_its_code(aisha: Browser, sarah: Browser, till: Till) -> None:
    made = till.shop.do("products.create", name="Cable", category="Accessories", price_minor=8_000, sku="CAB-12")
    for line in ("CAB-12 × 3", "CAB-12 x3", "cab-12*3"):
        assert len(pages_of(aisha.get("/labels.pdf", query_string={"codes": line}))) == 3, line
    assert len(pages_of(aisha.get("/labels.pdf", query_string={"product_id": made["id"]}))) == 1


def test_labels_are_printed_once_and_the_screen_says_so(aisha: Browser, till: Till) -> None:
    till.shop.do("printing.save_printer", {"name": "Labels", "transport": "tcp", "address": "192.168.1.50"})
    form = {"codes": IMEIS[0], "size": "50x30", "paper": "labels", "action_id": till.shop.home.new_id()}
    answer = aisha.post("/labels/print", **form)
    again = aisha.post("/labels/print", **form)

    assert answer.status_code == again.status_code == 303
    assert "1 label is on the way to the printer" in words(aisha.get(answer.headers["Location"]))
    with till.shop.reading() as ctx:
        assert [job.payload is not None for job in ctx.session.scalars(select(PrintJob))] == [True]


def test_without_a_printer_the_pdf_is_offered(aisha: Browser, till: Till) -> None:
    assert "no printer yet" in words(aisha.get("/labels", query_string={"codes": IMEIS[0]}))
    refused = aisha.post("/labels/print", codes=IMEIS[0])
    assert refused.status_code == 409 and "take the PDF" in words(refused) and IMEIS[0] in words(refused)


def test_the_papers_of_a_sale_and_a_transfer_open_as_pdf(sarah: Browser, aisha: Browser, till: Till) -> None:
    sold = till.sell({"device_id": till.units[0]}).result
    (invoice,) = pages_of(sarah.get(f"/sales/{sold['sale_id']}/invoice.pdf"))
    assert sold["number"] in invoice and IMEIS[0] in invoice
    sent = till.shop.do("handsets.send", {"to_shop_id": ELSEWHERE, "unit_ids": [till.units[1]]})
    (manifest,) = pages_of(aisha.get(f"/transfers/{sent['transfer_id']}/manifest.pdf"))
    assert IMEIS[1] in manifest and "Jinja" in manifest
    assert aisha.get(f"/customers/{ELSEWHERE}/statement.pdf").status_code == 404
    assert aisha.get(f"/orders/{ELSEWHERE}/order.pdf").status_code == 403


def test_a_manifest_goes_to_the_printer(aisha: Browser, till: Till) -> None:
    sent = till.shop.do("handsets.send", {"to_shop_id": ELSEWHERE, "unit_ids": [till.units[1]]})
    till.shop.do("printing.save_printer", {"name": "Counter", "transport": "tcp", "address": "192.168.1.50"})

    assert "Print" in words(aisha.get(f"/transfers/{sent['transfer_id']}"))
    assert "On its way" in words(aisha.tap(f"/slips/transfer/{sent['transfer_id']}"))
    assert aisha.post(f"/slips/nothing/{sent['transfer_id']}").status_code == 422
    with till.shop.reading() as ctx:
        assert [job.subject_id for job in ctx.session.scalars(select(PrintJob))] == [sent["transfer_id"]]
