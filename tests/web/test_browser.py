"""The story in a real browser: sell → printer → owner → price back to the counter; and what only a browser can show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect
from sqlalchemy import func, select

from cloudhub.hub import Hub
from shopnode.domain.sales.models import Sale
from tests.hub_server import running_hub
from tests.shop import PASSWORD, PHONES, PINS
from tests.web.goods import IMEIS
from tests.web.payloads import PAYLOADS
from tests.web.served import OWNER_EMAIL, OWNER_PASSWORD, Company, company

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
WIDTHS = {"phone": (390, 844), "tablet": (820, 1180), "desk": (1440, 900)}
WAIT_S = 20

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as opened:
        yield opened


@pytest.fixture(scope="module")
def kisura(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(hub, tmp_path_factory.mktemp("company")) as made:
        yield made


@pytest.fixture
def complaints() -> list[str]:
    """What browsers complained about: scripts that failed, and everything the content policy stopped."""
    return []


@pytest.fixture
def window(context: BrowserContext, complaints: list[str]) -> Callable[[str], Page]:
    """Opens a page at an address; its complaints are kept, and a dialog of its own is one."""

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "401" not in message.text and "403" not in message.text:
            complaints.append(message.text)

    def opened(address: str) -> Page:
        page = context.new_page()
        page.on("console", said)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.goto(address, wait_until="domcontentloaded")
        return page

    return opened


def sign_in(page: Page, name: str) -> None:
    page.fill("[name=who]", PHONES[name])
    page.fill("[name=password]", PASSWORD)
    page.click("button.btn-primary")
    page.wait_for_selector(".till", state="attached")


def at_the_counter(window: Callable[[str], Page], kisura: Company, name: str = "Aisha") -> Page:
    """Somebody at an open, empty counter."""
    page = window(kisura.shop_url + "/login")
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, name)
    if page.locator("#pay[data-step=drawer]").count():
        page.fill("#pay [name=opening_float_minor]", "100000")
        page.click("#pay button[type=submit]")
    if page.locator("#pay[data-step=done]").count():
        page.click("#pay [data-back]")
    page.wait_for_selector("#pay[data-step=sell]", state="attached")
    if page.get_attribute("#cart", "data-lines") != "0":
        page.click("[hx-post='/sell/clear']")
        page.click("[data-confirm-yes]")
        page.wait_for_selector("#cart[data-lines='0']")
    return page


def scan(page: Page, code: str) -> None:
    """What a scanner does: types fast, then Enter."""
    page.fill("#q", "")
    page.type("#q", code)
    page.keyboard.press("Enter")


def eventually(check: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WAIT_S
    while not check():
        assert time.monotonic() < until, f"{what} did not happen in {WAIT_S} s"
        time.sleep(0.05)


def count_sales(kisura: Company) -> int:
    with kisura.node.home.reading() as session:
        return int(session.scalar(select(func.count()).select_from(Sale)) or 0)


def test_one_sale_all_the_way_and_the_owners_price_back(
    window: Callable[[str], Page], kisura: Company, complaints: list[str]
) -> None:
    """Counter → printer → journal → hub → owner; then the owner's new price at the counter."""
    page = at_the_counter(window, kisura)
    scan(page, "6160000010004")
    page.wait_for_selector("#cart[data-lines='1']")
    scan(page, IMEIS[0])
    page.wait_for_selector("#cart[data-lines='2']")
    expect(page.locator("#pay .total-row b")).to_have_text("648,000")

    page.keyboard.press("F9")
    page.click("label.method:has([value=mtn_momo])")
    page.fill("[name=amount_minor]", "500000")
    page.fill("[name=reference]", "MP 1234-77")
    page.keyboard.press("Enter")
    expect(page.locator(".due b")).to_have_text("148,000")
    page.click("label.method:has([value=cash])")
    page.click("[data-note='150,000']")
    expect(page.locator(".due.is-change b")).to_have_text("2,000")
    page.keyboard.press("F9")
    expect(page.locator(".done-mark")).to_contain_text("Sale saved")
    number = page.locator(".done-mark .quiet").inner_text()
    expect(page.locator(".change-due")).to_contain_text("2,000")
    expect(page.locator("#print-state")).to_contain_text("Receipt printed", timeout=WAIT_S * 1000)

    eventually(lambda: len(kisura.printer.tapes()) >= 1, "the receipt")
    paper = "\n".join(kisura.printer.tapes()[-1].texts())
    assert number in paper and IMEIS[0] in paper.replace(" ", "") and "648,000" in paper and "2,000" in paper
    assert kisura.printer.drawer_kicks == 1
    expect(page.locator("#link-marks")).to_contain_text("All sent", timeout=WAIT_S * 1000)

    owner = window(kisura.hub_url + "/login")
    owner.fill("[name=who]", OWNER_EMAIL)
    owner.fill("[name=password]", OWNER_PASSWORD)
    owner.click("button.btn-primary")
    expect(owner.locator("#figures")).to_contain_text("648,000")
    expect(owner.locator("#live")).to_contain_text("USB-C cable")
    owner.locator("#live a").first.click()
    expect(owner.locator(".timeline").first).to_contain_text("Aisha sold it")

    owner.goto(kisura.hub_url + "/prices", wait_until="domcontentloaded")
    owner.click(f"#product-{kisura.cable} button.price")
    owner.fill("#sheet [name=price_minor]", "9500")
    owner.click("#sheet button.btn-primary")
    expect(owner.locator(f"#product-{kisura.cable}")).to_contain_text("9,500")

    kisura.node.sync.wake()
    page.click("#pay [data-back]")

    def sells_at_the_new_price() -> bool:
        page.goto(kisura.shop_url + "/sell", wait_until="domcontentloaded")
        return "9,500" in page.locator(".tiles").inner_text()

    eventually(sells_at_the_new_price, "the owner's price at the counter")
    scan(page, "6160000010004")
    expect(page.locator("#pay .total-row b")).to_have_text("9,500")
    assert not complaints


