"""The commands that need a shop's books: one registry, whether they run in the shop's process or in their own.

A command takes the node, its checked arguments and `say` for progress, and answers a document that `--json` prints as
it is. It acts as the console: a person at the shop's own computer, who needs no login there.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

from pydantic import Field

from shopnode.domain.context import CONSOLE, Channel, Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.params import Params, read_params

if TYPE_CHECKING:
    from shopnode.domain.sheets import LineResult
    from shopnode.machine.runtime import Node

FILE_BYTES_MAX = 24 * 1024 * 1024
SAY_EVERY_LINES = 25
T = TypeVar("T")


class Say(Protocol):
    """Progress: how much is done, of how much if known, and at what."""

    def __call__(self, done: int, total: int | None, words: str = "") -> None: ...


Run = Callable[["Node", Any, Say], dict[str, Any]]


@dataclass(frozen=True)
class Command:
    name: str
    form: type[Params]
    run: Run


COMMANDS: dict[str, Command] = {}


def command(name: str, form: type[Params]) -> Callable[[Run], Run]:
    """Register a function as a command of that name."""

    def register(run: Run) -> Run:
        COMMANDS[name] = Command(name, form, run)
        return run

    return register


def perform_command(node: Node, name: str, args: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Do one command. Raises a ShopError in words."""
    import shopnode.domain.everything  # noqa: F401 — registers the actions a command performs

    known = COMMANDS.get(name)
    if known is None:
        raise NotFound("This command")
    return known.run(node, read_params(known.form, args), say)


def console(node: Node) -> Context:
    """Whoever types at the shop's own computer."""
    return Context(node.home, CONSOLE, node.home.shop_id, Channel(user_agent="shopnode command"))


class Nothing(Params):
    """No arguments."""


