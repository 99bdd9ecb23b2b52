"""The bell: an owner's change is in the shop at once, and where the bell does not work polling does, silently."""

from __future__ import annotations

import threading
import time

import pytest

from cloudhub.bell import Bell, Ears, create_bell_app
from cloudhub.calls.hello import _hello
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.node import Installation
from shopnode.sync.bell import ABSENT_MS, CLOSED_LOOK_MS, BellListener, bell_address
from shopnode.sync.line import Refused, SignedLine, read_link
from shopnode.sync.transport import Answer, HttpTransport, LinkDown
from sync_protocol.bells import BELL, BELL_FULL_MS, BELL_WAIT_MS, BellAnswer, BellRequest
from sync_protocol.canonical import canonical
from sync_protocol.limits import POLL_LISTENING_MS, next_poll_ms
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.messages import decode, encode
from sync_protocol.problems import SlowDown
from tests.domain.till import open_till
from tests.sync.chain_of_shops import Line, found_company

DAY_MS = 24 * 3_600_000


@pytest.fixture
def ears(hub):
    made = Ears(hub, places=2)
    yield made
    made.stop()


@pytest.fixture
def branch(company):
    opened = company.open_branch("KLA")
    opened.till = open_till(opened.shop)
    opened.sync()
    return opened


def cursor(branch):
    with branch.shop.home.reading() as session:
        return session.query(Installation.seen).scalar()


class Waiting(threading.Thread):
    """Somebody of this shop at the bell."""

    def __init__(self, ears, company, branch, wait_ms=10_000):
        super().__init__(daemon=True)
        home = branch.shop.home
        streams = [TENANT_STREAM, shop_stream(home.shop_id)]
        self.asked = (company.tenant_id, home.origin_id, streams, cursor(branch), wait_ms)
        self.ears, self.answer, self.refused = ears, None, None
        self.start()

    def run(self):
        try:
            self.answer = self.ears.wait(*self.asked)
        except Exception as refusal:
            self.refused = refusal

    def waits(self, company):
        """Until it stands there."""
        until(lambda: company.tenant_id in self.ears._rooms)
        return self

    def done(self, within_s=5):
        self.join(within_s)
        assert not self.is_alive()
        return self.answer


def until(true, within_s=5):
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.005)


def reprice(company, branch, price=6_500):
    perform(company.portal(), "products.update", {"product_id": branch.till.glass, "price_minor": price})


def test_it_rings_when_the_owner_changes_something(company, branch, ears):
    waiting = Waiting(ears, company, branch).waits(company)
    reprice(company, branch)
    assert waiting.done() is True


def test_what_was_written_before_somebody_came_rings_at_once(company, branch, ears):
    reprice(company, branch)
    assert Waiting(ears, company, branch).done() is True


def test_it_is_silent_about_own_entries_other_shops_and_other_businesses(company, branch, ears, hub, tmp_path):
    other = company.open_branch("EBB")
    till = open_till(other.shop)
    other.sync()
    branch.sync()
    (tmp_path / "far").mkdir()
    stranger = found_company(hub, tmp_path / "far", f"Stranger{hub.new_id()[-6:]}")
    waiting = Waiting(ears, company, branch, wait_ms=1_500).waits(company)
    branch.till.sell()
    branch.worker.run_once()
    till.sell()
    other.worker.run_once()
    perform(stranger.portal(), "products.create", {"name": "Far", "category": "Far", "price_minor": 1})
    assert waiting.done() is False


def test_at_the_deadline_everybody_goes_home(company, branch, ears):
    assert Waiting(ears, company, branch, wait_ms=50).done() is False
    assert ears._rooms == {}


def test_when_all_places_are_taken_the_next_is_sent_away_at_once(company, branch, ears):
    others = [company.open_branch(code) for code in ("EBB", "JJA")]
    for one in (*others, branch, others[0]):
        one.sync()
    standing = [Waiting(ears, company, one).waits(company) for one in (branch, others[0])]
    until(lambda: ears._rooms[company.tenant_id].waiting == 2)
    began = time.monotonic()
    late = Waiting(ears, company, others[1])
    late.join(2)
    assert time.monotonic() - began < 1
    assert late.refused.facts["retry_after_ms"] == BELL_FULL_MS
    branch.sync()  # the nodes' door has its own threads
    reprice(company, branch)
    assert [one.done() for one in standing] == [True, True]
    assert Waiting(ears, company, branch, wait_ms=10).done() is True  # a place was given back


