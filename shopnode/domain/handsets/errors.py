"""What cannot be done with a phone, in words for the counter."""

from __future__ import annotations

from datetime import datetime

from shopnode.domain.errors import Conflict
from shopnode.domain.handsets.models import UnitStatus

# How a phone's state is said in a sentence: "a phone that is …".
STATUS_WORDS = {
    UnitStatus.EXPECTED.value: "expected from its supplier",
    UnitStatus.IN_STOCK.value: "in stock",
    UnitStatus.RESERVED.value: "reserved",
    UnitStatus.SOLD.value: "sold",
    UnitStatus.INSPECT.value: "waiting for inspection",
    UnitStatus.BENCH.value: "on the bench",
    UnitStatus.SUPPLIER.value: "with its supplier",
    UnitStatus.LENT.value: "lent",
    UnitStatus.MISSING.value: "missing",
    UnitStatus.SCRAPPED.value: "written off",
    UnitStatus.SENT.value: "sent to another shop",
}


class AlreadyInStock(Conflict):
    code = "already-in-stock"

    def __init__(self, number: str, product: str, status: str = UnitStatus.IN_STOCK.value):
        where = "already in stock" if status == UnitStatus.IN_STOCK else "already here"
        more = "" if status == UnitStatus.IN_STOCK else f", {STATUS_WORDS[status]}"
        super().__init__(f"The phone {number} is {where} as “{product}”{more}.")


class NotInStock(Conflict):
    code = "not-in-stock"

    def __init__(self, status: str):
        super().__init__(f"This cannot be done with a phone that is {STATUS_WORDS[status]}.")


class HeldBack(Conflict):
    """Bought used and held back for a while (rule 19): its owner may still come for it."""

    code = "held-back"

    def __init__(self, number: str, until: datetime):
        super().__init__(f"The phone {number} was bought used and is held until {until:%d %b %Y}.")


class HeldForPlan(Conflict):
    """A phone that an agreement with a customer keeps: only the end of the agreement lets it go."""

    code = "held-for-plan"

    def __init__(self, number: str):
        super().__init__(f"The phone {number} is kept for a customer's plan. End or change the plan instead.")
