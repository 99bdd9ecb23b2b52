"""Shops on disk for the node's tests: made once, copied for each test, tampered with at will."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shopnode.cli import main
from shopnode.config import Folder, Settings, data_folder
from shopnode.domain.clock import SystemClock
from shopnode.domain.engine import NodeDatabase
from shopnode.machine.founding import NewShop, found_standalone
from shopnode.machine.keys import Keyring
from shopnode.machine.runtime import Node
from tests.node.shop_starter import Forked, ShopStarter

PASSWORD = "sarah-test-2026"
NEW_SHOP = NewShop("Test Phones", "Test Phones Ntinda", "TST", "Sarah Mukasa", "0798100200", PASSWORD)
DEMO = ("--sales", "25", "--days", "3")


@dataclass(frozen=True)
class ShopOnDisk:
    """A data folder and ways to work on it from outside."""

    path: Path
    recovery_key: str

    @property
    def folder(self) -> Folder:
        return data_folder(self.path)

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.folder.keys(Settings()))

    def run(self, *words: str, stdin: str | None = None) -> Result:
        """A command typed at this shop, in this process."""
        return run_cli(*words, "--data", str(self.path), stdin=stdin)

    def document(self, *words: str, code: int = 0) -> dict[str, Any]:
        """A command's answer as JSON."""
        result = self.run(*words, "--json")
        assert result.exit_code == code, result.output
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    def tamper(self, *statements: str) -> None:
        """Change the books past everything, as somebody with the key and a database tool would."""
        database = NodeDatabase(self.folder.database, self.keyring.read())
        with database.raw_writer().connect() as connection:
            for statement in statements:
                assert connection.exec_driver_sql(statement).rowcount > 0, f"changed nothing: {statement}"
            connection.commit()
        database.checkpoint()
        database.close()

    def read(self, query: str) -> Any:
        """One value out of the books."""
        database = NodeDatabase(self.folder.database, self.keyring.read())
        with database.reading() as session:
            value = session.connection().exec_driver_sql(query).scalar()
        database.close()
        return value


def run_cli(*words: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, words, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SHOPNODE_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> ShopOnDisk:
    """A shop with its owner and nothing else; never written to."""
    path = tmp_path_factory.mktemp("founded") / "shop"
    key = found_standalone(data_folder(path), Settings(), NEW_SHOP, SystemClock(), secrets.token_bytes)
    return ShopOnDisk(path, key)


@pytest.fixture(scope="session")
def traded(tmp_path_factory: pytest.TempPathFactory, founded: ShopOnDisk) -> ShopOnDisk:
    """A shop with the demo's days; never written to."""
    shop = copy_shop(founded, tmp_path_factory.mktemp("traded") / "shop")
    shop.document("demo", *DEMO)
    return shop


@pytest.fixture
def new_shop(founded: ShopOnDisk, tmp_path: Path) -> ShopOnDisk:
    return copy_shop(founded, tmp_path / "shop")


@pytest.fixture
def shop(traded: ShopOnDisk, tmp_path: Path) -> ShopOnDisk:
    return copy_shop(traded, tmp_path / "shop")


def copy_shop(origin: ShopOnDisk, path: Path) -> ShopOnDisk:
    shutil.copytree(origin.path, path)
    shutil.copytree(origin.path.with_name("shop.keys"), path.with_name(path.name + ".keys"))
    return ShopOnDisk(path, origin.recovery_key)


@pytest.fixture
def node(shop: ShopOnDisk) -> Iterator[Node]:
    with Node.open(shop.path) as node:
        yield node


@dataclass
class Served:
    """A shop that is really open: a process of its own."""

    process: Forked | subprocess.Popen[bytes]
    address: str
    ready_s: float

    def get(self, path: str) -> tuple[int, bytes]:
        return self._ask(urllib.request.Request(self.address + path))

    def post(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> tuple[int, Any]:
        asked = urllib.request.Request(
            self.address + path, json.dumps(body).encode(),
            {"Content-Type": "application/json", "Origin": self.address, **(headers or {})},
        )  # fmt: skip
        status, answer = self._ask(asked)
        return status, json.loads(answer)

    def _ask(self, asked: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def memory_mib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024  # type: ignore[index]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(15)


@pytest.fixture(scope="session")
def starter() -> Iterator[ShopStarter]:
    made = ShopStarter()
    yield made
    made.close()


@pytest.fixture
def serve(starter: ShopStarter, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Open a shop in a process of its own; whatever is still open in the end is killed.

    fresh  begin with a new interpreter, as with `env`: where the test is about what that loads, costs or reads
    """
    opened: list[Forked | subprocess.Popen[bytes]] = []

    def open_shop(shop: ShopOnDisk, *words: str, fresh: bool = False, env: dict[str, str] | None = None) -> Served:
        began = time.monotonic()
        said = tmp_path / f"serve-{len(opened)}.txt"
        command = ["serve", "--data", str(shop.path), "--port", "0", *words]
        process: Forked | subprocess.Popen[bytes]
        if fresh or env:
            with said.open("wb") as file:
                whole = [sys.executable, "-m", "shopnode", *command]
                process = subprocess.Popen(whole, stdout=file, stderr=file, env={**os.environ, **(env or {})})
        else:
            process = starter.start(command, said)
        opened.append(process)
        return Served(process, _address(process, said), time.monotonic() - began)

    yield open_shop
    for process in opened:
        if process.poll() is None:
            process.kill()
            process.wait(15)


def _address(process: Forked | subprocess.Popen[bytes], said: Path) -> str:
    """Where it listens, once it says so."""
    while True:
        has_ended = process.poll() is not None  # asked before reading, so that its last words are read
        line = said.read_text().partition("\n") if said.exists() else ("", "", "")
        found = re.search(r"http://\S+", line[0]) if line[1] else None
        if found:
            return found[0]
        assert not has_ended, said.read_text()
        time.sleep(0.01)
