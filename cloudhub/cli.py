"""The commands of the hub. Each works while the server runs: it connects to the same database.

Secrets come from a file or a prompt, never from the command line, where other people of the machine could read them.
"""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path
from typing import Any

import click

from cloudhub.carried import take_file
from cloudhub.config import read_settings
from cloudhub.console import data_option, json_option, open_for, say, with_hub
from cloudhub.doctor import check_hub
from cloudhub.hub import Hub
from cloudhub.logs import log_to_stderr
from cloudhub.serve import serve
from cloudhub.tenancy.codes import LIFETIME, make_enrol_code
from cloudhub.tenancy.commands import OF_NODES
from cloudhub.tenancy.tenants import add_shop, add_tenant, all_tenants, find_seat, find_tenant
from cloudhub.upkeep.commands import COMMANDS as UPKEEP


@click.group()
@click.version_option(package_name="phoneshop", prog_name="cloudhub")
def main() -> None:
    """The hub: all shops of all businesses, merged and shown to their owners."""


@main.command("serve")
@data_option
@click.option("--host", help="Address to listen on (127.0.0.1 unless set).")
@click.option("--port", type=int, help="Port to listen on; 0 chooses a free one.")
@json_option
def serve_command(data: Path | None, host: str | None, port: int | None, as_json: bool) -> None:
    """Run the hub until it is told to stop."""
    settings = read_settings(data, host=host, port=port)
    log_to_stderr()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))

    def ready(chosen: int) -> None:
        url = settings.public_url or f"http://{settings.host}:{chosen}"
        say(as_json, {"url": url, "port": chosen}, f"The hub is ready: {url}")
        sys.stdout.flush()

    open_for(settings, lambda hub: serve(hub, settings.host, settings.port, ready))


@main.group()
def tenant() -> None:
    """Businesses that use this hub."""


@tenant.command("add")
@with_hub
@click.option("--name", required=True, help="What the business is called.")
@click.option("--owner-name", required=True)
@click.option("--owner-email", required=True, help="What the owner signs in to the portal with.")
@click.option("--password-file", type=click.File(), help="The owner's password; asked for when left out.")
@json_option
def add_tenant_command(
    hub: Hub, name: str, owner_name: str, owner_email: str, password_file: Any, as_json: bool
) -> None:
    """Add a business and its owner."""
    if password_file is not None:
        password = password_file.read().rstrip("\r\n")
    else:
        password = click.prompt("The owner's password", hide_input=True, confirmation_prompt=True)
    made = add_tenant(hub, name, owner_name, owner_email, password)
    say(as_json, {"tenant": made.tenant_id, "owner": made.owner_id}, f"Added {name}: {made.tenant_id}")


@tenant.command("list")
@with_hub
@json_option
def list_tenants(hub: Hub, as_json: bool) -> None:
    """List the businesses."""
    found = all_tenants(hub)
    words = "\n".join(f"{t.id}  {t.name}  ({t.shops} shops)" for t in found) or "None yet."
    say(as_json, {"tenants": [{"id": t.id, "name": t.name, "shops": t.shops} for t in found]}, words)


@main.group()
def shop() -> None:
    """Shops of a business."""


@shop.command("add")
@with_hub
@click.option("--tenant", "wanted", required=True, help="The business: its id or its name.")
@click.option("--name", required=True, help="What the shop is called.")
@click.option("--code", required=True, help="Letters and digits that start its receipt numbers.")
@json_option
def add_shop_command(hub: Hub, wanted: str, name: str, code: str, as_json: bool) -> None:
    """Add a shop to a business."""
    shop_id = add_shop(hub, find_tenant(hub, wanted), name, code)
    say(as_json, {"shop": shop_id}, f"Added {name}: {shop_id}")


@main.command("enrol-code")
@with_hub
@click.option("--shop", "wanted", required=True, help="The shop: its id or its code.")
@json_option
def enrol_code_command(hub: Hub, wanted: str, as_json: bool) -> None:
    """Make a one-time code by which a PC joins a shop."""
    tenant_id, shop_id = find_seat(hub, wanted)
    code = make_enrol_code(hub, tenant_id, shop_id)
    minutes = int(LIFETIME.total_seconds()) // 60
    document = {"code": code, "shop": shop_id, "minutes": minutes}
    say(as_json, document, f"{code}\nGood once, for {minutes} minutes.")


@main.command("sync")
@with_hub
@click.option("--import", "file", type=click.File("rb"), required=True, help="A file that a shop saved for this hub.")
@click.option("--reply", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the answer to it.")
@click.option("--max-mb", type=click.IntRange(1, 64), default=10, show_default=True, help="Largest answer.")
@json_option
def sync_command(hub: Hub, file: Any, reply: Path | None, max_mb: int, as_json: bool) -> None:
    """Take the file of a shop without internet, and write the answer that goes back to it."""
    answer = io.BytesIO()
    taken = take_file(hub, file, answer, bytes_max=max_mb * 2**20)
    if reply is not None:
        reply.write_bytes(answer.getvalue())
    say(as_json, taken.document(), taken.words)


@main.command()
@with_hub
@json_option
def doctor(hub: Hub, as_json: bool) -> None:
    """Check walls, chains, the feed, what is derived and the jobs; exits with 1 when something is wrong."""
    seen = check_hub(hub)
    lines = [f"{f.check}: {f.words}" + (f" (business {f.tenant})" if f.tenant else "") for f in seen.findings]
    summary = (
        f"{seen.tenants} businesses, {seen.entries} entries, {seen.lines} lines; {seen.held} held, "
        f"{seen.quarantined} quarantined, {seen.open_conflicts} conflicts and {seen.open_exceptions} exceptions open; "
        f"{seen.not_durable} entries in no verified backup"
    )
    verdict = "All is well." if seen.ok else "Something is wrong."
    say(as_json, seen.document(), "\n".join([*lines, *seen.notes, summary, verdict]))
    if not seen.ok:
        sys.exit(1)


for _command in (*UPKEEP, *OF_NODES):
    main.add_command(_command)
