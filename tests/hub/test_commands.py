"""The hub's commands as people and scripts run them: real processes, the server running meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.blank_hub import blank_hub

WAIT_S = 60
PASSWORD = "a long enough secret"


class Hub:
    """A hub's folder and the commands on it."""

    def __init__(self, data: Path):
        self.data = data
        self.server: subprocess.Popen[str] | None = None

    def run(self, *words: str, ok: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cloudhub", *words, "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, **more)
        assert (done.returncode == 0) is ok, done.stderr
        return done

    def ask(self, *words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run(*words, "--json").stdout)
        return answer

    def serve(self) -> str:
        command = [sys.executable, "-m", "cloudhub", "serve", "--data", str(self.data), "--port", "0", "--json"]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.server.stdout is not None
        line = self.server.stdout.readline()
        assert line, self.server.stderr and self.server.stderr.read()
        return str(json.loads(line)["url"])

    def stop(self, number: int = signal.SIGTERM) -> str:
        assert self.server is not None
        self.server.send_signal(number)
        said = self.server.communicate(timeout=WAIT_S)[1]
        self.server = None
        return said


@pytest.fixture
def empty() -> Iterator[Hub]:
    """A hub that was never started."""
    folder = Path(tempfile.mkdtemp(prefix="phoneshop-cmd-"))
    made = Hub(folder / "data")
    yield made
    if made.server is not None:
        made.stop()
    shutil.rmtree(folder)


@pytest.fixture
def hub(empty: Hub) -> Hub:
    """A hub that was started once."""
    blank_hub(empty.data)
    return empty


def test_every_command_works_while_the_server_runs(empty: Hub, tmp_path: Path) -> None:
    hub = empty
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    owner = ("--owner-name", "Sarah", "--owner-email", "sarah@kisura.example", "--password-file", str(secret))
    before = hub.ask("tenant", "add", "--name", "Kisura Phones", *owner)
    url = hub.serve()

    after = hub.ask("tenant", "add", "--name", "Second", *owner)
    shop = hub.ask("shop", "add", "--tenant", "Kisura Phones", "--name", "Kampala Road", "--code", "KLA")
    code = hub.ask("enrol-code", "--shop", "KLA")
    doctor = hub.ask("doctor")
    health = requests.get(f"{url}/health", timeout=5).json()

    assert before["tenant"] != after["tenant"]
    assert code["shop"] == shop["shop"]
    assert (doctor["ok"], doctor["tenants"], doctor["findings"]) == (True, 2, [])
    assert health == {"status": "ok"}
    logs = hub.stop()
    assert all(json.loads(line) for line in logs.splitlines())
    assert PASSWORD not in logs
    assert "sarah" not in logs.lower()
    assert hub.ask("tenant", "list")["tenants"][0]["name"] == "Kisura Phones"


def test_refusals_are_one_sentence(hub: Hub, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("short")
    refused = hub.run(
        "tenant", "add", "--name", "K", "--owner-name", "S", "--owner-email", "s@k.example",
        "--password-file", str(secret), ok=False,
    )  # fmt: skip
    assert refused.stderr.strip() == "Error: password: must be at least 8 characters"
    assert "was not found" in hub.run("enrol-code", "--shop", "NOPE", ok=False).stderr


def test_a_hub_whose_server_was_killed_comes_back(hub: Hub) -> None:
    hub.serve()
    hub.stop(signal.SIGKILL)

    url = hub.serve()
    assert requests.get(f"{url}/health", timeout=5).status_code == 200
    killed = _postmaster(hub)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    ends = time.monotonic() + 60
    while _postmaster(hub) in (None, killed) or requests.get(f"{url}/health", timeout=5).status_code != 200:
        assert time.monotonic() < ends, "the database was not started again"
        time.sleep(0.3)
    assert requests.get(f"{url}/sync/hello", timeout=5).status_code == 200


def _postmaster(hub: Hub) -> int | None:
    """The process of the hub's database server, as it says itself."""
    try:
        return int((hub.data / "pg/postmaster.pid").read_text().split()[0])
    except (OSError, IndexError):
        return None


def test_the_databases_socket_is_nobody_elses(empty: Hub) -> None:
    hub = empty
    hub.ask("tenant", "list")
    assert (hub.data / "pg").stat().st_mode & 0o077 == 0
