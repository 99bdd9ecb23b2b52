"""What the drawer refuses, in words a cashier can act on."""

from __future__ import annotations

from shopnode.domain.errors import ApprovalNeeded, Conflict


class DrawerAlreadyOpen(Conflict):
    code = "drawer-open"

    def __init__(self, words: str = "The drawer is already open. Close it before opening it again.") -> None:
        super().__init__(words)


class DrawerForgotten(DrawerAlreadyOpen):
    """Open for longer than anybody works: whoever left it, or a supervisor, closes it first (rule 85)."""

    code = "drawer-forgotten"

    def __init__(self, who: str, since: str) -> None:
        super().__init__(
            f"The drawer is still open since {since}, by {who}. Count it and close it, or have a supervisor take it "
            "over, before it is opened again."
        )


class DrawerClosed(Conflict):
    code = "drawer-closed"

    def __init__(self) -> None:
        super().__init__("The drawer is closed. Count the float and open it first.")


class TakerNeeded(ApprovalNeeded):
    """Who is handed the drawer takes it with their own PIN: nobody is given what they did not count."""

    def __init__(self, who: str) -> None:
        super().__init__("The drawer goes to somebody else.")
        self.args = (f"{who} takes the drawer with their own PIN.",)


class DifferenceSettled(Conflict):
    """A difference that nobody needs to accept any more."""

    code = "difference-settled"

    def __init__(self) -> None:
        super().__init__("The difference of this drawer was accepted already.")


class NotClosedYet(Conflict):
    code = "drawer-not-closed"

    def __init__(self) -> None:
        super().__init__("This drawer is still open. Count it and close it first.")
