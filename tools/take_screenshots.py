"""Pictures for the README, of a demo that was started for them: `python -m tools.take_screenshots [FOLDER]`.

The demo's people and goods are drawn from a seed, so a new set shows the same shop; only the day differs.
"""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from shopnode.devices.fake_printer import FakePrinter
from shopnode.documents.escpos import PAPER_58
from shopnode.documents.escpos_preview import preview_png
from shopnode.documents.escpos_reader import read_escpos
from tools.run_demo import OWNER_EMAIL, OWNER_PASSWORD

HOME = Path(__file__).resolve().parent.parent
PICTURES = HOME / "docs" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
LAST_WORDS = "Ctrl-C stops all."
AT_A_DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 760}, "timezone_id": "Africa/Kampala"}
IN_HAND: dict[str, Any] = {**AT_A_DESK, "viewport": {"width": 390, "height": 760}, "is_mobile": True, "has_touch": True}
OWNER = (OWNER_EMAIL, OWNER_PASSWORD)
WAIT_MS = 30_000


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, running_demo(Path(data)) as places, a_browser() as browser:
        Photographer(browser, places, folder).take_all()


@contextmanager
def running_demo(data: Path) -> Iterator[dict[str, Any]]:
    """A fresh demo; given its addresses and logins."""
    # The database's own user must be able to walk to its folder.
    data.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.run_demo"], cwd=HOME, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PHONESHOP_DEMO_DATA": str(data)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if LAST_WORDS in line:
                break
        counter, portal = re.search(r"Counter\s+(\S+)/", said), re.search(r"portal\s+(\S+)/", said)
        if counter is None or portal is None:
            sys.exit(f"The demo did not come up:\n{said}")
        state = json.loads((data / "state.json").read_text())
        yield {**state, "counter": counter[1], "portal": portal[1]}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@contextmanager
def a_browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, [os.environ.get("CHROMIUM", ""), *BROWSERS])), None)
    if found is None:
        sys.exit("No Chromium found: run `make setup`, or name one in CHROMIUM.")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=BROWSER_FLAGS)


class Photographer:
    """Goes through the demo as its people do, and takes a picture where it is worth one."""

    def __init__(self, browser: Browser, places: dict[str, Any], folder: Path):
        self.browser, self.places, self.folder = browser, places, folder
        expect.set_options(timeout=WAIT_MS)

    def take_all(self) -> None:
        with FakePrinter(paper=PAPER_58) as printer:
            self.load_narrow_paper(printer)
            self.sell()
            receipt = next(job for job in printer.jobs if read_escpos(job, PAPER_58).printed)
            self.keep(preview_png(receipt, PAPER_58, 1), "receipt-58mm")
        self.look_from_afar()
        self.mend_and_close()

    def load_narrow_paper(self, printer: FakePrinter) -> None:
        """The owner gives the counter a printer of 58 mm."""
        page = self.sign_in(self.places["counter"], OWNER)
        page.goto("/printers")
        page.get_by_role("link", name="Change").click()
        page.get_by_label("Address").fill(printer.address)
        page.get_by_label("Characters in a line").select_option("32")
        page.get_by_role("button", name="Save the printer").click()
        expect(page.get_by_text("58 mm")).to_be_visible()
        page.context.close()

    def sell(self) -> None:
        till = self.sign_in(self.places["counter"], self.login("Aisha"))
        self.fill_cart(till)
        self.take(till, "counter-desk")
        in_hand = self.on_a_phone(till)
        self.take(in_hand, "counter-phone")
        self.pay(till)
        in_hand.reload(wait_until="domcontentloaded")
        self.take(in_hand, "done-phone")

    def look_from_afar(self) -> None:
        """The owner sees it arrive, and looks closer."""
        owner = self.sign_in(self.places["portal"], OWNER)
        newest = owner.locator("#live li").first
        expect(newest).to_contain_text("Tecno")
        self.take(owner, "portal-today")
        newest.get_by_role("link").click()
        expect(owner.locator(".timeline")).to_be_visible()
        self.take(owner, "sale-dark", theme="dark")

    def mend_and_close(self) -> None:
        """A repair on the bench, and the drawer of a day."""
        owner = self.sign_in(self.places["counter"], OWNER)
        owner.goto("/repairs", wait_until="domcontentloaded")
        owner.locator("tr", has_text="In progress").or_(owner.locator("tr", has_text="In Progress")).first.locator(
            "a"
        ).first.click()
        expect(owner.get_by_role("heading", name="What happened")).to_be_visible()
        self.take(owner, "repair-desk")
        owner.goto("/closures?state=all", wait_until="domcontentloaded")
        self.take(owner, "days-desk")

    def login(self, name: str) -> tuple[str, str]:
        found = next(login for login in self.places["logins"] if login["name"].startswith(name))
        return found["phone"], found["password"]

    def sign_in(self, address: str, login: tuple[str, str]) -> Page:
        context = self.browser.new_context(**AT_A_DESK, base_url=address)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.goto("/", wait_until="domcontentloaded")
        page.locator("#f-who").fill(login[0])
        page.locator("#f-password").fill(login[1])
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".frame")).to_be_visible()
        return page

    def on_a_phone(self, page: Page) -> Page:
        """The same person's counter, carried about in a hand."""
        context = self.browser.new_context(
            **IN_HAND, base_url=self.places["counter"], storage_state=page.context.storage_state()
        )
        phone = context.new_page()
        phone.goto("/sell", wait_until="domcontentloaded")
        return phone

    def fill_cart(self, page: Page) -> None:
        """A phone by its IMEI first, then what goes with it; something off for a regular."""
        page.locator("#q").fill("tecno spark")
        page.locator("#results .hit", has_text="in stock").first.click()
        page.locator("#sheet .hit").first.click()
        expect(page.locator(".cart-line")).to_have_count(1)
        for number, name in enumerate(("Tempered glass plain", "Silicone case", "Oraimo 18 W charger"), start=2):
            page.locator("#results .tile", has_text=name).click()
            expect(page.locator(".cart-line")).to_have_count(number)
        page.get_by_role("button", name="One more").first.click()
        expect(page.locator(".cart-line output").first).to_have_text("2")
        page.get_by_role("button", name="Discount").click()
        page.locator("#f-discount_minor").fill("10000")
        page.locator("#f-reason").fill("Regular customer")
        page.get_by_role("button", name="Take it off").click()
        expect(page.locator("#sheet")).to_be_hidden()

    def pay(self, page: Page) -> None:
        """Part by mobile money, the rest in notes."""
        page.keyboard.press("F9")
        page.locator("label.method", has_text="MTN MoMo").click()
        page.locator("#amount").fill("400000")
        page.locator("#reference").fill("MP261122.1408")
        page.get_by_role("button", name="Add payment").click()
        expect(page.locator(".tenders li")).to_have_count(1)
        page.locator("[data-note]").nth(1).click()
        page.get_by_role("button", name="Complete sale").click()
        expect(page.locator("#print-state")).to_contain_text("Receipt printed")

    def take(self, page: Page, name: str, theme: Literal["light", "dark"] = "light") -> None:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)
        self.keep(page.screenshot(), name)

    def keep(self, picture: bytes, name: str) -> None:
        with Image.open(io.BytesIO(picture)) as image:
            image.convert("RGB").save(self.folder / f"{name}.png", optimize=True)
        print(f"{name}.png  {(self.folder / f'{name}.png').stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
