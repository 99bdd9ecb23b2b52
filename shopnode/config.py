"""The node's settings, one typed class, and where its files stand.

A setting comes from, strongest first: the command line, `SHOPNODE_<NAME>` in the environment, `config.toml` in the
data folder, the default. A name nobody knows is refused, so that a mistyped setting never passes in silence.

Invariants of the layout:
  * Keys are never inside the data folder: whoever copies the folder has cipher text.
  * Everything else of a node is inside it, so that a folder is a shop.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PREFIX = "SHOPNODE_"
NOT_SETTINGS = frozenset({"SHOPNODE_FAILPOINTS", "SHOPNODE_DATA"})  # read by the failpoints; names the data folder
MIB = 1024 * 1024


class ConfigError(Exception):
    """A setting that cannot be used; the message names it and where it was read."""


class Settings(BaseModel):
    """Everything about a node that is chosen and not recorded. Defaults suit a shop's PC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen at.")
    port: int = Field(default=8300, ge=0, le=65_535, description="Port to listen at; 0 takes a free one.")
    host_names: tuple[str, ...] = Field(default=(), description="Names, beside its addresses, under which it answers.")
    threads: int = Field(default=24, ge=2, le=200, description="Requests served at once; each live view holds one.")
    body_bytes_max: int = Field(
        default=16 * MIB, ge=64 * 1024, le=64 * MIB, description="Largest request that is read."
    )
    key_dir: Path | None = Field(default=None, description="Folder of the keys; `<data>.keys` beside the data folder.")
    verify_bytes_max: int = Field(
        default=256 * MIB,
        ge=0,
        description="Larger books are checked right after the start, not before.",
    )
    ballast_bytes: int = Field(default=16 * MIB, ge=0, le=1024 * MIB, description="Kept aside against a full disk.")
    disk_reserve_bytes: int = Field(
        default=16 * MIB, ge=0, le=1024 * MIB, description="With less free space than this, no new sale is begun."
    )
    upkeep_s: int = Field(default=60, ge=1, le=3600, description="Seconds between two rounds of housekeeping.")
    bell: bool = Field(default=True, description="Wait at the hub's bell while a drawer is open, where it has one.")
    backup_dir: Path | None = Field(default=None, description="Folder for backups made by themselves; none without it.")
    backup_hours: int = Field(default=6, ge=1, le=168, description="Hours between two backups made by themselves.")
    backup_keep: int = Field(default=14, ge=1, le=1000, description="Backups that are kept in a folder; older ones go.")
    log_bytes_max: int = Field(default=5 * MIB, ge=64 * 1024, description="Size at which the log is turned over.")


@dataclass(frozen=True)
class Folder:
    """The data folder of one node: what stands where."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "shop.db"

    @property
    def key_check(self) -> Path:
        return self.path / "key-check"

    @property
    def lock(self) -> Path:
        return self.path / "node.lock"

    @property
    def socket(self) -> Path:
        return self.path / "control.sock"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def config(self) -> Path:
        return self.path / "config.toml"

    @property
    def ballast(self) -> Path:
        return self.path / "ballast"

    @property
    def backups(self) -> Path:
        """Where backups go when nobody named a folder: beside the data folder, on the same disk."""
        return self.path.with_name(self.path.name + ".backups")

    @property
    def exists(self) -> bool:
        return self.database.exists()

    def keys(self, settings: Settings) -> Path:
        """The keys' folder, never inside the data folder. Raises ConfigError if it was set so."""
        chosen = (settings.key_dir or self.path.with_name(self.path.name + ".keys")).resolve()
        if chosen.is_relative_to(self.path):
            raise ConfigError("key_dir is inside the data folder: whoever copies the folder would have the key too.")
        return chosen

    def fence(self, settings: Settings) -> Path:
        """How far the journal has come; beside the keys, because a copy of the data folder must not have it."""
        return self.keys(settings) / "fence"


def data_folder(path: Path) -> Folder:
    """The folder by its full path, so that it means the same after a change of directory."""
    return Folder(path.expanduser().resolve())


def read_settings(folder: Folder, environ: Mapping[str, str], chosen: Mapping[str, Any] | None = None) -> Settings:
    """The settings that hold. `chosen` comes from the command line; None in it means "not given".

    Raises ConfigError naming every wrong setting.
    """
    from_file = _read_file(folder.config)
    from_environment: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    if "host_names" in from_environment:
        from_environment["host_names"] = from_environment["host_names"].split(",")
    typed = {name: value for name, value in (chosen or {}).items() if value is not None}
    try:
        return Settings(**{**from_file, **from_environment, **typed})
    except ValidationError as wrong:
        raise ConfigError(_in_words(wrong, from_file, from_environment)) from None


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"{path} cannot be read: {wrong}") from None


def _in_words(wrong: ValidationError, from_file: Mapping[str, Any], from_environment: Mapping[str, Any]) -> str:
    """Every wrong setting and where it came from; never its value, which may be a secret put in the wrong place."""
    lines = []
    for error in wrong.errors(include_input=False, include_url=False, include_context=False):
        name = str(error["loc"][0])
        place = PREFIX + name.upper() if name in from_environment else "the command line"
        if name in from_file and name not in from_environment:
            place = f"“{name}” in config.toml"
        said = "is not a setting" if error["type"] == "extra_forbidden" else error["msg"]
        lines.append(f"{place}: {said}")
    return "; ".join(lines)
