"""`shopnode`: the commands of one shop's node.

Each works while the shop is open: what needs the books goes through the process that has them. Secrets come from a
file or a prompt, never from the command line, where other users and the shell's history would see them. `--json`
prints the answer as one document. Exit codes: 0 done, 1 refused or not healthy, 2 wrongly typed, 3 done in part.

Heavy modules are imported by the command that needs them, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from shopnode.config import Folder, Settings

DONE_IN_PART = 3

data_option = click.option(
    "--data", "data_dir", required=True, envvar="SHOPNODE_DATA", metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path), help="The shop's data folder.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="phoneshop", prog_name="shopnode")
def main() -> None:
    """Runs one shop: its counter, its books, its printers."""


@main.command()
@data_option
@click.option("--standalone", is_flag=True, help="Begin alone, without a hub; it can be connected later.")
@click.option("--business", required=True, help="Name of the business, as on receipts.")
@click.option("--shop-code", required=True, help="Letters and digits that start every receipt number, such as KLA.")
@click.option("--shop-name", help="Name of the shop; the business's where left out.")
@click.option("--owner-name", required=True, help="The owner's name.")
@click.option("--owner-phone", required=True, help="The owner's telephone number, to sign in with.")
@click.option("--password-file", type=click.File(), help="File with the owner's password; asked for where left out.")
@click.option("--currency", default="UGX", show_default=True)
@click.option("--timezone", default="Africa/Kampala", show_default=True)
@click.option("--vat-rate-bp", default=0, show_default=True, help="VAT in the prices, in basis points: 1800 is 18 %.")
@json_option
def init(data_dir: Path, standalone: bool, password_file: TextIO | None, as_json: bool, **given: Any) -> None:
    """Make a new shop in an empty folder, and show its recovery key once."""
    if not standalone:
        raise click.UsageError("Say --standalone for a shop of its own, or use: shopnode enrol --hub URL --code CODE")
    with refusals(as_json):
        from secrets import token_bytes

        from shopnode.domain.clock import SystemClock
        from shopnode.machine.founding import NewShop, found_standalone

        folder, settings = place(data_dir)
        new = NewShop(
            business_name=given["business"],
            shop_name=given.pop("shop_name") or given["business"],
            owner_password=ask_password(password_file),
            **{name: value for name, value in given.items() if name != "business"},
        )
        key = found_standalone(folder, settings, new, SystemClock(), token_bytes)
        show_new_folder(folder, {"recovery_key": key, "data": str(folder.path)}, as_json)


@main.command()
@data_option
@click.option("--hub", required=True, metavar="URL", help="The hub's address, such as https://hub.example.com.")
@click.option("--code", required=True, help="The one-time code that the owner or the hub made for this shop.")
@json_option
def enrol(data_dir: Path, hub: str, code: str, as_json: bool) -> None:
    """Connect this shop to its hub; makes the data folder if there is none."""
    with refusals(as_json):
        from contextlib import suppress
        from secrets import token_bytes

        from shopnode.domain.errors import ShopError

        folder, settings = place(data_dir)
        if folder.exists:
            answer = run(folder, settings, "enrol", {"hub": hub, "code": code})
        else:
            from shopnode.domain.clock import SystemClock
            from shopnode.machine.enrolling import enrol_new

            answer = enrol_new(folder, settings, hub, code, SystemClock(), token_bytes)
            show_new_folder(folder, answer, as_json)
            # What the hub has for this shop, now; a line that is cut just then is made up for by the open shop.
            with suppress(ShopError):
                run(folder, settings, "sync", {})
        if "recovery_key" not in answer:
            show(answer, as_json, f"Connected to {answer['hub']}. Receipts are numbered {answer['series']}-….")


@main.command()
@data_option
@click.option("--recovery-key-file", type=click.File(), help="File with the recovery key; asked for where left out.")
def recover(data_dir: Path, recovery_key_file: TextIO | None) -> None:
    """Put the key of the books back from the recovery key on paper."""
    with refusals(False):
        from shopnode.machine.founding import recover_key

        folder, settings = place(data_dir)
        typed = recovery_key_file.read() if recovery_key_file else click.prompt("Recovery key", hide_input=True)
        recover_key(folder, settings, typed)
        click.echo("The key is back in its place, and it opens the books.")


@main.command()
@data_option
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Folder for the file.")
@json_option
def backup(data_dir: Path, to: Path | None, as_json: bool) -> None:
    """Copy the books into one encrypted file and check it; the shop may be open."""
    with refusals(as_json):
        folder, settings = place(data_dir)
        made = run(folder, settings, "backup", {"to": str(to.absolute()) if to else None})
        words = f"{made['file']} holds {made['entries']} entries, and was opened and counted."
        show(made, as_json, f"{words} It opens with the recovery key of this shop.")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--code", help="A proof from a receipt, such as 7QF2-9KTM: say which entry it is of.")
@click.option("--head", help="The last hash, as somebody else wrote it down.")
def verify(file: Path, code: str | None, head: str | None) -> None:
    """Check a journal that was taken out, entry by entry. Needs no shop: the script runs alone, too."""
    from shopnode import verify_journal

    given = [*(["--code", code] if code else []), *(["--head", head] if head else [])]
    sys.exit(verify_journal.main([str(file), *given]))


@main.command()
@data_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--recovery-key-file", type=click.File(), help="File with the recovery key; asked for where left out.")
@json_option
def restore(data_dir: Path, file: Path, recovery_key_file: TextIO | None, as_json: bool) -> None:
    """Put the books back from a backup; the ones that are there are kept aside. Not while the shop is open."""
    with refusals(as_json):
        from shopnode.domain.clock import SystemClock
        from shopnode.machine.restore import needs_recovery_key
        from shopnode.machine.restore import restore as put_back

        folder, settings = place(data_dir)
        typed = recovery_key_file.read() if recovery_key_file else None
        if typed is None and needs_recovery_key(folder, settings):
            typed = click.prompt("Recovery key", hide_input=True)
        done = put_back(folder, settings, file, SystemClock(), typed)
        kept = str(done.kept_aside) if done.kept_aside else None
        words = f"The books are back as they were, with {done.note['n']} entries."
        if kept:
            words += f" Those that were here are kept in {kept}."
        words += " Receipts go on under a new series; what the hub has comes back from it."
        show({"n": done.note["n"], "made_at": done.note["made_at"], "kept_aside": kept}, as_json, words)


@main.command()
@data_option
@click.option("--host", help="Address to listen at.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen at; 0 takes a free one.  [default: 8300]")
@click.option("--no-tls", is_flag=True, help="Let other devices connect although the way there is not encrypted.")
def serve(data_dir: Path, host: str | None, port: int | None, no_tls: bool) -> None:
    """Open the shop: counter, printers, exchange with the hub. Ctrl-C closes it."""
    with refusals(False):
        from shopnode.machine.serving import announce
        from shopnode.machine.serving import serve as serve_until_stopped

        folder, settings = place(data_dir, {"host": host, "port": port})
        serve_until_stopped(folder, settings, no_tls=no_tls, tell=announce)


@main.command()
@data_option
@click.option("--once", is_flag=True, help="Exchange now, until nothing is left to send or fetch.")
@click.option("--export", type=click.Path(path_type=Path, dir_okay=False), help="Write what waits into this file.")
@click.option("--import", "answer", type=click.File("rb"), help="Take the hub's answer to such a file.")
@click.option("--check", is_flag=True, help="Compare the books here with the hub's, and mend what differs.")
@click.option("--max-mb", type=click.IntRange(1, 16), default=10, show_default=True, help="Largest file to write.")
@json_option
def sync(data_dir: Path, once: bool, export: Path | None, answer: Any, check: bool, max_mb: int, as_json: bool) -> None:
    """Say what waits for the hub, exchange with it now, or by a file where there is no internet."""
    with refusals(as_json):
        folder, settings = place(data_dir)
        if once + check + (export is not None) + (answer is not None) > 1:
            raise click.UsageError("--once, --check, --export and --import are four ways; choose one.")
        if export is not None:
            from shopnode.machine.carrying import export_file

            saved, words = export_file(lambda name, args: run(folder, settings, name, args), export, max_mb)
            show(saved, as_json, words)
        elif answer is not None:
            from shopnode.machine.carrying import import_answer

            told = import_answer(lambda name, args: run(folder, settings, name, args), answer)
            show(told, as_json, told["message"])
        elif check:
            found = run(folder, settings, "sync check", {})
            show(found, as_json, found["message"])
        elif once:
            done = run(folder, settings, "sync", {})
            words = f"Sent {done['pushed']} entries, fetched {done['pulled']}; {done['waiting']} still wait."
            show(done, as_json, words)
        else:
            state = run(folder, settings, "status", {})["sync"]
            show(state, as_json, f"{state['message']} ({state['waiting']} waiting)")


@main.command()
@data_option
@json_option
def status(data_dir: Path, as_json: bool) -> None:
    """Say whether the shop is open, where, and what troubles it."""
    with refusals(as_json):
        told = run(*place(data_dir), "status", {})
        lines = [f"Open at {told['address']}" if told["address"] else "Closed", told["sync"]["message"]]
        show(told, as_json, "\n".join([*lines, *told["troubles"]]))


@main.group(name="import")
def imports() -> None:
    """Take a table (CSV) into the books, line by line."""


def _import_options(function: Any) -> Any:
    for option in (
        json_option,
        click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing."),
        click.argument("file", type=click.File("rb")),
        data_option,
    ):
        function = option(function)
    return function


@imports.command()
@_import_options
def products(**given: Any) -> None:
    """Products with their prices. Importing the same file twice changes nothing."""
    import_file("import products", **given)


@imports.command()
@_import_options
def handsets(**given: Any) -> None:
    """Phones by IMEI, as a supplier lists them."""
    import_file("import handsets", **given)


def import_file(name: str, data_dir: Path, file: Any, dry_run: bool, as_json: bool) -> None:
    """Run an import, show each line that needs a look, and exit 3 when a line was wrong."""
    with refusals(as_json):
        from base64 import b64encode

        from shopnode.domain.errors import Invalid
        from shopnode.machine.commands import FILE_BYTES_MAX
        from shopnode.machine.showing import import_words

        content = file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise Invalid({"file": f"is larger than {FILE_BYTES_MAX // 2**20} MiB; split it"})
        args = {"content": b64encode(content).decode(), "dry_run": dry_run}
        answer = run(*place(data_dir), name, args)
        show(answer, as_json, import_words(answer))
        if answer["counts"].get("wrong"):
            sys.exit(DONE_IN_PART)


@main.command()
@data_option
@json_option
def doctor(data_dir: Path, as_json: bool) -> None:
    """Examine the books: everything that can be computed twice is, and compared. Changes nothing."""
    with refusals(as_json):
        from shopnode.domain.engine import DatabaseUnusable
        from shopnode.machine.doctor import cannot_open
        from shopnode.machine.keys import KeyProblem
        from shopnode.machine.showing import doctor_words

        folder, settings = place(data_dir)
        try:
            found = run(folder, settings, "doctor", {})
        except (DatabaseUnusable, KeyProblem) as unusable:
            found = cannot_open(unusable)
        show(found, as_json, doctor_words(found))
        if not found["ok"]:
            sys.exit(1)


@main.command()
@data_option
@click.option("--seed", default=1, show_default=True, help="The same seed tells the same story.")
@click.option("--days", default=10, show_default=True, help="Days of trade before today.")
@click.option("--sales", default=60, show_default=True)
@click.option("--printer", metavar="HOST:PORT", help="Network address of a receipt printer to set up.")
@json_option
def demo(data_dir: Path, as_json: bool, **given: Any) -> None:
    """Fill an empty shop with believable days: goods, phones, staff, sales, an open drawer."""
    with refusals(as_json):
        from shopnode.machine.showing import demo_words

        made = run(*place(data_dir), "demo", given)
        show(made, as_json, demo_words(made))


@main.command()
@click.option("--markdown", is_flag=True, help="Print as the table in docs/actions.md.")
def actions(markdown: bool) -> None:
    """List every action, who may do it and where it runs."""
    from shopnode.machine.showing import actions_table

    click.echo(actions_table(markdown))


@main.command()
@click.option("--markdown", is_flag=True, help="Print as the table in docs/settings.md.")
def settings(markdown: bool) -> None:
    """List every setting, its default and what it is for."""
    from shopnode.machine.showing import settings_table

    click.echo(settings_table(markdown))


def place(data_dir: Path, chosen: Mapping[str, Any] | None = None) -> tuple[Folder, Settings]:
    """The folder and its settings."""
    from shopnode.config import data_folder, read_settings

    folder = data_folder(data_dir)
    return folder, read_settings(folder, os.environ, chosen)


def run(folder: Folder, settings: Settings, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Run a command where the books are open, with its progress on the screen."""
    from shopnode.machine.control import run_command
    from shopnode.machine.showing import progress

    with progress(name) as say:
        return run_command(folder, settings, name, args, say)


