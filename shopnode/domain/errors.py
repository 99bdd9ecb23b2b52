"""One family of refusals. The family says the kind, the leaf says the words a cashier can act on."""

from __future__ import annotations

from collections.abc import Mapping


class ShopError(Exception):
    """A refused operation. `code` is stable for machines; str() is for people."""

    code = "refused"
    status = 422

    @property
    def details(self) -> dict[str, object]:
        """More members for the problem document; never a value the person typed."""
        return {}


class Invalid(ShopError):
    """What was sent is not of the right form. `fields` names every wrong field in words."""

    code = "invalid"

    def __init__(self, fields: Mapping[str, str], message: str | None = None):
        self.fields = dict(fields)
        super().__init__(message or " ".join(f"{name or 'Request'}: {text}" for name, text in self.fields.items()))

    @property
    def details(self) -> dict[str, object]:
        return {"fields": self.fields}


class NotSignedIn(ShopError):
    code, status = "not-signed-in", 401

    def __init__(self, message: str = "Sign in to continue."):
        super().__init__(message)


class NotPermitted(ShopError):
    code, status = "not-permitted", 403

    def __init__(self, message: str = "Your role does not allow this. Ask a supervisor or the owner."):
        super().__init__(message)


class WrongPlace(NotPermitted):
    """An action of one shop's books, tried somewhere else."""

    code = "wrong-place"

    def __init__(self, action: str):
        super().__init__(f"“{action}” can only be done in the shop whose books it changes.")


class NotFound(ShopError):
    code, status = "not-found", 404

    def __init__(self, what: str = "This record"):
        super().__init__(f"{what} was not found. It may belong to another shop.")


class Conflict(ShopError):
    """The world moved: somebody already did something incompatible."""

    code, status = "conflict", 409


class ReusedActionId(Conflict):
    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__("This request carries the key of an earlier, different one. Start again from a fresh screen.")


class ApprovalNeeded(ShopError):
    """Above this person's limit: a second person must enter their own PIN, now. Told is all that is objected to."""

    code, status = "approval-needed", 403

    def __init__(self, reason: str, *more: str):
        self.reasons = (reason, *more)
        super().__init__(f"{self.reason} A supervisor or the owner must approve with their own PIN.")

    @property
    def reason(self) -> str:
        return " ".join(self.reasons)

    @property
    def details(self) -> dict[str, object]:
        return {"reason": self.reason, "reasons": list(self.reasons)}


class TooManyTries(ShopError):
    code, status = "too-many-tries", 429

    def __init__(self, wait_s: int):
        self.wait_s = wait_s
        super().__init__(f"Too many wrong tries. Wait {max(1, (wait_s + 59) // 60)} minutes, then try again.")

    @property
    def details(self) -> dict[str, object]:
        return {"retry_after_ms": self.wait_s * 1000}


class Busy(ShopError):
    """The writer could not be had in time; nothing was changed."""

    code, status = "busy", 503

    def __init__(self) -> None:
        super().__init__("The shop's computer is busy. Nothing was changed. Try again in a moment.")
