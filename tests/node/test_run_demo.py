"""`make run`: the first thing anybody does with the project, as they do it; twice, because people come back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
LAST_WORDS = "Ctrl-C stops all."


@contextmanager
def demo(data: Path) -> Iterator[str]:
    """The demo, running; given what it said until it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.run_demo"], cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PHONESHOP_DEMO_DATA": str(data)},
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if LAST_WORDS in line:
                break
        assert LAST_WORDS in said, said
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=240)[0]
    assert process.returncode == 0, rest


def status_of(address: str) -> int:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return int(answer.status)


@pytest.mark.timeout(240)
def test_the_demo_shows_the_story_and_takes_it_up_again(tmp_path: Path) -> None:
    with demo(tmp_path / "demo") as said:
        counter = re.search(r"Counter\s+(http://\S+)", said)
        portal = re.search(r"portal\s+(http://\S+)", said)
        assert counter and portal
        assert status_of(counter[1] + "login") == 200
        assert status_of(portal[1] + "health") == 200
        for word in ("ivan-demo-2026", "PIN 7394", "sarah-demo-2026", "Ten days of trade"):
            assert word in said
    books = (tmp_path / "demo" / "shop" / "shop.db").stat().st_size
    began = time.monotonic()
    with demo(tmp_path / "demo") as said:
        assert "Ten days of trade" not in said
        assert counter[1] in said
    assert time.monotonic() - began < 60
    assert (tmp_path / "demo" / "shop" / "shop.db").stat().st_size >= books
    assert not list((tmp_path / "demo" / "shop").glob("*.sock"))
