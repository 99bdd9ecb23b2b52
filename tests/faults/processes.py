"""A hub and a shop as processes of their own, started by the commands people type, and killed like by a pulled plug."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]
READY_S, STOP_S = 60, 20
TABLET_S = 8  # a tablet gives up on a checkout after so long: less than any wait of the line to the hub


class Process:
    """`python -m NAME serve`, until it is stopped or killed."""

    def __init__(self, module: str, *words: str, log: Path, failpoints: str = ""):
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("SHOPNODE_", "CLOUDHUB_"))
        }
        if failpoints:
            environment["SHOPNODE_FAILPOINTS"] = failpoints
        self._log = log
        with log.open("a", encoding="utf-8") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, "serve", *words], stdout=subprocess.PIPE, stderr=said, text=True,
                cwd=HOME, env=environment,
            )  # fmt: skip
        self.pid = self._process.pid

    def first_line(self, pattern: str) -> str:
        """What the process says once it is ready: the part of the line that the pattern finds."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(pattern, line)
        if not found:
            self.kill()
            raise AssertionError(f"not ready: {line}{self._log.read_text()[-2000:]}")
        return found[0]

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait_for_end(self, timeout_s: float = READY_S) -> int:
        """The signal that ended it, as a positive number; 0 for an end in order."""
        code = self._process.wait(timeout_s)
        self._close()
        return max(-code, 0)

    def stop(self) -> None:
        """End it in order."""
        if self.is_alive:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_S)
        self._close()

    def kill(self) -> None:
        """Pull the plug."""
        self._process.kill()
        self._process.wait(STOP_S)
        self._close()

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()


class HubProcess(Process):
    """`cloudhub serve` with its embedded database, at a port that stays the same over restarts."""

    def __init__(self, data: Path, port: int = 0, failpoints: str = ""):
        words = ("--data", str(data), "--port", str(port), "--json")
        super().__init__("cloudhub", *words, log=data / "hub.log", failpoints=failpoints)
        self.port = int(json.loads(self.first_line(r"\{.*\}"))["port"])
        self.data = data
        self.url = f"http://127.0.0.1:{self.port}"


class ShopProcess(Process):
    """`shopnode serve`: a counter that tablets reach over HTTP."""

    def __init__(self, data: Path, failpoints: str = ""):
        log = data.with_name(f"{data.name}.log")
        super().__init__("shopnode", "--data", str(data), "--port", "0", log=log, failpoints=failpoints)
        self.data = data
        self.port = int(self.first_line(r"http://\S+").rpartition(":")[2])

    def command(self, *words: str) -> dict[str, Any]:
        """A command typed beside the running shop; its answer, also a refusal."""
        from shopnode.config import data_folder
        from shopnode.machine.control import CommandRefused, ask_running

        try:
            return ask_running(data_folder(self.data), " ".join(words), {}, lambda done, total, words="": None)
        except CommandRefused as refused:
            return {"error": refused.code}

    def waiting(self) -> int:
        """How many entries wait for the hub."""
        return int(self.command("status")["sync"]["waiting"])


@dataclass
class Told:
    """What the shop told a customer: the list that everything is judged by."""

    number: str
    total: int


@dataclass
class Tablet:
    """Somebody selling over HTTP, who keeps a list of every sale that was confirmed and how long it took."""

    shop: ShopProcess
    phone: str
    password: str
    told: dict[str, Told] = field(default_factory=dict)
    took_s: list[float] = field(default_factory=list)
    _token: str = ""

    def sell(self, items: list[dict[str, Any]], total: int) -> str:
        """Sell for cash and note what was confirmed; the sale's id."""
        key = str(uuid.uuid4())
        form = {"items": items, "payments": [{"method": "cash", "amount": total}], "print_receipt": False}
        began = time.monotonic()
        status, answer = self._ask("/api/sales", form, {"Idempotency-Key": key})
        self.took_s.append(time.monotonic() - began)
        assert status == 201, answer
        assert answer["id"] == key
        self.told[key] = Told(answer["sale_number"], total)
        return key

    def sign_in(self) -> None:
        status, tokens = self._ask("/api/auth/login", {"phone": self.phone, "password": self.password}, {})
        assert status == 200, tokens
        self._token = tokens["access_token"]

    def _ask(self, path: str, form: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        line = HTTPConnection("127.0.0.1", self.shop.port, timeout=TABLET_S)
        origin = f"http://127.0.0.1:{self.shop.port}"
        fixed = {"Content-Type": "application/json", "Origin": origin, **headers}
        if self._token:
            fixed["Authorization"] = f"Bearer {self._token}"
        try:
            line.request("POST", path, json.dumps(form), fixed)
            response = line.getresponse()
            return response.status, json.loads(response.read())
        finally:
            line.close()


def wait_until(is_so: Callable[[], bool], timeout_s: float, what: str) -> float:
    """Wait for something to become true; how long it took. Raises AssertionError after the time."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < timeout_s, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def postmaster_pid(data: Path) -> int | None:
    """The database server of a hub's folder; None while it has written none down."""
    try:
        return int((data / "pg" / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError):
        return None


def kill_database(data: Path, blow: signal.Signals = signal.SIGKILL) -> None:
    """A blow to the database server; its children notice by themselves."""
    pid = postmaster_pid(data)
    assert pid is not None
    os.kill(pid, blow)
