"""A shop that sells over a bad line: nothing lost, nothing twice, and the counter never waits for the hub.

`shopnode serve` and `cloudhub serve` are processes of their own; between them is a line that delays, narrows, cuts,
loses and lies. Judged from the tablet's own list of confirmed sales. Faults 6, 7, 9, 10 and 11 of the list of dangers.
`PHONESHOP_LONG=1` cuts at every byte.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from cloudhub.app import create_app
from cloudhub.doctor import check_hub
from cloudhub.hub import Hub
from shopnode.domain.actions import perform_many
from shopnode.domain.catalogue.models import Product
from shopnode.domain.sales.models import Sale
from shopnode.sync.transport import HttpTransport, LinkDown
from shopnode.sync.worker import SyncWorker
from tests.faults.bad_link import FAIR, FAR, NARROW, NO_REPLIES, SILENT, BadLink, Weather
from tests.faults.processes import HubProcess, ShopProcess, Tablet, wait_until
from tests.faults.shops import (
    PRICE,
    Business,
    Counter,
    found_business,
    judge,
    judge_hub,
    make_shop_folder,
    serving_here,
)
from tests.shop import PASSWORD

LONG = bool(os.environ.get("PHONESHOP_LONG"))
STEP_BYTES, PAUSE_S = (1, 0.06) if LONG else (41, 0.0)  # the hub lets a node ask twenty times a second
CUTS_TIMEOUT_S = 900 if LONG else 120
SLOW_CHECKOUT_S = 4  # what would hang on the line would take 10 s and more
EDITS, PAGE_TORN_BYTES = 150, 5_000
LOSSY = Weather(lost=1.0)  # every connection, somewhere in its first kilobytes
TORN = Weather(request_bytes=900)  # the head of a request and a part of its body


@dataclass
class Scene:
    """One business with one open shop, the line between it and the hub, and who else may be at its other end."""

    business: Business
    hub_port: int
    impostor_port: int
    portal_port: int
    link: BadLink
    shop: ShopProcess
    tablet: Tablet

    def sell(self, count: int) -> list[float]:
        """Sell as many single pieces; how long the checkouts took."""
        for _ in range(count):
            items = [{"product_id": self.business.product_id, "quantity": 1, "unit_price": PRICE}]
            self.tablet.sell(items, PRICE)
        return self.tablet.took_s[-count:]

    def at_hub(self) -> int:
        return self.business.count(Sale)

    def heal(self) -> None:
        self.link.change(FAIR, self.hub_port)

    def judge(self, *, pushing: bool = True) -> None:
        """Once everything is sent, what the tablet was told is at the hub, once.

        pushing  whether somebody types `shopnode sync --once`; else the shop finds by itself that the line is back
        """
        wait_until(lambda: self._all_sent(pushing), 60, "everything is sent")
        told = {sale.number: sale.total for sale in self.tablet.told.values()}
        judge_hub(self.business, told, sold=len(told))

    def _all_sent(self, pushing: bool) -> bool:
        if pushing:
            self.shop.command("sync")
        return self.shop.waiting() == 0


@pytest.fixture(scope="module")
def opened(hub_process: HubProcess, inside: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("far") / "shop"
    business = found_business(inside, "Faraway")
    impostor = Hub(inside.settings, inside.database)
    impostor.key = Ed25519PrivateKey.generate()
    with (
        BadLink(hub_process.port) as link,
        serving_here(create_app(impostor)) as impostor_port,
        serving_here(CaptivePortal()) as portal_port,
    ):
        phone = make_shop_folder(business, "KLA", link.url, folder)
        shop = ShopProcess(folder)
        scene = Scene(business, hub_process.port, impostor_port, portal_port, link, shop, Tablet(shop, phone, PASSWORD))
        scene.tablet.sign_in()
        yield scene
        books = scene.shop.command("doctor")
        scene.shop.stop()
    assert books["ok"], books
    assert check_hub(inside).ok


@pytest.fixture
def scene(opened: Scene) -> Iterator[Scene]:
    """The same shop in every test, each time on a good line at first."""
    yield opened
    opened.heal()


class CaptivePortal:
    """A hotel's network: it answers every second question with its page, and the others with the way there."""

    asked = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read()
        self.asked += 1
        page = b"<!doctype html><title>Welcome</title><p>Please accept our terms."
        head = [("Content-Type", "text/html"), ("Content-Length", str(len(page)))]
        if self.asked % 2:
            start_response("200 OK", head)
        else:
            start_response("302 Found", [*head, ("Location", "http://portal.hotel.example/login")])
        return [page]


@pytest.mark.parametrize("weather", [FAR, NARROW], ids=["300 ms", "8 kbit/s"])
def test_a_slow_line_gets_everything_through(scene: Scene, weather: Weather) -> None:
    """Without waiting for better weather."""
    scene.link.change(weather)
    scene.sell(3)
    scene.judge()


def test_a_line_that_loses_every_connection_gets_everything_through(scene: Scene) -> None:
    scene.link.change(LOSSY)
    tried = scene.link.connections
    for _ in range(10):
        scene.sell(1)
        scene.shop.command("sync")
    scene.judge()
    assert scene.link.connections - tried > 3


