"""What the commands print for people: progress, tables, results. Documents for programs are printed as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from shopnode.machine.commands import Say

MARKS = {"green": "✓", "amber": "!", "red": "✗"}
INKS = {"green": "green", "amber": "yellow", "red": "red"}
NEEDS_A_LOOK = ("wrong", "changed")


@contextmanager
def progress(title: str) -> Iterator[Say]:
    """A progress bar on a terminal, nothing where a script reads."""
    if not sys.stderr.isatty():
        yield lambda done, total, words="": None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total, words="": bar.update(
            task, completed=done, total=total, description=f"{title} · {words}" if words else title
        )


def import_words(answer: Mapping[str, Any]) -> str:
    """Every line that was wrong or changes something, then the sums."""
    lines = [
        f"Line {line['line']}: {': '.join(filter(None, [line['about'], ' '.join(line['says'])]))} [{line['verdict']}]"
        for line in answer["lines"]
        if line["verdict"] in NEEDS_A_LOOK or line["says"]
    ]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in answer["counts"].items()) or "no lines"
    tail = f"Nothing was changed (dry run): {counts}." if answer["dry_run"] else f"Done: {counts}."
    return "\n".join([*lines, tail])


def doctor_words(found: Mapping[str, Any]) -> str:
    lines = [
        f"{click.style(MARKS[check['colour']], fg=INKS[check['colour']])} {check['name']:<10} {check['message']}"
        for check in found["checks"]
    ]
    verdict = "The shop is healthy." if found["ok"] else "The shop is NOT healthy: see the lines marked ✗."
    return "\n".join([*lines, "", verdict])


def demo_words(made: Mapping[str, Any]) -> str:
    lines = [
        f"{made['products']} products, {made['phones']} phones, {made['sales']} sales, {made['customers']} customers"
    ]
    for login in made["logins"]:
        password = f"password {login['password']}" if "password" in login else "own password"
        lines.append(f"{login['role']:<11} {login['name']:<18} {login['phone']:<14} {password:<26} PIN {login['pin']}")
    return "\n".join(lines)


def actions_table(markdown: bool) -> str:
    """Every action by name: permission, place, what it does."""
    import shopnode.domain.everything  # noqa: F401 — registers them
    from shopnode.domain.actions import ACTIONS

    row = "| `{}` | {} | {} | {} |" if markdown else "{:<28} {:<24} {:<9} {}"
    lines = [MARKDOWN_HEAD] if markdown else []
    ours = [act for act in ACTIONS.values() if act.run.__module__.startswith("shopnode.")]  # the hub adds its own
    for act in sorted(ours, key=lambda act: act.name):
        needs = f"`{act.needs.value}`" if markdown else act.needs.value
        lines.append(row.format(act.name, needs, act.where.value, act.summary))
    return "\n".join(lines)


def settings_table(markdown: bool) -> str:
    """Every setting by name: its default and what it is for."""
    from shopnode.config import PREFIX, Settings

    row = "| `{}` | `{}{}` | {} | {} |" if markdown else "{:<20} {}{:<20} {:<12} {}"
    lines = [SETTINGS_HEAD] if markdown else []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else str(field.default)
        lines.append(row.format(name, PREFIX, name.upper(), default, field.description))
    return "\n".join(lines)


MARKDOWN_HEAD = """\
# Actions

Everything that changes synced data is one of these, and passes the door (`perform`). `SHOP` runs only at the node whose
books it changes, `ANYWHERE` also in the owner's portal. Made by `shopnode actions --markdown`; a test compares.

| Action | Permission | Where | What it does |
|---|---|---|---|"""

SETTINGS_HEAD = """\
# Settings of a node

Read from, strongest first: the command line, the environment, `config.toml` in the data folder. A name that is not
in this list is refused. `SHOPNODE_DATA` names the data folder. Made by `shopnode settings --markdown`; a test compares.

| In config.toml | In the environment | Default | What it is for |
|---|---|---|---|"""
