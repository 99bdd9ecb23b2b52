"""Why a sale was refused, in words a cashier can act on."""

from __future__ import annotations

from shopnode.domain.errors import Conflict
from shopnode.domain.handsets.models import UnitStatus

NOT_AVAILABLE = {
    UnitStatus.EXPECTED.value: "it has not arrived from its supplier yet. Receive it first.",
    UnitStatus.RESERVED.value: "it is reserved for a customer. Sell it through their plan, or release it first.",
    UnitStatus.SOLD.value: "it has already been sold.",
    UnitStatus.INSPECT.value: "it came back and has not been inspected yet.",
    UnitStatus.BENCH.value: "it is on the bench. Put it back in stock when it is ready.",
    UnitStatus.SUPPLIER.value: "it is with its supplier.",
    UnitStatus.LENT.value: "it is lent out. Take it back first.",
    UnitStatus.MISSING.value: "it is reported missing. Say that it was found first.",
    UnitStatus.SCRAPPED.value: "it was scrapped.",
    UnitStatus.SENT.value: "it was sent to another shop.",
}


class SaleLocked(Conflict):
    code = "sale-locked"

    def __init__(self, number: str):
        super().__init__(f"Sale {number} is locked. Its figures are final; the owner can reverse it.")


class SaleUndone(Conflict):
    code = "sale-undone"

    def __init__(self, number: str, status: str):
        super().__init__(f"Sale {number} is already {status.lower()}; nothing more can be changed.")


class PartlyReturned(Conflict):
    """Goods of the sale came back: what holds of it is told by the return, too."""

    code = "partly-returned"

    def __init__(self, number: str, return_number: str):
        super().__init__(
            f"Goods of sale {number} came back on {return_number}, so it is no longer changed or undone as a whole. "
            "Take back what is left of it instead."
        )


class PaidOtherwise(Conflict):
    """Part of the money is in another area's books, which say what it stands for."""

    code = "paid-otherwise"

    def __init__(self, number: str, tender: str):
        super().__init__(
            f"Sale {number} was partly paid by “{tender}”, so its money, its goods and its customer stay as they are. "
            "Reverse it and sell again."
        )


class UnitNotForSale(Conflict):
    code = "unit-not-for-sale"

    def __init__(self, number: str, why: str):
        super().__init__(f"The phone {number} cannot be sold: {why}")


class ReferenceUsed(Conflict):
    code = "reference-used"

    def __init__(self, network: str, number: str):
        super().__init__(f"This {network} transaction was already used for {number}. Ask for the right one.")


class NotYourSale(Conflict):
    code = "wrong-shop"

    def __init__(self) -> None:
        super().__init__("This sale was made in another shop; only that shop can change it.")


class UnitCameBack(Conflict):
    code = "unit-came-back"

    def __init__(self, number: str):
        super().__init__(
            f"The phone {number} has come back into stock since this sale, so it cannot be put back twice. "
            "Write it off there first, or leave this sale as it is."
        )
