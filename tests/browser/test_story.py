"""The story: a sale from the counter to paper and to the owner, her price back to the counter; then what goes wrong.

Everything is looked at from outside: what screens say, what came out of the printer. Figures are added up here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

from PIL import Image
from playwright.sync_api import Error, Page, Route, expect

from shopnode.devices.fake_printer import FakePrinter
from shopnode.documents.escpos_preview import preview_png
from shopnode.documents.escpos_reader import Happening, Tape, read_escpos
from tests.browser.conftest import SLOW_MS, OpenPage
from tests.browser.till import Till
from tests.browser.town import AISHA, IVAN, PHONE, SARAH, Town

CABLE, GLASS = "USB-C cable", "Tempered glass plain"
PRICES = {CABLE: 8_000, GLASS: 5_000, PHONE: 640_000}
NEXT_POLL_MS = 30_000  # an open shop asks its hub at least every 15 s
OpenTill = Callable[..., Till]


def shown(minor: int) -> str:
    return f"{minor:,}"


def next_number(number: str, by: int = 1) -> str:
    """The receipt number that follows; numbers of one counter leave no gap, so it tells how many sales there were."""
    series, _, count = number.rpartition("-")
    return f"{series}-{int(count) + by:0{len(count)}d}"


def receipts(printer: FakePrinter) -> int:
    return len(printer.tapes())


def wait_for_receipt(printer: FakePrinter, after: int) -> Tape:
    """The receipt that follows, once its paper is cut."""
    ends_s = time.monotonic() + SLOW_MS / 1000
    while time.monotonic() < ends_s:
        printed = printer.tapes()
        if len(printed) > after and printed[after].happened(Happening.CUT):
            return printed[after]
        time.sleep(0.05)
    raise AssertionError("no receipt came out")


# ── the story ──


def test_one_sale_from_the_counter_to_the_owner_and_her_price_back(
    open_till: OpenTill, portal: Page, town: Town
) -> None:
    imei, before = town.imeis[0], receipts(town.printer)
    aisha = open_till(AISHA)
    aisha.close_drawer()
    aisha.open_drawer("150,000")
    portal.evaluate("window.neverReloaded = true")

    fill_the_cart(aisha, imei)
    total = 2 * PRICES[CABLE] + PRICES[GLASS] + PRICES[PHONE] - 6_000
    expect(aisha.panel.locator(".total-row b")).to_have_text(shown(total))
    number = pay_in_two_ways(aisha, total)

    expect(aisha.panel.locator(".change-due")).to_contain_text(shown(5_000))
    expect(aisha.panel.locator(".totals .net")).to_have_text(["MTN MoMo", "Cash"])
    expect(aisha.panel.locator("#print-state")).to_have_text("Receipt printed")
    check_the_paper(wait_for_receipt(town.printer, before), number, imei, total)
    check_the_picture(town.printer)
    the_owner_sees_it_arrive(portal, number, total)
    new_price = the_owner_changes_the_price(portal)
    the_counter_sells_at(aisha, new_price)
    expect(aisha.link).to_contain_text("All sent")


def fill_the_cart(till: Till, imei: str) -> None:
    """Accessories by typing and Enter, twice the same; a handset by its number; something off for a regular."""
    till.add("usb-c cab", CABLE)
    till.add("usb-c cab", CABLE)
    till.add("tempered gl", GLASS)
    expect(till.lines).to_have_count(2)
    expect(till.lines.filter(has_text=CABLE)).to_contain_text(shown(2 * PRICES[CABLE]))
    till.scan(imei)
    expect(till.lines.filter(has_text=PHONE)).to_contain_text(imei[-4:])
    till.give_discount("6000", "Regular customer")


def pay_in_two_ways(till: Till, total: int) -> str:
    """Part by mobile money with its reference, the rest in notes with change; answers the sale's number."""
    till.begin_payment()
    till.pay("MTN MoMo", "400000", "mp261122 0001")
    expect(till.panel.locator(".due:visible")).to_contain_text(shown(total - 400_000))
    till.pay("Cash", str(total - 400_000 + 5_000))
    expect(till.panel.locator(".due.is-change:visible")).to_contain_text(shown(5_000))
    return till.complete()


