"""One town for a whole run, and browsers in it that report whatever the console of a page complains about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, WebError, expect

from tests.browser.till import Till, sign_in
from tests.browser.town import SARAH, Person, Town, running_town

SLOW_MS = 20_000  # two cores may be busy with another test file
# A browser says so in its console when nobody answers, or an answer is a refusal; the page says it in words.
NETWORK = re.compile("|".join((
    r"net::ERR_", r"the server responded with a status of (403|409|422|503)", r"htmx:error: Failed to fetch",
)))  # fmt: skip
expect.set_options(timeout=SLOW_MS)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running_town(tmp_path_factory.mktemp("town")) as running:
        yield running


@pytest.fixture(scope="session")
def cookies() -> dict[tuple[str, str], Any]:
    """Who signed in where; each person types their password once in a run."""
    return {}


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What pages complained about: a broken rule of the content policy, an error of a script. None, in the end."""
    heard: list[str] = []
    yield heard
    assert heard == []


@pytest.fixture
def open_page(new_context: Any, complaints: list[str], cookies: dict[tuple[str, str], Any]) -> OpenPage:
    """A browser of its own for somebody, signed in, at their first screen or the one that is named."""

    def listen(context: BrowserContext) -> None:
        def said(message: ConsoleMessage) -> None:
            if message.type == "error" and not NETWORK.search(message.text):
                complaints.append(f"{message.text} ({message.location['url']})")

        def failed(error: WebError) -> None:
            complaints.append(str(error.error))

        context.on("console", said)
        context.on("weberror", failed)

    def open_as(person: Person | None, address: str, path: str = "/", **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1440, "height": 900})
        known = cookies.get((person.name, address)) if person else None
        context = new_context(base_url=address, storage_state=known, **options)
        context.set_default_timeout(SLOW_MS)
        listen(context)
        page: Page = context.new_page()
        page.goto(path if known else "/", wait_until="domcontentloaded")
        if person is not None and (known is None or "/login" in page.url):  # a test before this one signed them out
            sign_in(page, person)
            cookies[person.name, address] = context.storage_state()
            if path != "/":
                page.goto(path, wait_until="domcontentloaded")
        return page

    return open_as


@pytest.fixture
def open_till(open_page: OpenPage, town: Town) -> Callable[..., Till]:
    """Somebody at the counter, with an open drawer and nothing in the cart."""

    def open_as(person: Person, **options: Any) -> Till:
        till = Till(open_page(person, town.node.address, **options))
        till.clear()
        return till

    return open_as


@pytest.fixture
def portal(open_page: OpenPage, town: Town) -> Page:
    """The owner, at today's sales of all shops."""
    return open_page(SARAH, town.hub.address)


@pytest.fixture(autouse=True)
def everything_runs(town: Town) -> Iterator[None]:
    """Whatever a test broke works again for the next one."""
    yield
    town.printer.load_paper()
    for part in (town.hub, town.node):
        if not part.is_running:
            part.start()
