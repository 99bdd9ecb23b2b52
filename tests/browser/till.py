"""The counter as a cashier's hands know it: where to type, what to press, what to wait for."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.town import Person

FLOAT = "100,000"


def sign_in(page: Page, person: Person) -> None:
    """Type telephone number or address and password, and wait to be let in."""
    page.locator("#f-who").fill(person.who)
    page.locator("#f-password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".frame")).to_be_visible()


class Till:
    """One browser at the counter."""

    def __init__(self, page: Page):
        self.page = page
        self.search: Locator = page.locator("#q")
        self.hits: Locator = page.locator("#results .hit")
        self.lines: Locator = page.locator("#cart .cart-line")
        self.panel: Locator = page.locator("#pay")
        self.sheet: Locator = page.locator("#sheet")
        self.link: Locator = page.locator("#link-marks")

    # ── before selling ──

    def open_drawer(self, opening: str = FLOAT) -> None:
        self.page.get_by_label("Float in the drawer").fill(opening)
        self.page.get_by_role("button", name="Open and start selling").click()
        self.expect_step("sell")

    def close_drawer(self) -> None:
        """As in the evening, whoever opened it; leaves the counter asking for the next float."""
        self.page.goto("/drawer", wait_until="domcontentloaded")
        count = self.page.get_by_label("Cash counted, float included")
        if count.count():
            count.fill("0")
            self.page.get_by_role("button", name="Close the drawer").click()
            expect(count).to_have_count(0)
        self.page.goto("/sell", wait_until="domcontentloaded")
        self.expect_step("drawer")

    def clear(self) -> None:
        """Whatever stood on the screen: an open drawer, an empty cart, ready to sell."""
        self.page.goto("/sell", wait_until="domcontentloaded")
        step = self.panel.get_attribute("data-step")
        if step == "drawer":
            self.open_drawer()
        elif step in ("pay", "done"):
            self.page.locator("[data-back]").first.click()
            self.expect_step("sell")
        if self.lines.count():
            self.page.get_by_role("button", name="Empty the cart").click()
            self.page.locator("[data-confirm-yes]").click()
            expect(self.lines).to_have_count(0)

    def expect_step(self, step: str) -> None:
        expect(self.panel).to_have_attribute("data-step", step)

    # ── filling the cart ──

    def find(self, text: str, name: str = "") -> Locator:
        """Type and wait for what is found, as a person does: Enter before that would scan the text."""
        self.search.fill("")
        expect(self.page.locator("#results .tiles")).to_be_visible()
        self.search.fill(text)
        first = self.page.locator("#results [data-hits] .hit").first
        expect(first).to_contain_text(name or text, ignore_case=True)
        return first

    def add(self, text: str, name: str = "") -> None:
        """Search and press Enter; the cart has one piece more."""
        before = self.pieces()
        self.find(text, name)
        self.search.press("Enter")
        expect(self.pieces_shown).to_contain_text(f"{before + 1} item")
        expect(self.lines.filter(has_text=name or text)).to_have_count(1)

    @property
    def pieces_shown(self) -> Locator:
        return self.panel.locator(".total-row small")

    def pieces(self) -> int:
        """How many pieces the cart holds, by the panel beside it."""
        return int(self.pieces_shown.inner_text().split()[0]) if self.pieces_shown.count() else 0

    def scan(self, code: str) -> None:
        """As a scanner does: all signs at once, Enter at their heels."""
        self.search.focus()
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Enter")

    def give_discount(self, amount: str, reason: str) -> None:
        self.page.get_by_role("button", name="Discount").click()
        self.sheet.get_by_label("Take off").fill(amount)
        self.sheet.get_by_label("Why").fill(reason)
        self.sheet.get_by_role("button", name="Take it off").click()
        expect(self.sheet).to_be_hidden()

    def cart(self) -> list[tuple[str, str]]:
        """What is in the cart, and what each line comes to."""
        names, amounts = self.lines.locator(".what b"), self.lines.locator(".amount")
        return list(zip(names.all_inner_texts(), amounts.all_inner_texts(), strict=True))

    # ── money ──

    def begin_payment(self) -> None:
        self.page.keyboard.press("F9")
        self.expect_step("pay")

    def pay(self, method: str, amount: str | None = None, reference: str | None = None) -> None:
        """Add one tender; the amount due where none is given."""
        tenders = self.panel.locator(".tenders li")
        before = tenders.count()
        self.panel.locator("label.method", has_text=method).click()
        if amount is not None:
            self.panel.locator("#amount").fill(amount)
        if reference is not None:
            self.panel.locator("#reference").fill(reference)
        self.panel.get_by_role("button", name="Add payment").click()
        expect(tenders).to_have_count(before + 1)

    @property
    def complete_button(self) -> Locator:
        return self.panel.get_by_role("button", name="Complete sale")

    def complete(self) -> str:
        """Book the sale; answers its number."""
        self.complete_button.click()
        return self.sold_number()

    def sold_number(self) -> str:
        """The number on the done screen, once it is there."""
        self.expect_step("done")
        return self.panel.locator(".done-mark .quiet").inner_text()

    def new_sale(self) -> None:
        self.page.keyboard.press("F9")
        self.expect_step("sell")

    def sell(self, text: str, name: str = "") -> str:
        """One thing for the exact cash; answers the sale's number."""
        self.add(text, name)
        self.begin_payment()
        self.pay("Cash")
        return self.complete()
