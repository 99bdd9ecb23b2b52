"""The look keeps its promises: contrast, one place for colours, icons that exist, templates that read, a small page.

Measured on the sources, so that a colour changed by eye is caught by number.
"""

import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment, FileSystemLoader

from shopnode.web.ui import words

HOME = Path(__file__).parents[2]
UI = HOME / "shopnode/web/ui"
TEMPLATES = [
    HOME / "cloudhub/portal/templates",
    *(HOME / f"shopnode/web/{home}/templates" for home in ("ui", "counter", "office")),
]
PAGES = sorted(file for folder in TEMPLATES for file in folder.rglob("*.html"))
SHEETS = sorted((UI / "assets/css").glob("*.css"))

INKS = ("ink", "ink-2", "ink-3", "accent-ink", "good-ink", "waiting-ink", "attention-ink", "refused-ink")
SURFACES = ("ground", "paper", "raised", "sunk", "hover")
MEANINGS = ("accent", "good", "waiting", "attention", "refused")
CONTRAST_TEXT = 4.5
CONTRAST_EDGE = 3.0
COUNTER_PAGE_BYTES_MAX = 30 * 1024  # the budget of the design is 75 KB; this is what we reached, with room


def declarations(block: str) -> dict[str, str]:
    return {name: value.strip() for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", block)}


def themes() -> dict[str, dict[str, str]]:
    """The custom properties of each theme; the dark ones stand on the light ones."""
    text = (UI / "assets/css/tokens.css").read_text()
    light = declarations(text[text.index(":root {") : text.index("@media (prefers-color-scheme")])
    wished = declarations(re.search(r":root:not\(\[data-theme=\"light\"\]\) \{(.*?)\n  \}", text, re.S)[1])
    chosen = declarations(re.search(r"\n:root\[data-theme=\"dark\"\] \{(.*?)\n\}", text, re.S)[1])
    return {"light": light, "wished": wished, "chosen": chosen, "dark": light | chosen}


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_every_surface(theme: str) -> None:
    token = themes()[theme]
    pairs = [(ink, surface) for ink in INKS for surface in SURFACES]
    pairs += [("ink", f"{meaning}-soft") for meaning in MEANINGS]
    pairs += [(f"{meaning}-ink", f"{meaning}-soft") for meaning in MEANINGS]
    pairs += [("on-accent", "accent"), ("on-accent", "accent-press")]

    faint = {pair: contrast(token[pair[0]], token[pair[1]]) for pair in pairs}

    assert {pair: ratio for pair, ratio in faint.items() if ratio < CONTRAST_TEXT} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_can_be_pressed_has_an_edge_that_can_be_seen(theme: str) -> None:
    token = themes()[theme]

    assert contrast(token["edge"], token["paper"]) >= CONTRAST_EDGE
    assert contrast(token["focus"], token["paper"]) >= CONTRAST_EDGE
    for number in range(1, 7):
        assert contrast(token[f"chart-{number}"], token["paper"]) >= CONTRAST_EDGE


def test_both_ways_into_the_dark_theme_say_the_same() -> None:
    assert themes()["wished"] == themes()["chosen"]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_only_the_tokens_name_colours(sheet: Path) -> None:
    if sheet.name == "tokens.css":
        return
    assert re.findall(r"#[0-9a-f]{3,8}\b(?=[;\s,)])", sheet.read_text(), re.I) == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_every_token_used_exists(sheet: Path) -> None:
    text = sheet.read_text()
    local = set(declarations(text))

    assert (
        set(re.findall(r"var\(--([\w-]+)", text))
        - set(themes()["light"])
        - local
        - {
            "fill",
            "text",
            "rim",
        }
        == set()
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_every_template_reads_and_says_what_it_needs(page: Path) -> None:
    source = page.read_text()

    Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).parse(source)

    assert source.startswith("{#"), "a template says on top what it is and what it needs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_htmx_needs_no_eval(page: Path) -> None:
    source = page.read_text()

    assert "hx-on" not in source
    assert not re.search(r'hx-(vals|headers)="?js:', source)
    assert not re.search(r'hx-trigger="[^"]*\[', source), "a filter in a trigger is evaluated"


def test_every_icon_named_is_in_the_sprite() -> None:
    lines = (UI / "assets/icons.txt").read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    sources = [page.read_text() for page in PAGES] + [(UI / "places.py").read_text()]
    quoted = {name for source in sources for name in re.findall(r'"([a-z][a-z0-9-]+)"', source)}
    named = {name for source in sources for name in re.findall(r'icon\("([\w-]+)"', source)}

    assert named - listed == set()
    assert listed - quoted == set(), "an icon nobody draws only makes the sprite heavier"


def test_the_counter_page_is_small() -> None:
    dist = UI / "static/dist"
    manifest = json.loads((dist / "manifest.json").read_text())
    entries = {manifest[name] for name in ("app.css", "app.js", "counter.js")}
    shared = {file.name for file in dist.glob("part-*.js")}

    weight = sum(len(gzip.compress((dist / name).read_bytes(), 9)) for name in entries | shared)

    assert weight <= COUNTER_PAGE_BYTES_MAX


NOW = datetime(2026, 11, 22, 11, 3, 22, tzinfo=UTC)
KAMPALA = words.Manner("UGX", ZoneInfo("Africa/Kampala"), NOW)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 22, 5, 2, tzinfo=UTC), "08:02"),
        (datetime(2026, 11, 21, 20, 59, tzinfo=UTC), "Yesterday 23:59"),
        (datetime(2026, 11, 21, 21, 1, tzinfo=UTC), "00:01"),  # today in Kampala, yesterday in UTC
        (datetime(2026, 11, 3, 9, 0, tzinfo=UTC), "3 Nov, 12:00"),
        (datetime(2025, 11, 3, 9, 0, tzinfo=UTC), "3 Nov 2025"),
        (1_763_800_000_000, "22 Nov 2025"),
    ],
)
def test_an_instant_is_said_as_short_as_it_stays_clear(at: words.Instant, said: str) -> None:
    assert words.moment(at, KAMPALA) == said


@pytest.mark.parametrize(
    ("on", "said"),
    [("2026-11-22", "Today"), ("2026-11-21", "Yesterday"), ("2026-11-20", "Fri 20 Nov"), ("2025-01-02", "2 Jan 2025")],
)
def test_a_day_is_said_in_words(on: str, said: str) -> None:
    assert words.day(on, KAMPALA) == said


@pytest.mark.parametrize(
    ("name", "letters"), [("Aisha Nakato", "AN"), ("Cher", "C"), ("Abdul Karim wa Kiggundu", "AK"), ("", "?")]
)
def test_initials(name: str, letters: str) -> None:
    assert words.initials(name) == letters