def check_the_paper(receipt: Tape, number: str, imei: str, total: int) -> None:
    """What the customer takes home."""
    paper = "\n".join(receipt.texts())
    for said in (
        "Kisakye Phones", number, CABLE, GLASS, PHONE, imei, shown(2 * PRICES[CABLE]), shown(PRICES[PHONE]),
        shown(total), "MTN", "MP2611220001", shown(400_000), shown(5_000), "Aisha",
    ):  # fmt: skip
        assert said in paper, f"{said} is missing on:\n{paper}"
    assert re.search(rf"(?i)change\s+{shown(5_000)}", paper)
    assert not receipt.happened(Happening.UNKNOWN) and not receipt.happened(Happening.WRAPPED)


def check_the_picture(printer: FakePrinter) -> None:
    """The same bytes as a picture: not empty, as wide as the paper. And cash opened the drawer, once for this sale."""
    job = next(job for job in reversed(printer.jobs) if read_escpos(job, printer.format).printed)
    with Image.open(BytesIO(preview_png(job, printer.format, 1))) as picture:
        assert picture.height > picture.width and picture.convert("L").getextrema()[0] < 80
    assert printer.drawer_kicks >= 1


def the_owner_sees_it_arrive(portal: Page, number: str, total: int) -> None:
    """In the list that stood open all the while; one tap away is what happened, from the journal."""
    newest = portal.locator("#live li").first
    expect(newest).to_contain_text(shown(total), timeout=NEXT_POLL_MS)
    assert portal.evaluate("window.neverReloaded") is True
    newest.get_by_role("link").click()
    expect(portal.get_by_role("heading", level=1)).to_contain_text(number)
    for said in ("MP2611220001", shown(total), PHONE):
        expect(portal.locator(".detail")).to_contain_text(said)
    expect(portal.locator(".timeline li").last).to_contain_text("Aisha")


def the_owner_changes_the_price(portal: Page) -> int:
    portal.get_by_role("link", name="Products").first.click()
    portal.locator("[data-search]").fill(CABLE)
    row = portal.locator("#products tr").filter(has=portal.get_by_role("link", name=CABLE, exact=True))
    row.locator("button.price").click()
    portal.locator("#sheet").get_by_label("Selling price").fill("9500")
    portal.get_by_role("button", name="Change the price", exact=True).click()
    expect(row.locator("button.price")).to_contain_text(shown(9_500))
    return 9_500


def the_counter_sells_at(till: Till, price: int) -> None:
    """As soon as the shop has heard of it; searching again shows the price in force."""
    till.new_sale()
    ends_s = time.monotonic() + NEXT_POLL_MS / 1000
    while shown(price) not in till.find("usb-c cab", CABLE).inner_text():
        assert time.monotonic() < ends_s, "the new price did not come to the counter"
        till.page.wait_for_timeout(300)
    till.search.press("Enter")
    expect(till.lines).to_contain_text([shown(price)])
    till.begin_payment()
    till.pay("Cash")
    till.complete()
    expect(till.panel.locator(".change-due")).to_contain_text(shown(price))


def test_a_scan_that_outruns_its_hits_leaves_none_behind(open_till: OpenTill, town: Town) -> None:
    ivan, held = open_till(IVAN), list[Route]()
    ivan.page.route("**/sell/search?q=0044*", lambda route: held.append(route))
    ivan.search.fill(town.imeis[1])
    ends_s = time.monotonic() + SLOW_MS / 1000
    while not held and time.monotonic() < ends_s:
        ivan.page.wait_for_timeout(50)
    ivan.search.press("Enter")
    expect(ivan.lines.filter(has_text=PHONE)).to_have_count(1)

    for late in held:
        with suppress(Error):  # the page may have given it up by now
            late.continue_()
    ivan.page.wait_for_timeout(500)

    expect(ivan.search).to_have_value("")
    expect(ivan.page.locator("#results .tiles")).to_be_visible()
    assert ivan.hits.count() == 0


# ── pressed twice ──


