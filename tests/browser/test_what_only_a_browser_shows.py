"""A lost answer, a second person's PIN, a screen that changes hands, and hostile texts where they could run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.till import Till
from tests.browser.town import AISHA, GRACE, IVAN, SARAH, Town
from tests.web.payloads import PAYLOADS

OpenTill = Callable[..., Till]
HOSTILE = "Hostile"


def test_a_lost_answer_is_asked_again_and_is_the_same_sale(open_till: OpenTill) -> None:
    ivan = open_till(IVAN)
    ivan.add("tempered gl", "Tempered glass plain")
    ivan.begin_payment()
    ivan.pay("Cash")
    lost: list[str] = []

    def lose(route: Route, request: Request) -> None:
        if lost:
            route.continue_()
            return
        lost.append(request.url)
        route.fetch()  # the server does its work
        route.abort()  # and nobody hears of it

    ivan.page.route("**/sell/complete", lose)
    ivan.complete_button.click()
    expect(ivan.page.locator("#toasts")).to_contain_text("never recorded twice")
    number = ivan.complete()

    assert lost
    ivan.page.reload(wait_until="domcontentloaded")
    assert ivan.sold_number() == number
    ivan.new_sale()
    expect(ivan.lines).to_have_count(0)


def test_a_second_person_approves_with_their_own_pin(open_till: OpenTill) -> None:
    ivan = open_till(IVAN)
    ivan.add("tempered gl", "Tempered glass plain")
    ivan.lines.locator(".what").click()
    ivan.sheet.get_by_label("Price each").fill("3,500")
    ivan.sheet.get_by_role("button", name="Change the line").click()
    expect(ivan.lines).to_contain_text("needs approval")
    ivan.begin_payment()
    ivan.pay("Cash")
    ivan.complete_button.click()

    expect(ivan.sheet).to_contain_text(GRACE.name.split()[0])
    expect(ivan.sheet).not_to_contain_text(IVAN.name.split()[0])
    ivan.sheet.get_by_label("Why").fill("old customer")
    ivan.sheet.locator("label.person", has_text=GRACE.name.split()[0]).click()
    ivan.sheet.get_by_label("Their PIN").fill("0000")
    ivan.sheet.get_by_role("button", name="Approve").click()
    expect(ivan.sheet).to_contain_text("not right")
    ivan.sheet.get_by_label("Their PIN").fill(GRACE.pin)
    ivan.sheet.get_by_role("button", name="Approve").click()

    assert ivan.sold_number()
    expect(ivan.sheet).to_be_hidden()


def test_a_screen_changes_hands_by_pin_and_each_keeps_their_cart(open_page: OpenPage, town: Town) -> None:
    page = open_page(None, town.node.address)
    page.locator("#f-who").fill(AISHA.who)
    page.locator("#f-password").fill(AISHA.password)
    page.get_by_role("button", name="Sign in").click()
    aisha = Till(page)
    aisha.clear()
    aisha.add("usb-c cab", "USB-C cable")

    # No search is on its way any more that would come back to a locked screen.
    tiles = page.locator("#results .tile").first
    expect(tiles).to_be_visible()
    page.locator("summary.who").click()
    page.get_by_role("button", name="Lock, or switch person").click()
    page.locator("label.person", has_text=GRACE.name.split()[0]).click()
    for digit in GRACE.pin:
        page.locator(f"[data-key='{digit}']").click()
    page.get_by_role("button", name="Continue").click()

    expect(page.locator(".where")).to_contain_text(GRACE.name)
    expect(page.locator("#cart")).not_to_contain_text("USB-C cable")
    expect(tiles).to_be_visible()
    page.locator("summary.who").click()
    page.get_by_role("button", name="Lock, or switch person").click()
    page.locator("label.person", has_text=AISHA.name.split()[0]).click()
    page.locator("#pin").fill(AISHA.pin)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#cart")).to_contain_text("USB-C cable")


@pytest.fixture
def hostile_goods(open_page: OpenPage, town: Town) -> Iterator[Page]:
    """Sixty products whose names would run if anything ever took them for more than text; off the shelf afterwards."""
    sarah = open_page(SARAH, town.node.address)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["sku", "name", "category", "selling price"])
    table.writerows([f"H-{n}", name, HOSTILE, 1_000] for n, name in enumerate(PAYLOADS))
    file = {"name": "prices.csv", "mimeType": "text/csv", "buffer": text.getvalue().encode()}
    ours = {"Origin": town.node.address}
    answer = sarah.request.post("/imports/products", multipart={"file": file}, headers=ours)
    assert answer.ok and "Every line was taken" in answer.text()
    yield sarah
    listed = sarah.request.get(f"/products?category={HOSTILE}").text()
    more = re.search(r'hx-get="([^"]*cursor=[^"]*)"', listed)
    listed += sarah.request.get(more.group(1).replace("&amp;", "&")).text() if more else ""
    for product_id in set(re.findall(r'href="/products/([0-9a-f-]{36})"', listed)):
        assert sarah.request.post(f"/products/{product_id}/archive", headers=ours).ok


def test_nothing_that_people_typed_ever_runs(hostile_goods: Page, complaints: list[str]) -> None:
    """Not in a list, not as a tile, not as a hit, not in the cart, not on the receipt's screen."""
    page, dialogs = hostile_goods, []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in (f"/products?category={HOSTILE}", "/products?q=script", "/sales"):
        page.goto(path, wait_until="domcontentloaded")
    till = Till(page)
    till.clear()
    page.locator("button.chip", has_text=HOSTILE).click()
    expect(page.locator(".tiles .tile")).to_have_count(len(PAYLOADS))
    for position in (0, 7, 20, 41):
        page.locator(".tiles .tile").nth(position).click()
        expect(till.pieces_shown).to_be_visible()
    for name in PAYLOADS[:8]:
        till.search.fill(name)
        expect(page.locator("#results")).to_contain_text(name[:20])
    till.begin_payment()
    till.pay("Cash")
    till.complete()
    page.get_by_role("link", name="Open the sale").click()
    expect(page.locator("h1")).to_contain_text("KLA")

    assert (dialogs, complaints) == ([], [])
    assert page.locator("main script, main iframe, main img:not(.paper), main style, main base").count() == 0
