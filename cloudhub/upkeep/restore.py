"""Putting a backup in the place of the hub's database, and beginning a new life with it.

Invariants:
  * The live database is not touched before the backup was read to its end, restored beside it, and found to be whole
    and this hub's own. The swap is two renames in one transaction; the old database is kept under a dated name.
  * The restored database begins its new life before it takes the place of the old one: there is no moment in which
    the hub could speak as if nothing had happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from cloudhub.config import HubSettings
from cloudhub.hub import OWNER_ROLE, Hub, connect
from cloudhub.merge.lives import begin_new_life
from cloudhub.migrate import upgrade_hub
from cloudhub.tenancy.tenants import all_tenants
from cloudhub.upkeep.backup import Say, key_file, move_durable, quietly, restore_into
from cloudhub.upkeep.databases import SCRATCH, CannotKeep, Keeper, keeper_of
from cloudhub.upkeep.envelope import BackupUnusable, read_key
from cloudhub.upkeep.inventory import entries_in
from shopnode.domain import failpoints
from shopnode.domain.clock import to_datetime
from sync_protocol.keys import public_text

NAME_BYTES_MAX = 63  # of a database


@dataclass(frozen=True)
class Restored:
    """What stands now, and what was put aside."""

    made_at_ms: int
    tenants: int
    entries: int
    old_database: str

    def document(self) -> dict[str, Any]:
        return {
            "made_at": self.made_at_ms, "tenants": self.tenants, "entries": self.entries,
            "old_database": self.old_database,
        }  # fmt: skip


def restore_backup(hub: Hub, path: Path, key_at: Path | None = None, say: Say = quietly) -> Restored:
    """Let the hub be as it was when the backup was made. The hub given is closed at the end; open it anew.

    Raises BackupUnusable or CannotKeep; the hub is as it was then.
    """
    keeper = keeper_of(hub)
    keeper.check()
    key = read_key(key_at or key_file(hub))
    stamp = to_datetime(hub.clock.wall_ms()).strftime("%Y%m%d_%H%M%S")
    old = f"{keeper.live}_until_{stamp}"[:NAME_BYTES_MAX]
    new = f"{SCRATCH}restore"
    with keeper.alone():
        say("Restoring beside the live database")
        keeper.create(new)
        try:
            manifest = restore_into(keeper, new, path, key, lambda found: _require_own(hub, found))
            say("Beginning a new life")
            _begin_anew(hub, keeper, new, manifest)
            hub.close()
            _require_nobody(keeper)
            failpoints.hit("restore.before_swap")
            keeper.swap(new, old)
        except BaseException:
            keeper.drop(new)
            raise
    inventory = manifest["inventory"]
    return Restored(manifest["made_at"], len(inventory["feeds"]), entries_in(inventory), old)


def _require_own(hub: Hub, manifest: dict[str, Any]) -> None:
    """A hub that has no business yet may take any backup its operator has the key of: its predecessor is lost."""
    if manifest["inventory"]["hub"] != public_text(hub.key) and all_tenants(hub):
        raise BackupUnusable(
            "This is the backup of another hub. Restore it into an empty folder (--data), not over this one."
        )


def _require_nobody(keeper: Keeper) -> None:
    visitors = keeper.visitors()
    if visitors:
        raise CannotKeep(
            f"The hub's database is in use ({visitors} connections). Stop `cloudhub serve` everywhere, then restore."
        )


def _begin_anew(hub: Hub, keeper: Keeper, database: str, manifest: dict[str, Any]) -> None:
    """Bring the restored database to today's schema and give the hub in it a new epoch."""
    settings = settings_for(hub, keeper, database)
    assert settings.database_url is not None
    upgrade_hub(settings.database_url, hub.clock)
    with keeper.connect(database) as connection:
        connection.execute("ANALYZE")  # the planner knows nothing of rows that were just restored
    restored = Hub(settings, connect(settings, settings.database_url), hub.clock, hub.random)
    try:
        restored.database.check()
        move_durable(restored, manifest["inventory"])  # this very backup has proved itself
        begin_new_life(restored, "restore")
    finally:
        restored.close()


def settings_for(hub: Hub, keeper: Keeper, database: str) -> HubSettings:
    """This hub's settings, with another database of the same server."""
    given = hub.settings
    owner = given.database_url or (hub.server.url(OWNER_ROLE, keeper.live) if hub.server else None)
    named = {
        "database_url": owner,
        "app_database_url": given.app_database_url,
        "gate_database_url": given.gate_database_url,
    }
    elsewhere = {name: _beside(url, database) for name, url in named.items() if url}
    return given.model_copy(update=elsewhere)


def _beside(url: str, database: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg", database=database).render_as_string(hide_password=False)
