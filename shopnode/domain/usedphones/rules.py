"""The law of buying from people: what is offered, what must be seen before paying, how long a phone is held. Pure.

Worked numbers: docs/rules/valuation.md.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shopnode.domain.money import vat_inside
from shopnode.domain.permissions import Role

GRADES = re.compile(r"[A-F][+-]?")
NIN = re.compile(r"C[MF]\d{2}[0-9A-Z]{10}")


@dataclass(frozen=True)
class TableLine:
    """One line of the valuation table: what is paid for a product in a storage (None: any) and a grade."""

    storage: str | None
    grade: str
    offer_minor: int


def read_grade(typed: str) -> str:
    """A grade as the table has it: A+, A, B … Raises ValueError, in words."""
    grade = typed.strip().upper()
    if not GRADES.fullmatch(grade):
        raise ValueError("must be a letter from A to F, with + or − where you use them")
    return grade


def plain_storage(typed: str | None) -> str | None:
    """A storage as it is compared: "128 gb", "128GB" and "128" are one. None for none."""
    text = re.sub(r"\s+", "", typed or "").upper()
    if not text:
        return None
    return f"{text}GB" if re.fullmatch(r"(\d+/)?\d+", text) else text


def valued_at(lines: Iterable[TableLine], storage: str | None, grade: str) -> int | None:
    """What the table offers: the line of this storage, else the one for any storage. None: the table has none."""
    found = {line.storage: line.offer_minor for line in lines if line.grade == grade}
    return found.get(plain_storage(storage), found.get(None))


def offer_objection(role: Role, offer_minor: int, valued_minor: int | None) -> str | None:
    """Why an offer needs a second person, or None (rule 16). The owner decides alone."""
    if role is Role.OWNER or offer_minor <= (valued_minor or 0):
        return None
    if valued_minor is None:
        return "The table has no value for this phone in this grade."
    return f"{offer_minor:,} is more than the table's {valued_minor:,} for this phone."


def unseen(*, locks_removed: bool, was_reset: bool, states_ownership: bool) -> dict[str, str]:
    """What must be seen before a shilling is paid and was not, by field (rules 13 and 15). Nobody can approve it away:
    a phone that is locked to somebody else's account is worth nothing, and may be stolen.
    """
    wrong = {}
    if not locks_removed:
        wrong["locks_removed"] = (
            "must be seen first: sign the phone out of Google and iCloud, start it again, and look that it asks for "
            "no account. A locked phone is not bought"
        )
    if not was_reset:
        wrong["was_reset"] = "must be done first: reset the phone to how it left the factory"
    if not states_ownership:
        wrong["states_ownership"] = "is needed: the seller must say, and sign, that the phone is theirs to sell"
    return wrong


def network_lock(typed: str) -> str | None:
    """The network a phone is locked to, None for none. Somebody looked, or the form was not filled in."""
    word = typed.strip()
    return None if word.casefold() in {"none", "no", "unlocked", "open"} else word


def identity_note(id_type: str, id_number: str) -> str | None:
    """What is odd about an ID number, in words. No check digit is published, so this warns and never refuses."""
    if id_type != "national_id" or NIN.fullmatch(id_number):
        return None
    return "The ID number does not look like a NIN (14 characters, beginning CM or CF): compare it with the card."


def plain_id_number(typed: str) -> str:
    """An ID number as it is kept: upper case, without blanks and dashes."""
    return re.sub(r"[\s-]+", "", typed).upper()


def hold_end(bought_at: datetime, hold_days: int) -> datetime | None:
    """Until when a phone is held back (rule 19); None where the shop holds none back. The ticket asks it."""
    return bought_at + timedelta(days=hold_days) if hold_days else None


def months_later(instant: datetime, months: int) -> datetime:
    """The same day so many months on; the last day of a shorter month."""
    year, month = divmod(instant.month - 1 + months, 12)
    year, month = instant.year + year, month + 1
    return instant.replace(year=year, month=month, day=min(instant.day, calendar.monthrange(year, month)[1]))


def split_offer(offer_minor: int, total_minor: int) -> tuple[int, int]:
    """How a trade-in's offer is used: so much pays the ticket, so much is paid out (rule 18)."""
    used = min(offer_minor, total_minor)
    return used, offer_minor - used


def margin_vat(price_minor: int, paid_minor: int, rate_bp: int) -> int:
    """The VAT inside a margin: of what a phone sold for above what its seller was paid, and never below nothing."""
    return vat_inside(max(0, price_minor - paid_minor), rate_bp)