def test_a_double_click_sells_once(open_till: OpenTill, town: Town) -> None:
    ivan, before = open_till(IVAN), receipts(town.printer)
    ivan.add("tempered gl", GLASS)
    ivan.begin_payment()
    ivan.pay("Cash")

    ivan.complete_button.dblclick()

    number = ivan.sold_number()
    ivan.new_sale()
    assert ivan.sell("tempered gl", GLASS) == next_number(number)
    wait_for_receipt(town.printer, before + 1)
    assert receipts(town.printer) == before + 2


def test_two_tabs_sell_once(open_till: OpenTill) -> None:
    one = open_till(IVAN)
    one.add("tempered gl", GLASS)
    one.begin_payment()
    one.pay("Cash")
    other = Till(one.page.context.new_page())
    other.page.goto("/sell", wait_until="domcontentloaded")

    first, second = one.complete(), other.complete()

    assert first == second
    other.new_sale()
    assert other.sell("tempered gl", GLASS) == next_number(first)


# ── what fails ──


def test_without_the_hub_the_counter_sells_on_and_says_what_waits(open_till: OpenTill, town: Town) -> None:
    ivan = open_till(IVAN)
    expect(ivan.link).to_contain_text("All sent", timeout=NEXT_POLL_MS)
    town.hub.kill()

    ivan.sell("tempered gl", GLASS)

    expect(ivan.panel).to_contain_text("Sale saved")
    expect(ivan.link).to_have_text(re.compile(r"\b\d+ waiting since \d\d:\d\d"))
    town.hub.start()
    expect(ivan.link).to_contain_text("All sent", timeout=NEXT_POLL_MS)


def test_without_paper_the_done_screen_says_so_and_prints_when_there_is_some(open_till: OpenTill, town: Town) -> None:
    ivan, before = open_till(IVAN), receipts(town.printer)
    town.printer.paper = "out"

    number = ivan.sell("tempered gl", GLASS)

    state = ivan.panel.locator("#print-state")
    expect(state).to_contain_text("Not printed")
    expect(state).to_contain_text("out of paper")
    expect(state).to_contain_text("The sale is saved")
    town.printer.load_paper()
    state.get_by_role("button", name="Print").click()
    expect(state).to_contain_text("Receipt printed")
    assert number in "\n".join(wait_for_receipt(town.printer, before).texts())


def test_a_receipt_printed_again_says_that_it_is_a_copy(open_till: OpenTill, town: Town) -> None:
    ivan, before = open_till(IVAN), receipts(town.printer)
    number = ivan.sell("tempered gl", GLASS)
    state = ivan.panel.locator("#print-state")
    expect(state).to_have_text("Receipt printed")

    ivan.page.get_by_role("button", name="Print again").click()

    expect(state).to_contain_text("COPY 1")
    paper = wait_for_receipt(town.printer, before + 1).texts()
    assert number in "\n".join(paper) and any("COPY" in line for line in paper)


def test_the_cart_outlives_a_reload_and_a_power_cut(open_till: OpenTill, town: Town) -> None:
    ivan = open_till(IVAN)
    ivan.add("usb-c cab", CABLE)
    ivan.scan(town.imeis[1])
    expect(ivan.lines).to_have_count(2)
    before = ivan.cart()

    ivan.page.reload(wait_until="domcontentloaded")
    assert ivan.cart() == before
    ivan.begin_payment()
    ivan.pay("Airtel Money", "100000", "AT-77812")
    town.node.kill()
    expect(ivan.link).to_contain_text("No answer")
    town.node.start()
    ivan.page.reload(wait_until="domcontentloaded")

    assert ivan.cart() == before
    ivan.expect_step("pay")
    expect(ivan.panel.locator(".tenders")).to_contain_text("AT77812")


def test_the_owner_signs_in_where_her_staff_do(open_page: OpenPage, town: Town) -> None:
    """Her account came down with the enrolment."""
    sarah = open_page(SARAH, town.node.address)

    sarah.goto("/products", wait_until="domcontentloaded")

    expect(sarah.get_by_role("columnheader", name="Margin")).to_be_visible()
