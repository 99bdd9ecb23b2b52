"""Beyond a plain sale: what a browser must keep or bring into view while a phone is traded in and goods come back."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.till import Till
from tests.browser.town import GRACE, IMEIS, IVAN, PHONE

OpenTill = Callable[..., Till]
BROUGHT = "356938035649921"


@pytest.fixture
def photo() -> dict[str, object]:
    made = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(made, "PNG")
    return {"name": "id.png", "mimeType": "image/png", "buffer": made.getvalue()}


def test_a_traded_in_phone_keeps_its_sellers_photos_while_a_second_person_approves(
    open_till: OpenTill, photo: dict[str, object]
) -> None:
    """The table has no value for it: a supervisor approves. On the way the sheet neither closes nor forgets."""
    ivan = open_till(IVAN)
    page, sheet = ivan.page, ivan.sheet
    ivan.scan(IMEIS[4])
    expect(ivan.lines).to_have_count(1)
    page.keyboard.press("F8")
    sheet.get_by_role("button", name="Trade a phone in").click()
    sheet.locator("#f-imei1").fill(BROUGHT)
    sheet.locator("#f-model").fill("tecno")  # the number is checked on the way, the sheet stays
    sheet.locator(".chip", has_text=PHONE).click()
    sheet.locator("#f-grade").select_option("B")
    expect(sheet.locator("#trade-value")).to_contain_text("no value")
    sheet.locator("#f-offer").fill("200000")
    for seen in ("locks_removed", "was_reset", "states_ownership"):
        sheet.locator(f"[name={seen}]").check()
    sheet.get_by_role("button", name="Put it into the sale").click()
    expect(page.locator(".brought")).to_contain_text("200,000")

    ivan.begin_payment()
    ivan.pay("Cash")
    ivan.panel.get_by_role("button", name="Write the agreement").click()
    sheet.locator("#f-seller_name").fill("Okello John")
    sheet.locator("#f-seller_phone").fill("0772555111")
    sheet.locator("#f-seller_id_number").fill("B1234567")
    sheet.locator("[name=seller_photos]").set_input_files(photo)  # type: ignore[arg-type]
    sheet.locator("[name=signed_on_paper]").check()
    sheet.get_by_role("button", name="Buy the phone").click()
    expect(sheet.locator("#f-approver_pin")).to_be_in_viewport()
    sheet.locator("#approval .person", has_text=GRACE.name.split()[0]).click()
    sheet.locator("#f-approver_pin").fill(GRACE.pin)
    sheet.get_by_role("button", name="Buy the phone").click()

    ivan.expect_step("done")
    expect(ivan.panel).to_contain_text("Trade-in")


def test_each_way_to_pay_brings_its_own_amount_and_fields(open_till: OpenTill) -> None:
    ivan = open_till(IVAN)
    ivan.add("tempered gl", "Tempered glass plain")
    ivan.begin_payment()
    due = ivan.panel.locator("#amount").input_value()
    ivan.panel.locator("#amount").fill("1")
    expect(ivan.panel.locator("#reference")).to_be_hidden()

    ivan.panel.locator("label.method", has_text="MTN MoMo").click()

    expect(ivan.panel.locator("#amount")).to_have_value(due)
    expect(ivan.panel.locator("#reference")).to_be_focused()
    ivan.panel.locator("label.method", has_text="On account").click()
    expect(ivan.panel.locator("#reference")).to_be_hidden()
    expect(ivan.panel).to_contain_text("Choose or add the customer first")
