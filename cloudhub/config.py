"""The hub's settings: from the environment (`CLOUDHUB_…`), then `hub.json` in the data folder, then these defaults."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sync_protocol.limits import BATCH_BYTES_MAX, ROWS_MAX

PREFIX = "CLOUDHUB_"


class HubSettings(BaseModel):
    """What one hub process needs to know before it opens its database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(Path("hub-data"), description="Folder of the embedded database and the settings file.")
    database_url: str | None = Field(None, description="PostgreSQL URL of the owning role; none means embedded.")
    app_database_url: str | None = Field(None, description="URL of phoneshop_app, where it cannot be derived.")
    gate_database_url: str | None = Field(None, description="URL of phoneshop_gate, where it cannot be derived.")
    admin_database_url: str | None = Field(
        None, description="URL of a role that sees all rows and may create databases: for backup and restore."
    )
    backup_folder: Path | None = Field(
        None, description="Where the nightly backup goes, on another disk; none, no backup."
    )
    backup_key: Path | None = Field(
        None, description="File of the key that seals backups; `backup.key` beside hub.json."
    )
    backup_keep: int = Field(14, ge=1, le=400, description="How many backups are kept; the oldest are deleted.")
    nightly_hour: int = Field(0, ge=0, le=23, description="Hour, in UTC, from which the nightly jobs run.")
    log_days: int = Field(
        400, ge=1, description="Lines of the feed that are older, and safe in a backup, are kept as their hashes alone."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8600, ge=0, le=65535, description="Port to listen on.")
    bell_port: int | None = Field(
        None, ge=0, le=65535, description="Port of the bell, where shops wait for news; 0 chooses one; none, no bell."
    )
    bell_url: str | None = Field(None, description="How shops reach the bell from outside, where not by its port.")
    bell_threads: int = Field(100, ge=1, le=2_000, description="Shops that may wait at the bell at once.")
    public_url: str | None = Field(None, description="How owners and shops reach this hub from outside.")
    threads: int = Field(16, ge=2, le=200, description="Threads that answer requests.")
    batch_rows: int = Field(ROWS_MAX, ge=1, le=ROWS_MAX, description="Rows that a shop sends at once, at most.")
    batch_bytes: int = Field(
        BATCH_BYTES_MAX, ge=1024, le=BATCH_BYTES_MAX, description="Bytes that a shop sends at once, at most, unpacked."
    )
    pool: int = Field(12, ge=2, le=100, description="Database connections for tenants' work.")
    statement_timeout_ms: int = Field(20_000, ge=100, description="A statement that runs longer is given up.")
    cookie_secure: bool = Field(False, description="Send the portal's cookie over TLS only.")


def read_settings(data: Path | None = None, environment: Mapping[str, str] = os.environ, **given: Any) -> HubSettings:
    """The settings in force: what is given here (a command's option), else the environment, else the file."""
    named = {
        name: environment[PREFIX + name.upper()]
        for name in HubSettings.model_fields
        if environment.get(PREFIX + name.upper())
    }
    if data is not None:
        named["data"] = str(data)
    folder = Path(named.get("data", HubSettings.model_fields["data"].default))
    file = folder / "hub.json"
    stored = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    chosen = {name: value for name, value in given.items() if value is not None}
    return HubSettings.model_validate({**stored, **named, **chosen})
