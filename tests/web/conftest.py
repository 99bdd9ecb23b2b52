"""A shop with its web application, for the test client: fixed cast, manual clock, no thread and no printer."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from shopnode.app import create_app
from shopnode.domain.context import Actor
from shopnode.sync.worker import SyncStatus
from tests.hub.world import PASSWORD as PORTAL_PASSWORD
from tests.hub.world import Node, World
from tests.shop import PASSWORD, PHONES, Shop, build_template, open_copy

OURS = {"Sec-Fetch-Site": "same-origin"}
HTMX = {**OURS, "HX-Request": "true"}


class QuietSync:
    """A link that says what a test wants."""

    def __init__(self) -> None:
        self.now = SyncStatus(0, None, "ok", "")

    def status(self) -> SyncStatus:
        return self.now


class BareNode:
    """What the pages need of a node, without its threads."""

    def __init__(self, shop: Shop):
        self.home = shop.home
        self.sync = QuietSync()
        self.said: list[str] = []

    def troubles(self) -> list[str]:
        return self.said


class Browser:
    """One person's browser: a cookie jar, our own page's headers, and the words of an answer."""

    def __init__(self, app: Flask):
        self.client: FlaskClient = app.test_client()

    def sign_in(self, name: str) -> TestResponse:
        return self.post("/login", who=PHONES[name], password=PASSWORD)

    def get(self, path: str, *, htmx: bool = False, **more: Any) -> TestResponse:
        return self.client.get(path, headers=HTMX if htmx else OURS, **more)

    def post(self, path: str, *, htmx: bool = False, **fields: Any) -> TestResponse:
        return self.client.post(path, data=fields, headers=HTMX if htmx else OURS)

    def tap(self, path: str, **fields: Any) -> TestResponse:
        """What htmx does."""
        return self.post(path, htmx=True, **fields)

    def upload(self, path: str, **fields: Any) -> TestResponse:
        """What htmx does with a form that has files."""
        return self.client.post(path, data=fields, headers=HTMX, content_type="multipart/form-data")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Actor]]:
    folder = tmp_path_factory.mktemp("web-template")
    return folder, build_template(folder)


@pytest.fixture
def shop(template: tuple[Path, dict[str, Actor]], tmp_path: Path) -> Iterator[Shop]:
    folder, people = template
    made, database = open_copy(folder, tmp_path, people)
    yield made
    database.close()


@pytest.fixture
def node(shop: Shop) -> BareNode:
    return BareNode(shop)


@pytest.fixture
def app(node: BareNode) -> Flask:
    return create_app(node)


@pytest.fixture
def visitor(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def aisha(app: Flask) -> Browser:
    made = Browser(app)
    made.sign_in("Aisha")
    return made


@pytest.fixture
def sarah(app: Flask) -> Browser:
    made = Browser(app)
    made.sign_in("Sarah")
    return made


@pytest.fixture
def brian(app: Flask) -> Browser:
    made = Browser(app)
    made.sign_in("Brian")
    return made


class Owner(Browser):
    """A browser at the portal."""

    def sign_in(self, email: str):  # type: ignore[no-untyped-def,override]
        return self.post("/login", who=email, password=PORTAL_PASSWORD)


@pytest.fixture
def joined(world: World) -> Node:
    """A shop's PC that is joined to the hub, its drawer open."""
    made = world.enrol("KLA")
    made.do("cash.open_drawer", opening_float=50_000)
    return made


@pytest.fixture
def owner(world: World) -> Owner:
    """Sarah at the portal of that hub."""
    made = Owner(world.app)
    assert made.sign_in("sarah@kisura.example").status_code == 303
    return made


def words(response: TestResponse) -> str:
    """The text of an answer, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.get_data(as_text=True)).split())


def photo(colour: str = "white", name: str = "photo.png") -> tuple[io.BytesIO, str]:
    """A file as a form sends it."""
    made = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(made, "PNG")
    made.seek(0)
    return made, name


def action_id(response: TestResponse) -> str:
    """The action id that a drawn form carries."""
    found = re.search(r'name="action_id" value="([0-9a-f-]{36})"', response.get_data(as_text=True))
    assert found, "the form carries no action id"
    return found.group(1)


def line_ids(browser: Browser) -> list[str]:
    """The ids of the lines in this person's cart, in order."""
    return re.findall(r'id="line-([0-9a-f-]{36})"', browser.get("/sell").get_data(as_text=True))
