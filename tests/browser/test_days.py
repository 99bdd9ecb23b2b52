"""Days, Z reports, an X and cash slips at every width and in both themes, and a decision taken by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import go, look
from tests.browser.town import SARAH, Town


@pytest.mark.parametrize("path", ["/z-reports", "/cash-slips?kind=bank_deposit"])
def test_a_z_report_and_a_deposit(open_page: OpenPage, town: Town, path: str) -> None:
    page = open_page(SARAH, town.node.address)
    go(page, path).locator("tr.is-link a").first.click()
    expect(page.locator("h1")).to_be_visible()
    assert look(page, path) == []


def test_an_x_report_from_the_drawer(open_page: OpenPage, town: Town) -> None:
    page = go(open_page(SARAH, town.node.address), "/drawer")
    opening = page.get_by_role("button", name="Open the drawer")
    if opening.is_visible():
        page.get_by_label("Float in the drawer").fill("50000")
        opening.click()
        page.wait_for_url("**/sell")
        go(page, "/drawer")
    page.get_by_role("link", name="X report").click()
    expect(page.locator("h1")).to_contain_text("X report")
    assert look(page, "X report") == []


def test_a_day_is_rejected_by_keyboard_only_with_a_reason(open_page: OpenPage, town: Town) -> None:
    page = go(open_page(SARAH, town.node.address), "/closures?state=waiting")
    page.locator("tr.is-link a").first.click()
    reject = page.get_by_role("button", name="Reject")
    reject.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#f-reason")).to_have_attribute("aria-invalid", "true")
    wrong = look(page, "a day refused")
    page.locator("#f-reason").fill("the card slips are missing")
    reject.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1 .badge")).to_have_text("Rejected")
    wrong += look(page, "a day rejected")
    assert wrong == []
