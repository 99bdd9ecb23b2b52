"""The settings there are, their types, defaults and help. One place; screens, API and tests read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One setting: a whole number with bounds, in the unit named by its key, or a line of text."""

    key: str
    default: int | str
    help: str
    minimum: int = 0
    maximum: int = 10**12


CHOICES = {
    choice.key: choice
    for choice in (
        Choice("discount_limit_staff_bp", 500, "Discount a staff member may give alone, in basis points.", 0, 10_000),
        Choice("discount_limit_supervisor_bp", 1500, "Discount a supervisor may give alone.", 0, 10_000),
        Choice("custom_line_limit_minor", 200_000, "A line without a product above this needs a second person."),
        Choice("refund_limit_supervisor_minor", 500_000, "A refund above this needs the owner."),
        Choice("receipt_thanks", "Thank you. Keep this receipt for your warranty.", "Last words on the receipt."),
    )
}
