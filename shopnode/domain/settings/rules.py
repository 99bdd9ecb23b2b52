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
        Choice("idle_lock_minutes", 10, "After so many minutes without a touch a screen asks for a PIN.", 1, 480),
        Choice(
            "photo_kb_per_day", 5_000, "Kilobytes of photos a shop may send and fetch in a day; 0 for none.", 0, 10**6
        ),
        Choice("receipt_thanks", "Thank you. Keep this receipt for your warranty.", "Last words on the receipt."),
    )
}

TEXT_MAX = 500


def read_setting(choice: Choice, given: int | str) -> int | str:
    """The value a setting would take. Raises ValueError, in words, when it is not of its type or out of its bounds."""
    if isinstance(choice.default, str):
        text = str(given)
        if len(text) > TEXT_MAX:
            raise ValueError(f"is too long, at most {TEXT_MAX} characters")
        return text
    if isinstance(given, str) and not (given.strip().isascii() and given.strip().isdigit()):
        raise ValueError("must be a whole number")
    number = int(given)
    if not choice.minimum <= number <= choice.maximum:
        raise ValueError(f"must be from {choice.minimum:,} to {choice.maximum:,}")
    return number
