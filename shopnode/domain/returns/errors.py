"""Why goods were not taken back, in words a cashier can act on."""

from __future__ import annotations

from shopnode.domain.errors import Conflict


class WrongPhone(Conflict):
    """What was scanned is not what was sold (rule 51)."""

    code = "wrong-phone"

    def __init__(self, scanned: str, number: str):
        super().__init__(
            f"The phone {scanned} was not sold on {number}. Scan the phone that came back, or look up its own receipt."
        )


class NothingLeft(Conflict):
    code = "nothing-left"

    def __init__(self, name: str, left: int):
        left_words = "Nothing" if left <= 0 else f"Only {left}"
        super().__init__(f"{left_words} of “{name}” can still come back on this receipt.")


class NoSuchReceipt(Conflict):
    code = "no-receipt"

    def __init__(self) -> None:
        super().__init__("Without a receipt goods come back by their IMEI. Scan the phone, or find the sale.")


class NoWarranty(Conflict):
    code = "no-warranty"

    def __init__(self, name: str):
        super().__init__(f"“{name}” was sold without a warranty.")