@pytest.mark.parametrize("weather", [NO_REPLIES, TORN], ids=["replies lost", "requests torn"])
def test_what_the_hub_did_not_confirm_is_sent_again(scene: Scene, weather: Weather) -> None:
    before = scene.at_hub()
    scene.link.change(weather)
    scene.sell(3)
    for _ in range(2):
        assert scene.shop.command("sync")["error"] == "sync-failed"
    assert scene.shop.waiting() == 3
    assert scene.at_hub() - before == (3 if weather is NO_REPLIES else 0)
    scene.heal()
    scene.judge()


@pytest.mark.parametrize("stranger", ["captive portal", "another hub's key"])
def test_a_strangers_answer_is_no_answer(scene: Scene, stranger: str) -> None:
    """A hotel's page with status 200, a redirect, and an answer that is right in everything but its signature."""
    scene.link.change(FAIR, scene.portal_port if stranger == "captive portal" else scene.impostor_port)
    scene.sell(3)
    for _ in range(3):
        assert scene.shop.command("sync")["error"] == "sync-failed"
    assert scene.shop.waiting() == 3
    assert scene.shop.command("status")["sync"]["state"] == "offline"
    scene.heal()
    scene.judge()


def test_the_counter_never_waits_for_the_hub(scene: Scene) -> None:
    """While the sync thread hangs on a line that says nothing, checkouts take what they take on a good line."""
    good = scene.sell(15)
    scene.judge()
    asked = scene.link.connections
    scene.link.change(SILENT)
    silent = scene.sell(3)
    wait_until(lambda: scene.link.connections > asked, 30, "the shop hangs on the line")
    silent += scene.sell(15)
    assert max(silent) < SLOW_CHECKOUT_S
    assert median(silent) < 3 * median(good) + 0.05
    scene.heal()
    scene.judge(pushing=False)


def test_the_plug_is_pulled_at_the_shop_while_replies_are_lost(scene: Scene) -> None:
    scene.link.change(NO_REPLIES)
    scene.sell(3)
    scene.shop.command("sync")
    scene.shop.kill()
    scene.tablet.shop = scene.shop = ShopProcess(scene.shop.data)
    scene.tablet.sign_in()
    scene.sell(1)
    scene.heal()
    scene.judge()


@pytest.fixture
def counter(inside: Hub, hub_process: HubProcess, tmp_path: Path) -> Iterator[tuple[Business, Counter, BadLink]]:
    """A shop's books in this process, behind a line of its own."""
    business = found_business(inside, tmp_path.name)
    with BadLink(hub_process.port) as link:
        made = business.counter(business.add_shop("KLA"), link.url, tmp_path / "shop.db")
        business.open_shop(made)
        yield business, made, link
        made.close()


@pytest.mark.timeout(CUTS_TIMEOUT_S)
def test_a_request_cut_at_any_byte_leaves_nothing_at_the_hub(counter: tuple[Business, Counter, BadLink]) -> None:
    business, shop, link = counter
    for _ in range(3):
        shop.sell(business.product_id)
    for length in count(0, STEP_BYTES):
        if _passes(shop, link, Weather(request_bytes=length)):
            break
        assert business.count(Sale) == 0
    assert length > 1_000
    judge(business, [shop], sold=3)


@pytest.mark.timeout(CUTS_TIMEOUT_S)
def test_a_reply_cut_at_any_byte_is_no_reply(counter: tuple[Business, Counter, BadLink]) -> None:
    business, shop, link = counter
    for _ in range(3):
        shop.sell(business.product_id)
    for length in count(0, STEP_BYTES):
        if _passes(shop, link, Weather(reply_bytes=length)):
            break
        assert shop.worker.status().waiting == 3
        assert business.count(Sale) == 3
    assert length > 500
    judge(business, [shop], sold=3)


def _passes(shop: Counter, link: BadLink, weather: Weather) -> bool:
    """Whether an exchange comes to its end in such weather."""
    link.change(weather)
    time.sleep(PAUSE_S)
    try:
        shop.worker.run_once()
    except LinkDown:
        return False
    return True


def test_a_page_that_the_line_cannot_carry_is_asked_for_in_parts(counter: tuple[Business, Counter, BadLink]) -> None:
    """Every connection breaks after a few kilobytes; what the owner changed still arrives, in smaller pages."""
    business, shop, link = counter
    edits = [{"product_id": business.product_id, "price_minor": PRICE + i} for i in range(1, EDITS + 1)]
    perform_many(business.portal(), [("products.update", edit, None) for edit in edits])
    shop.worker = SyncWorker(shop.home, transport=HttpTransport(link.url))
    assert not _passes(shop, link, Weather(reply_bytes=PAGE_TORN_BYTES))
    shop.worker.start()
    wait_until(lambda: _price(shop) == PRICE + EDITS, 60, "the last price")


def _price(shop: Counter) -> int:
    with shop.home.reading() as session:
        return session.scalars(select(Product.price_minor)).one()
