"""What a member of staff may call alone at a counter, in earnest and otherwise, and the cash it must come to.

The judge of the drawer reads nothing of the shop's books: only what was asked and what was answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopnode.domain.permissions import Role
from tests.domain.odd_forms import any_call, twisted
from tests.domain.stories import Counts, Dice, Plan
from tests.domain.story_accounts import ACCOUNT_PLANS, things_going_on
from tests.domain.story_shops import kampala
from tests.domain.story_tickets import Counter

DAY_MS = 86_400_000
BRING_MONEY = frozenset(
    {"accounts.take_payment", "accounts.sell_store_credit", "accounts.receive_unallocated", "plans.pay"}
)
IN_EARNEST: dict[str, Plan] = {
    name: ACCOUNT_PLANS[name]
    for name in ("sell", "pay debt", "take back", "sell credit", "exchange", "find money", "agree", "go on", "buy used",
                 "trade in", "use credit", "place money", "claim", "pay credit out", "give phone back", "undo")
}  # fmt: skip


class Twisted(Exception):
    """An odd form was sent: what the plan would conclude from the answer is void."""


class StaffCounter(Counter):
    """Aisha alone. What is `expected` in the drawer is told by the forms and the answers; None when it is closed."""

    def __init__(self) -> None:
        choices = [("points_per_1000_minor", 20), ("point_worth_minor", 50), ("used_hold_days", 0)]
        super().__init__(kampala(choices))
        self.alone = False
        self.twist: Dice | None = None
        self.odd = Counts()
        things_going_on(self)
        self.expected: int | None = self.told.cash
        self._expected_first = self.told.cash
        self.last: tuple[str, dict[str, Any], str, Any] | None = None
        self.begin_with(self.told)
        self.counts.accepted.clear()
        self.alone = True

    def begin(self) -> None:
        self.expected, self.last = self._expected_first, None

    def act(
        self, action: str, form: Mapping[str, Any] | None = None, /, *, at: int = 0, role: Role = Role.OWNER,
        approver: Role | None = None, action_id: str | None = None, **params: Any,
    ) -> dict[str, Any] | None:  # fmt: skip
        if not self.alone:
            return super().act(action, form, role=role, approver=approver, **params)
        content = {**(form or {}), **params}
        if self.twist is not None:
            content = twisted(content, self.twist, self.books[0])
        action_id = action_id or self.shops[0].home.new_id()
        done = super().act(action, content, role=Role.STAFF, action_id=action_id)
        if done is not None:
            self.expect(action, content, done)
            self.last = (action, content, action_id, done)
        if self.twist is not None:
            raise Twisted
        return done

    def expect(self, action: str, form: dict[str, Any], done: dict[str, Any]) -> None:
        """What the drawer must hold after this."""
        if action == "cash.open_drawer":
            self.expected = int(form["opening_float"])
        elif action == "cash.close_drawer":
            assert done["expected"] == self.expected
            self.expected = None
        elif self.expected is not None:
            change = cash_of(action, form, done)
            limit = 300_000 if action.startswith("usedphones.") else 100_000
            is_within = change >= -limit or action in TO_THE_OWNER
            assert is_within, f"{-change:,} left the drawer, more than staff may give alone"
            self.expected += change


# Leaves the drawer, and stays the shop's: any amount.
TO_THE_OWNER = ("cash.drop_to_safe", "cash.deposit_at_bank")
TAKES_OUT = ("cash.pay_out", *TO_THE_OWNER)


def cash_of(action: str, form: dict[str, Any], done: dict[str, Any]) -> int:
    """The notes that an accepted call brought into the drawer, less those that left it."""
    ticket = form.get("sale", form) if isinstance(form.get("sale"), dict) else form
    tendered = sum(_in_cash(part) for part in ticket.get("payments", ()))
    change = done.get("change", 0)
    if action in ("sales.sell", "returns.exchange", "plans.complete", "plans.open", "usedphones.trade_in"):
        back = sum(_in_cash(part) for part in done.get("paid_back", ()))
        return tendered - change - back - _paid_out(form, done)
    if action in BRING_MONEY:
        return _in_cash(form)
    if action == "cash.pay_in":
        return int(form["amount"])
    if action in TAKES_OUT:
        return -int(form["amount"])
    if action.startswith("repairs.take_in"):
        return sum(_in_cash(part) for part in form.get("deposit") or ())
    if action == "repairs.deliver":
        return tendered - change - (done["given_back"] if form.get("refund_method") == "cash" else 0)
    if action == "returns.take_back":
        return -sum(_in_cash(part) for part in done["paid_back"])
    return -_paid_out(form, done) if action == "usedphones.buy" else 0


def _in_cash(part: Mapping[str, Any]) -> int:
    return int(part["amount"]) if str(part["method"]).strip().lower() == "cash" else 0


def _paid_out(form: dict[str, Any], done: dict[str, Any]) -> int:
    payout = form.get("payout") or {}
    return int(done.get("paid_out", 0)) if _in_cash({"method": payout.get("method", "cash"), "amount": 1}) else 0


def close_or_open(w: StaffCounter, dice: Dice) -> bool:
    """The drawer is counted and closed, or opened with another float."""
    if w.expected is None or dice.once_in(6):
        w.act("cash.open_drawer", opening_float=dice.of([50_000, 0, 20_000]))
    else:
        w.act("cash.close_drawer", counted=w.expected - dice.of([0, 0, 500]))
        w.act("cash.open_drawer", opening_float=dice.of([50_000, 0]))
    return True


def days_go_by(w: StaffCounter, dice: Dice) -> bool:
    w.pass_time(dice.of([1, 8]) * DAY_MS)
    return True


def once_more(w: StaffCounter, dice: Dice) -> bool:
    """A call whose answer was lost is sent again: the same answer, and no money; with other words it is refused."""
    if w.last is None:
        return False
    action, form, action_id, answer = w.last
    expected = w.expected
    other = dice.once_in(2)
    super(StaffCounter, w).act(
        action, {**form, "notes": "other"} if other else form, role=Role.STAFF, action_id=action_id
    )
    assert w.expected == expected and answer is not None
    return True


def in_jest(w: StaffCounter, dice: Dice) -> bool:
    """A form in earnest with one thing odd about it, or any call at all."""
    earnest, w.counts = w.counts, w.odd
    try:
        if dice.once_in(3):
            action, form = any_call(dice, w.books[0])
            w.act(action, form)
        else:
            w.twist = dice
            return dice.of(list(IN_EARNEST.values()))(w, dice)
    except Twisted:
        pass
    finally:
        w.counts, w.twist = earnest, None
    return True


STAFF_PLANS: dict[str, Plan] = {
    **IN_EARNEST, "in jest": in_jest, "close or open": close_or_open, "in jest too": in_jest, "once more": once_more,
    "days go by": days_go_by, "and in jest": in_jest,
}  # fmt: skip
