"""Repairs in words, the same at the counter and in the portal: how a state looks, and what happened to a ticket."""

from __future__ import annotations

from typing import Any

from shopnode.domain.repairs.models import RepairEventKind
from shopnode.domain.repairs.views import ToldRow

TONES = {"Completed": "good", "Delivered": "good", "Declined": "attention", "Cannot Repair": "attention",
         "Unclaimed": "attention", "Stolen": "refused", "Cancelled": "refused", "Disposed": "refused"}  # fmt: skip
TOLD = {
    RepairEventKind.ASSIGNED: "Given to", RepairEventKind.ESTIMATE: "Estimated", RepairEventKind.CHANGED: "Put right",
    RepairEventKind.NOTE: "Note", RepairEventKind.PHOTO: "Photo", RepairEventKind.SIGNATURE: "Signed",
    RepairEventKind.PASSCODE_STORED: "Passcode stored", RepairEventKind.PASSCODE_VIEWED: "Passcode looked at",
    RepairEventKind.PASSCODE_DESTROYED: "Passcode destroyed", RepairEventKind.NOTIFIED: "Customer told",
    RepairEventKind.DISPUTED: "Disputed", RepairEventKind.REMINDED: "Reminded",
    RepairEventKind.FINAL_NOTICE: "Told for the last time", RepairEventKind.STORAGE_FEE: "Storage",
    RepairEventKind.LOANER_OUT: "Our phone was lent", RepairEventKind.LOANER_BACK: "Our phone is back",
    RepairEventKind.LOANER_CHARGED: "Our phone was paid for",
}  # fmt: skip


def told_event(told: ToldRow) -> dict[str, Any]:
    """An event as the timeline tells it."""
    event = told.event
    kind = RepairEventKind(event.kind)
    if kind is RepairEventKind.STATUS:
        words = f"{event.new_status}" if event.old_status else "Taken in"
    elif kind is RepairEventKind.ANSWER:
        words = f"The customer said {'yes' if event.accepted else 'no'} to {event.amount_minor or 0:,}"
    elif kind is RepairEventKind.ESTIMATE:
        words = f"Estimated at {event.amount_minor or 0:,}"
    elif kind is RepairEventKind.ASSIGNED:
        words = f"Given to {told.staff}" if told.staff else "Given to nobody"
    else:
        words = TOLD.get(kind, kind.value.replace("_", " ").capitalize())
    by = f"{words} · {told.by}" if told.by else words
    return {"words": by, "at": event.at, "note": event.note, "tone": TONES.get(event.new_status or "", "")}
