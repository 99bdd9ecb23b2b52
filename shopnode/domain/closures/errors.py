"""What a day's closure refuses, in words a shop can act on."""

from __future__ import annotations

from datetime import date

from shopnode.domain.closures.models import ClosureStatus
from shopnode.domain.errors import Conflict


class DrawersOpen(Conflict):
    code = "drawers-open"

    def __init__(self, day: date, count: int):
        drawers = "A drawer is" if count == 1 else f"{count} drawers are"
        super().__init__(f"{drawers} still open on {day}. Count and close before the day is submitted.")


class NothingToClose(Conflict):
    code = "nothing-to-close"

    def __init__(self, day: date):
        super().__init__(f"No drawer of {day} was counted here since the last closure of that day.")


class DayStands(Conflict):
    code = "day-submitted"

    def __init__(self, day: date, status: ClosureStatus):
        super().__init__(f"{day} is {status.lower()} already, with all that was counted.")


class DayNotSo(Conflict):
    code = "closure-not-so"

    def __init__(self, day: date, status: ClosureStatus):
        super().__init__(f"The closure of {day} is {status.lower()}; this cannot follow.")


class DayCorrected(Conflict):
    code = "closure-corrected"

    def __init__(self, day: date):
        super().__init__(f"A later closure of {day} took this one's place. Decide about that one.")


class ReportsMissing(Conflict):
    """A day was submitted in its shop, and what it is made of has not reached this home yet."""

    code = "closure-incomplete"

    def __init__(self, day: date, numbers: list[str]):
        super().__init__(f"{', '.join(numbers)} of {day} has not arrived here yet. Approve the day when it has.")


class LateReports(Conflict):
    code = "closure-late"

    def __init__(self, day: date, numbers: list[str]):
        super().__init__(f"{', '.join(numbers)} came after {day} was submitted. Submit the day again first.")


class DifferenceWaits(Conflict):
    code = "difference-waits"

    def __init__(self, number: str):
        super().__init__(
            f"The drawer of {number} is off by more than the limit. Somebody must explain and accept it first."
        )