def test_a_shop_holds_one_place_and_its_later_call_takes_it_over(company, branch, ears):
    """One computer could hold every place; and one whose line was cut may not find its own earlier call in its way."""
    other = company.open_branch("EBB")
    other.sync()
    branch.sync()
    calls = []
    for _ in range(4):
        calls.append(Waiting(ears, company, branch))
        until(lambda: len(ears._standing) == 1 and ears._rooms[company.tenant_id].waiting >= 1)
        if len(calls) > 1:
            assert calls[-2].done() is None
            assert calls[-2].refused.facts["retry_after_ms"] == BELL_FULL_MS
    assert Waiting(ears, company, other, wait_ms=20).done() is False  # there is a place for others
    reprice(company, branch)
    assert calls[-1].done() is True
    assert ears._standing == {}
    assert [ears._places.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_what_another_process_of_the_hub_did_is_noticed_at_the_next_look(company, branch, ears, hub):
    hub.listeners.remove(ears.heard)  # as if it had happened elsewhere
    try:
        waiting = Waiting(ears, company, branch).waits(company)
        ears.look()
        reprice(company, branch)
        assert waiting.is_alive()
        ears.look()
        assert waiting.done() is True
    finally:
        hub.listeners.append(ears.heard)


def ask(hub, ears, branch, **changes):
    """The call itself, signed, through the bell's own application."""
    line = Line(create_bell_app(hub, ears))
    home = branch.shop.home
    with home.reading() as session:
        link = read_link(session)
    asked = {
        "protocol": 2, "schema_": 2, "node": home.node_id, "origin": home.origin_id, "epoch": link.epoch,
        "cursor": cursor(branch), "wait_ms": 30,
    } | changes  # fmt: skip
    answer = SignedLine(home, line, run=home.new_id()).call(link, "POST", BELL, encode(BellRequest(**asked)))
    return decode(BellAnswer, answer).rang


def test_only_a_known_node_may_wait_and_only_for_itself(company, branch, ears, hub):
    assert ask(hub, ears, branch) is False
    with pytest.raises(Refused) as refused:
        ask(hub, ears, branch, node=hub.new_id())
    assert refused.value.problem.code == "invalid_envelope"
    unsigned = create_bell_app(hub, ears).test_client().post(BELL, json={})
    assert unsigned.status_code == 401


def test_a_hub_that_was_restored_rings_so_that_an_exchange_finds_out(company, branch, ears, hub):
    assert ask(hub, ears, branch, epoch="an earlier life") is True


# The node's side


class Bellman:
    """A hub's hello and bell for a listener: what it answers is what a test wants."""

    def __init__(self, branch, hello, ring=None):
        self.branch, self.hello, self.ring = branch, hello, ring
        self.asked = []

    def __call__(self, url):
        self.url = url
        return self

    def send(self, method, target, headers, body):
        self.asked.append(target)
        if target == "/sync/hello":
            return Answer(200, [], self.hello)
        return self.ring(method, target, headers, body)


def hello_of(hub, bell):
    told = _hello(hub)
    return encode(told.model_copy(update={"bell": bell} if bell else {}))


def listener(branch, bellman, woken=None):
    rings = [] if woken is None else woken
    made = BellListener(branch.shop.home, lambda: rings.append(1), connect=bellman, chance=lambda: 0.5, wait_ms=30)
    made._stop.wait = lambda seconds=None: False  # nobody sleeps in a test
    return made


def test_nobody_listens_in_a_closed_shop_or_for_a_hub_without_a_bell(company, hub):
    branch = company.open_branch("KLA")
    bellman = Bellman(branch, hello_of(hub, None))
    listens = listener(branch, bellman)
    assert listens.listen_once() == CLOSED_LOOK_MS
    assert bellman.asked == []
    open_till(branch.shop)
    assert listens.listen_once() == ABSENT_MS
    assert bellman.asked == ["/sync/hello"]
    assert not listens.is_steady()


def test_a_bell_that_fails_is_silent_and_polling_goes_on(branch, hub):
    def cut(*request):
        raise LinkDown("cut")

    bellman = Bellman(branch, hello_of(hub, ":8601"), cut)
    woken = []
    listens = listener(branch, bellman, woken)
    waits = [listens.listen_once() for _ in range(8)]
    assert waits == sorted(waits)
    assert waits[0] >= 10_000
    assert woken == []
    assert not listens.is_steady()
    assert branch.worker.run_once().next_poll_ms < POLL_LISTENING_MS
    bellman.ring = lambda *request: Answer(429, [], canonical(SlowDown(600_000).document()))
    assert listens.listen_once() >= 600_000


def test_a_bell_that_falls_silent_lets_the_shop_poll_as_before_at_once(branch, hub, ears):
    """While it rang the shop polled once an hour; it must not sleep through that hour now."""
    line = Line(create_bell_app(hub, ears))
    bellman = Bellman(branch, hello_of(hub, ":8601"), lambda *request: line.send(*request))
    woken = []
    listens = listener(branch, bellman, woken)
    listens.listen_once()
    assert listens.is_steady()

    def cut(*request):
        raise LinkDown("cut")

    bellman.ring = cut
    listens.listen_once()
    assert (listens.is_steady(), woken) == (False, [1])
    listens.listen_once()
    assert woken == [1]


def test_a_ring_wakes_the_worker_and_one_that_brings_nothing_is_not_followed_at_once(company, branch, hub, ears):
    line = Line(create_bell_app(hub, ears))
    bellman = Bellman(branch, hello_of(hub, ":8601"), lambda *request: line.send(*request))
    woken = []
    listens = listener(branch, bellman, woken)
    assert listens.listen_once() == 0
    assert (listens.is_steady(), woken) == (True, [])
    reprice(company, branch)
    waits = [listens.listen_once() for _ in range(3)]  # nobody fetches
    assert len(woken) == 3
    assert waits == sorted(waits)
    assert waits[0] >= 10_000
    branch.sync()
    assert listens.listen_once() == 0


def test_the_address_of_the_bell_is_a_port_at_the_hub_or_a_place_of_its_own():
    assert bell_address("https://hub.example.com/x", ":8601") == "https://hub.example.com:8601"
    assert bell_address("http://[::1]:8600", ":8601") == "http://[::1]:8601"
    assert bell_address("https://hub.example.com", "https://bell.example.com") == "https://bell.example.com"


def test_all_the_way_over_sockets_the_price_is_there_without_a_poll(company, branch, hub, monkeypatch):
    """Two shops, one place: the first is woken by the owner's price, the second is sent away and would poll."""
    other = company.open_branch("EBB")
    open_till(other.shop)
    other.sync()
    branch.sync()
    monkeypatch.setattr(hub, "settings", hub.settings.model_copy(update={"bell_threads": 1}))
    bell = Bell(hub, "127.0.0.1", 0)
    try:
        address = f"http://127.0.0.1:{bell.port}"
        assert hub.bell == f":{bell.port}"
        told = branch.line.send("GET", "/sync/hello", {}, b"")
        assert f'"bell":":{bell.port}"'.encode() in told.body
        lines = {"http://hub.test": branch.line, f"http://hub.test:{bell.port}": HttpTransport(address)}
        fetched = threading.Event()

        def wake():
            branch.worker.run_once()
            fetched.set()

        first = BellListener(branch.shop.home, wake, connect=lines.get, wait_ms=20_000)
        first.start()
        until(lambda: bell._ears._rooms)
        second = BellListener(other.shop.home, wake, connect=lines.get, chance=lambda: 0.5)
        assert second.listen_once() >= BELL_FULL_MS
        assert not second.is_steady()
        reprice(company, branch)
        assert fetched.wait(5)
        assert branch.shop.row(Product, branch.till.glass).price_minor == 6_500
        first.stop()
    finally:
        bell.close()


# What it costs


class Weighed:
    """A line that weighs what passes, headers included, with what clients, proxies and servers add to them."""

    def __init__(self, line):
        self.line, self.bytes = line, 0

    def send(self, method, target, headers, body):
        answer = self.line.send(method, target, headers, body)
        pairs = [*headers.items(), *answer.headers]
        self.bytes += sum(len(name) + len(value) + 4 for name, value in pairs) + len(body) + len(answer.body) + 250
        return answer


def test_an_idle_day_with_the_bell_stays_within_its_budget(company, branch, hub, ears):
    """Open round the clock, which is the worst: a round of the bell and an idle exchange weighed, a day of each."""
    weighed = Weighed(Line(create_bell_app(hub, ears)))
    listens = listener(branch, Bellman(branch, hello_of(hub, ":8601"), weighed.send))
    assert listens.listen_once() == 0
    round_bytes, weighed = weighed.bytes, Weighed(branch.line)
    branch.sync()
    branch.worker._transport = weighed
    branch.worker.is_listening = listens.is_steady
    branch.worker.run_once()
    exchange_bytes = weighed.bytes
    now_ms, polls = 10_000, 0
    while now_ms < DAY_MS:
        now_ms += next_poll_ms(now_ms, True, lambda: 0.5, is_listening=True)
        polls += 1
    rounds = DAY_MS // BELL_WAIT_MS
    assert 1_000 < round_bytes < 2_500
    assert rounds * round_bytes + polls * exchange_bytes <= 200_000


def test_the_hub_lets_a_listening_shop_poll_seldom_and_any_other_as_before(company, branch, hub, monkeypatch):
    branch.sync()
    branch.worker.is_listening = lambda: True
    assert branch.worker.run_once().next_poll_ms < 3_000  # work is still flowing
    quiet = hub.clock.wall_ms() + 60_000
    monkeypatch.setattr(hub.clock, "wall_ms", lambda: quiet, raising=False)
    assert branch.worker.run_once().next_poll_ms >= POLL_LISTENING_MS * 0.79
    branch.worker.is_listening = lambda: False
    assert branch.worker.run_once().next_poll_ms < 20_000
