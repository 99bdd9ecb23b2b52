"""What all commands of the hub share: opening it, saying a refusal in words, and answering scripts in JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
import orjson

from cloudhub.config import HubSettings, read_settings
from cloudhub.database import UnsafeDatabase
from cloudhub.hub import Hub, open_hub
from cloudhub.postgres import PostgresUnavailable
from shopnode.domain.engine import DatabaseUnusable
from shopnode.domain.errors import ShopError

Command = Callable[..., Any]

data_option = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="The hub's folder, with its embedded database."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON, for scripts.")


def with_hub(command: Command) -> Command:
    """Open the hub of `--data` (or of CLOUDHUB_DATABASE_URL) for a command, and say refusals in words."""

    @wraps(command)
    def run(data: Path | None, **options: Any) -> None:
        open_for(read_settings(data), lambda hub: command(hub, **options))

    return data_option(run)


def open_for(settings: HubSettings, work: Callable[[Hub], None]) -> None:
    """Do a command's work with the hub of these settings."""
    try:
        with open_hub(settings) as hub:
            work(hub)
    except (ShopError, PostgresUnavailable, UnsafeDatabase, DatabaseUnusable) as refusal:
        raise click.ClickException(str(refusal)) from None


def say(as_json: bool, document: dict[str, Any], words: str) -> None:
    """Answer a script with the document, or a person with words."""
    click.echo(orjson.dumps(document).decode() if as_json else words)
