"""What holds for every test: no network, fixed seeds, fast layers first, Debian's Chromium.

Fixtures of one layer live in that layer's folder. The hub's server is dear and shared by several layers, so it is here.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from shopnode.domain.collector import calm_collector
from tests.memory_disk import write_to_memory
from tests.shared_work import share

if TYPE_CHECKING:
    from tests.hub.world import Server, World

HERE = Path(__file__).parent
LAYERS = ("", "protocol", "domain", "documents", "devices", "api", "sync", "hub", "web")
# Of what comes after the layers: files that take a minute or nearly. Last, one of them would run alone.
LONG = (
    "browser/test_every_screen.py", "browser/test_story.py", "node/test_serving.py", "node/test_run_demo.py",
    "simulator/test_fixed_seeds.py", "simulator/test_fixed_seeds_too.py", "faults/test_hub_kills.py",
    "bench_smoke/test_benchmarks_run.py", "faults/test_bad_link.py", "browser/test_every_room.py",
    "node/test_backup.py", "browser/test_repairs.py", "node/test_doctor.py", "node/test_commands.py",
)  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
BROWSER_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)

# The same examples in each run; a nightly job looks for new ones with HYPOTHESIS_PROFILE=nightly.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
share()
write_to_memory()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A mistake in a rule shall show in seconds, before any browser starts."""
    items.sort(key=lambda item: _turn(item.path))


def pytest_collection_finish() -> None:
    """As in a process that serves, once all is loaded: the collector took a quarter of the time."""
    calm_collector()


def _turn(file: Path) -> tuple[int, int]:
    name = file.relative_to(HERE).as_posix() if file.is_relative_to(HERE) else file.name
    layer = name.rpartition("/")[0].partition("/")[0]
    if layer in LAYERS:
        return LAYERS.index(layer), 0
    return len(LAYERS), LONG.index(name) if name in LONG else len(LONG)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    real = socket.socket.connect

    def connect(sock: socket.socket, address: object) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address):
            raise AssertionError(f"a test tried to connect to {address}")
        return real(sock, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield


def _is_local(address: object) -> bool:
    host = str(address[0]) if isinstance(address, tuple) else ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for all tests of this process that need a hub, with a migrated database to copy."""
    from tests.hub.world import Server

    # Not in pytest's own folder: started as root, the server runs as another user, whom that folder shuts out.
    folder = Path(tempfile.mkdtemp(prefix="phoneshop-hub-"))
    made = Server(folder)
    yield made
    made.postgres.stop()
    shutil.rmtree(folder)


@pytest.fixture
def world(server: Server, tmp_path: Path) -> Iterator[World]:
    """A hub with two businesses and nothing else."""
    from tests.hub.world import open_world

    made = open_world(server, tmp_path)
    yield made
    made.close()
    server.drop(made.database)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """Playwright's own browsers are not downloaded; the machine's Chromium is what shops use, too."""
    browser = next(filter(None, map(shutil.which, [os.environ.get("CHROMIUM", ""), *BROWSERS])), None)
    assert browser, "no Chromium found: run `make setup`, or name one in CHROMIUM"
    return {"executable_path": browser, "headless": True, "args": BROWSER_FLAGS.split()}
