"""What the screens of repairs say: words for statuses, events and choices, and where the words of a refusal belong."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from shopnode.domain.errors import ShopError
from shopnode.domain.repairs.models import RepairEventKind, RepairStatus
from shopnode.domain.repairs.views import ToldRow
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.counter.ways import MONEY_WAYS
from shopnode.web.ui.pictures import about_pictures
from shopnode.web.ui.refusals import field_errors

METHODS = [(tender.value, METHOD_NAMES[tender]) for tender in MONEY_WAYS]
BACK_WAYS = [("", "As store credit"), *METHODS]  # how money that was paid goes back
VIAS = [("call", "By telephone"), ("in_person", "In person"), ("sms", "By message"), ("email", "By e-mail")]
OLD_PARTS = [("scrapped", "Scrapped"), ("recycled", "Recycled"), ("to_customer", "Given to the customer"),
             ("to_supplier", "Back to its supplier"), ("none", "There was none")]  # fmt: skip
CONSENTS = {"keep": "Data stays: ask before anything that could lose it", "may_be_lost": "Data may be lost",
            "backed_up": "The customer has a backup"}  # fmt: skip
WAYS = {"none": "No passcode needed", "customer_present": "The customer types it", "stored": "Kept in the vault"}
TONES = {"Completed": "good", "Delivered": "good", "Declined": "attention", "Cannot Repair": "attention",
         "Unclaimed": "attention", "Stolen": "refused", "Cancelled": "refused", "Disposed": "refused"}  # fmt: skip
# What usually comes next: its button stands out.
ONWARDS = {
    RepairStatus.PENDING: RepairStatus.DIAGNOSED, RepairStatus.DIAGNOSED: RepairStatus.IN_PROGRESS,
    RepairStatus.PARTS_ORDERED: RepairStatus.IN_PROGRESS, RepairStatus.IN_PROGRESS: RepairStatus.QUALITY_CHECK,
    RepairStatus.QUALITY_CHECK: RepairStatus.COMPLETED,
}  # fmt: skip
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


def shown_errors(error: ShopError, shown: Collection[str], **called: str) -> dict[str, str]:
    """What is wrong, beside the fields that the form has; the rest on top of it.

    called  fields of the action that have another name in the form
    """
    renamed = {"body": "", **called}
    errors = {renamed.get(name, name): words for name, words in about_pictures(field_errors(error)).items()}
    odd = [words if name == "" else f"{name}: {words}" for name, words in errors.items() if name not in shown]
    return {name: words for name, words in errors.items() if name in shown} | ({"": " ".join(odd)} if odd else {})
