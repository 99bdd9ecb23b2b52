"""Whatever people type is shown as text: in every field, on every page that shows it."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

import pytest

from tests.shop import Shop
from tests.web.conftest import Browser, line_ids
from tests.web.goods import Goods, begin_payment, stock_up
from tests.web.payloads import PAYLOADS

FORBIDDEN_TAGS = {"iframe", "object", "embed", "base", "style", "math", "template", "noscript", "video", "audio", "hx"}


ADDRESSES = {"href", "src", "action", "formaction", "data", "hx-get", "hx-post"}


class Inspector(HTMLParser):
    """Collects what no page of ours ever holds."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in FORBIDDEN_TAGS:
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not (known.get("src") or "").startswith("/static/dist/"):
            self.wrong.append(f"<script {known}>")
        if tag == "meta" and known.get("http-equiv"):
            self.wrong.append("<meta http-equiv>")
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith(("on", "hx-on")) or name in ("style", "srcdoc"):
                self.wrong.append(f"{tag} {name}")
            if name in ADDRESSES and not (text.startswith(("/", "#")) and not text.startswith("//")):
                self.wrong.append(f"{tag} {name}={value}")


def problems(text: str) -> list[str]:
    inspector = Inspector()
    inspector.feed(text)
    return inspector.wrong


def test_the_inspector_finds_each_of_these_where_nothing_is_escaped() -> None:
    harmless = {text for text in PAYLOADS if not problems(f'<p title="{text}">{text}</p>')}

    assert len(PAYLOADS) == 60 and len(set(PAYLOADS)) == 60
    assert len(harmless) < 22  # templates' and spreadsheets' languages, and what is escaped already


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


def test_every_text_is_shown_as_text_wherever_it_is_shown(sarah: Browser, shop: Shop, goods: Goods) -> None:
    first = None
    for text in PAYLOADS:
        product = shop.do(
            "products.create", name=text, category=text[:100], brand=text[:100], sku=text, description=text,
            price_minor=1_000, is_preloaded=True,
        )["id"]  # fmt: skip
        first = first or product
        buyer = shop.do("customers.create", name=text, notes=text, address=text)["id"]
        check(sarah, f"/customers/{buyer}", text)
        check(sarah, f"/products/{product}", text)
    sale = sell_everything(sarah)
    shop.do("sales.amend", sale_id=sale, reason=PAYLOADS[0], notes=PAYLOADS[3])
    shop.do("sales.reject", sale_id=sale, reason=PAYLOADS[6])
    shop.do("printing.save_printer", name=PAYLOADS[0], transport="tcp", address="192.168.1.9")
    for path in (
        "/sell", "/sell/customer", "/sell/parked", "/products", "/products?q=script", f"/sales/{sale}", "/sales",
        f"/sales/{sale}/amend", "/printers", "/printers?edit=new", f"/products/{first}", "/imports/products", "/drawer",
        "/customers", *(f"/customers/{buyer}/{part}" for part in ("edit", "merge", "erase", "account", "statement")),
    ):  # fmt: skip
        check(sarah, path)


def sell_everything(browser: Browser) -> str:
    """A sale of things named so, by a customer named so, paid with a reference named so."""
    for text in PAYLOADS[:12]:
        typed = {"item_name": text, "category": text[:100], "unit_price_minor": "1000", "cost_minor": "0"}
        answer = browser.tap("/sell/custom", **typed)
        assert not problems(answer.get_data(as_text=True))
    browser.tap("/sell/customer", name=PAYLOADS[16], phone="")
    browser.tap("/sell/discount", discount_minor="100", reason=PAYLOADS[14])
    for line_id in line_ids(browser)[:1]:
        check(browser, f"/sell/lines/{line_id}")
    browser.tap("/sell/park")
    check(browser, "/sell/parked")
    return sell_parked(browser)


def sell_parked(browser: Browser) -> str:
    import re

    (address,) = re.findall(r'hx-post="(/sell/resume/[^"]+)"', browser.get("/sell/parked").get_data(as_text=True))
    browser.tap(address)
    sale = begin_payment(browser, method="card", reference=PAYLOADS[0][:60])
    done = browser.tap("/sell/complete", action_id=sale)
    assert done.status_code == 200 and not problems(done.get_data(as_text=True))
    return sale


def check(browser: Browser, path: str, text: str = "") -> None:
    answer = browser.get(path)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200, path
    assert not problems(body), (path, problems(body))
    assert text in unescape(body), path


@pytest.mark.parametrize("text", PAYLOADS)
def test_what_is_sent_back_after_a_mistake_is_text(aisha: Browser, goods: Goods, text: str) -> None:
    answers = [
        aisha.get("/sell/search", htmx=True, query_string={"q": text}),
        aisha.tap("/sell/lines", q=text),
        aisha.tap("/sell/lines", product_id=goods.phone, imei=text),
        aisha.tap("/sell/custom", item_name=text, category=text, unit_price_minor=text, quantity=text),
        aisha.tap("/sell/customer", name="", phone=text),
        aisha.tap("/sell/discount", discount_minor=text, reason=text),
        aisha.tap("/sell/tenders", method=text, amount_minor=text, reference=text),
        aisha.get("/sales", query_string={"q": text, "method": text, "status": text, "period": text}),
        aisha.get("/products", query_string={"q": text, "category": text, "state": text, "sort": text}),
        aisha.get("/products", query_string={"cursor": text}),
        aisha.get("/" + text.replace("/", "").replace("?", "").replace("#", "")),
        aisha.post("/drawer/close", counted_minor=text),
        aisha.client.get("/login", query_string={"next": text}),
        aisha.post("/pin", staff_id=text, pin="0000") if text is PAYLOADS[0] else aisha.get("/pin"),
    ]
    for answer in answers:
        assert answer.status_code < 500, answer.request.path
        assert not problems(answer.get_data(as_text=True)), answer.request.path


def test_a_spreadsheet_never_takes_a_name_for_a_formula(sarah: Browser, shop: Shop) -> None:
    import csv
    import io

    for sign in ("=1+1", "+1", "-1", "@SUM(A1)", "  =1", '=HYPERLINK("//evil.example")'):
        shop.do("products.create", name=f"{sign} thing", category="x", price_minor=1_000)

    rows = list(csv.DictReader(io.StringIO(sarah.get("/products.csv").get_data(as_text=True).lstrip("\ufeff"))))

    names = [row["name"] for row in rows]
    assert len(names) == 6
    assert all(name.startswith("'") for name in names)
    assert {row["selling_price"] for row in rows} == {"1000"}
