"""What the counter's screens of repairs let people choose, and where the words of a refusal belong."""

from __future__ import annotations

from collections.abc import Collection

from shopnode.domain.errors import ShopError
from shopnode.domain.repairs.models import RepairStatus
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.counter.ways import MONEY_WAYS
from shopnode.web.ui.pictures import about_pictures
from shopnode.web.ui.refusals import field_errors

METHODS = [(tender.value, METHOD_NAMES[tender]) for tender in MONEY_WAYS]
BACK_WAYS = [("", "As store credit"), *METHODS]  # how money that was paid goes back
VIAS = [("call", "By telephone"), ("in_person", "In person"), ("sms", "By message"), ("email", "By e-mail")]
ANSWERS = [*VIAS[:2], ("signature", "They sign here"), *VIAS[2:]]
OLD_PARTS = [("scrapped", "Scrapped"), ("recycled", "Recycled"), ("to_customer", "Given to the customer"),
             ("to_supplier", "Back to its supplier"), ("none", "There was none")]  # fmt: skip
CONSENTS = {"keep": "Data stays: ask before anything that could lose it", "may_be_lost": "Data may be lost",
            "backed_up": "The customer has a backup"}  # fmt: skip
WAYS = {"none": "No passcode needed", "customer_present": "The customer types it", "stored": "Kept in the vault"}
# What usually comes next: its button stands out.
ONWARDS = {
    RepairStatus.PENDING: RepairStatus.DIAGNOSED, RepairStatus.DIAGNOSED: RepairStatus.IN_PROGRESS,
    RepairStatus.PARTS_ORDERED: RepairStatus.IN_PROGRESS, RepairStatus.IN_PROGRESS: RepairStatus.QUALITY_CHECK,
    RepairStatus.QUALITY_CHECK: RepairStatus.COMPLETED,
}  # fmt: skip


def shown_errors(error: ShopError, shown: Collection[str], **called: str) -> dict[str, str]:
    """What is wrong, beside the fields that the form has; the rest on top of it.

    called  fields of the action that have another name in the form
    """
    renamed = {"body": "", **called}
    errors = {renamed.get(name, name): words for name, words in about_pictures(field_errors(error)).items()}
    odd = [words if name == "" else f"{name}: {words}" for name, words in errors.items() if name not in shown]
    return {name: words for name, words in errors.items() if name in shown} | ({"": " ".join(odd)} if odd else {})