def test_a_sale_that_arrives_appears_by_itself(window: Callable[[str], Page], kisura: Company) -> None:
    owner = window(kisura.hub_url + "/login")
    owner.fill("[name=who]", OWNER_EMAIL)
    owner.fill("[name=password]", OWNER_PASSWORD)
    owner.click("button.btn-primary")
    owner.wait_for_selector("#live")
    page = at_the_counter(window, kisura)
    page.click(".tiles .tile")
    page.wait_for_selector("#cart[data-lines='1']")
    page.keyboard.press("F9")
    page.click("[data-note] >> nth=0")
    page.keyboard.press("F9")
    number = page.locator(".done-mark .quiet").inner_text()

    with kisura.node.home.reading() as session:
        sale_id = session.scalar(select(Sale.id).where(Sale.number == number))
    expect(owner.locator(f"#live a[href='/live/{sale_id}']")).to_be_visible(timeout=WAIT_S * 1000)


def test_two_tabs_and_a_double_click_are_one_sale(
    window: Callable[[str], Page], kisura: Company, complaints: list[str]
) -> None:
    page = at_the_counter(window, kisura)
    before = count_sales(kisura)
    page.click(".tiles .tile")
    page.wait_for_selector("#cart[data-lines='1']")
    page.keyboard.press("F9")
    page.click("[data-note] >> nth=0")
    page.wait_for_selector("form[hx-post='/sell/complete']")
    other = window(kisura.shop_url + "/sell")
    other.set_viewport_size({"width": 1440, "height": 900})

    page.dblclick("form[hx-post='/sell/complete'] button")
    other.click("form[hx-post='/sell/complete'] button")

    expect(page.locator(".done-mark")).to_be_visible()
    expect(other.locator(".done-mark")).to_be_visible()
    assert page.locator(".done-mark .quiet").inner_text() == other.locator(".done-mark .quiet").inner_text()
    other.go_back()
    assert count_sales(kisura) == before + 1
    assert not complaints


def test_a_lost_answer_is_asked_again_and_is_the_same_sale(window: Callable[[str], Page], kisura: Company) -> None:
    page = at_the_counter(window, kisura)
    before = count_sales(kisura)
    page.click(".tiles .tile")
    page.wait_for_selector("#cart[data-lines='1']")
    page.keyboard.press("F9")
    page.click("[data-note] >> nth=0")
    page.wait_for_selector("form[hx-post='/sell/complete']")
    lost: list[str] = []

    def lose(route, request) -> None:  # type: ignore[no-untyped-def]
        if not lost:
            lost.append(request.url)
            route.fetch()  # the server does its work
            route.abort()  # and nobody hears of it
        else:
            route.continue_()

    page.route("**/sell/complete", lose)
    page.click("form[hx-post='/sell/complete'] button")
    expect(page.locator("#toasts")).to_contain_text("never recorded twice")
    page.click("form[hx-post='/sell/complete'] button")

    expect(page.locator(".done-mark")).to_be_visible()
    assert count_sales(kisura) == before + 1


def test_a_printer_without_paper_says_so_and_prints_when_it_has_some(
    window: Callable[[str], Page], kisura: Company
) -> None:
    page = at_the_counter(window, kisura)
    kisura.printer.paper = "out"
    printed = len(kisura.printer.tapes())
    page.click(".tiles .tile")
    page.wait_for_selector("#cart[data-lines='1']")
    page.keyboard.press("F9")
    page.click("[data-note] >> nth=0")
    page.keyboard.press("F9")

    expect(page.locator("#print-state")).to_contain_text("Not printed", timeout=WAIT_S * 1000)
    expect(page.locator("#print-state")).to_contain_text("paper")
    expect(page.locator(".done-mark")).to_contain_text("Sale saved")
    kisura.printer.load_paper()
    page.click("#print-state button")

    expect(page.locator("#print-state")).to_contain_text("Receipt printed", timeout=WAIT_S * 1000)
    assert len(kisura.printer.tapes()) == printed + 1
    assert "COPY" not in "\n".join(kisura.printer.tapes()[-1].texts())


