"""Commands that keep the hub's books safe: backing up, restoring, making them again."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from cloudhub.console import json_option, say, with_hub
from cloudhub.hub import Hub
from cloudhub.merge.rebuild import Rebuilt, rebuild_tenant
from cloudhub.merge.rebuild_tables import Difference
from cloudhub.tenancy.tenants import all_tenants, find_tenant
from cloudhub.upkeep.backup import Say, make_backup
from cloudhub.upkeep.restore import restore_backup
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import Invalid

log = logging.getLogger("cloudhub.upkeep")


@contextmanager
def telling() -> Iterator[Say]:
    """Tell a person at the screen what is being done; a script reads the answer alone."""
    console = Console(stderr=True)
    with console.status("Looking at the database") as status:
        yield lambda step: status.update(step)


@click.command()
@with_hub
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="The folder; the setting's unless given.")
@json_option
def backup(hub: Hub, to: Path | None, as_json: bool) -> None:
    """Back up the whole hub, and restore the backup to see that it is whole."""
    folder = to or hub.settings.backup_folder
    if folder is None:
        raise Invalid({"to": "name a folder, best on another disk, or set CLOUDHUB_BACKUP_FOLDER"})
    with telling() as tell:
        made = make_backup(hub, folder, tell)
    words = (
        f"{made.path}: {made.tenants} businesses, {made.entries} entries, {made.size / 2**20:.1f} MiB. "
        "It was restored and counted."
    )
    if made.new_key:
        words += f"\nThe key was made: {made.new_key}. Keep a copy elsewhere; without it no backup can be read."
    say(as_json, made.document(), words)


@click.command()
@with_hub
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The key, if it lies elsewhere."
)
@json_option
def restore(hub: Hub, file: Path, key: Path | None, as_json: bool) -> None:
    """Put a backup in the place of the hub's database; shops bring what it lacks."""
    with telling() as tell:
        done = restore_backup(hub, file, key, tell)
    words = (
        f"The hub is as it was on {to_datetime(done.made_at_ms):%Y-%m-%d %H:%M} UTC: {done.tenants} businesses, "
        f"{done.entries} entries. What stood here is kept as database {done.old_database}. Start `cloudhub serve`; "
        "shops bring what they have sent since."
    )
    say(as_json, done.document(), words)


@click.command()
@with_hub
@click.option("--tenant", "wanted", help="One business, its id or name; all of them unless given.")
@json_option
def rebuild(hub: Hub, wanted: str | None, as_json: bool) -> None:
    """Make all books again from what was received, and compare; exits with 1 where they differ. Changes nothing."""
    names = {tenant.id: tenant.name for tenant in all_tenants(hub)}
    chosen = [find_tenant(hub, wanted)] if wanted else list(names)
    found = []
    with Progress(console=Console(stderr=True), transient=True) as screen:
        for tenant_id in chosen:
            found.append(_rebuilt(hub, tenant_id, _shown(screen, names[tenant_id])))
    lines = [f"{d.table} {d.row} {d.what} (business {done.tenant_id})" for done in found for d in done.differences]
    wrong = sum(done.wrong for done in found)
    summary = f"{sum(done.lines for done in found)} lines replayed, {sum(done.rows for done in found)} rows compared"
    verdict = f"{wrong} differ." if wrong else "all as they should be."
    document = {"ok": not wrong, "tenants": [asdict(done) for done in found]}
    say(as_json, document, "\n".join([*lines, f"{summary}: {verdict}"]))
    if wrong:
        sys.exit(1)


def _rebuilt(hub: Hub, tenant_id: str, progress: Callable[[int, int], None]) -> Rebuilt:
    """One business made again. One that cannot be is told as what differs, and keeps nobody from the next."""
    try:
        return rebuild_tenant(hub, tenant_id, progress)
    except Exception as fault:
        log.exception("a business could not be made again", extra={"tenant": tenant_id})
        broken = Rebuilt(tenant_id)
        broken.note(1, [Difference("business", tenant_id, f"could not be made again ({type(fault).__name__})")])
        return broken


def _shown(screen: Progress, name: str) -> Callable[[int, int], None]:
    task = screen.add_task(name, total=None)
    return lambda done, total: screen.update(task, completed=done, total=total)


COMMANDS = (backup, restore, rebuild)