def show(answer: Mapping[str, Any], as_json: bool, words: str) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False) if as_json else words)


def show_new_folder(folder: Folder, answer: Mapping[str, Any], as_json: bool) -> None:
    """Tell what was made, and the recovery key: the only time it is seen."""
    show(
        answer,
        as_json,
        f"The shop is ready in {folder.path}.\n\n"
        "Recovery key, shown this once. Write it down and keep it away from this computer;\n"
        "without it the books are lost when this computer's key is:\n\n"
        f"    {answer['recovery_key']}\n\n"
        f"Open the shop with: shopnode serve --data {folder.path}",
    )


def ask_password(file: TextIO | None) -> str:
    """The password from the file's first line, or typed twice."""
    if file is not None:
        return file.readline().rstrip("\r\n")
    return str(click.prompt("The owner's password", hide_input=True, confirmation_prompt=True))


@contextmanager
def refusals(as_json: bool) -> Iterator[None]:
    """Turn what our own code refuses into words (or a document) and exit code 1; anything else is a bug and shows."""
    from shopnode.config import ConfigError
    from shopnode.domain.engine import DatabaseUnusable
    from shopnode.domain.errors import ShopError
    from shopnode.machine.keys import KeyProblem
    from shopnode.machine.lock import FolderInUse

    try:
        yield
    except (ShopError, ConfigError, DatabaseUnusable, KeyProblem, FolderInUse) as refused:
        details = {"code": getattr(refused, "code", "unusable"), "message": str(refused)}
        if as_json:
            click.echo(json.dumps({"error": {**details, **getattr(refused, "details", {})}}, ensure_ascii=False))
        else:
            click.echo(str(refused), err=True)
        sys.exit(1)
