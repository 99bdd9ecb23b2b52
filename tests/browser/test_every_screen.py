"""Every screen at a phone's, a tablet's and a desk's width, by day and by night: nothing is cut off sideways, and the
rules of accessibility that can be counted hold. What a page complains about in its console fails the test, too.

A page is loaded once and then resized; most of the time goes into counting.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import TOO_LOW, WIDTHS, go, look
from tests.browser.till import Till
from tests.browser.town import AISHA, DISPUTED, GRACE, IVAN, PHONE, SARAH, Town

HOME = Path(__file__).parents[2]
CATALOGUE = HOME / "shopnode/domain/demo_data/catalogue.csv"
SCANNED = "004401551550177"  # a phone that nobody has
NOWHERE = "01900000-0000-7000-8000-000000000001"
OpenTill = Callable[..., Till]


def test_the_doors(open_page: OpenPage, town: Town) -> None:
    """Signing in, being refused, and switching person by PIN."""
    wrong = look(open_page(None, town.hub.address), "portal login")
    page = open_page(None, town.node.address)
    wrong += look(page, "login")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#f-who")).to_have_attribute("aria-invalid", "true")
    wrong += look(page, "login refused")
    page.locator("#f-who").fill(AISHA.who)
    page.locator("#f-password").fill(AISHA.password)
    page.get_by_label("Remember this browser").check()
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("summary.who")).to_be_visible()
    page.context.clear_cookies(name="session")
    expect(go(page, "/login").get_by_placeholder("PIN")).to_be_visible()
    wrong += look(page, "remembered")
    known = open_page(GRACE, town.node.address)
    wrong += look(go(known, "/pin"), "PIN")
    assert wrong == []


# Before the owner imports a catalogue in the shop: her later word settles the dispute about the price.
AUDIT = ["/audit-logs?period=all", "/audit-chains", "/fraud-signals"]
INBOXES = [f"/conflicts?inbox={inbox}" for inbox in ("exceptions", "technical", "automatic")]


@pytest.mark.parametrize("path", ["/", "/sales", "/prices", "/conflicts", *INBOXES, "/nodes", "/days", *AUDIT])
def test_the_portal(open_page: OpenPage, town: Town, path: str) -> None:
    assert look(open_page(SARAH, town.hub.address, path), f"portal {path}") == []


def test_the_portals_details(portal: Page) -> None:
    """A sale with its history, a price to change, two values to choose from."""
    wrong: list[str] = []
    go(portal, "/conflicts")
    expect(portal.locator(".conflict")).to_contain_text(DISPUTED)
    go(portal, "/conflicts?inbox=exceptions")
    expect(portal.locator(".note")).to_contain_text("Two products carry the SKU SIM-1.")
    go(portal, "/conflicts?inbox=automatic")
    expect(portal.locator(".note")).to_contain_text(DISPUTED)
    go(portal, "/").locator("#live a").first.click()
    expect(portal.locator(".detail")).to_be_visible()
    wrong += look(portal, "portal sale")
    go(portal, "/prices").locator("button.price").first.click()
    expect(portal.locator("#f-price_minor")).to_be_visible()
    wrong += look(portal, "portal price")
    assert wrong == []


def test_the_counter(open_till: OpenTill, town: Town) -> None:
    """From a closed drawer to the receipt, with every sheet that opens on the way."""
    till = open_till(AISHA)
    till.close_drawer()
    page, wrong = till.page, look(till.page, "drawer to open")
    till.open_drawer()
    wrong += look(page, "sell empty")
    till.find("tecno")
    wrong += look(page, "sell search")
    till.find("usb-c cab", "USB-C cable").click()
    expect(till.lines).to_have_count(1)
    till.scan(town.imeis[2])
    expect(till.lines.filter(has_text=PHONE)).to_have_count(1)
    wrong += look(page, "sell full")
    till.begin_payment()
    wrong += look(page, "payment")
    till.pay("MTN MoMo", "100000", "MP-LOOK-1")
    wrong += look(page, "payment split")
    till.pay("Cash", "700000")
    till.complete()
    expect(till.panel.locator("#print-state")).to_contain_text("Receipt printed")
    wrong += look(page, "done")
    page.locator("#link summary").click()
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        # Nothing lies over the menu, whatever is going on below it.
        page.locator("#link-words b").last.click(trial=True)
    assert wrong == []


def test_the_sheets_of_the_counter(open_till: OpenTill, town: Town) -> None:
    """Discount, customer, a line of one's own, and a second person's approval."""
    ivan = open_till(IVAN)
    ivan.scan(town.imeis[3])
    expect(ivan.lines).to_have_count(1)
    page, wrong = ivan.page, []
    for button in ("Customer", "Something not in the list", "Discount"):
        page.get_by_role("button", name=button).click()
        expect(ivan.sheet.locator(".sheet-body")).to_be_visible()
        wrong += look(page, button)
        page.keyboard.press("Escape")
    ivan.give_discount("200000", "")
    ivan.begin_payment()
    ivan.pay("Cash")
    ivan.complete_button.click()
    expect(ivan.sheet).to_contain_text("Ask for approval")
    wrong += look(page, "approval")
    assert wrong == []


def test_trading_in_planning_and_taking_back(open_till: OpenTill, town: Town) -> None:
    """What is done at the counter beside a plain sale."""
    ivan = open_till(IVAN)
    ivan.add("tempered gl", "Tempered glass plain")
    page, wrong = ivan.page, []
    for button, shown in (("Trade a phone in", "#f-imei1"), ("Layaway or instalments", "#f-deposit")):
        page.keyboard.press("F8")
        ivan.sheet.get_by_role("button", name=button).click()
        expect(ivan.sheet.locator(shown)).to_be_visible()
        wrong += look(page, button)
        page.keyboard.press("Escape")
    ivan.begin_payment()
    ivan.pay("Cash")
    number = ivan.complete()
    go(page, f"/returns?q={number}").locator("#found-sales a.hit").click()
    claim = page.get_by_role("link", name="Warranty claim").first.get_attribute("href") or ""
    page.locator("[id^=f-quantity_]").select_option("1")
    page.get_by_label("Why it comes back").fill("not wanted")
    expect(page.locator("#return-worth")).to_contain_text("The customer gets")
    wrong += look(page, "return")
    page.get_by_role("button", name="Take back and pay out").click()
    expect(page.locator(".done-mark")).to_be_visible()
    wrong += look(page, "returned")
    wrong += look(go(page, claim), "claim")
    assert wrong == []


def test_a_cart_of_many_lines_and_long_names(open_till: OpenTill) -> None:
    """As a wholesale customer makes it: the total and the next step stay in sight."""
    ivan = open_till(IVAN)
    name = "Refurbished handset of a customer with a very long name and a longer story " * 2
    for number in range(30):
        line: dict[str, Any] = {"item_name": f"{number} {name}", "unit_price_minor": "1250000", "quantity": "3"}
        line |= {"category": "Services", "cost_minor": "0"}
        headers = {"Origin": ivan.page.url.rpartition("/")[0], "HX-Request": "true"}
        answer = ivan.page.request.post("/sell/custom", form=line, headers=headers)
        assert answer.ok, answer.text()
    page = go(ivan.page, "/sell")
    expect(ivan.lines).to_have_count(30)

    wrong = look(page, "sell long")

    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        expect(page.get_by_role("button", name="Take payment")).to_be_in_viewport(ratio=1)
    assert wrong == []


def test_a_finger_hits_what_it_is_to_press(open_page: OpenPage, town: Town) -> None:
    """The counter on a phone, from the tile to the next sale."""
    size = {"width": 390, "height": WIDTHS[390]}
    page = open_page(IVAN, town.node.address, viewport=size, is_mobile=True, has_touch=True)
    till = Till(page)
    till.clear()
    wrong = page.evaluate(TOO_LOW)
    page.locator("#results .tile", has_text="Tempered glass plain").tap()
    expect(till.lines).to_have_count(1)
    wrong += page.evaluate(TOO_LOW)
    page.get_by_role("button", name="Take payment").tap()
    till.expect_step("pay")
    wrong += page.evaluate(TOO_LOW)
    page.get_by_role("button", name="Exact").tap()
    till.complete_button.tap()
    till.expect_step("done")
    wrong += page.evaluate(TOO_LOW)
    for path in ("/sales", "/products", "/drawer", "/profile", "/printers"):
        wrong += [f"{path} {words}" for words in go(page, path).evaluate(TOO_LOW)]
    assert wrong == []


@pytest.mark.parametrize(
    "path",
    [
        "/sales",
        "/products",
        "/printers",
        "/profile",
        "/account",
        "/account/second-proof",
        "/attendance",
        "/attendance/corrections",
        "/attendance/correct",
        "/commissions",
        "/drawer",
        "/transfers",
        "/transfers/load",
        "/labels",
        "/returns",
        "/sell/plans",
        "/repairs",
        "/repairs/new",
        "/repairs/waiting",
        "/closures",
        "/z-reports",
        "/cash-slips",
    ],
)
def test_the_shops_lists(open_page: OpenPage, town: Town, path: str) -> None:
    assert look(open_page(AISHA, town.node.address, path), path) == []


def test_the_owner_in_the_shop(open_page: OpenPage, town: Town, complaints: list[str]) -> None:
    """A product, old and new, an import and what it says, a printer to set up, an address that leads nowhere."""
    page = open_page(SARAH, town.node.address)
    wrong: list[str] = []
    go(page, "/products").locator("#products tr th a").first.click()
    expect(page.locator("#f-price_minor")).to_be_visible()
    wrong += look(page, "product")
    wrong += look(go(page, "/products/new"), "new product")
    wrong += look(go(page, "/approvals"), "approve by telephone")
    for path in ("/account/keys", "/commissions/rules", "/performance"):
        wrong += look(go(page, path), path)
    wrong += look(go(page, "/staff"), "staff")
    page.get_by_role("link", name="Aisha", exact=False).first.click()
    page.locator("summary", has_text="may").first.click()
    wrong += look(page, "a person of the staff")
    wrong += look(go(page, "/imports/products"), "import")
    page.locator("input[type=file]").set_input_files(CATALOGUE)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("catalogue.csv")
    wrong += look(page, "import result")
    go(page, "/printers").get_by_role("link", name="Change").click()
    expect(page.get_by_label("Address")).to_be_visible()
    wrong += look(page, "printer")
    wrong += look(go(page, "/sales?q=nobody+bought+this"), "no sale fits")
    wrong += look(go(page, f"/sales/{NOWHERE}"), "not found")
    # The browser's console says of this page what the page says itself.
    complaints[:] = [words for words in complaints if NOWHERE not in words]
    assert wrong == []


def test_a_sale_and_what_can_be_done_about_it(open_page: OpenPage, town: Town) -> None:
    """Its detail, and the sheets that correct, reverse and void it."""
    page = open_page(SARAH, town.node.address)
    go(page, "/sales?period=all").locator("tr.is-link a").first.click()
    expect(page.locator(".detail")).to_be_visible()
    wrong = look(page, "sale")
    for does in ("Correct the sale", "Reverse", "Void"):
        page.get_by_label("More", exact=True).click()
        page.locator(".menu-body").get_by_role("button", name=does).click()
        expect(page.locator("dialog[open] .sheet-body")).to_be_visible()
        wrong += look(page, does)
        page.keyboard.press("Escape")
    assert wrong == []


def give_up(page: Page) -> None:
    """Give up the count that is on the screen."""
    page.get_by_text("Give this count up").click()
    page.get_by_label("Why").fill("only to look at it")
    page.get_by_role("button", name="Give it up").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Given up")


def test_the_menus_of_the_frame(open_page: OpenPage, town: Town) -> None:
    """Who is signed in, the state of the shop, the keys, and the places that have no room on a phone."""
    page = go(open_page(AISHA, town.node.address), "/sales")
    wrong: list[str] = []
    for menu in ("#link summary", "summary.who"):
        page.locator(menu).click()
        wrong += look(page, menu)
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    wrong += look(page, "keys")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": WIDTHS[390]})
    page.get_by_role("button", name="More").click()
    expect(page.locator("#more")).to_be_visible()
    wrong += look(page, "more")
    assert wrong == []


def test_buying(open_page: OpenPage, town: Town) -> None:
    """A supplier, an order to them with goods found while typing, and a delivery that is taken in against it."""
    page = open_page(SARAH, town.node.address)
    go(page, "/suppliers/new").get_by_label("Name").fill("Simba Telecom")
    page.get_by_role("button", name="Add the supplier").click()
    page.get_by_role("link", name="New order").click()
    page.locator("#goods-search").press_sequentially("usb-c cab")
    page.locator("#goods-hits .hit").first.click()
    pieces = page.locator("#goods-lines").get_by_label("Pieces")
    expect(pieces).to_be_focused()
    pieces.fill("12")
    wrong = look(page, "new order")
    page.get_by_role("button", name="Order it now").click()
    page.get_by_role("link", name="Receive").click()
    expect(page.get_by_label("Good pieces")).to_have_value("12")
    wrong += look(page, "new delivery")
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Delivery KLA1-G")
    page.get_by_role("link", name="Order KLA1-P").click()
    wrong += look(page, "order")
    go(page, "/suppliers").get_by_role("link", name="Simba Telecom").click()
    wrong += look(page, "supplier")
    wrong += look(go(page, "/reorder"), "to order")
    assert wrong == []


def test_stock(open_page: OpenPage, town: Town) -> None:
    """Phones scanned in one after the other, a count from the first scan to its differences, and what moved."""
    page = open_page(SARAH, town.node.address)
    scan = go(page, "/phones/receive").locator("[data-scan-first]")
    for number in (SCANNED, SCANNED, "004401551550137"):
        scan.press_sequentially(number)
        scan.press("Enter")
    expect(page.locator("#scans > li")).to_have_count(2)
    expect(page.locator("#scans > .is-twice")).to_contain_text("Scanned twice; it counts once.")
    expect(page.locator("#scans > li").first).to_contain_text("has a wrong digit")
    wrong = look(page, "receive phones")
    page.reload(wait_until="domcontentloaded")
    page.get_by_role("button", name="Bring them back").click()
    expect(page.locator("#scans > li")).to_have_count(2)

    # The demo has begun to count the accessories; two counts of the same goods cannot run at once.
    go(page, "/stocktakes").locator("main tr th a").first.click()
    give_up(page)
    go(page, "/stocktakes").get_by_role("button", name="Begin to count").click()
    scan = page.locator("[data-scan-first]")
    for _ in range(2):
        scan.press_sequentially(town.imeis[3])
        scan.press("Enter")
    expect(page.locator("#found > .is-twice")).to_contain_text("it counts once")
    page.get_by_text("No barcode?").click()
    page.get_by_placeholder("Name", exact=True).press_sequentially("usb-c cab")
    page.locator("#count-hits .hit").first.click()
    expect(page.locator("#found .is-asked input[name=counted]")).to_be_focused()
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    expect(page.locator("#found .pieces").first).to_have_text("9")
    wrong += look(page, "count")
    page.get_by_role("button", name="Finish counting").click()
    expect(page.get_by_role("heading", name="Differences")).to_be_visible()
    wrong += look(page, "count to approve")
    give_up(page)
    for path in ("/movements", "/stock-value", "/transfers/new"):
        wrong += look(go(page, path), path)
    assert wrong == []
