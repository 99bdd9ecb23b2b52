"""Every room of the office, filled by the demo, at three widths and in both themes; and for a finger."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import TOO_LOW, WIDTHS, glance, go
from tests.browser.town import SARAH, Town

# What a path leads to by its first row is looked at, too, and from there the history of that record.
LISTS = {
    "/customers": True, "/customers/owing": False, "/customers/new": False, "/expenses": True, "/expenses/plan": False,
    "/financiers": True, "/plans": True, "/price-lists": True, "/phones": True, "/suppliers": True, "/orders": True,
    "/deliveries": False, "/supplier-returns": True, "/stocktakes": False, "/transfers": False,
}  # fmt: skip
PAGES = (
    "/notices", "/settings", "/settings?group=notices", "/settings?group=money", "/settings?group=numbers", "/jobs",
    "/audit-logs?period=all", "/audit-chains", "/fraud-signals", "/exports", "/status/sending", "/products?show=low",
    "/customers?q=nobody",
)  # fmt: skip
WITH_HISTORY = ("/customers", "/expenses", "/plans", "/phones", "/suppliers", "/orders")


def test_the_rooms_of_the_office(open_page: OpenPage, town: Town) -> None:
    """Every list that the demo filled, the first record of each and its history, and what the house is run by."""
    page = open_page(SARAH, town.node.address)
    wrong: list[str] = []
    for path, opens in LISTS.items():
        wrong += glance(go(page, path), path)
        if opens:
            first = page.locator("main tbody th a").first.get_attribute("href") or ""
            wrong += glance(go(page, first), f"{path}: {first}")
        if path in WITH_HISTORY:
            page.locator("main a[href*='audit-logs?record=']").first.click()
            expect(page.get_by_role("heading", level=1)).to_have_text("History of a record")
            # What a phone came with is told of the purchase; its own history may be short.
            told = "main tbody tr, main .empty" if path == "/phones" else "main tbody tr"
            expect(page.locator(told)).not_to_have_count(0)
    for path in PAGES:
        wrong += glance(go(page, path), path)
    page.goto("/audit-logs?period=all", wait_until="domcontentloaded")
    page.locator("main tbody th a").first.click()
    wrong += glance(page, "an entry")
    assert wrong == []


def test_a_finger_finds_the_rooms_of_the_office(open_page: OpenPage, town: Town) -> None:
    """What is pressed there is as large as on the counter."""
    size = {"width": 390, "height": WIDTHS[390]}
    page = open_page(SARAH, town.node.address, viewport=size, is_mobile=True, has_touch=True)
    wrong: list[str] = []
    for path in (*LISTS, *PAGES):
        wrong += [f"{path} {words}" for words in go(page, path).evaluate(TOO_LOW)]
    assert wrong == []