def test_a_second_person_approves_with_their_own_pin(window: Callable[[str], Page], kisura: Company) -> None:
    page = at_the_counter(window, kisura)
    scan(page, IMEIS[1])
    page.wait_for_selector("#cart[data-lines='1']")
    page.click(".cart-line .what")
    page.fill("#sheet [name=unit_price_minor]", "590000")
    page.click("#sheet button.btn-primary")
    expect(page.locator(".cart-line .cut")).to_contain_text("needs approval")
    page.keyboard.press("F9")
    page.click("[data-note] >> nth=0")
    page.keyboard.press("F9")
    page.wait_for_selector("#sheet[open]")
    page.fill("#sheet [name=approval_reason]", "old customer")
    page.click("#sheet label.person:has-text('Brian')")
    page.fill("#sheet [name=approver_pin]", PINS["Brian"])
    page.click("#sheet button.btn-primary")

    expect(page.locator(".done-mark")).to_contain_text("Sale saved")


def test_a_screen_is_handed_over_by_pin(window: Callable[[str], Page], kisura: Company) -> None:
    page = at_the_counter(window, kisura)
    page.click("details.menu summary.who")
    page.click("form[action='/lock'] button")
    page.click("label.person:has-text('Brian')")
    for digit in PINS["Brian"]:
        page.click(f"[data-keypad=pin] [data-key='{digit}']")
    page.click("button.btn-primary")

    expect(page.locator(".where")).to_contain_text("Brian")


def test_nothing_that_people_typed_ever_runs(
    window: Callable[[str], Page], kisura: Company, complaints: list[str]
) -> None:
    made = [
        kisura.do("products.create", name=text, category="Hostile", description=text, price_minor=1_000)["id"]
        for text in PAYLOADS
    ]
    for text in PAYLOADS:
        kisura.do("customers.create", name=text)
    page = at_the_counter(window, kisura)
    for path in ("/sell", "/products?category=Hostile", f"/products/{made[0]}", "/sales?period=all"):
        page.goto(kisura.shop_url + path, wait_until="domcontentloaded")
    page.goto(kisura.shop_url + "/sell", wait_until="domcontentloaded")
    page.click("button.chip:has-text('Hostile')")
    page.wait_for_selector(".tiles .tile >> nth=50")
    page.click("[data-key-f2]")
    page.wait_for_selector("#sheet[open]")
    page.keyboard.press("Escape")
    for text in PAYLOADS[:12]:
        page.fill("#q", text)
        page.wait_for_timeout(250)
    for product_id in made:
        kisura.do("products.archive", product_id=product_id)

    assert not complaints
    assert page.evaluate("document.querySelectorAll('#results script, #results img, #results iframe').length") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_screens_can_be_used_by_everybody(
    window: Callable[[str], Page], kisura: Company, width: str, theme: str, complaints: list[str]
) -> None:
    """axe finds nothing serious on any main screen, in either theme, at any of the three widths."""
    page = at_the_counter(window, kisura, "Brian")
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS[width], strict=True)))  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}
    sale = sale_path(page, kisura)
    for path in ("/sell", "/sales?period=all", sale, "/products", f"/products/{kisura.cable}", "/drawer", "/printers",
                 "/printers?edit=new", "/profile"):  # fmt: skip
        page.goto(kisura.shop_url + path, wait_until="domcontentloaded")
        page.wait_for_timeout(200)
        if serious := violations(page):
            found[path] = serious
    page.context.clear_cookies()
    page.goto(kisura.shop_url + "/login", wait_until="domcontentloaded")
    if serious := violations(page):
        found["/login"] = serious

    assert not found
    assert not complaints


def sale_path(page: Page, kisura: Company) -> str:
    page.goto(kisura.shop_url + "/sales?period=all", wait_until="domcontentloaded")
    return page.locator("tr.is-link a").first.get_attribute("href") or "/sales"


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        each["id"] + ": " + " ".join(each["nodes"][0]["html"].split())[:160]
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_portal_can_be_used_by_everybody(
    window: Callable[[str], Page], kisura: Company, width: str, complaints: list[str]
) -> None:
    page = window(kisura.hub_url + "/login")
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS[width], strict=True)))  # type: ignore[arg-type]
    found = {"/login": violations(page)}
    page.fill("[name=who]", OWNER_EMAIL)
    page.fill("[name=password]", OWNER_PASSWORD)
    page.click("button.btn-primary")
    page.wait_for_selector("#figures")
    for path in ("/", "/sales?period=all", "/prices", "/conflicts", "/nodes"):
        page.goto(kisura.hub_url + path, wait_until="domcontentloaded")
        found[path] = violations(page)

    assert not {path: serious for path, serious in found.items() if serious}
    assert not complaints
