"""What the papers say of the hub is what it does."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from pydantic import ValidationError

from cloudhub.cli import main
from cloudhub.config import HubSettings, read_settings

PAPER = (Path(__file__).resolve().parents[2] / "docs/hub.md").read_text(encoding="utf-8")


def test_every_setting_is_in_the_paper() -> None:
    for name, field in HubSettings.model_fields.items():
        default = "" if field.default is None else field.default
        line = f"| `{name}` | `CLOUDHUB_{name.upper()}` | {default} | {field.description} |"
        assert line in PAPER


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_in_the_paper(name: str) -> None:
    assert f"cloudhub {name}" in PAPER
    command = main.commands[name]
    for inner in command.commands if isinstance(command, click.Group) else ():
        assert f"{name} {inner}" in PAPER


def test_what_is_typed_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "hub.json").write_text(json.dumps({"port": 1, "threads": 2, "pool": 3}))
    found = read_settings(tmp_path, {"CLOUDHUB_PORT": "4", "CLOUDHUB_THREADS": "5"}, port=6)
    assert (found.port, found.threads, found.pool) == (6, 5, 3)


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub.json").write_text(json.dumps({"prot": 1}))
    with pytest.raises(ValidationError):
        read_settings(tmp_path, {})
