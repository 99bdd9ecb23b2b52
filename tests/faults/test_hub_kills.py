"""Kill -9 of the hub, a process of its own, at every step of an exchange; and of its database while shops send.

Judged from the test's own list of what was sold, and by what stands in PostgreSQL right after the kill. Faults 4, 24
(the part without a restore) and 27 of the list of dangers.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cloudhub.app import create_app
from cloudhub.hub import Hub
from cloudhub.merge.models import HubLife
from shopnode.domain import failpoints
from shopnode.domain.actions import perform
from shopnode.domain.sales.models import Sale
from shopnode.sync.transport import LinkDown
from tests.faults.hub_starter import HubStarter
from tests.faults.processes import HubProcess, kill_database, postmaster_pid, wait_until
from tests.faults.shops import Business, Counter, found_business, hub_folder, judge, looking_into, serving_here

# Every place of the hub that an exchange passes which brings sales and fetches a page, in order.
STEPS = (
    "hub.met",
    "hub.head_locked",
    "hub.rows_written",
    "hub.entries_kept",
    "hub.numbered",
    "hub.lines_written",
    "hub.before_commit",
    "hub.after_commit",
    "hub.admitted",
    "hub.answered",
)
STORED_FROM = "hub.after_commit"  # from here on what was sent is in the database when the hub dies


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with hub_folder() as made:
        yield made


@pytest.fixture
def hub(folder: Path) -> Iterator[HubProcess]:
    process = HubProcess(folder)
    yield process
    process.stop()


def test_kill_of_the_hub_at_every_step_of_an_exchange(folder: Path, tmp_path: Path) -> None:
    """The hub dies at one step after the other, each time with a new sale in hand; started again, it goes on."""
    with HubStarter(folder) as hub:
        url = hub.start()
        with looking_into(folder) as inside:
            business = found_business(inside, "Killed")
            counter = business.counter(business.add_shop("KLA"), url, tmp_path / "shop.db")
            business.open_shop(counter)
            hub.stop()
            for step in STEPS:
                hub.start(f"{step}=kill")
                _die_with_a_sale_in_hand(business, counter, hub, step)
            hub.start()
            counter.worker.run_once()
            judge(business, [counter], sold=len(counter.told))
            assert _restores_noticed(inside) == 0
            counter.close()
        hub.stop()


def _die_with_a_sale_in_hand(business: Business, counter: Counter, hub: HubStarter, step: str) -> None:
    """All or nothing: the sales that wait are stored by the time of the kill, or none of them is."""
    counter.sell(business.product_id)
    with pytest.raises(LinkDown):
        counter.worker.run_once()
    assert hub.wait_for_end() == signal.SIGKILL
    if STEPS.index(step) >= STEPS.index(STORED_FROM):
        judge(business, [counter], sold=len(counter.told))
    else:
        assert business.count(Sale) == 0
        assert business.at_hub("SELECT count(*) FROM journal_entry WHERE action = 'sales.sell'") == 0


def test_no_step_of_the_hub_is_forgotten(folder: Path, hub: HubProcess, tmp_path: Path) -> None:
    """Every failpoint that such an exchange passes at the hub is in STEPS, in that order."""
    with looking_into(folder) as inside, serving_here(create_app(inside)) as port:
        business = found_business(inside, "Forgotten")
        counter = business.counter(business.add_shop("KLA"), f"http://127.0.0.1:{port}", tmp_path / "shop.db")
        business.open_shop(counter)
        counter.sell(business.product_id)
        perform(business.portal(), "products.update", {"product_id": business.product_id, "price_minor": 6_000})
        passed: list[str] = []
        failpoints.watch(passed.append)
        try:
            counter.worker.run_once()
        finally:
            failpoints.watch(None)
        counter.close()
    assert tuple(dict.fromkeys(name for name in passed if name.startswith("hub."))) == STEPS


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGQUIT])  # the second is PostgreSQL's "immediate" stop
def test_a_dead_database_is_started_again_while_shops_send(
    folder: Path, hub: HubProcess, tmp_path: Path, blow: signal.Signals
) -> None:
    """Nobody touches hub or shops: the hub finds its database dead and starts it; the shops try again by themselves."""
    with looking_into(folder) as inside:
        business = found_business(inside, f"Blown{blow.value}")
        shops = {code: business.add_shop(code) for code in ("KLA", "NTI", "JJA")}
        counters = [business.counter(shop_id, hub.url, tmp_path / f"{code}.db") for code, shop_id in shops.items()]
        for counter in counters:
            business.open_shop(counter)
            counter.worker.start()
        old = postmaster_pid(folder)
        _trade(business, counters, 2.0, halfway=lambda: kill_database(folder, blow))
        wait_until(lambda: postmaster_pid(folder) not in (None, old), 30, "the database runs again")
        wait_until(lambda: all(c.worker.status().waiting == 0 for c in counters), 60, "everything is sent")
        assert hub.is_alive
        judge(business, counters, sold=sum(len(counter.told) for counter in counters))
        assert _restores_noticed(inside) == 0
        for counter in counters:
            counter.close()


def _restores_noticed(hub: Hub) -> int:
    """A hub that was killed is not one that was restored: it must not begin a new life."""
    with hub.database.gate() as session:
        return session.scalar(select(func.count()).select_from(HubLife)) or 0


def _trade(business: Business, counters: list[Counter], duration_s: float, halfway: Callable[[], None]) -> None:
    """Every counter sells and sends; in the middle of it something happens to the hub."""
    began = time.monotonic()

    def sell(counter: Counter) -> None:
        while time.monotonic() - began < duration_s:
            counter.sell(business.product_id)
            counter.worker.wake()
            time.sleep(0.02)

    threads = [threading.Thread(target=sell, args=(counter,)) for counter in counters]
    for thread in threads:
        thread.start()
    time.sleep(duration_s / 2)
    halfway()
    for thread in threads:
        thread.join()
