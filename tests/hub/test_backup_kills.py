"""A backup or a restore that is killed at any step leaves the hub as it was, and no half file passes for a backup."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudhub.postgres import EmbeddedPostgres
from cloudhub.upkeep.backup import SUFFIX
from tests.blank_hub import blank_hub
from tests.hub.test_commands import PASSWORD, Hub

STEPS = ("backup.chunk", "backup.verified", "backup.named")
pytestmark = pytest.mark.timeout(400)  # each command is a process of its own


LONG = pytest.mark.skipif(not os.environ.get("PHONESHOP_LONG"), reason="half a minute: PHONESHOP_LONG=1")


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose server outlives every command, so that a killed one takes nothing with it but itself."""
    folder = Path(tempfile.mkdtemp(prefix="phoneshop-kill-"))
    made = Hub(folder / "data")
    blank_hub(made.data)
    server = EmbeddedPostgres(made.data / "pg", fsync="off")
    server.start()
    (folder / "secret").write_text(PASSWORD)
    add(made, "Kisura Phones")
    yield made
    if made.server is not None:
        made.stop()
    server.stop()
    shutil.rmtree(folder)


def add(hub: Hub, name: str) -> None:
    secret = hub.data.parent / "secret"
    owner = ("--owner-name", "Sarah", "--owner-email", f"{name[0]}@hub.example", "--password-file", str(secret))
    hub.ask("tenant", "add", "--name", name, *owner)


def tenants(hub: Hub) -> list[str]:
    return [tenant["name"] for tenant in hub.ask("tenant", "list")["tenants"]]


def kill_at(hub: Hub, step: str, *words: str) -> None:
    plan = {**os.environ, "SHOPNODE_FAILPOINTS": f"{step}=kill"}
    assert hub.run(*words, ok=False, env=plan).returncode == -signal.SIGKILL


@LONG
def test_no_half_file_is_taken_for_a_backup(hub: Hub, tmp_path: Path) -> None:
    covered = hub.ask("doctor")["not_durable"]
    assert covered > 0
    for step in STEPS:
        kill_at(hub, step, "backup", "--to", str(tmp_path))
        whole = list(tmp_path.glob(f"*{SUFFIX}"))
        assert len(whole) == (step == "backup.named")
    assert hub.ask("doctor")["not_durable"] == covered

    made = hub.ask("backup", "--to", str(tmp_path))

    assert made["made_durable"] == covered
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [SUFFIX] * 2
    add(hub, "Second")
    hub.run("restore", str(whole[0]))  # it had its name when the hub died, so it is one
    assert tenants(hub) == ["Kisura Phones"]


@LONG
def test_a_restore_that_is_killed_leaves_the_hub_as_it_was(hub: Hub, tmp_path: Path) -> None:
    made = hub.ask("backup", "--to", str(tmp_path))
    add(hub, "Second")
    kill_at(hub, "restore.before_swap", "restore", made["path"])
    assert tenants(hub) == ["Kisura Phones", "Second"]

    done = hub.ask("restore", made["path"])

    assert tenants(hub) == ["Kisura Phones"]
    assert done["old_database"].startswith("phoneshop_until_")
    assert hub.ask("doctor")["ok"]
    assert hub.ask("rebuild")["ok"]


def test_a_hub_that_serves_is_not_restored_under_its_shops_feet(hub: Hub, tmp_path: Path) -> None:
    made = hub.ask("backup", "--to", str(tmp_path))
    hub.serve()
    refused = hub.run("restore", made["path"], ok=False)
    assert "Stop `cloudhub serve`" in refused.stderr
    assert hub.ask("backup", "--to", str(tmp_path))["entries"] == made["entries"]


def test_a_lost_hub_comes_back_on_another_computer(hub: Hub, tmp_path: Path) -> None:
    made = hub.ask("backup", "--to", str(tmp_path / "stick"))
    (tmp_path / "stick/backup.key").write_bytes((hub.data / "backup.key").read_bytes())
    (tmp_path / "stick/backup.key").chmod(0o600)
    fresh = Hub(Path(tempfile.mkdtemp(prefix="phoneshop-fresh-")) / "data")
    try:
        fresh.ask("restore", made["path"], "--key", str(tmp_path / "stick/backup.key"))
        assert tenants(fresh) == ["Kisura Phones"]
    finally:
        shutil.rmtree(fresh.data.parent)
