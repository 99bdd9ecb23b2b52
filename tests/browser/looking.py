"""Looking at a screen: what is cut off sideways, too low for a finger, or against the rules of accessibility."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

HOME = Path(__file__).parents[2]
AXE = (HOME / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
WIDTHS = {390: 844, 820: 1180, 1440: 900}
THEMES: dict[Literal["light", "dark"], list[str]] = {
    "light": [],
    "dark": ["color-contrast"],
}  # what is counted, if not all
# Only what is wrong is asked for, and of that only what keeps somebody from working: what breaks another rule would be
# thrown away, so that rule is not counted. A theme changes colours and nothing else: by night they alone are counted.
COUNT = """async (only) => {
  const grave = ["serious", "critical"];
  const mild = axe._audit.rules.filter(({impact}) => !grave.includes(impact)).map(({id}) => [id, {enabled: false}]);
  if (!mild.length) throw new Error("axe no longer says how much its rules matter");
  const rules = only.length ? {runOnly: only} : {rules: Object.fromEntries(mild)};
  const found = await axe.run(document, {resultTypes: ["violations"], ...rules});
  return found.violations.filter(({impact}) => grave.includes(impact))
    .map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(" ")).slice(0, 5).join(", ")}`);
}"""
# An open dialog makes the page behind it inert; only what can be reached is measured.
TOO_WIDE = """(most) => {
  const wide = document.documentElement.scrollWidth;
  if (wide <= most) return [];
  return [`is ${wide} px wide`, ...[...document.querySelectorAll("body *")].filter((one) => {
    const box = one.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || box.right <= innerWidth + 1) return false;
    for (let outer = one.parentElement; outer; outer = outer.parentElement)
      if (getComputedStyle(outer).overflowX !== "visible") return false;
    return true;
  }).map((one) => `${one.tagName.toLowerCase()}.${one.className}`).slice(0, 5)];
}"""
# A finger needs 44 px; a link within a line of text is part of a row that can be pressed as a whole.
TOO_LOW = """() => {
  const pressed = "main :is(button, summary, select, input, .btn, label.method, label.check)";
  return [...document.querySelectorAll(pressed)].filter((one) => {
    const box = one.getBoundingClientRect(), within = one.closest("label.method input, label.check input, .sr-only");
    return one.checkVisibility() && !within && box.height > 1 && box.height < 43.5;
  }).map((one) => `${one.tagName.toLowerCase()}.${one.className}: ${one.innerText.trim()}`);
}"""


def look(page: Page, name: str) -> list[str]:
    """Everything wrong with this screen, at three widths and in both themes: the dark one at the width it is left at,
    because colours do not follow the width."""
    wrong: list[str] = []
    _bring_rules(page)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        found = [*page.evaluate(TOO_WIDE, width), *page.evaluate(COUNT, [])]
        wrong += [f"{name}, {width}: {words}" for words in found]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    wrong += [f"{name}, dark: {words}" for words in page.evaluate(COUNT, THEMES["dark"])]
    return wrong


def glance(page: Page, name: str) -> list[str]:
    """The same for a screen made of known parts: sideways at each width, by the rules once by day and once by night."""
    wrong: list[str] = []
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        wrong += [f"{name}, {width}: {words}" for words in page.evaluate(TOO_WIDE, width)]
    _bring_rules(page)
    for theme, rules in THEMES.items():
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        wrong += [f"{name}, {theme}: {words}" for words in page.evaluate(COUNT, rules)]
    return wrong


def _bring_rules(page: Page) -> None:
    """Half a megabyte, once for each page that was loaded."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)


def go(page: Page, path: str) -> Page:
    page.goto(path, wait_until="domcontentloaded")
    return page
