"""The figures of recorded runs, as the table of docs/reliability.md: `python -m tests.simulator --figures FILE`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.simulator.wire import MISHAPS

# Acts that people were told of, by what they are called here.
BY_KIND = {
    "used phones bought": ("usedphones.buy",),
    "trade-ins": ("usedphones.trade_in",),
    "purchases of used phones taken back": ("usedphones.reverse",),
    "returns": ("returns.take_back",),
    "exchanges": ("returns.exchange",),
    "boxes of goods sent": ("transfers.send",),
    "boxes of goods received, whole or in part": ("transfers.receive",),
    "boxes of goods taken back": ("transfers.take_back",),
    "phones sent, received, taken back": ("handsets.send", "handsets.receive_transfer", "handsets.take_back"),
    "orders": ("orders.create",),
    "deliveries": ("goods.receive",),
    "payments to the supplier": ("suppliers.pay",),
    "stocktakes approved": ("stocktakes.approve",),
    "counts and scans": ("stocktakes.count", "stocktakes.scan"),
    "payments on account": ("accounts.take_payment",),
    "store credit sold, used, paid out": (
        "accounts.sell_store_credit", "accounts.use_store_credit", "accounts.pay_out_store_credit",
    ),
    "accounts corrected": ("accounts.correct",),
    "devices taken in for repair": ("repairs.take_in",),
    "steps of repairs": ("repairs.change_status", "repairs.estimate", "repairs.answer"),
    "parts reserved, fitted, put back": ("repairs.reserve_part", "repairs.use_part", "repairs.return_part"),
    "devices handed over": ("repairs.deliver",),
    "devices sent to another bench, received, sent home": (
        "repairs.send_to_branch", "repairs.receive_from_branch", "repairs.recall_transfer", "repairs.send_home",
    ),
    "devices at a workshop, lent phones, held, taken in again": (
        "repairs.send_out", "repairs.take_back_in", "repairs.lend_phone", "repairs.take_loaner_back",
        "repairs.charge_loaner", "repairs.lock_stolen", "repairs.clear_stolen", "repairs.take_in_rework",
    ),
    "expenses asked for, decided, paid": (
        "expenses.request", "expenses.approve", "expenses.reject", "expenses.pay", "expenses.withdraw",
    ),
    "comings and goings": ("attendance.come", "attendance.go", "attendance.ask_correction",
                           "attendance.decide_correction"),
    "drawers closed with a Z report": ("cash.close_drawer",),
    "cash in and out of drawers beside sales": (
        "cash.pay_in", "cash.pay_out", "cash.drop_to_safe", "cash.take_from_safe", "cash.deposit_at_bank",
    ),
    "days submitted": ("closures.submit",),
    "decisions about days": ("closures.review", "closures.approve", "closures.reject", "closures.lock"),
    "plans opened": ("plans.open",),
    "payments towards plans": ("plans.pay",),
    "plans completed": ("plans.complete",),
    "plans called off or given up": ("plans.cancel", "plans.forfeit"),
}  # fmt: skip


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
        *((name, sum(counts[f"told {act}"] for act in acts)) for name, acts in BY_KIND.items()),
    ]
