"""Hubs that start in half a second: a process that has loaded everything forks one `cloudhub serve` after the other.

What dies is a process of its own that runs the command people type; only the loading of its modules is shared. Nothing
runs in the starter beside its one thread, so what it forks is as clean as a new start.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]


class HubStarter:
    """Starts one hub at a time, all on the same folder and port."""

    def __init__(self, data: Path):
        self._data = data
        self._port = 0
        self._pid = 0
        self._log = (data / "hub.log").open("a", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.hub_starter"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, text=True, cwd=HOME,
        )  # fmt: skip

    def start(self, failpoints: str = "") -> str:
        """A hub with these failpoints armed; its address, once it answers."""
        assert self._process.stdin is not None
        order = {"data": str(self._data), "port": self._port, "failpoints": failpoints}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self._pid = int(self._hear()["pid"])
        self._port = int(self._hear()["port"])
        return f"http://127.0.0.1:{self._port}"

    def wait_for_end(self) -> int:
        """The signal that ended the hub; 0 when it ended in order."""
        ended_by = int(self._hear()["signal"])
        self._pid = 0
        return ended_by

    def stop(self) -> None:
        os.kill(self._pid, signal.SIGTERM)
        assert self.wait_for_end() == 0

    def __enter__(self) -> HubStarter:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGTERM)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()
        self._log.close()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (self._data / "hub.log").read_text()[-2000:]
        said: dict[str, Any] = json.loads(line)
        return said


def main() -> None:
    """One hub for each line that is read, and a word about how it ended."""
    from cloudhub import app, cli, portal
    from cloudhub.portal import screens

    assert app and portal and screens  # loaded before the first fork
    gc.collect()
    gc.freeze()  # so that no fork looks through it again
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _serve(cli.main, order)
        _say({"pid": pid})
        _, status = os.waitpid(pid, 0)
        _say({"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0})


def _serve(command: Any, order: dict[str, Any]) -> None:
    from shopnode.domain import failpoints

    failpoints.arm(order["failpoints"])
    try:
        command(["serve", "--data", order["data"], "--port", str(order["port"]), "--json"], standalone_mode=False)
    finally:
        os._exit(0)


def _say(document: dict[str, Any]) -> None:
    os.write(1, json.dumps(document).encode() + b"\n")


if __name__ == "__main__":
    main()
