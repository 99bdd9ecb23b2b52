"""Shops that open in half a second: a process that has loaded everything forks one `shopnode serve` after the other.

What is forked is a process of its own that runs the command people type, takes signals, is killed, and ends as any
other does; only the loading of its modules is shared. Nothing runs in the starter beside its one thread, so what it
forks is as clean as a new start. What a start itself costs or reads is tested with one (`serve(fresh=True)`).
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]


class Forked:
    """One of them, with what is asked of `subprocess.Popen` here."""

    def __init__(self, starter: ShopStarter, pid: int, said: Path):
        self.pid, self.said = pid, said
        self._starter = starter
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._starter.ask({"ended": self.pid})["code"]
        return self._code

    def wait(self, timeout: float) -> int:
        ends_s = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > ends_s:
                raise subprocess.TimeoutExpired("shopnode serve", timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        if self._code is None:  # not yet waited for: nobody else can have its number
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ShopStarter:
    """Starts as many as are asked for, and says how each ended."""

    def __init__(self) -> None:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("SHOPNODE_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.node.shop_starter"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=HOME, env=plain,
        )  # fmt: skip

    def start(self, words: list[str], said: Path) -> Forked:
        """`shopnode` with these words, which writes all it says to that file."""
        return Forked(self, int(self.ask({"words": words, "said": str(said)})["pid"]), said)

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def main() -> None:
    """Fork for each order; a fork ends as its command does."""
    from shopnode import app, cli
    from shopnode.machine import control, serving

    assert app and control and serving  # loaded before the first fork
    gc.collect()
    gc.freeze()
    while line := sys.stdin.readline():
        order = json.loads(line)
        if "ended" in order:
            pid, status = os.waitpid(order["ended"], os.WNOHANG)
            _say({"code": os.waitstatus_to_exitcode(status) if pid else None})
            continue
        pid = os.fork()
        if pid == 0:
            _become(Path(order["said"]))
            cli.main(order["words"], prog_name="shopnode")
        _say({"pid": pid})


def _become(said: Path) -> None:
    """A process with its own three channels."""
    words = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for channel, file in enumerate((nothing, words, words)):
        os.dup2(file, channel)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process
    os.close(words)
    os.close(nothing)


def _say(document: dict[str, Any]) -> None:
    os.write(1, json.dumps(document).encode() + b"\n")


if __name__ == "__main__":
    main()
