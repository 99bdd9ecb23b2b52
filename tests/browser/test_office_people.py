"""The office's screens for customers, prices, financiers and files, at every width and in both themes."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.test_every_screen import CATALOGUE, go, look
from tests.browser.town import PHONE, SARAH, Town


def test_customers_and_their_money(open_page: OpenPage, town: Town) -> None:
    """A customer written down with a number that is read while it is typed, and every page that hangs on them."""
    page = go(open_page(SARAH, town.node.address), "/customers/new")
    page.get_by_label("Name").fill("Nakato Prossy")
    page.get_by_label("Telephone number").press_sequentially("0772123999")
    expect(page.locator("#number-words")).to_have_text("+256772123999 · MTN")
    wrong = look(page, "new customer")
    page.get_by_role("button", name="Add the customer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nakato Prossy")
    here = page.url.partition("?")[0]
    wrong += look(page, "customer")
    for part in ("merge", "erase", "account", "statement"):
        wrong += look(go(page, f"{here}/{part}"), part)
    for path in ("/customers", "/customers/owing", "/plans", "/exports"):
        wrong += look(go(page, path), path)
    assert wrong == []


def test_prices_and_files_of_the_office(open_page: OpenPage, town: Town) -> None:
    """A price list, a financier, and a file that is checked in place before it is taken."""
    page = go(open_page(SARAH, town.node.address), "/price-lists")
    page.get_by_label("Name").fill("Upcountry")
    page.get_by_role("button", name="Begin the list").click()
    page.get_by_label("Product").fill(PHONE)
    page.get_by_label("Price of one piece").fill("600000")
    page.get_by_role("button", name="Save the price").click()
    expect(page.locator(".list .sum").last).to_contain_text("600,000")
    wrong = look(page, "price list") + look(go(page, "/price-lists"), "price lists")
    go(page, "/financiers").get_by_label("Name").fill("Watu")
    page.get_by_role("button", name="Add the firm").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Watu")
    wrong += look(page, "financier")
    go(page, "/imports/customers").locator("input[type=file]").set_input_files(CATALOGUE)
    page.get_by_role("button", name="Check it first").click()
    expect(page.locator("#import-check")).to_contain_text("Nothing was changed yet")
    wrong += look(page, "import checked")
    assert wrong == []
