"""The figures of recorded runs, as the table of docs/reliability.md: `python -m tests.simulator --figures FILE`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.simulator.wire import MISHAPS


def figures(files: list[Path]) -> list[tuple[str, int]]:
    """What these records add up to; a seed that was run twice counts as it ended."""
    runs = {run["seed"]: run for file in files for run in map(json.loads, file.read_text().splitlines())}
    counts: Counter[str] = Counter()
    for run in runs.values():
        counts.update(run["counts"])
    total = {name: sum(run[name] for run in runs.values()) for name in ("steps", "told", "acknowledged", "sales")}
    return [
        ("seeds", len(runs)),
        ("seeds that failed", sum(bool(run["faults"]) for run in runs.values())),
        ("steps", total["steps"]),
        ("acts that people were told of", total["told"]),
        ("sales", total["sales"]),
        ("entries acknowledged by a hub", total["acknowledged"]),
        ("mishaps on the line", sum(counts[name] for name in MISHAPS)),
        ("plugs pulled at a shop", counts["node killed"]),
        ("plugs pulled at a hub", counts["hub killed"]),
        ("computers restored from a copy", counts["computers restored"]),
        ("computers cloned", counts["computers cloned"]),
        ("hubs restored from a backup", counts["hub restored"]),
        ("sales physically destroyed", sum(len(run["lost"]) for run in runs.values())),
        ("sales lost otherwise", sum("D1" in fault for run in runs.values() for fault in run["faults"])),
        ("acts taken twice", sum("E1" in fault for run in runs.values() for fault in run["faults"])),
    ]