class ImportFile(Params):
    """A file's content as base64: the running shop may not be able to read what its user can."""

    content: Annotated[str, Field(max_length=FILE_BYTES_MAX * 4 // 3 + 4)]
    dry_run: bool = False


class ExportFile(Params):
    """How large the file may become."""

    max_mb: Annotated[int, Field(ge=1, le=16)] = 10


class ImportAnswer(Params):
    """The hub's answer as base64."""

    content: Annotated[str, Field(max_length=FILE_BYTES_MAX * 4 // 3 + 4)]


class MakeBackup(Params):
    """Into which folder; the one of the settings, or one beside the data folder, when left out."""

    to: Annotated[str, Field(min_length=1, max_length=4_000)] | None = None


class Demo(Params):
    """What the invented days are drawn from."""

    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    days: Annotated[int, Field(ge=1, le=90)] = 10
    sales: Annotated[int, Field(ge=1, le=2_000)] = 60
    printer: Annotated[str, Field(max_length=120)] | None = None  # network address of a receipt printer


class Enrol(Params):
    """The hub's address and a code made for this shop."""

    hub: Annotated[str, Field(max_length=300)]
    code: Annotated[str, Field(max_length=100)]


class NotEnrolled(Conflict):
    code = "not-enrolled"

    def __init__(self) -> None:
        super().__init__("This shop is not connected to a hub. Connect it with: shopnode enrol --data DIR")


class SyncFailed(Conflict):
    code, status = "sync-failed", 502


@command("status", Nothing)
def status(node: Node, args: Nothing, say: Say) -> dict[str, Any]:
    """What the node is doing now."""
    sync = node.sync.status()
    return {
        "running": node.control is not None,
        "address": node.address,
        "series": node.home.series,
        "sync": {"state": sync.state, "waiting": sync.waiting, "since_ms": sync.since_ms, "message": sync.message},
        "troubles": node.troubles(),
    }


@command("doctor", Nothing)
def doctor(node: Node, args: Nothing, say: Say) -> dict[str, Any]:
    """Every figure that can be computed twice, compared."""
    from shopnode.machine.doctor import examine, report

    return report(examine(node, say))


@command("sync", Nothing)
def sync_once(node: Node, args: Nothing, say: Say) -> dict[str, Any]:
    """Exchange with the hub until nothing is left to send or fetch."""
    done = _with_hub(node, node.sync.run_once)
    return {"pushed": done.pushed, "pulled": done.pulled, "waiting": node.sync.status().waiting}


@command("sync check", Nothing)
def sync_check(node: Node, args: Nothing, say: Say) -> dict[str, Any]:
    """Compare the books here with the hub's, and mend what differs."""
    found = _with_hub(node, node.sync.check)
    return {**asdict(found), "ok": found.is_whole, "message": found.words()}


def _with_hub(node: Node, work: Callable[[], T]) -> T:
    from shopnode.sync.line import Refused
    from shopnode.sync.transport import LinkDown

    if node.sync.status().state == "not-enrolled":
        raise NotEnrolled
    try:
        return work()
    except LinkDown:
        raise SyncFailed("The hub cannot be reached. Nothing is lost; it is tried again by itself.") from None
    except Refused as refused:
        raise SyncFailed(refused.sentence) from None


@command("sync export", ExportFile)
def export_file(node: Node, args: ExportFile, say: Say) -> dict[str, Any]:
    """Write what waits for the hub into a file, for a way without internet."""
    file = io.BytesIO()
    saved = node.sync.save_file(file, args.max_mb * 2**20)
    content = base64.b64encode(file.getvalue()).decode()
    return {"entries": saved.entries, "left": saved.left, "bytes": saved.bytes, "content": content}


@command("sync import", ImportAnswer)
def import_answer(node: Node, args: ImportAnswer, say: Say) -> dict[str, Any]:
    """Take the hub's answer to such a file."""
    told = node.sync.load_file(io.BytesIO(_content(args.content)))
    return {**asdict(told), "message": told.words}


@command("backup", MakeBackup)
def backup(node: Node, args: MakeBackup, say: Say) -> dict[str, Any]:
    """Copy the books into one encrypted file, and check it."""
    made = node.back_up(Path(args.to) if args.to else None)
    entries = made.note["counts"]["journal_entry"]
    return {"file": str(made.path), "bytes": made.path.stat().st_size, "entries": entries, "n": made.note["n"]}


@command("enrol", Enrol)
def enrol(node: Node, args: Enrol, say: Say) -> dict[str, Any]:
    """Connect a shop that began alone to a hub; what it recorded so far goes up unchanged."""
    from shopnode.machine.enrolling import enrol_running

    return enrol_running(node, args.hub, args.code)


@command("import products", ImportFile)
def import_products(node: Node, args: ImportFile, say: Say) -> dict[str, Any]:
    """Take a table of products into the catalogue."""
    from shopnode.domain.catalogue.imports import import_products as run

    return _import(node, args, say, run)


@command("import handsets", ImportFile)
def import_handsets(node: Node, args: ImportFile, say: Say) -> dict[str, Any]:
    """Take a supplier's list of phones into stock."""
    from shopnode.domain.handsets.imports import import_handsets as run

    return _import(node, args, say, run)


def _import(node: Node, args: ImportFile, say: Say, run: Callable[..., Iterator[LineResult]]) -> dict[str, Any]:
    """Run an import and tell every line's result; right lines are taken, wrong ones explained."""
    from shopnode.documents.workbooks import UnreadableWorkbook, as_table
    from shopnode.domain.importing import tally

    content = _content(args.content)
    lines = content.count(b"\n")
    results = []
    try:
        with as_table(io.BytesIO(content)) as table:
            for result in run(console(node), table, dry_run=args.dry_run):
                results.append(result)
                if len(results) % SAY_EVERY_LINES == 0:
                    say(min(len(results), lines), lines, "lines")
    except UnreadableWorkbook as wrong:
        raise Invalid({"file": str(wrong)}) from None
    say(lines, lines, "lines")
    return {
        "dry_run": args.dry_run,
        "counts": {verdict.value: count for verdict, count in tally(results).items()},
        "lines": [
            {"line": line.line_no, "verdict": line.verdict.value, "about": line.about, "says": list(line.says)}
            for line in results
        ],
    }


@command("demo", Demo)
def demo(node: Node, args: Demo, say: Say) -> dict[str, Any]:
    """Fill an empty shop with believable days."""
    from shopnode.domain.demo import add_demo_printer, check_printer, fill_demo

    if args.printer:
        check_printer(args.printer)
    made = fill_demo(node.home, seed=args.seed, days=args.days, sales=args.sales, tell=say)
    if args.printer:
        add_demo_printer(node.home, args.printer)
    node.home.committed()
    return made


def _content(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Invalid({"content": "is not a file"}) from None
