"""Repairs in a browser: photos and a signature that outlive a refusal, each screen of a repair, and the public page."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import glance, go, look
from tests.browser.town import AISHA, SARAH, Town


def shot(colour: str) -> Any:
    made = io.BytesIO()
    Image.new("RGB", (2400, 1800), colour).save(made, "JPEG")
    return {"name": "shot.jpg", "mimeType": "image/jpeg", "buffer": made.getvalue()}


def sign(page: Page) -> None:
    pad = page.locator("[data-signature] canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 40, steps=6)
    page.mouse.up()


def test_photos_and_the_signature_of_an_intake_outlive_a_refusal(open_page: OpenPage, town: Town) -> None:
    """Two photos, one after the other, and one taken away; a wrong IMEI; then all of it stands on the ticket."""
    page = go(open_page(AISHA, town.node.address), "/repairs/new")
    page.get_by_label("Telephone number").fill("0772555222")
    page.get_by_label("Name").fill("Okello John")
    page.get_by_label("IMEI or serial number").fill("356938035643808")
    page.get_by_label("Brand").fill("Tecno")
    page.get_by_label("Model").fill("Spark 10")
    page.locator(".chip", has_text="Broken glass").click()
    for colour in ("navy", "tan", "teal"):
        page.locator("[name=photos]").set_input_files(shot(colour))
    expect(page.locator(".shots > li")).to_have_count(3)
    page.get_by_role("button", name="Take photo 2 away").click()
    expect(page.locator(".shots > li")).to_have_count(2)
    sign(page)
    expect(page.get_by_role("button", name="Sign again")).to_be_visible()
    wrong = look(page, "intake")

    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("Has a wrong digit")).to_be_visible()
    expect(page.locator(".shots > li")).to_have_count(2)
    page.get_by_label("IMEI or serial number").fill("356938035643809")
    page.get_by_role("button", name="Take it in").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("-J")
    expect(page.locator(".shots img")).to_have_count(3)
    expect(page.locator(".shots .is-signature")).to_have_count(1)
    expect(page.get_by_text("Broken glass").first).to_be_visible()
    assert wrong + look(page, "ticket") == []


def test_every_screen_of_a_repair(open_page: OpenPage, town: Town) -> None:
    slip_code = town.repair[4:]  # before it stand the signs of the shop
    page = go(open_page(SARAH, town.node.address), f"/repairs?q={slip_code}")
    wrong: list[str] = []
    page.locator("#repairs th a").click()
    page.get_by_text("A part that is not in stock").click()
    page.get_by_label("What it is", exact=True).fill("Battery")
    page.get_by_role("button", name="Put it on this repair").click()
    expect(page.get_by_text("Is needed.").first).to_be_visible()
    wrong += glance(page, "ticket refused")
    page.get_by_role("link", name="Put it right").click()
    expect(page.get_by_label("Model")).to_have_value("Spark 10")
    wrong += glance(page, "put right")
    page.go_back(wait_until="domcontentloaded")
    page.get_by_role("link", name="More that can be done").click()
    wrong += glance(page, "roads")
    page.get_by_role("link", name="Buy it from its owner").click()
    page.get_by_label("Its number").fill("B1234567")
    page.get_by_role("button", name="Buy it").click()
    expect(page.locator("#repair-buying .error").first).to_be_visible()
    wrong += glance(page, "buying")
    wrong += glance(go(page, "/repairs/transfers"), "between branches")
    assert wrong == []


def test_the_owner_looks_at_repairs_of_all_shops(portal: Page) -> None:
    wrong = look(go(portal, "/repairs"), "portal repairs")
    wrong += glance(go(portal, "/repairs?q=nobody"), "portal repairs, none")
    go(portal, "/repairs").locator("#repairs th a").first.click()
    expect(portal.get_by_role("heading", name="What happened")).to_be_visible()
    assert wrong + glance(portal, "portal repair") == []


def test_the_public_page_of_a_repair(open_page: OpenPage, town: Town, complaints: list[str]) -> None:
    """As whoever has the slip opens it on a phone, without signing in."""
    page = go(open_page(None, town.hub.address), f"/r/{town.repair}")
    expect(page.get_by_role("heading", level=1)).to_have_text("We have your device")
    wrong = look(page, "public page")
    go(page, "/r/ZZZZZZZZZZZZZZ")
    expect(page.get_by_role("heading", level=1)).to_have_text("No repair has this code")
    wrong += look(page, "no such code")
    complaints.clear()  # of a page that is not found the browser says so
    assert wrong == []
